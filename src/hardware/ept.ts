/**
 * How hypervisor software sees a VM's second-level tables, of whatever format: it builds them, reads and writes entries,
 * splits and merges large pages. None of this is a guest access: it sets no flags and is not logged.
 */

import { wordAt } from "../lookup.ts";
import {
  attributesOf,
  type EntryFormat,
  frameOf,
  isLeaf,
  lowAttributes,
  restingLeaf,
  sizedLeaf,
} from "./formats/entryFormat.ts";
import { EPT } from "./formats/ept.ts";
import type { Geometry } from "./geometry.ts";
import type { HostMemory } from "./memory.ts";

/** The tables of one VM. `root` is the frame of the top table. */
export interface Ept {
  readonly memory: HostMemory;
  readonly geometry: Geometry;
  readonly format: EntryFormat;
  readonly root: number;
}

/** A leaf found by software: where its low word is, and its level (1 = 4 KiB). */
export interface EptLeaf {
  readonly word: number;
  readonly level: number;
}

export function createEpt(memory: HostMemory, geometry: Geometry, format: EntryFormat = EPT): Ept {
  return { memory, geometry, format, root: allocateRoot(memory, format) };
}

/** A top table of several frames is aligned to its size (RISC-V hypervisor extension, hgatp of Sv39x4). */
function allocateRoot(memory: HostMemory, { rootBits }: EntryFormat): number {
  const frames = 1 << rootBits;
  const odd = memory.framesUsed % frames;
  if (odd !== 0) memory.allocate(frames - odd);
  return memory.allocate(frames);
}

/** Entries of a table at a level. */
export function entriesAt({ geometry, format }: Ept, level: number): number {
  return 1 << (geometry.indexBits + (level === geometry.eptLevels ? format.rootBits : 0));
}

/** The frame that an entry names. @param word where its low word is */
export function frameAt({ memory, format }: Ept, word: number): number {
  return frameOf(format, wordAt(memory.words, word), wordAt(memory.words, word + 1));
}

/** The pointer that names these tables. @param accessedDirty whether the processor is to set flags, where it need not */
export function eptPointer(ept: Ept, accessedDirty: boolean): readonly [low: number, high: number] {
  const bits = ept.format.pointerBits(ept.geometry.eptLevels, accessedDirty);
  return [(ept.root << 12) | bits, ept.root >>> 20];
}

/** An ordinary leaf of RAM with A and D set beforehand, so that nothing is logged until a tracker is armed: Xen's ram_rw. */
export function ordinaryLeaf({ ramLeaf, accessed, dirty }: EntryFormat): number {
  return ramLeaf | accessed | dirty;
}

function entryWord(ept: Ept, table: number, page: number, level: number): number {
  const shift = (level - 1) * ept.geometry.indexBits;
  const index = shift < 32 ? (page >>> shift) & (entriesAt(ept, level) - 1) : 0;
  return table * ept.memory.frameWords + 2 * index;
}

/** Low-word index of the entry for `page` at `level`, making tables on the way. */
export function entryAt(ept: Ept, page: number, level: number): number {
  const { memory, format } = ept;
  let table = ept.root;
  for (let at = ept.geometry.eptLevels; at > level; at--) {
    const word = entryWord(ept, table, page, at);
    if ((memory.words[word]! & format.present) === 0) {
      const created = memory.allocate();
      writeEntry(ept, word, created, format.table);
      memory.structureChanged();
    } else if (isLeaf(format, memory.words[word]!, at)) {
      throw new Error(`page ${page} is already mapped by a large page at level ${at}`);
    }
    table = frameAt(ept, word);
  }
  return entryWord(ept, table, page, level);
}

/** The attributes of an entry. @param word where its low word is */
export function attributesAt({ memory, format }: Ept, word: number): number {
  return attributesOf(format, wordAt(memory.words, word), wordAt(memory.words, word + 1));
}

/** Sets attributes of an entry. */
export function setAttributes({ memory, format }: Ept, word: number, attributes: number): void {
  const { words } = memory;
  const lower = lowAttributes(format);
  words[word] = wordAt(words, word) | (attributes & lower);
  words[word + 1] = wordAt(words, word + 1) | (attributes & ~lower);
}

/** Clears attributes of an entry. */
export function clearAttributes({ memory, format }: Ept, word: number, attributes: number): void {
  const { words } = memory;
  const lower = lowAttributes(format);
  words[word] = wordAt(words, word) & ~(attributes & lower);
  words[word + 1] = wordAt(words, word + 1) & ~(attributes & ~lower);
}

