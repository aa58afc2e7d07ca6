/** Compressed logs are what they are plain; whatever is wrong with them ends in one line. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { importLog } from "../../workloads/trace/import.ts";
import { scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const log = Array.from({ length: 20_000 }, (_, i) => ` S ${(i * 777).toString(16)},8\n`).join("");

/** Program, options that compress, ending, package that has it. */
const kinds = [
  ["gzip", ["-c"], "gz", "gzip"],
  ["xz", ["-c", "-0"], "xz", "xz-utils"],
  ["zstd", ["-c", "-q"], "zst", "zstd"],
  ["bzip2", ["-c"], "bz2", "bzip2"],
] as const;
const withoutProgram = (program: string) =>
  program === "gzip" || (program === "zstd" && "createZstdDecompress" in zlib);

describe.each(kinds)("%s", (program, options, ending, from) => {
  const made = spawnSync(program, options, { input: log, maxBuffer: 1 << 24 });
  const path = join(directory, `a.log.${ending}`);
  if (made.status === 0) writeFileSync(path, made.stdout);

  it.skipIf(made.status !== 0)("gives the accesses of the plain log", async () => {
    const plain = join(directory, "a.log");
    writeFileSync(plain, log);
    const [a, b] = [await importLog(plain, undefined), await importLog(path, undefined)];
    expect(b.digest).toBe(a.digest);
    expect(b.textBytes).toBe(log.length);
  });

  it.skipIf(made.status !== 0)(
    "cut off or damaged is refused, and nothing is written",
    async () => {
      const damaged = Buffer.from(made.stdout);
      damaged.fill(0x55, damaged.length >> 1, (damaged.length >> 1) + 40);
      const output = join(directory, "never.tvtrace");
      for (const bytes of [made.stdout.subarray(0, made.stdout.length - 30), damaged]) {
        writeFileSync(path, bytes);
        const error: unknown = await importLog(path, output).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(UserError);
        // bzip2 hands on a block before it knows that it is damaged: then it is of no format.
        expect(String(error)).toMatch(
          /data is damaged \(.+\); to import what can|in no known format/,
        );
        expect(String(error)).not.toContain("\n");
        expect(existsSync(output)).toBe(false);
      }
      writeFileSync(path, made.stdout);
    },
  );

  it.skipIf(made.status !== 0 || withoutProgram(program))(
    "names what to install when its program is missing",
    async () => {
      const { PATH } = process.env;
      process.env["PATH"] = directory;
      try {
        await expect(importLog(path, undefined)).rejects.toThrow(
          `is compressed with ${program}, and there is no program ${program}: install ${from}`,
        );
      } finally {
        process.env["PATH"] = PATH;
      }
    },
  );
});

describe("a log that is compressed", () => {
  it("and endless ends when it goes on without an access", async () => {
    // 300 MB of one line, as 300 members of 1 MB.
    const member = zlib.gzipSync(Buffer.alloc(1e6, "x"));
    const bomb = Buffer.concat(Array.from({ length: 300 }, () => member));
    const path = join(directory, "bomb.gz");
    writeFileSync(path, Buffer.concat([zlib.gzipSync(" S 1000,8\n"), bomb]));
    await expect(importLog(path, undefined)).rejects.toThrow("256 MiB without a memory access");
  });

  it("can be interrupted while a program decompresses it", async () => {
    const path = join(directory, "a.log.bz2");
    if (!existsSync(path)) return;
    const controller = new AbortController();
    const done = importLog(path, undefined, () => controller.abort(), controller.signal);
    await expect(done).rejects.toThrow(/^interrupted/);
  });
});
