/** The file: whatever is cut off, changed or not written, what was complete before stays readable. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { sourceOf } from "../../src/io/byteSource.ts";
import { Decoder, Encoder } from "../../src/system/operations/checkpoint/coding.ts";
import { BlockType } from "../../src/system/operations/checkpoint/format.ts";
import {
  damageNote,
  readCheckpoint,
  scanCheckpoints,
} from "../../src/system/operations/checkpoint/reader.ts";
import { restoreCheckpoint } from "../../src/system/operations/checkpoint/restore.ts";
import {
  type CheckpointSink,
  MemorySink,
  SinkError,
} from "../../src/system/operations/checkpoint/sink.ts";
import { VmImage } from "../../src/system/operations/checkpoint/vmImage.ts";
import { encodeFrame, extendDigest } from "../../workloads/trace/format.ts";
import {
  buildCheckpoints,
  type CheckpointRecipe,
  PLAIN,
  resultOf,
  type Watched,
  watch,
} from "./checkpointSystems.ts";

/** With a page of paging structures in it, and with state. */
const SMALL: CheckpointRecipe = {
  ...PLAIN,
  system: {
    ...PLAIN.system,
    passes: 4,
    vms: [{ ...PLAIN.system.vms[0]!, paging: "pae" }],
  },
};

interface Written extends Watched {
  readonly bytes: Buffer;
}

function written(recipe: CheckpointRecipe): Written {
  const sink = new MemorySink();
  const { copied, messages } = watch(buildCheckpoints(recipe, sink));
  return { bytes: sink.bytes, copied, messages };
}

/** The blocks of a sound file, the header first. */
function blocksOf(bytes: Buffer) {
  const blocks = [];
  for (let start = 12; start < bytes.length; ) {
    const end = start + 16 + bytes.readUInt32LE(start + 8);
    const [type, sequence] = [bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4)];
    blocks.push({ type, sequence, payload: bytes.subarray(start + 16, end), start, end });
    start = end;
  }
  return blocks;
}

/** The number of complete checkpoints; each that can be read is compared with the VM. */
function checkReadable(bytes: Buffer, copied: Watched["copied"]) {
  const source = sourceOf("file", bytes);
  const scan = scanCheckpoints(source);
  const last = scan.checkpoints.at(-1);
  if (last !== undefined) {
    const words = 2 << scan.header!.geometry.indexBits;
    const images = scan.header!.vms.map((layout) => new VmImage(layout, words));
    readCheckpoint(source, last, images);
    const contents = images.map(({ versions, tables }) => [...versions, ...tables]);
    expect(contents).toEqual(copied[last.number]);
  }
  return scan;
}

