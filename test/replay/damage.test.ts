/** Whatever happens to a log's bytes is noticed, and what was before stays readable. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import type { LogEntry } from "../../src/replay/decoder.ts";
import { damageNote } from "../../src/replay/reader.ts";
import { build, type Recipe, SIMPLE } from "../system/smallSystems.ts";
import { entriesOf, forgedLog, readerOf, recordRun, replayAll } from "./logs.ts";

const script = Array.from({ length: 5 }, (_, i) => [i % 5, 1 + (i % 2)] as const);
const recipe: Recipe = {
  ...SIMPLE,
  vms: [{ pages: 5, paging: "off", leafLevel: 1, vcpus: [{ gap: 10, script }] }],
};
const BLOCK_BYTES = 200;

const bytes = recordRun(
  build(recipe),
  (system) => {
    system.run(7);
    system.command("pcpu0/mmu", { type: "kick" }, 3);
    system.run();
  },
  BLOCK_BYTES,
);
const whole = entriesOf(readerOf(bytes));

const texts = whole.map((entry) => JSON.stringify(entry));

/** What can be read, or the one line that says why nothing can. */
function read(damaged: Buffer): { readonly entries: readonly LogEntry[]; readonly note: string } {
  try {
    const reader = readerOf(damaged);
    const entries = entriesOf(reader);
    return { entries, note: damageNote(reader) ?? "" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { entries: [], note: error.message };
  }
}

function isPrefix(entries: readonly LogEntry[]): boolean {
  return entries.every((entry, i) => JSON.stringify(entry) === texts[i]);
}

/** Entries before each block, and where it begins. */
const blocks = readerOf(bytes)
  .places()
  .map((place) => {
    const reader = readerOf(bytes);
    reader.seek(place);
    return { offset: place.offset, before: whole.length - entriesOf(reader).length };
  });

/** The entries of the blocks before the one that holds a byte. */
function entriesBefore(byte: number): number {
  return blocks.findLast(({ offset }) => offset <= byte)?.before ?? 0;
}

describe("a small log", () => {
  it("has some blocks, messages, a command and a checkpoint", () => {
    expect(readerOf(bytes).places().length).toBeGreaterThan(4);
    expect(new Set(whole.map(({ kind }) => kind)).size).toBe(3);
    expect(replayAll(bytes, build(recipe))).toBeNull();
  });

  it("shows every flipped byte, and is read up to it", () => {
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ (1 + (at % 255));
      const { entries, note } = read(damaged);
      expect(note, `byte ${at}`).not.toBe("");
      expect(isPrefix(entries)).toBe(true);
      expect(entries.length).toBeGreaterThanOrEqual(entriesBefore(at));
    }
  });

  it("shows every truncation, and is read up to it", () => {
    for (let length = 0; length < bytes.length; length++) {
      const { entries, note } = read(bytes.subarray(0, length));
      expect(note, `${length} bytes`).not.toBe("");
      expect(isPrefix(entries)).toBe(true);
      expect(entries.length).toBeGreaterThanOrEqual(entriesBefore(length));
    }
  });

  it("shows every two blocks that have changed places", () => {
    const places = readerOf(bytes).places();
    const ends = [...places.slice(1).map(({ offset }) => offset)];
    const blocks = ends.map((end, i) => bytes.subarray(places[i]!.offset, end));
    const first = places[0]!.offset;
    for (let i = 0; i < blocks.length; i++) {
      for (let j = i + 1; j < blocks.length; j++) {
        const swapped = blocks.slice();
        [swapped[i], swapped[j]] = [blocks[j]!, blocks[i]!];
        const rest = bytes.subarray(ends.at(-1));
        const { note } = read(Buffer.concat([bytes.subarray(0, first), ...swapped, rest]));
        expect(note).toMatch(/not the next block/);
      }
    }
  });

  it("shows every two messages that have changed places, though all checksums are right", () => {
    const messages = whole.flatMap((entry, i) => (entry.kind === "message" ? [i] : []));
    for (const i of messages) {
      for (const j of messages.filter((other) => other > i)) {
        const swapped = whole.slice();
        [swapped[i], swapped[j]] = [whole[j]!, whole[i]!];
        const difference = replayAll(written(swapped), build(recipe));
        expect(difference, `${i} and ${j}`).not.toBeNull();
        expect(difference!.position).toBe(messages.indexOf(i));
      }
    }
  });

  it("written anew from its entries is the same", () => {
    expect(written(whole).equals(bytes)).toBe(true);
  });

  it("of another version is refused in one sentence", () => {
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(2, 8);
    expect(read(newer).note).toBe(
      "test.tvlog: log format version 2, but this program reads version 1",
    );
    expect(read(Buffer.from("hello, world")).note).toBe("test.tvlog: not a Trackvisor message log");
  });
});

function written(entries: readonly LogEntry[]): Buffer {
  return forgedLog(readerOf(bytes).header, entries, BLOCK_BYTES);
}
