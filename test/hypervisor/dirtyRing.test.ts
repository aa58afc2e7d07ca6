/** KVM's dirty ring: cases 90, 92 and 94. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkRingSize,
  DirtyRing,
  ringHarvest,
  ringPush,
  ringReset,
  ringSoftFull,
  ringUsed,
} from "../../src/hypervisor/dirtyRing.ts";

/** Pages that a reset arms again, from its runs of at most 64 neighbours. */
function rearmed(ring: DirtyRing): { readonly count: number; readonly pages: number[] } {
  const pages: number[] = [];
  const count = ringReset(ring, (first, low, high) => {
    for (let i = 0; i < 64; i++) {
      if ((i < 32 ? (low >>> i) & 1 : (high >>> (i - 32)) & 1) === 1) pages.push(first + i);
    }
  });
  return { count, pages };
}

describe("a dirty ring", () => {
  it("gives back in a reset what was harvested, each entry unused again and its page armed (case 90)", () => {
    const some = fc.array(fc.array(fc.nat(300), { maxLength: 12 }), { maxLength: 30 });
    fc.assert(
      fc.property(some, (rounds) => {
        const ring = new DirtyRing("ring", 16, 0, 2);
        for (const pages of rounds) {
          for (const page of pages) ringPush(ring, page);
          const harvested: number[] = [];
          expect(ringHarvest(ring, (page) => harvested.push(page))).toBe(pages.length);
          expect(harvested).toEqual(pages);
          const reset = rearmed(ring);
          expect(reset.count).toBe(pages.length);
          expect([...new Set(reset.pages)].sort()).toEqual([...new Set(pages)].sort());
          expect([...ring.flags]).toEqual(new Array(16).fill(0));
          expect(ringUsed(ring)).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("joins neighbours into runs as KVM does, forwards and backwards", () => {
    // kvm_dirty_ring_reset in its own terms: an offset and a mask of 64 bits.
    const kvmRuns = (pages: readonly number[]): [number, bigint][] => {
      const runs: [number, bigint][] = [];
      for (const page of pages) {
        const run = runs.at(-1);
        const delta = run === undefined ? Number.NaN : page - run[0];
        if (run !== undefined && delta >= 0 && delta < 64) run[1] |= 1n << BigInt(delta);
        else if (
          run !== undefined &&
          delta > -64 &&
          delta < 0 &&
          BigInt.asUintN(64, run[1] << BigInt(-delta)) >> BigInt(-delta) === run[1]
        ) {
          run[0] = page;
          run[1] = (run[1] << BigInt(-delta)) | 1n;
        } else runs.push([page, 1n]);
      }
      return runs;
    };
    fc.assert(
      fc.property(fc.array(fc.nat(150), { maxLength: 40 }), (pages) => {
        const ring = new DirtyRing("ring", 64, 0, 2);
        for (const page of pages) ringPush(ring, page);
        ringHarvest(ring, () => {});
        const runs: [number, bigint][] = [];
        ringReset(ring, (first, low, high) => {
          runs.push([first, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)]);
        });
        expect(runs).toEqual(kvmRuns(pages));
      }),
      { numRuns: 1000 },
    );
  });

  it("resets only up to the first entry that was not harvested (case 90)", () => {
    const ring = new DirtyRing("ring", 16, 0, 2);
    for (const page of [4, 5]) ringPush(ring, page);
    ringHarvest(ring, () => {});
    ringPush(ring, 6);
    expect(rearmed(ring)).toEqual({ count: 2, pages: [4, 5] });
    expect(ringUsed(ring)).toBe(1);
  });

  it.each([
    [4096, 0, 4096 - 64],
    [4096, 512, 4096 - 576],
  ])(
    "of %i entries with a PML log of %i is full at %i until it is reset (case 92)",
    (size, pmlEntries, limit) => {
      const ring = new DirtyRing("ring", size, pmlEntries);
      for (let i = 0; i < limit; i++) {
        expect(ringSoftFull(ring)).toBe(false);
        ringPush(ring, i);
      }
      expect(ringSoftFull(ring)).toBe(true);
      ringHarvest(ring, () => {});
      expect(ringSoftFull(ring)).toBe(true);
      rearmed(ring);
      expect(ringSoftFull(ring)).toBe(false);
    },
  );

  it.each([
    [256, 0, null],
    [65536, 512, null],
    [3000, 0, "EINVAL"],
    [128, 0, "EINVAL"],
    [512, 512, "EINVAL"],
    [131072, 0, "E2BIG"],
  ])("of %i entries with a PML log of %i: %s (case 94)", (entries, pmlEntries, error) => {
    expect(checkRingSize(entries, pmlEntries)).toBe(error);
  });
});
