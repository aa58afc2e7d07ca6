/** What log-dirty does to EPT entries: arming, serving a write, splitting, arming again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEpt, type Ept, findLeaf, forEachLeaf, mapRange } from "../../src/hardware/ept.ts";
import {
  EPT,
  EPT_ACCESSED,
  EPT_DIRTY,
  EPT_EXECUTE,
  EPT_READ,
  EPT_WRITE,
} from "../../src/hardware/formats/ept.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { pageOfWords } from "../../src/hardware/words.ts";
import { DirtyBitmap, markDirty } from "../../src/hypervisor/dirtyBitmap.ts";
import {
  armAll,
  type DirtyTechnique,
  disarmAll,
  fixWrite,
  mergeAll,
  rearmMarked,
  splitAll,
} from "../../src/hypervisor/logDirty.ts";

const PAGES = 128;
const FIRST_FRAME = DATA_FRAME_BASE;

/** 128 pages in leaves of one size; a table has four entries, so leaves map 1, 4 or 16 pages. */
function eptOf(level: number): Ept {
  const geometry = { ...DEFAULT_GEOMETRY, indexBits: 2 };
  const ept = createEpt(new HostMemory(geometry.indexBits), geometry);
  mapRange(ept, 0, FIRST_FRAME, PAGES, level, EPT.ramLeaf | EPT_ACCESSED | EPT_DIRTY);
  return ept;
}

const level = fc.constantFrom(1, 2, 3);
const technique = fc.constantFrom<DirtyTechnique>("dirtyFlag", "writeProtect");
const pages = fc.array(fc.nat(PAGES - 1), { maxLength: 30 });

function low(ept: Ept, page: number): number {
  return ept.memory.words[findLeaf(ept, page)!.word]!;
}

function levelOf(ept: Ept, page: number): number {
  return findLeaf(ept, page)!.level;
}

function frameOf(ept: Ept, page: number): number {
  const { word, level: at } = findLeaf(ept, page)!;
  const { words } = ept.memory;
  const size = 4 ** (at - 1);
  return pageOfWords(words[word]!, words[word + 1]!) + (page % size);
}

/** Whether a write to the page would pass without an exit and without a log entry. */
function passesUnseen(ept: Ept, page: number): boolean {
  const bits = EPT_WRITE | EPT_DIRTY;
  return (low(ept, page) & bits) === bits;
}

/** Writes as a guest would: exits are served until the write passes. Returns the exits. */
function write(ept: Ept, kind: DirtyTechnique, page: number, dirty: Set<number>): number {
  for (let exits = 0; exits < 10; exits++) {
    const { word } = findLeaf(ept, page)!;
    if ((ept.memory.words[word]! & EPT_WRITE) !== 0) {
      // The processor sets D, and logs the page if it was clear.
      if (kind === "dirtyFlag" && (ept.memory.words[word]! & EPT_DIRTY) === 0) dirty.add(page);
      ept.memory.words[word] = ept.memory.words[word]! | EPT_DIRTY | EPT_ACCESSED;
      return exits;
    }
    expect(fixWrite(ept, kind, page, (one) => dirty.add(one))).not.toBe("notOurs");
  }
  return expect.fail("the write never passes");
}