describe("a checkpoint file", () => {
  const { bytes, copied } = written(SMALL);
  const { checkpoints, damage } = scanCheckpoints(sourceOf("file", bytes));
  const ends = checkpoints.map(({ end }) => end);
  const completeBefore = (offset: number) => ends.filter((end) => end <= offset).length;

  it("names the types of its blocks in ASCII (docs/checkpoint-format.md)", () => {
    const name = (type: number) => Buffer.from(Uint32Array.of(type).buffer).toString("latin1");
    const kinds = new Set(blocksOf(bytes).map(({ type }) => name(type)));
    expect([...kinds]).toEqual(["HEAD", "PAGE", "TABL", "CMIT"]);
    expect(name(BlockType.state)).toBe("STAT");
  });

  it("is sound, and has several checkpoints", () => {
    expect(damage).toBeUndefined();
    expect(checkpoints.length).toBe(copied.length);
    expect(checkpoints.length).toBeGreaterThan(3);
    expect(checkpoints.map(({ full }) => full)).toEqual(checkpoints.map((_, i) => i === 0));
  });

  it("is readable up to any place where it is cut off", () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      if (length < 12) {
        expect(() => scanCheckpoints(sourceOf("file", cut))).toThrow(UserError);
        continue;
      }
      const scan = checkReadable(cut, copied);
      expect(scan.checkpoints.length).toBe(completeBefore(length));
      // After a commit record or the header nothing is missing that could be known.
      const whole = ends.includes(length) || (scan.header !== undefined && !scan.damage);
      expect(scan.damage === undefined).toBe(whole);
      if (whole && !ends.includes(length)) expect(length).toBeLessThan(ends[0]!);
      if (scan.damage !== undefined && length > ends[0]!) {
        expect(scan.damage.offset).toBeLessThanOrEqual(length);
        expect(scan.damage.offset).toBeGreaterThanOrEqual(ends[completeBefore(length) - 1]!);
      }
    }
  });

  it.each([0x01, 0x80, 0xff])("shows every changed byte (xor %i)", (mask) => {
    for (let offset = 0; offset < bytes.length; offset++) {
      const changed = Buffer.from(bytes);
      changed[offset] = changed[offset]! ^ mask;
      if (offset < 12) {
        expect(() => scanCheckpoints(sourceOf("file", changed))).toThrow(UserError);
        continue;
      }
      const scan = checkReadable(changed, copied);
      expect(scan.damage).toBeDefined();
      expect(scan.damage!.offset).toBeLessThanOrEqual(offset);
      expect(scan.checkpoints.length).toBe(completeBefore(offset));
    }
  });

  it("names block, byte and checkpoint of the damage", () => {
    const changed = Buffer.from(bytes);
    const at = ends[1]! + 20;
    changed[at] = changed[at]! ^ 1;
    const note = damageNote("f", scanCheckpoints(sourceOf("f", changed)));
    expect(note).toMatch(
      new RegExp(
        `^f: damaged at block \\d+, byte ${ends[1]}: the checksum is wrong; checkpoint 1 `,
      ),
    );
    const cut = scanCheckpoints(sourceOf("f", bytes.subarray(0, ends[2]! - 48)));
    expect(damageNote("f", cut)).toMatch(/of checkpoint 2, .*: the commit record is missing;/);
  });

  it("is refused in one sentence if it is of another version", () => {
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(2, 8);
    expect(() => scanCheckpoints(sourceOf("f", newer))).toThrow(
      "f: checkpoint format version 2, but this program reads version 1",
    );
  });

  it("shows a checkpoint that is missing, repeated, or out of place", () => {
    const [first, second, third] = [0, 1, 2].map((i) => bytes.subarray(ends[i], ends[i + 1]));
    const start = bytes.subarray(0, ends[0]);
    const sequences = [
      [start, second!],
      [start, first!, first!],
      [start, first!, third!],
      [start, second!, first!],
    ];
    for (const pieces of sequences) {
      expect(scanCheckpoints(sourceOf("f", Buffer.concat(pieces))).damage?.reason).toBe(
        "not the next block",
      );
    }
  });

  it("shows blocks that are sound, and not those that were committed", () => {
    const { bytes: whole } = written({ ...SMALL, state: true });
    const [first] = scanCheckpoints(sourceOf("f", whole)).checkpoints;
    const blocks = blocksOf(whole).filter(({ start, end }) => start > 12 && end < first!.end);
    expect(blocks.length).toBeGreaterThan(2);
    for (const { type, sequence, payload, start, end } of blocks) {
      // The last byte of a version, a table's word or the state.
      const other = Buffer.from(payload);
      other[other.length - 1] = other.at(-1)! ^ 1;
      const changed = [encodeFrame(type, sequence, other), other];
      const file = Buffer.concat([whole.subarray(0, start), ...changed, whole.subarray(end)]);
      const scan = scanCheckpoints(sourceOf("f", file));
      expect(scan.checkpoints).toEqual([]);
      expect(scan.damage?.reason).toMatch(/the commit record does not agree|table|page/);
    }
  });

  it("shows a checkpoint that is not newer than the one before it", () => {
    const [one, two] = checkpoints;
    let digest = 0;
    const renumbered = blocksOf(bytes)
      .filter(({ start, end }) => start >= one!.end && end <= two!.end)
      .flatMap(({ type, sequence, payload, end }) => {
        const own = Buffer.from(payload);
        own.writeUInt32LE(one!.number, 0);
        if (end === two!.end) own.writeUInt32LE(digest >>> 0, 12);
        const frame = encodeFrame(type, sequence, own);
        digest = extendDigest(digest, frame.readUInt32LE(12));
        return [frame, own];
      });
    const file = Buffer.concat([bytes.subarray(0, one!.end), ...renumbered]);
    const scan = scanCheckpoints(sourceOf("f", file));
    expect(scan.checkpoints).toEqual([one]);
    expect(scan.damage?.reason).toBe("the commit record does not agree with the blocks");
    // With its own number it is what it was.
    expect(scanCheckpoints(sourceOf("f", bytes.subarray(0, two!.end))).damage).toBeUndefined();
  });

  it("does no harm when its blocks are nonsense with right checksums", () => {
    const starts: number[] = [];
    for (let at = 12; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) starts.push(at);
    const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), (pick, changes) => {
        const start = starts[pick % starts.length]!;
        const length = bytes.readUInt32LE(start + 8);
        const payload = Buffer.from(bytes.subarray(start + 16, start + 16 + length));
        for (const [at, value] of changes) payload[at % length] = value;
        const frame = encodeFrame(
          bytes.readUInt32LE(start),
          bytes.readUInt32LE(start + 4),
          payload,
        );
        const rest = bytes.subarray(start + 16 + length);
        const file = Buffer.concat([bytes.subarray(0, start), frame, payload, rest]);
        const source = sourceOf("f", file);
        const scan = scanCheckpoints(source);
        expect(scan.checkpoints.length).toBeGreaterThanOrEqual(completeBefore(start));
        if (scan.damage !== undefined) expect(scan.damage.offset).toBeGreaterThanOrEqual(start);
        try {
          restoreCheckpoint(buildCheckpoints(SMALL), source);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("begins anew when it is too long, and holds the same", () => {
    const long = written({ ...PLAIN, rewriteAfter: 1e9 });
    const short = written({ ...PLAIN, rewriteAfter: 1 });
    expect(short.copied).toEqual(long.copied);
    expect(short.bytes.length).toBeLessThan(long.bytes.length);
    const [first] = checkReadable(short.bytes, short.copied).checkpoints;
    expect(first!.full).toBe(true);
    expect(first!.number).toBeGreaterThan(0);
  });
});

describe("numbers in a block", () => {
  it("come back, and are refused when cut off or too large", () => {
    const values = [0, 1, 127, 128, 16_383, 16_384, 0x7fffffff, 0x80000000, 0xffffffff];
    const encoder = new Encoder();
    for (const value of values) encoder.number(value);
    const bytes = encoder.take();
    const decoder = new Decoder(bytes, 0);
    expect(values.map(() => decoder.number())).toEqual(values);
    expect([decoder.failed, decoder.ended]).toEqual([false, true]);
    for (const wrong of [[128], [255, 255, 255, 255, 16], [255, 255, 255, 255, 255, 1], []]) {
      const cut = new Decoder(Uint8Array.from(wrong), 0);
      expect([cut.number(), cut.failed]).toEqual([0, true]);
    }
  });
});

/** A disk: what is on it when the machine stops after so many operations, or in the midst of one. */
class Disk implements CheckpointSink {
  readonly name = null;
  readonly parts = [];
  /** Under its name, and under the temporary one. */
  file = Buffer.alloc(0);
  temporary = Buffer.alloc(0);
  operations = 0;
  committed = 0;
  #fresh = false;
  readonly #limit: number;
  readonly #tornBytes: number;

  /** @param tornBytes bytes of the operation after the last that reach the disk nevertheless */
  constructor(limit = Number.POSITIVE_INFINITY, tornBytes = 0) {
    this.#limit = limit;
    this.#tornBytes = tornBytes;
  }

  begin(length: number): void {
    this.#step(new Uint8Array());
    this.#fresh = length === 0;
    if (this.#fresh) this.temporary = Buffer.alloc(0);
    else this.file = this.file.subarray(0, length);
  }

  write(bytes: Uint8Array): void {
    this.#step(bytes);
    this.#append(bytes);
  }

  commit(): void {
    this.#step(new Uint8Array());
    if (this.#fresh) this.file = this.temporary;
    this.committed++;
  }

  abandon(): void {}

  #append(bytes: Uint8Array): void {
    if (this.#fresh) this.temporary = Buffer.concat([this.temporary, bytes]);
    else this.file = Buffer.concat([this.file, bytes]);
  }

  #step(bytes: Uint8Array): void {
    if (++this.operations <= this.#limit) return;
    this.#append(bytes.subarray(0, this.#tornBytes));
    throw new Error("the machine stopped");
  }
}

describe("a crash", () => {
  it.each([
    ["the file grows", 1e9],
    ["the file begins anew", 1],
  ])("after any operation leaves the last complete checkpoint readable: %s", (_, rewriteAfter) => {
    const recipe = { ...SMALL, rewriteAfter };
    const disk = new Disk();
    const { copied } = watch(buildCheckpoints(recipe, disk));
    expect(disk.operations).toBeGreaterThan(20);
    for (let limit = 0; limit < disk.operations; limit++) {
      for (const torn of [0, 1, 15, 16, 17, 40]) {
        const crashed = new Disk(limit, torn);
        expect(() => watch(buildCheckpoints(recipe, crashed))).toThrow("the machine stopped");
        if (crashed.committed === 0) {
          expect(crashed.file.length).toBe(0);
          continue;
        }
        const { checkpoints } = checkReadable(crashed.file, copied);
        const last = checkpoints.at(-1)!.number;
        // A commit record may be on the disk before its writer knew.
        expect([crashed.committed - 1, crashed.committed]).toContain(last);
      }
    }
  });
});

/** Takes so many bytes, and then none for some transactions. */
class FullDisk extends Disk {
  #room: number;
  #failures: number;
  #before = Buffer.alloc(0);

  constructor(room: number, failures = Number.POSITIVE_INFINITY) {
    super();
    this.#room = room;
    this.#failures = failures;
  }

  override begin(length: number): void {
    super.begin(length);
    this.#before = this.file;
  }

  override write(bytes: Uint8Array): void {
    this.#room -= bytes.length;
    if (this.#room < 0 && this.#failures > 0) {
      this.#failures--;
      throw new SinkError("disk.tvckpt: no space left on device");
    }
    super.write(bytes);
  }

  override abandon(): void {
    this.file = this.#before;
  }
}

describe("a full disk", () => {
  it("ends live checkpoints with a message; the VM runs on, and nothing is lost", () => {
    const room = new Disk();
    const sound = buildCheckpoints(SMALL, room);
    const released: number[] = [];
    const { copied } = watch(sound, () => released.push(resultOf(sound).output!.outputs));
    const total = resultOf(sound).checkpoints.length;
    for (let bytes = 0; bytes < room.file.length; bytes += 7) {
      const disk = new FullDisk(bytes);
      const system = buildCheckpoints(SMALL, disk);
      watch(system);
      const { failures, committed, output } = resultOf(system);
      // What the failed checkpoint held back went out when it failed.
      expect(output!.outputs).toBe(released[committed]);
      const remains =
        committed === 0
          ? "there is no complete checkpoint"
          : `checkpoint ${committed - 1} is the last complete one`;
      expect(failures).toEqual([
        `checkpoint ${committed} was not written: disk.tvckpt: no space left on device; the VMs ran on; ${remains}`,
      ]);
      expect(committed).toBeLessThan(total);
      const accesses = (one: typeof system) =>
        one.world.vcpus.map(({ counters }) => counters.values[0]);
      expect(accesses(system)).toEqual(accesses(sound));
      if (committed > 0) {
        const { checkpoints, damage } = checkReadable(disk.file, copied);
        expect(damage).toBeUndefined();
        expect(checkpoints.length).toBe(committed);
      }
    }
  });

  it("does not keep stop-and-copy from trying again at the next time", () => {
    const recipe: CheckpointRecipe = { ...SMALL, mode: "stop", stops: 3, state: false };
    const disk = new FullDisk(0, 1);
    const system = buildCheckpoints(recipe, disk);
    const { copied } = watch(system);
    const { failures, committed, checkpoints } = resultOf(system);
    expect(failures.length).toBe(1);
    expect(failures[0]).toMatch(/^checkpoint 0 was not written: .*; checkpoint 2 is the last/);
    expect(committed).toBe(2);
    expect(checkpoints.map(({ acknowledged }) => acknowledged !== null)).toEqual([
      false,
      true,
      true,
    ]);
    expect(checkReadable(disk.file, copied).checkpoints.map(({ number }) => number)).toEqual([
      1, 2,
    ]);
  });
});
