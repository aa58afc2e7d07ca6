/**
 * Which page the hypervisor takes when nobody gives one and a frame is needed: from the VM that is
 * furthest above its target, and there at random, so that the choice does not meet the guest's own
 * (Waldspurger, OSDI'02 3.3); or the coldest of a few, as far as the tracker knows.
 */

import type { Random } from "../../../workloads/random.ts";
import { findLeaf } from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { occurrencesOf } from "../cumulativeBuffer.ts";
import { isMarked } from "../dirtyBitmap.ts";
import { randomPage } from "./guestKernel.ts";
import { type PagedVm, PageState, Tally, type VmMemory } from "./vmMemory.ts";

export const HOST_RULES = ["random", "coldest"] as const;
export type HostRule = (typeof HOST_RULES)[number];

/** Pages that the coldest is chosen among. */
const CANDIDATES = 16;

/** The VM that is furthest above its target among those that have a page to take; -1 if there is none. */
export function furthestAbove(
  memories: readonly VmMemory[],
  hasPage: (vm: number) => boolean,
): number {
  let found = -1;
  let most = Number.NEGATIVE_INFINITY;
  memories.forEach(({ tallies }, vm) => {
    const above = tallies[Tally.resident] - tallies[Tally.target];
    if (above <= most || !hasPage(vm)) return;
    found = vm;
    most = above;
  });
  return found;
}

/** The page that the VM loses, or -1. */
export function hostVictim(
  memory: VmMemory,
  rule: HostRule,
  random: Random,
  pinned: (page: number) => boolean,
): number {
  const { states, vm } = memory;
  const fits = (page: number): boolean => states[page] === PageState.resident && !pinned(page);
  let coldest = randomPage(random, vm.pages, fits);
  if (rule === "random" || coldest < 0) return coldest;
  let least = heat(vm, coldest);
  for (let candidate = 1; candidate < CANDIDATES && least > 0; candidate++) {
    const page = randomPage(random, vm.pages, fits);
    const own = heat(vm, page);
    if (own >= least) continue;
    coldest = page;
    least = own;
  }
  return coldest;
}

/** What the tracker knows of a page's use in this round: PRL counts, the others know whether. */
function heat({ tracked, ept, armed }: PagedVm, page: number): number {
  const { technique } = armed;
  if (technique?.logsMisses === true) return occurrencesOf(tracked.buffer, page);
  if (isMarked(tracked.touched, page) || isMarked(tracked.dirty, page)) return 1;
  // Flags tell only where those of the round before have been taken away.
  const byFlags = technique?.toldBy === "flags" && technique.findsTouched;
  if (!byFlags) return 0;
  const leaf = findLeaf(ept, page);
  if (leaf === null) return 0;
  const { accessed, dirty } = ept.format;
  return (wordAt(ept.memory.words, leaf.word) & (accessed | dirty)) === 0 ? 0 : 1;
}
