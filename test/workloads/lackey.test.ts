import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { importLog, measureImport } from "../../workloads/trace/import.ts";
import { LackeyParser } from "../../workloads/trace/lackey.ts";
import { scanTrace } from "../../workloads/trace/scan.ts";
import { type Run, scratchDirectory } from "./traceHelpers.ts";

const [READ, WRITE, FETCH, MODIFY] = [0, 1, 2, 3];
const directory = scratchDirectory();

const log = [
  "==12== Lackey, an example Valgrind tool",
  "==12== Command: sort -n words.txt",
  "I  04016b80,3",
  "I  04016b83,5",
  " S 1ffeff7f98,8",
  " L 1ffeff7f98,8",
  "output of the program",
  " L 1ffeff7f90,4",
  " M 04017ffc,8",
  "I  ffffffffff600000,1",
  " S 0,1",
  "I  04016b80,3 trailing",
  " L 04016b80",
  "",
  "==12== Exit code: 0",
].join("\n");

const expected: readonly Run[] = [
  { page: 0x4016, kind: FETCH!, length: 2 },
  { page: 0x1ffeff7, kind: WRITE!, length: 1 },
  { page: 0x1ffeff7, kind: READ!, length: 2 },
  { page: 0x4017, kind: MODIFY!, length: 1 },
  { page: 0x4018, kind: MODIFY!, length: 1 },
  { page: 0xffffffffff600, kind: FETCH!, length: 1 },
  { page: 0, kind: WRITE!, length: 1 },
];

function parse(chunks: readonly Buffer[]): { runs: Run[]; parser: LackeyParser } {
  const runs: Run[] = [];
  const parser = new LackeyParser({
    run: (page, kind, length) => runs.push({ page, kind, length }),
  });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { runs, parser };
}
const parseText = (text: string) => parse([Buffer.from(text, "latin1")]);

describe("the lackey parser", () => {
  it("reads every kind, merges runs, splits at page boundaries, counts what it skips", () => {
    const { runs, parser } = parseText(log);
    expect(runs).toEqual(expected);
    expect(parser).toMatchObject({
      accessLines: 8,
      skippedLines: 7,
      splitAccesses: 1,
      command: "sort -n words.txt",
    });
  });

  it("reads the same in two pieces cut at any byte, and byte by byte", () => {
    const bytes = Buffer.from(log);
    const same = (chunks: readonly Buffer[]) => {
      const { runs, parser } = parse(chunks);
      expect(runs).toEqual(expected);
      expect(parser.skippedLines).toBe(7);
      expect(parser.command).toBe("sort -n words.txt");
    };
    for (let cut = 0; cut <= bytes.length; cut++) {
      same([bytes.subarray(0, cut), bytes.subarray(cut)]);
    }
    same([...bytes.keys()].map((i) => bytes.subarray(i, i + 1)));
  });

  it.each([
    "I 04016b80,3",
    "I   04016b80,3",
    "I  ,3",
    "I  04016b80,",
    "I  04016b80,0",
    "I  04016b80,12345",
    "I  04016b80;3",
    "I  0401xb80,3",
    "I  11112222333344445,3",
    "I  04016b80,3x",
    "I  04016b80,-3",
    "L  04016b80,3",
    " X 04016b80,3",
    " S04016b80,3",
    " I 04016b80,3",
    "I  fffffffffffffffc,8",
    "I",
    " ",
    "",
  ])("skips %j", (line) => {
    const { runs, parser } = parseText(`${line}\n S 5000,1\n`);
    expect(runs).toEqual([{ page: 5, kind: WRITE, length: 1 }]);
    expect(parser.skippedLines).toBe(1);
  });

  it("reads lines that end in CR LF, upper case, and a last line without an end", () => {
    const { runs } = parseText(" L 00001000,4\r\n S 0000A000,8\n M 2000,1");
    expect(runs).toEqual([
      { page: 1, kind: READ, length: 1 },
      { page: 10, kind: WRITE, length: 1 },
      { page: 2, kind: MODIFY, length: 1 },
    ]);
  });

  it("splits exactly at the boundary", () => {
    const pages = (line: string) => parseText(`${line}\n`).runs.map((run) => run.page);
    expect(pages(" L 1ff8,8")).toEqual([1]);
    expect(pages(" L 1ff9,8")).toEqual([1, 2]);
    expect(pages(" L 1fff,1")).toEqual([1]);
    expect(pages(" L 1fff,4098")).toEqual([1, 2, 3]);
  });

  it("skips a line of any length in no memory, in pieces or whole", () => {
    const long = Buffer.alloc(100_000, " L 1000,4");
    const end = Buffer.from("\n S 5000,1\n");
    for (const chunks of [[long, long, end], [Buffer.concat([long, end])]]) {
      const { runs, parser } = parse(chunks);
      expect(runs).toEqual([{ page: 5, kind: WRITE, length: 1 }]);
      expect(parser.skippedLines).toBe(1);
    }
  });

  it("agrees with a simple reader on any damaged text, cut anywhere", () => {
    const simple = (text: string) => {
      const lines = text.split("\n");
      if (lines.at(-1) === "") lines.pop();
      const pages: string[] = [];
      for (const line of lines) {
        const match = /^(I | [LSM]) ([0-9a-fA-F]{1,16}),(\d{1,4})\r?$/.exec(line);
        if (match === null || Number(match[3]) === 0) continue;
        const address = BigInt(`0x${match[2]}`);
        const last = (address + BigInt(match[3]!) - 1n) >> 12n;
        if (last >= 1n << 52n) continue;
        for (let page = address >> 12n; page <= last; page++) {
          pages.push(`${match[1]!.trim()}${page}`);
        }
      }
      return pages;
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(log.length - 1), fc.constantFrom(..." \n\rILSM,0f9=x")), {
          maxLength: 12,
        }),
        fc.nat(log.length),
        (changes, cut) => {
          const characters = [...log];
          for (const [at, character] of changes) characters[at] = character;
          const bytes = Buffer.from(characters.join(""));
          const { runs } = parse([bytes.subarray(0, cut), bytes.subarray(cut)]);
          const accesses = runs.flatMap(({ page, kind, length }) =>
            Array<string>(length).fill(`${"LSIM"[kind]}${page}`),
          );
          expect(accesses).toEqual(simple(characters.join("")));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("an import", () => {
  const plain = join(directory, "a.log");
  const zipped = join(directory, "b.log.gz");
  const output = join(directory, "out.tvtrace");
  writeFileSync(plain, log);
  writeFileSync(zipped, gzipSync(log));
  const leftovers = () => readdirSync(directory).filter((name) => name.endsWith(".tmp"));

  it.each([plain, zipped])("of %s says what it found", async (source) => {
    const result = await importLog(source, output, undefined, undefined, { force: true });
    const counts = { accesses: 9, runs: 7, pages: 6, skippedLines: 7, splitAccesses: 1 };
    expect(result).toMatchObject({ ...counts, textBytes: log.length, kinds: [2, 2, 3, 2] });
    const scan = scanTrace(output, "compact");
    expect(scan).toMatchObject({ runs: 7, accesses: 9, pages: 6, skippedLines: 7 });
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
});
