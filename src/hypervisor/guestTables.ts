/**
 * The guest's own paging structures, as its kernel would have set them up: linear page n maps to
 * guest-physical page n, writable, user. They lie in guest-physical pages after the guest's data.
 */

import { type Ept, mapPage } from "../hardware/ept.ts";
import { GUEST_PRESENT, GUEST_USER, GUEST_WRITE } from "../hardware/guestEntry.ts";
import {
  Field,
  GuestPaging,
  type GuestPagingName,
  type Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { present, wordAt } from "../lookup.ts";

const TABLE_BITS = GUEST_PRESENT | GUEST_WRITE | GUEST_USER;
const LEAF_BITS = TABLE_BITS;

export interface GuestTables {
  /** Page of the top table; in PAE mode of the four PDPTEs. */
  readonly rootPage: number;
  /** Guest-physical pages that hold tables: [first, first + count). */
  readonly firstPage: number;
  readonly count: number;
  /** Host frame of the root page. */
  readonly rootFrame: number;
}

/** Number of table pages that map `pages` linear pages. */
export function countTablePages(
  paging: GuestPagingName,
  pages: number,
  indexBits: number,
  guestLevels: number,
): number {
  if (paging === "off") return 0;
  const levels = paging === "pae" ? 2 : guestLevels;
  let total = paging === "pae" ? 1 : 0;
  for (let level = 1, span = pages; level <= levels; level++) {
    span = Math.ceil(span / 2 ** indexBits);
    total += span;
  }
  return total;
}

/** Builds the tables in guest pages from `firstPage` on, and maps those pages in the EPT. */
export function buildGuestTables(
  ept: Ept,
  paging: GuestPagingName,
  pages: number,
  firstPage: number,
): GuestTables {
  const { memory, geometry } = ept;
  const { indexBits } = geometry;
  let next = firstPage;
  const frames = new Map<number, number>();
  const newTable = (): number => {
    const page = next++;
    const frame = memory.allocate();
    mapPage(ept, page, frame);
    frames.set(page, frame);
    return page;
  };
  const write = (table: number, index: number, target: number, bits: number): void => {
    const word = present(frames.get(table), "a guest's table") * memory.frameWords + 2 * index;
    memory.words[word] = (target << 12) | bits;
    memory.words[word + 1] = target >>> 20;
  };
  const fill = (level: number, first: number): number => {
    const table = newTable();
    const span = 2 ** ((level - 1) * indexBits);
    for (let index = 0; index < 2 ** indexBits; index++) {
      const page = first + index * span;
      if (page >= pages) break;
      if (level === 1) write(table, index, page, LEAF_BITS);
      else write(table, index, fill(level - 1, page), TABLE_BITS);
    }
    return table;
  };
  let rootPage: number;
  if (paging === "pae") {
    rootPage = newTable();
    const span = 2 ** (2 * indexBits);
    for (let index = 0; index < 4 && index * span < pages; index++) {
      // A PDPTE has only P among these bits (SDM vol. 3A table 4-8).
      write(rootPage, index, fill(2, index * span), GUEST_PRESENT);
    }
  } else {
    rootPage = fill(geometry.guestLevels, 0);
  }
  return {
    rootPage,
    firstPage,
    count: next - firstPage,
    rootFrame: present(frames.get(rootPage), "the guest's first table"),
  };
}

/** Puts a vCPU into a paging mode with these tables: CR3 and, in PAE mode, the PDPTEs. */
export function enterPagingMode(
  ept: Ept,
  vmcs: Vmcs,
  paging: GuestPagingName,
  tables: GuestTables | null,
): void {
  writeField(vmcs, Field.guestPaging, GuestPaging[paging]);
  if (tables === null) return;
  writeField(vmcs, Field.guestCr3, tables.rootPage << 12, tables.rootPage >>> 20);
  if (paging !== "pae") return;
  const { words, frameWords } = ept.memory;
  for (let i = 0; i < 4; i++) {
    const word = tables.rootFrame * frameWords + 2 * i;
    writeField(vmcs, Field.guestPdpte0 + i, wordAt(words, word), wordAt(words, word + 1));
  }
}
