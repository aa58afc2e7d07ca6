/**
 * The memory of the destination host. A data page's content is its version, which counts the writes of
 * the guest's programs. A page of the guest's own paging structures has real bytes, which the processor
 * changes too (accessed and dirty flags); they are copied and compared as they are.
 */

import { type Ept, findLeaf, frameAt } from "../../hardware/ept.ts";
import type { GuestPages } from "../../hardware/guestPages.ts";
import { DATA_FRAME_BASE } from "../../hardware/memory.ts";
import {
  type NormalForm,
  renumberedBits,
  renumberedList,
  wholeOf,
} from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, present, wordAt } from "../../lookup.ts";
import type { GuestTables } from "../guestTables.ts";
import type { TrackedVm } from "../trackedVm.ts";

export class Destination implements Part {
  readonly name: string;
  readonly versions: Int32Array;
  /** A bit per page: it has arrived. A page that has not is not mapped there. */
  readonly present: Int32Array;
  /** Bytes of the guest's tables, page after page. */
  readonly tableWords: Int32Array;
  readonly tables: GuestTables | null;

  constructor(name: string, pages: number, tables: GuestTables | null, frameWords: number) {
    this.name = name;
    this.versions = new Int32Array(pages);
    this.present = new Int32Array(Math.ceil(pages / 32) || 1);
    this.tables = tables;
    this.tableWords = new Int32Array((tables?.count ?? 0) * frameWords);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { versions, present, tableWords } = this;
    return { versions, present, tableWords };
  }
}

/** Another host, which has nothing of the VM yet. */
export function emptyDestination({ versions, present, tableWords }: Destination): void {
  versions.fill(0);
  present.fill(0);
  tableWords.fill(0);
}

/** The source, as far as contents go. */
export interface Source {
  readonly ept: Ept;
  readonly guest: GuestPages;
  /** Memory slots, if it has some: elsewhere there is no memory, whatever was there before. */
  readonly tracked?: Pick<TrackedVm, "slots">;
}

/** Whether a page has arrived. */
export function isThere({ present: arrived }: Destination, page: number): boolean {
  return (wordAt(arrived, page >>> 5) & (1 << (page & 31))) !== 0;
}

/** Copies a page as it is now. */
export function copyPage({ ept, guest }: Source, to: Destination, page: number): void {
  to.present[page >>> 5] = wordAt(to.present, page >>> 5) | (1 << (page & 31));
  to.versions[page] = wordAt(guest.versions, page);
  const from = tableFrame(ept, to, page);
  if (from < 0) return;
  const { words, frameWords } = ept.memory;
  const first = from * frameWords;
  to.tableWords.set(words.subarray(first, first + frameWords), tableAt(ept, to, page));
}

/** Copies a page from one host's memory to another's. */
export function copyBetween(
  from: Destination,
  to: Destination,
  page: number,
  frameWords: number,
): void {
  to.present[page >>> 5] = wordAt(to.present, page >>> 5) | (1 << (page & 31));
  to.versions[page] = wordAt(from.versions, page);
  const first = wordsOfTable(from, page, frameWords);
  if (first < 0) return;
  to.tableWords.set(from.tableWords.subarray(first, first + frameWords), first);
}

/** Whether a page is the same in both. */
export function sameCopy(
  one: Destination,
  other: Destination,
  page: number,
  frameWords: number,
): boolean {
  if (one.versions[page] !== other.versions[page]) return false;
  const first = wordsOfTable(one, page, frameWords);
  for (let i = 0; first >= 0 && i < frameWords; i++) {
    if (one.tableWords[first + i] !== other.tableWords[first + i]) return false;
  }
  return true;
}

/** Where the bytes of a page of the guest's tables begin in a host's copy; -1 for other pages. */
function wordsOfTable({ tables }: Destination, page: number, frameWords: number): number {
  const at = tables === null ? -1 : page - tables.firstPage;
  return tables === null || at < 0 || at >= tables.count ? -1 : at * frameWords;
}

/** The guest's memory of a page becomes what a host has of it. The page is mapped. */
export function loadPage(
  { ept, guest }: Pick<Source, "ept" | "guest">,
  from: Destination,
  page: number,
): void {
  guest.versions[page] = wordAt(from.versions, page);
  const frame = tableFrame(ept, from, page);
  if (frame < 0) return;
  const { words, frameWords } = ept.memory;
  const first = tableAt(ept, from, page);
  words.set(from.tableWords.subarray(first, first + frameWords), frame * frameWords);
}

/** The first page that differs between the two hosts, or -1 (as Xen's verify_frames). */
export function firstDifference({ ept, guest, tracked }: Source, to: Destination): number {
  const slots = tracked?.slots ?? null;
  for (let page = 0; page < to.versions.length; page++) {
    if (slots !== null && !slots.kvm.isMemory(page)) continue;
    const same =
      to.versions[page] === guest.versions[page] &&
      (isThere(to, page) || findLeaf(ept, page) === null) &&
      sameTable(ept, to, page);
    if (!same) return page;
  }
  return -1;
}

function sameTable(ept: Ept, to: Destination, page: number): boolean {
  const frame = tableFrame(ept, to, page);
  if (frame < 0) return true;
  const { words, frameWords } = ept.memory;
  const at = tableAt(ept, to, page);
  for (let i = 0; i < frameWords; i++) {
    if (to.tableWords[at + i] !== words[frame * frameWords + i]) return false;
  }
  return true;
}

/** Position of a table page's bytes at the destination. */
function tableAt(ept: Ept, { tables }: Destination, page: number): number {
  const { firstPage } = present(tables, "the guest's tables");
  return (page - firstPage) * ept.memory.frameWords;
}

/** Host frame of a page of the guest's tables; -1 for other pages. */
function tableFrame(ept: Ept, { tables }: Destination, page: number): number {
  if (tables === null || page < tables.firstPage || page >= tables.firstPage + tables.count) {
    return -1;
  }
  const { word } = present(findLeaf(ept, page), "the leaf of a guest's table");
  const frame = frameAt(ept, word);
  return frame < DATA_FRAME_BASE ? frame : -1;
}

/** Whether each page's copy is as the page is: how often it was written does not matter. */
export function destinationForm(
  destination: Destination,
  guest: GuestPages,
  vm: number,
): NormalForm {
  const { versions, present: arrived } = destination;
  return {
    extents: wholeOf([destination]),
    lists: ["copied", "present"],
    save: () => ({
      copied: Array.from(guest.versions, (version, page) => (versions[page] === version ? 1 : 0)),
      present: Array.from(arrived),
    }),
    restore(words) {
      versions.set(fieldOf(words, "copied"));
      arrived.set(fieldOf(words, "present"));
    },
    scramble() {
      // Written more often, and a copy that is another one is one of another version.
      guest.versions.forEach((version, page, all) => {
        const isCopied = versions[page] === version;
        all[page] = version + 2 + page;
        versions[page] = isCopied ? wordAt(all, page) : 0;
      });
    },
    renumber(words, { page }) {
      const to = (one: number): number => page(vm, one);
      return {
        copied: renumberedList(fieldOf(words, "copied"), to),
        present: renumberedBits(fieldOf(words, "present"), 1, guest.pages, to),
      };
    },
  };
}
