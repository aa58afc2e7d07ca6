/**
 * What has become of each page of one VM on an overcommitted host, and the two operations behind
 * everything: a page loses its frame, a page is given one. What a frame held moves with the page: it is
 * kept aside while the page has none, and the frame's next owner finds zeroes or its own content.
 */

import { type Ept, mapPage, ordinaryLeaf, unmapLeaf } from "../../hardware/ept.ts";
import { type GuestPages, wasTouched } from "../../hardware/guestPages.ts";
import { type NormalForm, whilePagesStay } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import type { GuestPagingName } from "../../hardware/vmcs.ts";
import { fieldOf, numbers, wordAt, words as wordsOf } from "../../lookup.ts";
import type { GuestTables } from "../guestTables.ts";
import { Work } from "../tableWork.ts";
import type { Technique } from "../techniques/technique.ts";
import type { TrackedVm } from "../trackedVm.ts";

export const PageState = {
  /** No frame and no content: in the balloon, or never used. */
  empty: 0,
  resident: 1,
  /** The hypervisor took the frame; the guest does not know. */
  hostSwapped: 2,
  /** The guest wrote it to its own swap and gave the page away. */
  guestSwapped: 3,
  /** On its way in; this plus what it was before. */
  coming: 4,
} as const;

/** What is counted of a VM, and its sizes in pages. */
export const Tally = {
  /** Size that the controller wants; and the size that the balloon leaves, which the guest may use. */
  target: 0,
  grant: 1,
  /** Pages that the guest has in hand, swapped by the hypervisor or not; and those that have frames. */
  held: 2,
  resident: 3,
  firstTouches: 4,
  /** Touches of pages that had been taken away, by the guest itself or by the hypervisor. */
  guestRefaults: 5,
  hostRefaults: 6,
  /** Pages that the guest gave up, those of them that had never been used, and pages that the hypervisor took. */
  guestOuts: 7,
  freeOuts: 8,
  hostOuts: 9,
  /** Pages that the guest paged out when the hypervisor had swapped them before. */
  doublePaged: 10,
  /** Cycles that vCPUs waited for pages. */
  waitCycles: 11,
  /** When its last vCPU halted; 0 while it runs. */
  haltedAt: 12,
} as const;
export type Tally = (typeof Tally)[keyof typeof Tally];

/** Of what is counted, the sizes come first: something is decided by them, and by nothing else. */
export const SIZES = Tally.resident + 1;

/** Words of `lostStores`. */
const Lost = {
  /** Stores that went into a frame whose page had been read already. */
  stores: 0,
  /** The first such page, plus 1. */
  firstPage: 1,
} as const;

/** Words of `hands`. */
export const Hand = {
  /** The guest's clock hand. */
  clock: 0,
  /** Where it looks for free pages next, downwards. */
  free: 1,
} as const;

/** A VM as the pager sees it. */
export interface PagedVm {
  readonly name: string;
  /** Pages of data; the guest's page tables come after them and always have frames. */
  readonly pages: number;
  readonly paging: GuestPagingName;
  readonly ept: Ept;
  readonly guest: GuestPages;
  readonly tables: GuestTables | null;
  readonly tracked: TrackedVm;
  /** How it is tracked now. */
  readonly armed: { readonly technique: Technique | null };
}

export class VmMemory implements Part {
  readonly name: string;
  readonly statistics = [{ array: "tallies", from: SIZES }, "lostStores"];
  readonly vm: PagedVm;
  readonly states: Int32Array;
  /** Contents of pages without frames; empty when contents are not kept. */
  readonly contents: Int32Array;
  /** 1: the page has lost its frame, and not every CPU has executed INVEPT since. */
  readonly unflushed: Int32Array;
  readonly tallies = numbers(13);
  readonly lostStores = numbers(2);
  readonly hands = wordsOf(2);

  constructor(vm: PagedVm, initialPages: number) {
    this.vm = vm;
    this.name = `${vm.name}/memory`;
    this.states = new Int32Array(vm.pages).fill(PageState.resident, 0, initialPages);
    this.unflushed = new Int32Array(vm.pages);
    this.contents = new Int32Array(vm.guest.versions.length === 0 ? 0 : vm.pages);
    this.hands[Hand.free] = vm.pages - 1;
    for (const tally of [Tally.target, Tally.grant, Tally.held, Tally.resident]) {
      this.tallies[tally] = initialPages;
    }
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { states, contents, unflushed, tallies, lostStores, hands } = this;
    return { states, contents, unflushed, tallies, lostStores, hands };
  }
}

export function add(memory: VmMemory, tally: Tally, value: number): void {
  memory.tallies[tally] += value;
}

