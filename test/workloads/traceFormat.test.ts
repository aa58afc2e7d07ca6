import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import {
  decodeTotals,
  encodeFrame,
  encodeHeader,
  encodePreamble,
  encodeTotals,
  FRAME_BYTES,
  FrameType,
  PREAMBLE_BYTES,
  RUN_LENGTH_MAX,
} from "../../workloads/trace/format.ts";
import { encodeText } from "../../workloads/trace/printed.ts";
import { scanTrace } from "../../workloads/trace/scan.ts";
import { TraceWriter } from "../../workloads/trace/writer.ts";
import { decodeTrace, encodeTrace, type Run, scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const path = join(directory, "t.tvtrace");

const anyRun: fc.Arbitrary<Run> = fc.record({
  page: fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 2 ** 52 - 1 }),
    fc.constantFrom(0, 2 ** 52 - 1, 2 ** 31, 2 ** 32),
  ),
  kind: fc.integer({ min: 0, max: 3 }),
  length: fc.oneof(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: RUN_LENGTH_MAX }),
    fc.constant(RUN_LENGTH_MAX),
  ),
});

/** A small trace of several blocks, and how many runs each prefix of whole blocks has. */
const smallRuns: readonly Run[] = [...Array(14).keys()].map((i) => ({
  page: (i * 2 ** 45 + i * i) % 2 ** 52,
  kind: i & 3,
  length: 1 + (i % 3) * 200,
}));
const small = encodeTrace(smallRuns, 4);

/** First byte of each block of a sound trace. */
function blockStarts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = PREAMBLE_BYTES; at < bytes.length; ) {
    starts.push(at);
    at += FRAME_BYTES + bytes.readUInt32LE(at + 8);
  }
  return starts;
}

