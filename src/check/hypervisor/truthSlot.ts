/**
 * The ground truth of a VM as a debt: pages that the guest has written (or touched) and that no harvest
 * has reported yet. No tracker sees it. With it go the contents, as far as an operation compares them:
 * in a form that says no more than whether copies are alike.
 */

import { beginWindow, clearTruth, type GuestPages } from "../../hardware/guestPages.ts";
import {
  type NormalForm,
  numberedNames,
  pageBitNames,
  renumberedBits,
} from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, wordAt } from "../../lookup.ts";
import { vmMemory } from "../../system/memoryNames.ts";
import type { VmState } from "../../system/world.ts";
import type { MemorySlot } from "./memorySlots.ts";

/** Bits of one page in the truth: read or fetched, written. */
const WRITTEN = 2;

/** The VM's pages whose truth has one of these bits. */
export function pagesWith({ guest }: Pick<VmState, "guest">, bits: number): number[] {
  const pages: number[] = [];
  for (let page = 0; page < guest.pages; page++) {
    const word = wordAt(guest.truth, page >>> 4) | (guest.earlier[page >>> 4] ?? 0);
    if (((word >>> ((page & 15) * 2)) & bits) !== 0) pages.push(page);
  }
  return pages;
}

export const TRUTH_TOUCHED = 3;
export const TRUTH_WRITTEN = WRITTEN;

/**
 * The debt while a harvest is under way that others may come between, as src/system/verdict/rounds.ts has it for runs: what
 * the harvest owes, as it began; and what has been accessed since, is in its report, and may be in the next one too.
 */
export class Due implements Part {
  readonly name: string;
  /** As in GuestPages.truth. */
  readonly due: Int32Array;
  readonly covered: Int32Array;

  constructor({ name, truth }: GuestPages) {
    this.name = `${name}/due`;
    this.due = new Int32Array(truth.length);
    this.covered = new Int32Array(truth.length);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { due: this.due, covered: this.covered };
  }

  /** A harvest begins: from now on what is done is another one's to report, or this one's. */
  begin({ truth, earlier }: GuestPages): void {
    for (let i = 0; i < truth.length; i++) this.due[i] = wordAt(truth, i) | (earlier[i] ?? 0);
    truth.fill(0);
    earlier.fill(0);
  }

  /** What is owed since the last settlement and reported now is owed no more, though the next harvest may report it again. */
  cover({ truth, earlier, pages }: GuestPages, isReported: (page: number) => boolean): void {
    for (let page = 0; page < pages; page++) {
      if (!isReported(page)) continue;
      const [word, bits] = [page >>> 4, 3 << ((page & 15) * 2)];
      this.covered[word] =
        wordAt(this.covered, word) | ((wordAt(truth, word) | (earlier[word] ?? 0)) & bits);
      truth[word] = wordAt(truth, word) & ~bits;
      if (word < earlier.length) earlier[word] = wordAt(earlier, word) & ~bits;
    }
  }

  /** Pages that the harvest owes and has not reported. */
  missing(pages: number, bits: number, isReported: (page: number) => boolean): boolean {
    for (let page = 0; page < pages; page++) {
      if (((wordAt(this.due, page >>> 4) >>> ((page & 15) * 2)) & bits) === 0) continue;
      if (!isReported(page)) return true;
    }
    return false;
  }

  /** Whether a page was accessed in what a harvest now may report. */
  has({ truth, earlier }: GuestPages, page: number, bits: number): boolean {
    const at = page >>> 4;
    const word =
      wordAt(this.due, at) | wordAt(this.covered, at) | wordAt(truth, at) | (earlier[at] ?? 0);
    return ((word >>> ((page & 15) * 2)) & bits) !== 0;
  }

  /** What the harvest owed is owed still. */
  giveBack({ truth }: GuestPages): void {
    for (let i = 0; i < truth.length; i++) truth[i] = wordAt(truth, i) | wordAt(this.due, i);
  }

  clear(): void {
    this.due.fill(0);
    this.covered.fill(0);
  }
}

/**
 * @param bits which of a page's bits are owed: TRUTH_WRITTEN, or TRUTH_TOUCHED
 * @param contents of the VM's pages, if an operation copies them
 */
export function truthSlot(
  vm: VmState,
  number: number,
  bits: number,
  contents: NormalForm | null,
  due: Due,
): MemorySlot {
  const { guest } = vm;
  const mask = Math.imul(bits, 0x55555555);
  const truthName = pageBitNames(`the ground truth of VM ${number}`, 2);
  return {
    name: vmMemory(number, "truth"),
    lists: ["owed", "due", "covered", ...(contents?.lists ?? [])],
    extents: [
      { part: guest, array: "truth", nameOf: truthName },
      { part: guest, array: "earlier", nameOf: truthName },
      {
        part: guest,
        array: "versions",
        nameOf: numberedNames("the contents of page", `VM ${number}`),
      },
      ...["due", "covered"].map((array) => ({ part: due, array, nameOf: truthName })),
      ...(contents?.extents ?? []),
    ],
    save: () => ({
      // An estimator's look begins a new window; what was touched before it stays so.
      owed: Array.from(guest.truth, (word, at) => (word | (guest.earlier[at] ?? 0)) & mask),
      due: Array.from(due.due, (word) => word & mask),
      covered: Array.from(due.covered, (word) => word & mask),
      ...contents?.save(),
    }),
    restore(words) {
      clearTruth(guest);
      guest.truth.set(fieldOf(words, "owed"));
      due.due.set(fieldOf(words, "due"));
      due.covered.set(fieldOf(words, "covered"));
      guest.versions.fill(1);
      contents?.restore(words);
    },
    scramble() {
      // The same in a later window; and what is not owed.
      beginWindow(guest);
      guest.truth.fill(0x55555555 & ~mask);
      contents?.scramble();
    },
    renumber(words, to) {
      const page = (one: number): number => to.page(number, one);
      const bits = (list: string) => renumberedBits(fieldOf(words, list), 2, guest.pages, page);
      const [owed, harvested, covered] = [bits("owed"), bits("due"), bits("covered")];
      return { owed, due: harvested, covered, ...contents?.renumber(words, to) };
    },
  };
}

/** A harvest has reported these pages: they are no longer owed. */
export function settle(vm: VmState, isReported: (page: number) => boolean): void {
  const { truth, earlier } = vm.guest;
  for (let page = 0; page < vm.guest.pages; page++) {
    if (!isReported(page)) continue;
    const [word, others] = [page >>> 4, ~(3 << ((page & 15) * 2))];
    truth[word] = wordAt(truth, word) & others;
    if (word < earlier.length) earlier[word] = wordAt(earlier, word) & others;
  }
}
