import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { importLog, measureImport } from "../../workloads/trace/import.ts";
import { scanTrace } from "../../workloads/trace/scan.ts";
import { scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();

const log = [
  "==12== Lackey, an example Valgrind tool",
  "==12== Command: sort -n words.txt",
  "I  04016b80,3",
  "I  04016b83,5",
  " S 1ffeff7f98,8",
  " L 1ffeff7f98,8",
  "",
  " L 1ffeff7f90,4",
  " M 04017ffc,8",
  "I  ffffffffff600000,1",
  " S 0,1",
  "==12== Exit code: 0",
].join("\n");

describe("an import", () => {
  const plain = join(directory, "a.log");
  const zipped = join(directory, "b.log.gz");
  const output = join(directory, "out.tvtrace");
  writeFileSync(plain, log);
  writeFileSync(zipped, gzipSync(log));
  const leftovers = () => readdirSync(directory).filter((name) => name.endsWith(".tmp"));

  it.each([plain, zipped])("of %s says what it found", async (source) => {
    const result = await importLog(source, output, undefined, undefined, { force: true });
    const counts = { accesses: 9, runs: 7, pages: 6, skippedLines: 4, splitAccesses: 1 };
    expect(result).toMatchObject({ ...counts, textBytes: log.length, kinds: [2, 2, 3, 2] });
    const scan = scanTrace(output, "compact");
    expect(scan).toMatchObject({ runs: 7, accesses: 9, pages: 6, skippedLines: 4 });
    expect(scan.command).toBe("sort -n words.txt");
    expect(scan.fileBytes).toBe(result.outputBytes);
    expect(leftovers()).toEqual([]);
  });

  it("of plain and zipped logs gives the same digest", async () => {
    const [a, b] = [await importLog(plain, undefined), await importLog(zipped, undefined)];
    expect(a.digest).toBe(b.digest);
  });

  it("writes nothing when it fails", async () => {
    const empty = join(directory, "no.log");
    writeFileSync(empty, "nothing here\n");
    const cut = join(directory, "cut.log.gz");
    const whole = gzipSync(Buffer.from(log.repeat(2000)));
    writeFileSync(cut, whole.subarray(0, whole.length - 20));
    const target = join(directory, "never.tvtrace");
    for (const source of [empty, cut, join(directory, "missing"), directory]) {
      await expect(importLog(source, target)).rejects.toBeInstanceOf(UserError);
    }
    await expect(importLog(plain, plain)).rejects.toBeInstanceOf(UserError);
    await expect(importLog(plain, directory)).rejects.toBeInstanceOf(UserError);
    await expect(importLog(plain, join(directory, "no", "x"))).rejects.toBeInstanceOf(UserError);
    const signal = AbortSignal.abort();
    await expect(importLog(plain, target, undefined, signal)).rejects.toThrow("interrupted");
    expect(existsSync(target)).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  it("never harms when gzip data is damaged", async () => {
    const whole = gzipSync(log);
    for (let at = 2; at < whole.length; at += 3) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x55;
      const source = join(directory, "damaged.gz");
      writeFileSync(source, damaged);
      const result = await importLog(source, undefined).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(UserError);
      else expect(result).toMatchObject({ accesses: 9 });
    }
  });

  it("can be measured with the caller's clock", async () => {
    let time = 0;
    const speed = await measureImport(plain, () => (time += 500));
    expect(speed).toEqual({
      seconds: 0.5,
      megabytesPerSecond: log.length / 1e6 / 0.5,
      accessesPerSecond: 18,
    });
  });

  /** A log of accesses alone in which some lines are none. */
  const withForeign = (lines: number, foreign: number) => {
    const file = join(directory, `foreign-${lines}-${foreign}.log`);
    const text = Array.from({ length: lines }, (_, i) =>
      i < foreign ? "hello\x1b[2J" : " S 1000,1",
    );
    writeFileSync(file, `${text.join("\n")}\n`);
    return file;
  };

  it("fails when it understood less than 99.9 % of the lines, unless that is allowed", async () => {
    expect(await importLog(withForeign(2000, 2), undefined)).toMatchObject({
      accesses: 1998,
      understood: { accessLines: 1998, otherLines: 0, unknownLines: 2, firstUnknown: { line: 1 } },
    });
    const bad = withForeign(2000, 3);
    await expect(importLog(bad, undefined)).rejects.toThrow(
      /^\S+: 3 of 2000 lines not understood, the first is line 1, "hello.*" \(format lackey\); more than 0.1 %/,
    );
    const lenient = { lenient: true };
    const result = await importLog(bad, undefined, undefined, undefined, lenient);
    expect(result.accesses).toBe(1997);
  });

  it.each([
    ["nothing", "", "is empty"],
    [
      "text of no format",
      "hello\n",
      "in no known format; formats, for --format: lackey, pinatrace",
    ],
    ["a trace", "TVTRACE\0", "is a trace already"],
    ["a zip archive", "PK\x03\x04....", "is a zip archive"],
    ["UTF-16", "\xff\xfeI\0 \0", "is text in UTF-16"],
    ["perf's data", "PERFILE2....", "is perf's data; give its text: perf script |"],
    ["accesses that are of nobody", " L ffffffffffffffff,8\n", "1 of 1 lines not understood"],
  ])("of %s is refused, with what to do", async (_name, bytes, message) => {
    const file = join(directory, "refused.log");
    writeFileSync(file, Buffer.from(bytes, "latin1"));
    await expect(importLog(file, undefined)).rejects.toThrow(message);
  });

  it("takes a format by name, and says the nearest of one that is not", async () => {
    const named = (format: string) => importLog(plain, undefined, undefined, undefined, { format });
    expect((await named("lackey")).accesses).toBe(9);
    await expect(named("lackeys")).rejects.toThrow(
      'no format is called "lackeys"; did you mean "lackey"?',
    );
  });

  it("begins behind a byte order mark", async () => {
    const file = join(directory, "mark.log");
    writeFileSync(file, `\ufeff${log}`);
    const result = await importLog(file, undefined);
    expect(result.understood.unknownLines).toBe(0);
    expect(result.accesses).toBe(9);
  });
});
