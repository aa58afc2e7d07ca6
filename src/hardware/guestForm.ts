/** The ground truth of a VM as a state: pages that the guest has accessed since it was last cleared, whatever the window. */
import { fieldOf } from "../lookup.ts";
import { beginWindow, clearTruth, type GuestPages } from "./guestPages.ts";
import { type NormalForm, numberedNames, pageBitNames, renumberedBits } from "./normalForm.ts";

/** Bits of a page in the truth, from 2 x its number on: written; read, fetched or written. */
export const WRITTEN = 2;
export const TOUCHED = 3;
/** Bit 0 of each page. */
const EACH = 0x55555555;

/** Words of two bits a page, of which some count. */
export function truthMask(bits: number): number {
  return Math.imul(bits, EACH);
}

/** @param bits of each page that say something. What pages contain is somebody else's to say (copiesForm). */
export function guestForm(guest: GuestPages, vm: number, bits: number): NormalForm {
  const mask = truthMask(bits);
  const nameOf = pageBitNames(`the ground truth of VM ${vm}`, 2);
  const contents = numberedNames("the contents of page", `VM ${vm}`);
  return {
    extents: [
      { part: guest, array: "truth", nameOf },
      { part: guest, array: "earlier", nameOf },
      { part: guest, array: "versions", nameOf: contents },
    ],
    lists: ["owed"],
    // A look begins a new window; what was touched before it stays so.
    save: () => ({
      owed: Array.from(guest.truth, (word, at) => (word | (guest.earlier[at] ?? 0)) & mask),
    }),
    restore(words) {
      clearTruth(guest);
      guest.truth.set(fieldOf(words, "owed"));
      guest.versions.fill(1);
    },
    // The same in a later window; and what says nothing.
    scramble() {
      beginWindow(guest);
      guest.truth.fill(EACH & ~mask);
    },
    renumber: (words, to) => ({
      owed: renumberedBits(fieldOf(words, "owed"), 2, guest.pages, (page) => to.page(vm, page)),
    }),
  };
}