function writeEntry(
  { memory, format }: Ept,
  word: number,
  frame: number,
  attributes: number,
): void {
  const { addressShift } = format;
  const lower = lowAttributes(format);
  memory.words[word] = (frame << addressShift) | (attributes & lower);
  memory.words[word + 1] = (frame >>> (32 - addressShift)) | (attributes & ~lower);
}

/** Maps one page of a size to a frame, both aligned to that size. @param attributes of the leaf; its size is said by `level` */
export function mapPage(
  ept: Ept,
  page: number,
  frame: number,
  level = 1,
  attributes = restingLeaf(ept.format),
): void {
  const word = entryAt(ept, page, level);
  writeEntry(ept, word, frame, sizedLeaf(ept.format, attributes, level));
  // A large page may replace a table.
  if (level > 1) ept.memory.structureChanged();
}

/** Maps `count` adjacent pages to adjacent frames with leaves of one size; a rest is mapped in 4 KiB pages. */
export function mapRange(
  ept: Ept,
  page: number,
  frame: number,
  count: number,
  level = 1,
  attributes = restingLeaf(ept.format),
): void {
  const { memory, geometry } = ept;
  const leaf = sizedLeaf(ept.format, attributes, level);
  const size = 1 << ((level - 1) * geometry.indexBits);
  const whole = count - (count % size);
  const perTable = entriesAt(ept, level);
  for (let done = 0; done < whole; ) {
    let word = entryAt(ept, page + done, level);
    const indexInTable = ((page + done) / size) % perTable;
    const run = Math.min(perTable - indexInTable, (whole - done) / size);
    for (let i = 0; i < run; i++, done += size, word += 2) {
      writeEntry(ept, word, frame + done, leaf);
    }
  }
  if (level > 1) memory.structureChanged();
  if (whole < count) mapRange(ept, page + whole, frame + whole, count - whole, 1, attributes);
}

/** The leaf that maps a page, or null. */
export function findLeaf(ept: Ept, page: number): EptLeaf | null {
  const { memory, format } = ept;
  let table = ept.root;
  for (let level = ept.geometry.eptLevels; level >= 1; level--) {
    const word = entryWord(ept, table, page, level);
    const low = memory.words[word]!;
    if (isLeaf(format, low, level))
      return ((low >>> format.addressShift) | memory.words[word + 1]!) === 0
        ? null
        : { word, level };
    if ((low & format.present) === 0) return null;
    table = frameOf(format, low, memory.words[word + 1]!);
  }
  return null;
}

/** Low-word indexes of the entries that a walk to a page reads, from the top level on to the leaf, or to one that maps nothing. */
export function entriesOf(ept: Ept, page: number): EptLeaf[] {
  const { memory, geometry, format } = ept;
  const entries: EptLeaf[] = [];
  let table = ept.root;
  for (let level = geometry.eptLevels; level >= 1; level--) {
    const word = entryWord(ept, table, page, level);
    entries.push({ word, level });
    const low = memory.words[word] ?? 0;
    if (isLeaf(format, low, level) || (low & format.present) === 0) break;
    table = frameOf(format, low, memory.words[word + 1] ?? 0);
  }
  return entries;
}

/**
 * Replaces a large leaf by a table of smaller leaves with the same attributes, A and D among them (Xen
 * ept_split_super_page). Does nothing to a 4 KiB leaf. The caller flushes the TLBs.
 */
export function splitLeaf(ept: Ept, leaf: EptLeaf): void {
  if (leaf.level === 1) return;
  const { memory, geometry, format } = ept;
  const table = memory.allocate();
  const low = memory.words[leaf.word]!;
  const base = frameAt(ept, leaf.word);
  const size = 1 << ((leaf.level - 2) * geometry.indexBits);
  const attributes = sizedLeaf(format, attributesAt(ept, leaf.word), leaf.level - 1);
  for (let i = 0; i < 1 << geometry.indexBits; i++) {
    writeEntry(ept, table * memory.frameWords + 2 * i, base + i * size, attributes);
  }
  const accessed = format.leavesDecide ? 0 : low & format.accessed;
  writeEntry(ept, leaf.word, table, format.table | accessed);
  memory.structureChanged();
}

/**
 * Takes a page's 4 KiB leaf away; large leaves on the way are split. The caller flushes the TLBs. Returns the low word that
 * the leaf had, its frame, and how many leaves were split; null if nothing maps the page.
 */
