/** Leaves of the EPT: which frame a page has, and which leaves can become one. */
import { describe, expect, it } from "vitest";
import {
  createEpt,
  type Ept,
  findLeaf,
  mapRange,
  mergeLeaves,
  splitLeaf,
} from "../../src/hardware/ept.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { pageOfWords } from "../../src/hardware/words.ts";

/** A table has four entries, so leaves map 1, 4 or 16 pages. */
const PER_TABLE = 4;

function eptOf(frame: number, count: number, level: number): Ept {
  const geometry = { ...DEFAULT_GEOMETRY, indexBits: 2 };
  const ept = createEpt(new HostMemory(geometry.indexBits), geometry);
  mapRange(ept, 0, frame, count, level);
  return ept;
}

function frameOf(ept: Ept, page: number): number {
  const leaf = findLeaf(ept, page);
  if (leaf === null) throw new Error(`page ${page} has no leaf`);
  const { words } = ept.memory;
  const size = PER_TABLE ** (leaf.level - 1);
  return pageOfWords(words[leaf.word] ?? 0, words[leaf.word + 1] ?? 0) + (page % size);
}

const framesOf = (ept: Ept, count: number) =>
  Array.from({ length: count }, (_, i) => frameOf(ept, i));
const adjacent = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => first + i);

describe("a range of pages has adjacent frames", () => {
  it.each([
    [1, 7],
    [2, 16],
    [2, 19],
    [3, 37],
  ])("in leaves of level %i, of %i pages", (level, count) => {
    const ept = eptOf(DATA_FRAME_BASE, count, level);
    expect(framesOf(ept, count)).toEqual(adjacent(DATA_FRAME_BASE, count));
    expect(findLeaf(ept, count)).toBeNull();
  });
});

describe("small leaves become a large one", () => {
  it("if their frames are aligned to its size (SDM 28.3.2: the bits below are reserved)", () => {
    const ept = eptOf(DATA_FRAME_BASE, PER_TABLE, 1);
    expect(mergeLeaves(ept, 0, 2)).toBe(true);
    expect(findLeaf(ept, 0)?.level).toBe(2);
    expect(framesOf(ept, PER_TABLE)).toEqual(adjacent(DATA_FRAME_BASE, PER_TABLE));
    splitLeaf(ept, findLeaf(ept, 0)!);
    expect(framesOf(ept, PER_TABLE)).toEqual(adjacent(DATA_FRAME_BASE, PER_TABLE));
  });

  it.each([1, 2, 3])("and not if they are %i frames off", (off) => {
    const ept = eptOf(DATA_FRAME_BASE + off, PER_TABLE, 1);
    expect(mergeLeaves(ept, 0, 2)).toBe(false);
    expect(framesOf(ept, PER_TABLE)).toEqual(adjacent(DATA_FRAME_BASE + off, PER_TABLE));
  });
});
