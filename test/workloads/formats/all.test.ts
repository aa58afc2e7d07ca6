/** Each format is recognised by what it is, and by nothing else; whatever comes, none ends in a stack. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { FORMATS } from "../../../workloads/trace/formats/all.ts";
import { recognise } from "../../../workloads/trace/recognise.ts";
import { readLog } from "./reading.ts";

const champsim = Buffer.alloc(64);
champsim.writeBigUInt64LE(0x401000n, 0);
champsim.writeBigUInt64LE(0x7ffd12342000n, 16);

/** A small log of each. */
const SAMPLES: Readonly<Record<string, Buffer>> = {
  lackey: Buffer.from("==7== Command: ls\nI  04000000,3\n L 1ffe80,8\n S 04222ffe,8\n"),
  pinatrace: Buffer.from("0x401000: R 0x7ffd12342000\n0x401004: W 0x7ffd12342008\n#eof\n"),
  champsim,
  drmemtrace: Buffer.from(
    "1 1: 7 ifetch 3 byte(s) @ 0x00401000 non-branch\n2 1: 7 read 8 byte(s) @ 0x1000 by PC 0x1\n",
  ),
  execlog: Buffer.from('0, 0x401000, 0x90, "nop"\n0, 0x401001, 0x8b, "mov", load, 0x1000, RAM\n'),
  "execlog-user": Buffer.from('0, 0x401001, 0x8b, "mov", load, 0x1000\n'),
  "kvm-ftrace": Buffer.from(" a-7 [001] 1.5: kvm_page_fault: address 1000 error_code 182\n"),
  "perf-script": Buffer.from("a 7/7 1.000001: page-faults: 557a58ecf1e0\n"),
  tvplugin: readFileSync(join(import.meta.dirname, "..", "guests", "qemu", "known.tvq")),
};
/** Whose records have no length of their own. */
const UNCOUNTED = new Set(["tvplugin"]);

describe("the table of formats", () => {
  it("has each name once, and a sample of each here", () => {
    expect(FORMATS.map(({ name }) => name)).toEqual(Object.keys(SAMPLES));
  });

  it.each(Object.entries(SAMPLES))("%s is recognised by its content alone", (name, sample) => {
    expect(recognise(sample).name).toBe(name);
    const others = FORMATS.filter((format) => format.name !== name);
    expect(others.map((format) => format.recognise(sample))).toEqual(others.map(() => 0));
  });

  it.each(FORMATS)(
    "$name: any bytes, cut anywhere, are read or not understood, all counted",
    (format) => {
      const sample = Buffer.concat([SAMPLES[format.name]!, SAMPLES[format.name]!]);
      const change = fc.tuple(fc.nat(sample.length - 1), fc.integer({ min: 0, max: 255 }));
      fc.assert(
        fc.property(
          fc.array(change, { maxLength: 8 }),
          fc.uint8Array({ maxLength: 80 }),
          fc.nat(300),
          (changes, more, cut) => {
            const bytes = Buffer.concat([sample, more]);
            for (const [at, byte] of changes) bytes[at] = byte;
            const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
            try {
              const { understood } = readLog(format, chunks, "all");
              const lines =
                understood.accessLines + understood.otherLines + understood.unknownLines;
              const ends = bytes.filter((byte) => byte === 10).length;
              if (understood.unit === "line")
                expect(lines).toBe(ends + (bytes.at(-1) === 10 ? 0 : 1));
              else if (!UNCOUNTED.has(format.name)) {
                expect(lines).toBe(Math.ceil(bytes.length / 64));
              }
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
              expect(error.message).not.toContain("\n");
            }
          },
        ),
        { numRuns: 300 },
      );
    },
  );

  it.each(FORMATS)("$name: a line without an end costs no more than its length", (format) => {
    const sample = SAMPLES[format.name]!.toString("latin1").trimEnd();
    const line = Buffer.from(
      sample + sample.slice(-1).repeat(1 << 20) + " 0x".repeat(1 << 19),
      "latin1",
    );
    const chunks = Array.from({ length: 32 }, (_, i) => line.subarray(i << 16, (i + 1) << 16));
    expect(readLog(format, chunks, "all").understood.unknownLines).toBeGreaterThan(0);
    expect(
      readLog(format, [Buffer.concat([line, Buffer.from("\n")])], "all").understood.unknownLines,
    ).toBeGreaterThan(0);
    expect(format.recognise(line.subarray(0, 1 << 16))).toBeLessThanOrEqual(2000);
  });
});