export function unmapLeaf(
  ept: Ept,
  page: number,
): { readonly low: number; readonly frame: number; readonly splits: number } | null {
  let leaf = findLeaf(ept, page);
  let splits = 0;
  while (leaf !== null && leaf.level > 1) {
    splitLeaf(ept, leaf);
    splits++;
    leaf = findLeaf(ept, page);
  }
  if (leaf === null) return null;
  const { words } = ept.memory;
  const low = wordAt(words, leaf.word);
  const frame = frameAt(ept, leaf.word);
  words[leaf.word] = 0;
  words[leaf.word + 1] = 0;
  return { low, frame, splits };
}

/**
 * Replaces the tables below the entry of `page` at `level` by one large leaf: the inverse of splitLeaf (KVM
 * recover_huge_pages_range). Only if their leaves map adjacent frames, aligned to its size, with the same
 * rights and memory type; its A and D are set if one of theirs is. The tables' frames are not used again.
 * The caller flushes the TLBs. Returns whether it did.
 */
export function mergeLeaves(ept: Ept, page: number, level: number): boolean {
  const word = entryAt(ept, page, level);
  if (isLeaf(ept.format, wordAt(ept.memory.words, word), level)) return false;
  const whole = uniteTable(ept, word, level);
  const size = 1 << ((level - 1) * ept.geometry.indexBits);
  if (whole === null || whole.frame % size !== 0) return false;
  mapPage(ept, page, whole.frame, level, whole.bits);
  return true;
}

/** The one leaf that what an entry maps could be, or null. */
function uniteTable(
  ept: Ept,
  word: number,
  level: number,
): { readonly frame: number; readonly bits: number } | null {
  const { memory, geometry, format } = ept;
  const low = memory.words[word]!;
  const target = frameAt(ept, word);
  if ((low | target) === 0) return null;
  if (isLeaf(format, low, level)) {
    return { frame: target, bits: sizedLeaf(format, attributesAt(ept, word), 1) };
  }
  const first = uniteTable(ept, target * memory.frameWords, level - 1);
  if (first === null) return null;
  const flags = format.accessed | format.dirty;
  let { bits } = first;
  const size = 1 << ((level - 2) * geometry.indexBits);
  for (let i = 1; i < 1 << geometry.indexBits; i++) {
    const next = uniteTable(ept, target * memory.frameWords + 2 * i, level - 1);
    if (next === null || next.frame !== first.frame + i * size) return null;
    if (((next.bits ^ bits) & ~flags) !== 0) return null;
    bits |= next.bits;
  }
  return { frame: first.frame, bits };
}

/**
 * Calls `visit` with the low-word index and level of each leaf in page order, and the first page it
 * maps. For arming and scanning; not for the inner loop of a guest.
 */
export function forEachLeaf(ept: Ept, visit: LeafVisit): void {
  forEachLeafFrom(ept, 0, Number.POSITIVE_INFINITY, visit);
}

type LeafVisit = (word: number, level: number, page: number) => void;

/**
 * The same of at most so many leaves, from the one that maps page `from` on. Returns the first page of the leaf
 * after them, or -1 if there is none.
 */
export function forEachLeafFrom(ept: Ept, from: number, most: number, visit: LeafVisit): number {
  const rest = { left: most, next: -1 };
  visitTable(ept, ept.root, ept.geometry.eptLevels, 0, from, rest, visit);
  return rest.next;
}

/** Returns whether the walk ends here. */
function visitTable(
  ept: Ept,
  table: number,
  level: number,
  firstPage: number,
  from: number,
  rest: { left: number; next: number },
  visit: LeafVisit,
): boolean {
  const { memory, geometry, format } = ept;
  const size = 2 ** ((level - 1) * geometry.indexBits);
  const first = from <= firstPage ? 0 : Math.floor((from - firstPage) / size);
  for (let i = first; i < entriesAt(ept, level); i++) {
    const word = table * memory.frameWords + 2 * i;
    const low = memory.words[word]!;
    const high = memory.words[word + 1]!;
    if ((low | high) === 0) continue;
    const page = firstPage + i * size;
    if (!isLeaf(format, low, level)) {
      const below = frameOf(format, low, high);
      if (visitTable(ept, below, level - 1, page, from, rest, visit)) return true;
    } else if (rest.left > 0) {
      rest.left--;
      visit(word, level, page);
    } else {
      rest.next = page;
      return true;
    }
  }
  return false;
}