describe("a trace file", () => {
  it("gives back any runs, in blocks of any size", () => {
    fc.assert(
      fc.property(
        fc.array(anyRun, { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 50 }),
        (runs, runsPerBlock) => {
          const decoded = decodeTrace(path, encodeTrace(runs, runsPerBlock));
          expect(decoded.damage).toBeUndefined();
          expect(decoded.complete).toBe(true);
          expect(decoded.runs).toEqual(runs);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("counts what it holds", () => {
    decodeTrace(path, small);
    const scan = scanTrace(path, "regions");
    const sum = (kind: number) =>
      smallRuns.reduce((total, run) => total + (run.kind === kind ? run.length : 0), 0);
    expect(scan.kinds).toEqual([0, 1, 2, 3].map(sum));
    expect(scan.pages).toBe(new Set(smallRuns.map((run) => run.page)).size);
    const regions = new Set(smallRuns.map((run) => Math.floor(run.page / 2 ** 18)));
    expect(scan.linearPages).toBe(regions.size * 2 ** 18);
    expect(scan).toMatchObject({ command: "test", blocks: 4, runs: 14, damage: undefined });
  });

  it("has the same digest for the same accesses only", () => {
    const digest = (runs: readonly Run[]) => {
      decodeTrace(path, encodeTrace(runs));
      return scanTrace(path, "compact").digest;
    };
    expect(digest(smallRuns)).toBe(digest(smallRuns));
    expect(digest(smallRuns)).not.toBe(digest(smallRuns.slice(1)));
  });
});

describe("damage", () => {
  const starts = blockStarts(small);
  /** Runs in the blocks that end at or before this byte. */
  const soundRuns = (byte: number) => {
    const block = starts.findLastIndex((start) => start <= byte);
    return Math.min(14, Math.max(0, (block - 1) * 4));
  };

  it("of any one byte, in any way, is noticed, and everything before it is read", () => {
    for (let at = 0; at < small.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(small);
        damaged[at]! ^= flip;
        if (at < PREAMBLE_BYTES) {
          expect(() => decodeTrace(path, damaged)).toThrow(UserError);
          continue;
        }
        const decoded = decodeTrace(path, damaged);
        const block = starts.findLastIndex((start) => start <= at);
        expect(decoded.complete, `byte ${at}`).toBe(false);
        expect(decoded.damage).toMatchObject({ block, offset: starts[block] });
        expect(decoded.runs).toEqual(smallRuns.slice(0, soundRuns(at)));
      }
    }
  });

  it("by cutting off at any byte is noticed, and everything before it is read", () => {
    for (let length = 0; length < small.length; length++) {
      const cut = small.subarray(0, length);
      if (length < PREAMBLE_BYTES) {
        expect(() => decodeTrace(path, cut)).toThrow(UserError);
        continue;
      }
      const decoded = decodeTrace(path, cut);
      expect(decoded.complete).toBe(false);
      expect(decoded.damage).toBeDefined();
      expect(decoded.runs).toEqual(smallRuns.slice(0, soundRuns(length)));
    }
  });

  it("by a block that is missing, repeated or added is noticed", () => {
    const [head, first, second, third] = starts;
    const whole = small.subarray(0, second);
    const missing = Buffer.concat([small.subarray(0, first), small.subarray(second)]);
    const repeated = Buffer.concat([whole, small.subarray(first, second), small.subarray(second)]);
    const swapped = Buffer.concat([
      small.subarray(0, first),
      small.subarray(second, third),
      small.subarray(first, second),
      small.subarray(third),
    ]);
    const twoHeaders = Buffer.concat([small.subarray(0, first), small.subarray(head)]);
    const added = Buffer.concat([small, Buffer.from([0])]);
    for (const bytes of [missing, repeated, swapped, twoHeaders, added]) {
      expect(decodeTrace(path, bytes).damage).toBeDefined();
    }
    expect(decodeTrace(path, added).runs).toEqual(smallRuns);
    expect(decodeTrace(path, repeated).runs).toEqual(smallRuns.slice(0, 4));
  });

  it("by an end marker of another trace is noticed, even if all counts agree", () => {
    const moved = smallRuns.map((run) => ({ ...run, page: (run.page + 1) % 2 ** 52 }));
    const end = starts.at(-1)!;
    const movedTrace = encodeTrace(moved, 4);
    const otherEnd = movedTrace.subarray(blockStarts(movedTrace).at(-1)!);
    const decoded = decodeTrace(path, Buffer.concat([small.subarray(0, end), otherEnd]));
    expect(decoded.complete).toBe(false);
    expect(decoded.runs).toEqual(smallRuns);

    const totals = decodeTotals(small.subarray(end + FRAME_BYTES))!;
    const wrong = encodeTotals({ ...totals, pages: totals.pages + 1 });
    const frame = encodeFrame(FrameType.end, 5, wrong);
    decodeTrace(path, Buffer.concat([small.subarray(0, end), frame, wrong]));
    expect(scanTrace(path, "regions").damage).toMatchObject({ block: 5, offset: end });
  });

  it("of any kind at many places never harms", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(small.length),
        (changes, cut) => {
          const damaged = Buffer.from(small.subarray(0, Math.max(cut, PREAMBLE_BYTES)));
          for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
          try {
            const { runs } = decodeTrace(path, damaged);
            expect(runs).toEqual(smallRuns.slice(0, runs.length));
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a hostile trace, with right checksums", () => {
  const prefix = (runs: number, size: number, accesses: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(runs, 0);
    bytes.writeUInt32LE(size, 4);
    bytes.writeBigUInt64LE(accesses, 8);
    return bytes;
  };
  const withPayload = (payload: Buffer, type: number = FrameType.runs) => {
    const header = encodeHeader({ addresses: "linear", command: "x" });
    return Buffer.concat([
      encodePreamble({ addresses: "linear" }),
      encodeFrame(FrameType.header, 0, header),
      header,
      encodeFrame(type, 1, payload),
      payload,
    ]);
  };
  const runsPayload = (runs: number, coded: Buffer, size = coded.length, accesses = 1n) =>
    Buffer.concat([prefix(runs, size, accesses), deflateRawSync(coded)]);

  it.each([
    ["no runs", runsPayload(0, Buffer.alloc(0))],
    ["too many runs", runsPayload(65537, Buffer.alloc(65537))],
    ["a size beyond its runs", runsPayload(1, Buffer.alloc(14))],
    ["more than it says", runsPayload(2, Buffer.alloc(100), 2, 2n)],
    ["much more than it says", runsPayload(1, Buffer.alloc(50_000_000), 1)],
    ["less than it says", runsPayload(2, Buffer.alloc(1), 2, 2n)],
    ["no deflated data", prefix(1, 1, 1n)],
    ["a wrong access count", runsPayload(1, Buffer.from([0]), 1, 2n)],
    ["a page below 0", runsPayload(1, Buffer.from([1 << 3]))],
    [
      "a page beyond 52 bits",
      // 2^52 - 8, and then 8 more.
      runsPayload(2, Buffer.from([128, 255, 255, 255, 255, 255, 255, 127, 128, 1]), 10, 2n),
    ],
    ["a page without end", runsPayload(1, Buffer.alloc(9, 255))],
    ["a length without end", runsPayload(1, Buffer.from([4, 255, 255, 255, 255, 255, 1]))],
    ["a length beyond 31 bits", runsPayload(1, Buffer.from([4, 255, 255, 255, 255, 127]))],
    ["runs that end within a number", runsPayload(1, Buffer.from([4]))],
    ["a short payload", Buffer.alloc(3)],
  ])("%s is damage", (_, payload) => {
    const decoded = decodeTrace(path, withPayload(payload));
    expect(decoded.runs).toEqual([]);
    expect(decoded.damage?.block).toBe(1);
  });

  it("blocks of unknown types, and wrong end markers, are damage", () => {
    for (const type of [0, FrameType.header, FrameType.end]) {
      expect(decodeTrace(path, withPayload(Buffer.alloc(68, 1), type)).damage).toBeDefined();
    }
  });

  it("a length of 4 GiB takes no memory", () => {
    const bytes = withPayload(Buffer.alloc(20));
    bytes.writeUInt32LE(0xffffffff, blockStarts(bytes)[1]! + 8);
    expect(decodeTrace(path, bytes).damage?.reason).toContain("length");
  });

  it("anything after the preamble never harms", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(
          decodeTrace(path, Buffer.concat([encodePreamble({ addresses: "linear" }), bytes])).runs,
        ).toEqual([]);
        const raw = decodeTrace(path, withPayload(Buffer.from(bytes)));
        expect(raw.damage).toBeDefined();
        const coded = decodeTrace(path, withPayload(runsPayload(5, Buffer.from(bytes))));
        expect(coded.damage).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe("what was printed", () => {
  const printing = (texts: readonly (readonly [run: number, text: string])[]): Buffer => {
    const pieces: Uint8Array[] = [];
    const header = { addresses: "linear", command: "test", hasConsole: true } as const;
    const writer = new TraceWriter(
      (bytes) => pieces.push(Uint8Array.from(bytes)),
      () => header,
      4,
    );
    for (const [i, { page, kind, length }] of smallRuns.entries()) {
      for (const [run, text] of texts) if (run === i) writer.print(Buffer.from(text));
      writer.run(page, kind, length);
    }
    for (const [run, text] of texts) if (run >= smallRuns.length) writer.print(Buffer.from(text));
    writer.finish(0);
    return Buffer.concat(pieces);
  };
  /** Accesses before a run. */
  const accessesTo = (run: number): number =>
    smallRuns.slice(0, run).reduce((sum, { length }) => sum + length, 0);

  it("is there before the access that came after it, and the accesses are as they were", () => {
    const text = fc.string({ minLength: 1, maxLength: 30, unit: "binary" });
    const texts = fc.array(fc.tuple(fc.nat(smallRuns.length), text), { maxLength: 9 });
    fc.assert(
      fc.property(texts, fc.nat(smallRuns.length), (asked, run) => {
        const ordered = asked.toSorted(([a], [b]) => a - b);
        const decoded = decodeTrace(path, printing(ordered));
        expect([decoded.complete, decoded.damage]).toEqual([true, undefined]);
        expect(decoded.runs).toEqual(smallRuns);
        const { printed, numbers } = scanTrace(path, "compact");
        const shown = (accesses: number): string =>
          Buffer.from(printed?.upTo(accesses) ?? []).toString();
        const expected = ordered.filter(([at]) => at <= run).map(([, one]) => one);
        expect(shown(accessesTo(run))).toBe(Buffer.from(expected.join("")).toString());
        expect(numbers).toHaveLength(4);
      }),
      { numRuns: 60 },
    );
  });

  it("of which some byte is another one is damage, and everything before it is read", () => {
    const sound = printing([
      [5, "one"],
      [14, "two"],
    ]);
    const starts = blockStarts(sound);
    const texts = starts.filter((at) => sound.readUInt32LE(at) === FrameType.text);
    expect(texts).toHaveLength(2);
    for (const at of texts) {
      for (let byte = at; byte < at + FRAME_BYTES + 11; byte++) {
        const damaged = Buffer.from(sound);
        damaged[byte]! ^= 1;
        expect(decodeTrace(path, damaged).damage?.block).toBe(starts.indexOf(at));
      }
    }
  });

  it.each([
    ["before what it follows", encodeText(accessesTo(4) - 1, Buffer.from("x")), "out of place"],
    ["after the accesses so far", encodeText(accessesTo(14) + 1, Buffer.from("x")), "out of place"],
    ["empty", encodeText(accessesTo(8), new Uint8Array(0)), "empty"],
    ["too short", Buffer.alloc(3), "empty"],
  ])("is damage if it is %s", (_, payload, reason) => {
    const sound = printing([[4, "first"]]);
    const end = blockStarts(sound).at(-1) ?? 0;
    const frame = encodeFrame(FrameType.text, blockStarts(sound).length - 1, payload);
    const bytes = Buffer.concat([sound.subarray(0, end), frame, payload]);
    expect(decodeTrace(path, bytes).damage?.reason).toContain(reason);
  });

  it("is a block of no known type in a trace that tells nothing of it", () => {
    const [end = 0] = blockStarts(small).slice(-1);
    const payload = encodeText(0, Buffer.from("x"));
    const frame = encodeFrame(FrameType.text, blockStarts(small).length - 1, payload);
    const bytes = Buffer.concat([small.subarray(0, end), frame, payload]);
    expect(decodeTrace(path, bytes).damage?.reason).toBe("the block is of no known type");
    decodeTrace(path, small);
    expect(scanTrace(path, "compact").printed).toBeUndefined();
  });
});
