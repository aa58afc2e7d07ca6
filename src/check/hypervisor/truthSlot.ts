/**
 * The ground truth of a VM as a debt: pages that the guest has written (or touched) and that no harvest
 * has reported yet. No tracker sees it. With it go the contents, as far as a migration compares them.
 */
import { clearTruth } from "../../hardware/guestPages.ts";
import type { Destination } from "../../hypervisor/migration/destination.ts";
import type { VmState } from "../../system/world.ts";
import type { MemorySlot } from "./memorySlots.ts";

/** Bits of one page in the truth: read or fetched, written. */
const WRITTEN = 2;

/** The VM's pages whose truth has one of these bits. */
export function pagesWith({ guest }: Pick<VmState, "guest">, bits: number): number[] {
  const pages: number[] = [];
  for (let page = 0; page < guest.pages; page++) {
    if (((guest.truth[page >>> 4]! >>> ((page & 15) * 2)) & bits) !== 0) pages.push(page);
  }
  return pages;
}

export const TRUTH_TOUCHED = 3;
export const TRUTH_WRITTEN = WRITTEN;

/**
 * @param bits which of a page's bits are owed: TRUTH_WRITTEN, or TRUTH_TOUCHED
 * @param destination of a migration, if there is one
 */
export function truthSlot(
  vm: VmState,
  number: number,
  bits: number,
  destination: Destination | null,
): MemorySlot {
  const { guest } = vm;
  const mask = Math.imul(bits, 0x55555555);
  return {
    name: `vm${number}/truth`,
    save: () => ({
      owed: Array.from(guest.truth, (word) => word & mask),
      // Whether a page's copy is as the page is: how often it was written does not matter.
      ...(destination === null
        ? {}
        : {
            copied: Array.from(guest.versions, (version, page) =>
              destination.versions[page] === version ? 1 : 0,
            ),
            present: Array.from(destination.present),
          }),
    }),
    restore({ owed, copied, present }) {
      clearTruth(guest);
      guest.truth.set(owed!);
      guest.versions.fill(1);
      if (destination === null) return;
      destination.versions.set(copied!);
      destination.present.set(present!);
    },
    scramble() {
      guest.truth.forEach((word, at, all) => {
        all[at] = word | (0x55555555 & ~mask);
      });
    },
  };
}

/** A harvest has reported these pages: they are no longer owed. */
export function settle(vm: VmState, isReported: (page: number) => boolean): void {
  const { truth } = vm.guest;
  for (let page = 0; page < vm.guest.pages; page++) {
    if (isReported(page)) truth[page >>> 4] = truth[page >>> 4]! & ~(3 << ((page & 15) * 2));
  }
}
