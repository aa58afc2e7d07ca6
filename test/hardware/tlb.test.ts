/** What goes out of a TLB: the mappings that are named, and none of others'. */
import { expect, it } from "vitest";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import {
  fillLevel,
  findInLevel,
  flushEpt,
  flushPage,
  flushVpid,
  META_SPACE_SHIFT,
  NOT_CACHED,
  revokePage,
  spaceOf,
  Tlb,
} from "../../src/hardware/tlb.ts";

const PAGE = 5;
/** VPID and EP4TA of address spaces that share neither, or one of the two. */
const SPACES = [
  [1, 100],
  [1, 200],
  [2, 100],
  [2, 200],
] as const;

const RWX = 7;
const READ = 1;

it.each([
  ["a violation", (tlb: Tlb) => revokePage(tlb, 1, 100, PAGE), [0]],
  ["INVVPID of an address", (tlb: Tlb) => flushPage(tlb, 1, PAGE), [0, 1]],
  ["INVVPID of a VPID", (tlb: Tlb) => flushVpid(tlb, 1), [0, 1]],
  ["INVEPT of an EPT", (tlb: Tlb) => flushEpt(tlb, 100), [0, 2]],
] as const)(
  "%s takes the rights of the mappings it names, and of no others",
  (_what, act, gone) => {
    const tlb = new Tlb("tlb", DEFAULT_GEOMETRY);
    const cached = () =>
      SPACES.map(([vpid, ep4ta]) => {
        const space = spaceOf(tlb, vpid, ep4ta, 0) << META_SPACE_SHIFT;
        return findInLevel(tlb.l1, PAGE, space | READ) >= 0;
      });
    for (const [vpid, ep4ta] of SPACES) {
      const space = spaceOf(tlb, vpid, ep4ta, 0) << META_SPACE_SHIFT;
      fillLevel(tlb.l1, NOT_CACHED, PAGE, space | RWX, 7);
    }
    expect(cached()).toEqual([true, true, true, true]);
    act(tlb);
    expect(cached()).toEqual(SPACES.map((_, i) => !(gone as readonly number[]).includes(i)));
  },
);