describe("an armed VM", () => {
  it("lets no write pass unseen, and every read and fetch", () => {
    fc.assert(
      fc.property(level, technique, (at, kind) => {
        const ept = eptOf(at);
        expect(armAll(ept, kind)).toBe(PAGES / 4 ** (at - 1));
        for (let page = 0; page < PAGES; page++) {
          expect(passesUnseen(ept, page)).toBe(false);
          const rest = EPT_READ | EPT_EXECUTE | EPT_ACCESSED;
          expect(low(ept, page) & rest).toBe(rest);
        }
      }),
    );
  });

  it("reports exactly the pages written, in every round, and keeps the mapping", () => {
    fc.assert(
      fc.property(level, technique, fc.array(pages, { maxLength: 4 }), (at, kind, rounds) => {
        const ept = eptOf(at);
        armAll(ept, kind);
        for (const written of rounds) {
          const dirty = new Set<number>();
          for (const page of written) write(ept, kind, page, dirty);
          expect(dirty).toEqual(new Set(written));
          const again = new Set<number>();
          for (const page of written) expect(write(ept, kind, page, again)).toBe(0);
          expect(again.size).toBe(0);
          for (let page = 0; page < PAGES; page++) {
            expect(frameOf(ept, page)).toBe(FIRST_FRAME + page);
            expect(passesUnseen(ept, page)).toBe(dirty.has(page));
          }
          const bitmap = new DirtyBitmap("b", PAGES);
          for (const page of dirty) markDirty(bitmap, page);
          expect(rearmMarked(ept, kind, bitmap)).toBe(dirty.size);
          for (let page = 0; page < PAGES; page++) expect(passesUnseen(ept, page)).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("splits a large leaf at its first write, and no other leaf (case 68)", () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 3), technique, fc.nat(PAGES - 1), (at, kind, page) => {
        const ept = eptOf(at);
        armAll(ept, kind);
        const dirty = new Set<number>();
        expect(fixWrite(ept, kind, page, (one) => dirty.add(one))).toBe("split");
        const size = 4 ** (at - 1);
        for (let other = 0; other < PAGES; other++) {
          const near = Math.floor(other / 4) === Math.floor(page / 4);
          const inLeaf = Math.floor(other / size) === Math.floor(page / size);
          expect(levelOf(ept, other)).toBe(near ? 1 : inLeaf ? at - 1 : at);
          if (!near) expect(low(ept, other) & EPT_WRITE).toBe(0);
          else if (kind === "dirtyFlag")
            expect(low(ept, other) & (EPT_WRITE | EPT_DIRTY)).toBe(EPT_WRITE);
          else expect((low(ept, other) & EPT_WRITE) !== 0).toBe(other === page);
        }
        // Under PML the write itself is logged when it is retried.
        expect([...dirty]).toEqual(kind === "dirtyFlag" ? [] : [page]);
      }),
    );
  });

  it("costs one exit for each large leaf under PML, one for each page under write protection", () => {
    fc.assert(
      fc.property(level, technique, pages, (at, kind, written) => {
        const ept = eptOf(at);
        armAll(ept, kind);
        let exits = 0;
        for (const page of written) exits += write(ept, kind, page, new Set());
        const tables = new Set(written.map((page) => Math.floor(page / 4))).size;
        const distinct = new Set(written).size;
        const underPml = at === 1 ? 0 : tables;
        expect(exits).toBe(kind === "dirtyFlag" ? underPml : distinct);
      }),
    );
  });

  it("serves a second vCPU that met the same entry without harm", () => {
    fc.assert(
      fc.property(level, technique, fc.nat(PAGES - 1), (at, kind, page) => {
        const ept = eptOf(at);
        armAll(ept, kind);
        const dirty = new Set<number>();
        expect(fixWrite(ept, kind, page, (one) => dirty.add(one))).not.toBe("notOurs");
        expect(fixWrite(ept, kind, page, (one) => dirty.add(one))).not.toBe("notOurs");
        write(ept, kind, page, dirty);
        expect([...dirty]).toEqual([page]);
      }),
    );
  });

  it("says that a page it does not map is not its doing", () => {
    const ept = eptOf(1);
    expect(fixWrite(ept, "dirtyFlag", PAGES + 5, () => expect.fail("a page"))).toBe("notOurs");
  });
});

describe("disarming", () => {
  it("lets every write pass unseen again", () => {
    fc.assert(
      fc.property(level, technique, pages, (at, kind, written) => {
        const ept = eptOf(at);
        armAll(ept, kind);
        for (const page of written) write(ept, kind, page, new Set());
        disarmAll(ept);
        for (let page = 0; page < PAGES; page++) {
          expect(passesUnseen(ept, page)).toBe(true);
          expect(frameOf(ept, page)).toBe(FIRST_FRAME + page);
        }
      }),
    );
  });
});

describe("making large leaves again", () => {
  it("gives back the leaves that were split, where the rights are alike, and keeps the mapping", () => {
    fc.assert(
      fc.property(level, pages, pages, (at, split, changed) => {
        const ept = eptOf(at);
        armAll(ept, "dirtyFlag");
        for (const page of split) write(ept, "dirtyFlag", page, new Set());
        disarmAll(ept);
        const leafOf = (page: number) => Math.floor(page / 4 ** (at - 1));
        const odd = new Set<number>();
        for (const page of changed) {
          const { word, level: now } = findLeaf(ept, page)!;
          if (now === at) continue;
          ept.memory.words[word] = ept.memory.words[word]! & ~EPT_EXECUTE;
          odd.add(leafOf(page));
        }
        mergeAll(ept, at);
        for (let page = 0; page < PAGES; page++) {
          expect(levelOf(ept, page) === at).toBe(!odd.has(leafOf(page)));
          expect(frameOf(ept, page)).toBe(FIRST_FRAME + page);
        }
      }),
    );
  });

  it("does not join frames that are not adjacent", () => {
    const ept = eptOf(2);
    splitAll(ept);
    const { word } = findLeaf(ept, 5)!;
    ept.memory.words[word] = ept.memory.words[word]! + (1 << 12);
    expect(mergeAll(ept, 2)).toBe(PAGES / 4 - 1);
    expect([levelOf(ept, 3), levelOf(ept, 4), levelOf(ept, 8)]).toEqual([2, 1, 2]);
  });
});

describe("splitting everything", () => {
  it("leaves 4 KiB leaves with the rights, flags and frames of the large ones", () => {
    fc.assert(
      fc.property(level, fc.boolean(), (at, armed) => {
        const ept = eptOf(at);
        if (armed) armAll(ept, "writeProtect");
        const before =
          low(ept, 0) & (EPT_READ | EPT_WRITE | EPT_EXECUTE | EPT_ACCESSED | EPT_DIRTY);
        splitAll(ept);
        let leaves = 0;
        forEachLeaf(ept, (word, leafLevel, page) => {
          expect(leafLevel).toBe(1);
          expect(page).toBe(leaves++);
          expect(ept.memory.words[word]! & before).toBe(before);
          expect(ept.memory.words[word]! & EPT_WRITE).toBe(before & EPT_WRITE);
          expect(frameOf(ept, page)).toBe(FIRST_FRAME + page);
        });
        expect(leaves).toBe(PAGES);
        expect(splitAll(ept)).toBe(0);
      }),
    );
  });
});