/** Whatever a page was that has no frame, by its present state. */
export function stateBefore(state: number): number {
  return state >= PageState.coming ? state - PageState.coming : state;
}

/**
 * Takes a page's frame away: large leaves on the way are split, and what the tracker could only learn
 * from the leaf is noted. The caller has INVEPT executed, and then calls keepContent, before the frame is
 * used again. Returns the frame, and how many leaves were split.
 */
export function unmapPage(
  { vm, unflushed, tallies }: VmMemory,
  page: number,
): { readonly frame: number; readonly splits: number } {
  const { ept, tracked, armed } = vm;
  const taken = unmapLeaf(ept, page);
  if (taken === null) throw new Error(`page ${page} of ${vm.name} has no frame`);
  const { low, frame, splits } = taken;
  armed.technique?.pageTaken(tracked, page, low);
  unflushed[page] = 1;
  tallies[Tally.resident] -= 1;
  return { frame, splits };
}

/**
 * Reads what a frame holds that a page has lost. Not before every CPU has executed INVEPT: until then
 * a store may come through an old translation. One to a page that the guest had thought free makes it a used one.
 */
export function keepContent({ vm, states, contents, unflushed }: VmMemory, page: number): void {
  const { versions } = vm.guest;
  const state = wordAt(states, page);
  if (stateBefore(state) === PageState.empty && wasTouched(vm.guest, page)) {
    states[page] = state + PageState.guestSwapped - PageState.empty;
  }
  unflushed[page] = 0;
  if (contents.length === 0) return;
  contents[page] = wordAt(versions, page);
  // The frame is not this page's any more.
  versions[page] = 0;
}

/** Gives a page a frame, with the content that was kept, or zeroes. The page is being touched. */
export function fillPage(memory: VmMemory, page: number, frame: number): void {
  const { vm, states, contents } = memory;
  const { ept, guest, tracked, armed } = vm;
  const fresh = stateBefore(wordAt(states, page)) === PageState.empty;
  // What has been disarmed is not looked at again.
  const technique = tracked.work.work === Work.disarm ? null : armed.technique;
  const bits = technique?.pageReturned(tracked, page) ?? ordinaryLeaf(ept.format);
  mapPage(ept, page, frame, 1, bits);
  if (contents.length > 0) {
    noteLostStores(memory, page);
    guest.versions[page] = fresh ? 0 : wordAt(contents, page);
  }
  states[page] = PageState.resident;
}

/** What was stored to a page without a frame since its content was read: through an old translation, into whose frame it may. */
function noteLostStores({ vm, lostStores }: VmMemory, page: number): void {
  const stores = wordAt(vm.guest.versions, page);
  if (stores === 0) return;
  lostStores[Lost.stores] += stores;
  if (lostStores[Lost.firstPage] === 0) lostStores[Lost.firstPage] = page + 1;
}

/** Stores that are lost, with those to pages that have no frame now; and the first such page, -1 if there is none. */
export function lostStoresOf({ vm, states, unflushed, lostStores }: VmMemory): {
  readonly stores: number;
  readonly firstPage: number;
} {
  let stores = lostStores[Lost.stores];
  let firstPage = lostStores[Lost.firstPage] - 1;
  vm.guest.versions.subarray(0, vm.pages).forEach((version, page) => {
    if (version === 0 || states[page] === PageState.resident || unflushed[page] !== 0) return;
    stores += version;
    if (firstPage < 0) firstPage = page;
  });
  return { stores, firstPage };
}

/** But for the contents of its pages, of which it only matters which are alike. */
export function memoryForm(memory: VmMemory, vm: number): NormalForm {
  const { states, unflushed, tallies, hands } = memory;
  const statesOf = `states${vm}`;
  const unflushedOf = `unflushed${vm}`;
  const sizes = `sizes${vm}`;
  const handsOf = `hands${vm}`;
  return {
    extents: [
      ...["states", "unflushed", "hands"].map((array) => ({ part: memory, array })),
      { part: memory, array: "tallies", end: SIZES },
    ],
    lists: [statesOf, unflushedOf, sizes, handsOf],
    save: () => ({
      [statesOf]: Array.from(states),
      [unflushedOf]: Array.from(unflushed),
      [sizes]: Array.from(tallies.subarray(0, SIZES)),
      [handsOf]: Array.from(hands),
    }),
    restore(words) {
      states.set(fieldOf(words, statesOf));
      unflushed.set(fieldOf(words, unflushedOf));
      tallies.fill(0);
      tallies.set(fieldOf(words, sizes));
      hands.set(fieldOf(words, handsOf));
    },
    scramble() {},
    renumber: whilePagesStay,
  };
}
