/** Frames that nobody handed out: a log may lie there. */
import { expect, it } from "vitest";
import { HostMemory } from "../../src/hardware/memory.ts";
import { digestPart, restorePart, savePart } from "../../src/hardware/part.ts";

const FAR = 2 ** 40 - 1;

it("holds entries of any frame, and reads zeros where none was stored", () => {
  const memory = new HostMemory(9);
  const own = memory.allocate();
  memory.storeEntry(own, 511, 0x5000, 1);
  memory.storeEntry(FAR, 511, 0x6000, 2);
  memory.storeEntry(FAR - 1, 0, 0x7000, 3);
  expect(memory.readEntry(own, 511)).toEqual([0x5000, 1]);
  expect(memory.readEntry(FAR, 511)).toEqual([0x6000, 2]);
  expect(memory.readEntry(FAR - 1, 0)).toEqual([0x7000, 3]);
  expect(memory.readEntry(FAR, 510)).toEqual([0, 0]);
  expect(memory.readEntry(own + 1, 0)).toEqual([0, 0]);
  // They are no frames of the allocator.
  expect(memory.framesUsed).toBe(own + 1);
});

it("saves and restores them, and digests them with the rest", () => {
  const memory = new HostMemory(9);
  const empty = savePart(memory);
  const before = digestPart(memory);
  memory.storeEntry(FAR, 3, 0x5000, 0);
  const saved = savePart(memory);
  expect(digestPart(memory)).not.toBe(before);
  const other = new HostMemory(9);
  restorePart(other, saved);
  expect(other.readEntry(FAR, 3)).toEqual([0x5000, 0]);
  expect(digestPart(other)).toBe(digestPart(memory));
  restorePart(other, empty);
  expect(other.readEntry(FAR, 3)).toEqual([0, 0]);
  expect(digestPart(other)).toBe(before);
});

it("a frame that is handed out is zeroed, and the others stay", () => {
  const memory = new HostMemory(9);
  const next = memory.framesUsed;
  memory.storeEntry(next + 1, 3, 0x5000, 0);
  memory.storeEntry(FAR, 4, 0x6000, 0);
  memory.allocate(2);
  expect(memory.readEntry(next + 1, 3)).toEqual([0, 0]);
  expect(memory.readEntry(FAR, 4)).toEqual([0x6000, 0]);
  memory.storeEntry(next + 1, 3, 0x7000, 0);
  expect(memory.words[(next + 1) * memory.frameWords + 6]).toBe(0x7000);
});

it("of frames that are handed out the first and the last are zeroed, and their neighbours are not", () => {
  const memory = new HostMemory(9);
  const first = memory.framesUsed;
  for (const frame of [first, first + 1, first + 2]) memory.storeEntry(frame, 3, 0x5000, 0);
  memory.allocate(2);
  const entries = [first, first + 1, first + 2].map((frame) => memory.readEntry(frame, 3));
  expect(entries).toEqual([
    [0, 0],
    [0, 0],
    [0x5000, 0],
  ]);
});
