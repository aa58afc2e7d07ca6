/**
 * The ground truth of a VM as a debt: pages that the guest has written (or touched) and that no harvest
 * has reported yet. No tracker sees it. With it go the contents, as far as an operation compares them.
 */
import { beginWindow, clearTruth } from "../../hardware/guestPages.ts";
import type { VmState } from "../../system/world.ts";
import type { Extent } from "./memoryOwners.ts";
import type { MemorySlot, Words } from "./memorySlots.ts";
import { renamedBits } from "./permutation.ts";
import { nothingElse } from "./renamedWords.ts";
import { numberedNames, pageBitNames } from "./wordNames.ts";

/** Bits of one page in the truth: read or fetched, written. */
const WRITTEN = 2;

/** The VM's pages whose truth has one of these bits. */
export function pagesWith({ guest }: Pick<VmState, "guest">, bits: number): number[] {
  const pages: number[] = [];
  for (let page = 0; page < guest.pages; page++) {
    const word = guest.truth[page >>> 4]! | (guest.earlier[page >>> 4] ?? 0);
    if (((word >>> ((page & 15) * 2)) & bits) !== 0) pages.push(page);
  }
  return pages;
}

export const TRUTH_TOUCHED = 3;
export const TRUTH_WRITTEN = WRITTEN;

/** What a VM's pages contain, in a form that says no more than whether copies are alike. */
export interface PageContents {
  /** The words that it stands for, beside the versions of the VM's own pages. */
  readonly extents: readonly Extent[];
  save(): Words;
  restore(words: Words): void;
  /** As MemorySlot.scramble. */
  scramble?(): void;
  /** The same with other numbers for the pages. */
  rename(words: Words, to: (page: number) => number): Words;
}

/**
 * @param bits which of a page's bits are owed: TRUTH_WRITTEN, or TRUTH_TOUCHED
 * @param contents of the VM's pages, if an operation copies them
 */
export function truthSlot(
  vm: VmState,
  number: number,
  bits: number,
  contents: PageContents | null,
): MemorySlot {
  const { guest } = vm;
  const mask = Math.imul(bits, 0x55555555);
  const truthName = pageBitNames(`the ground truth of VM ${number}`, 2);
  return {
    name: `vm${number}/truth`,
    extents: [
      { part: guest, array: "truth", nameOf: truthName },
      { part: guest, array: "earlier", nameOf: truthName },
      {
        part: guest,
        array: "versions",
        nameOf: numberedNames("the contents of page", `VM ${number}`),
      },
      ...(contents?.extents ?? []),
    ],
    save: () => ({
      // An estimator's look begins a new window; what was touched before it stays so.
      owed: Array.from(guest.truth, (word, at) => (word | (guest.earlier[at] ?? 0)) & mask),
      ...contents?.save(),
    }),
    restore(words) {
      clearTruth(guest);
      guest.truth.set(words["owed"]!);
      guest.versions.fill(1);
      contents?.restore(words);
    },
    scramble() {
      // The same in a later window; and what is not owed.
      beginWindow(guest);
      guest.truth.fill(0x55555555 & ~mask);
      contents?.scramble?.();
    },
    rename({ owed, ...rest }, { page }) {
      const to = (one: number): number => page(number, one);
      if (contents === null) nothingElse(rest);
      return { owed: renamedBits(owed!, 2, guest.pages, to), ...contents?.rename(rest, to) };
    },
  };
}

/** A harvest has reported these pages: they are no longer owed. */
export function settle(vm: VmState, isReported: (page: number) => boolean): void {
  const { truth, earlier } = vm.guest;
  for (let page = 0; page < vm.guest.pages; page++) {
    if (!isReported(page)) continue;
    const [word, others] = [page >>> 4, ~(3 << ((page & 15) * 2))];
    truth[word] = truth[word]! & others;
    if (word < earlier.length) earlier[word] = earlier[word]! & others;
  }
}
