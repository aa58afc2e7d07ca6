/**
 * What log-dirty tracking does to a VM's EPT entries. After each of these that takes something away
 * the caller must have INVEPT executed on every CPU.
 */

import {
  clearAttributes,
  type Ept,
  findLeaf,
  forEachLeaf,
  mergeLeaves,
  ordinaryLeaf,
  setAttributes,
  splitLeaf,
} from "../hardware/ept.ts";
import type { EntryFormat } from "../hardware/formats/entryFormat.ts";
import { type DirtyBitmap, markDirty } from "./dirtyBitmap.ts";
import { type Walk, walkLeaves, walkMarks, wholeWalk } from "./tableWork.ts";

/** By what the first write of each page is found: it faults, or sets D, which a unit of the processor logs. */
export type DirtyTechnique = "writeProtect" | "dirtyFlag";

/** The attributes that an armed leaf lacks: D for a log on 4 KiB leaves, else W (Xen ept_p2m_type_to_flags). */
function armedBits(format: EntryFormat, technique: DirtyTechnique, level: number): number {
  return technique === "dirtyFlag" && level === 1 ? format.dirty : format.write;
}

/** Arms one leaf. @param word where its low word is */
export function armLeaf(ept: Ept, technique: DirtyTechnique, word: number, level: number): void {
  clearAttributes(ept, word, armedBits(ept.format, technique, level));
}

/** An armed 4 KiB leaf. */
export function armedLeaf({ format }: Ept, technique: DirtyTechnique): number {
  return ordinaryLeaf(format) & ~armedBits(format, technique, 1);
}

/**
 * Arms every leaf of a VM, or those of a piece. Large leaves lose W whatever the technique, so that their first
 * write exits and splits them. Returns the number of leaves.
 */
export function armAll(ept: Ept, technique: DirtyTechnique, walk: Walk = wholeWalk()): number {
  let leaves = 0;
  walkLeaves(walk, ept, (word, level) => {
    armLeaf(ept, technique, word, level);
    leaves++;
  });
  return leaves;
}

/**
 * Begins a round as KVM does with KVM_DIRTY_LOG_INITIALLY_SET: every mapped page counts as dirty, and no
 * leaf is changed before the first CLEAR.
 */
export function setAll(ept: Ept, bitmap: DirtyBitmap): void {
  forEachLeaf(ept, (_word, level, page) => {
    const size = 2 ** ((level - 1) * ept.geometry.indexBits);
    for (let i = 0; i < size; i++) markDirty(bitmap, page + i);
  });
}

/** Arms the page's leaf again. */
export function rearmPage(ept: Ept, technique: DirtyTechnique, page: number): void {
  const leaf = findLeaf(ept, page);
  if (leaf === null) return;
  armLeaf(ept, technique, leaf.word, leaf.level);
}

/** Arms the marked pages again, for the next round. Returns how many. */
export function rearmMarked(
  ept: Ept,
  technique: DirtyTechnique,
  bitmap: DirtyBitmap,
  walk: Walk = wholeWalk(),
): number {
  let pages = 0;
  walkMarks(walk, bitmap, (page) => {
    rearmPage(ept, technique, page);
    pages++;
  });
  return pages;
}

/** Splits every large leaf down to 4 KiB. Returns the number of splits. */
export function splitAll(ept: Ept, walk: Walk = wholeWalk()): number {
  const large: number[] = [];
  walkLeaves(walk, ept, (_word, level, page) => {
    if (level > 1) large.push(page);
  });
  let splits = 0;
  for (const page of large) splits += splitPage(ept, page);
  return splits;
}

/** Splits the large leaves of marked pages. Returns the number of splits. */
export function splitMarked(ept: Ept, bitmap: DirtyBitmap, walk: Walk): number {
  let splits = 0;
  walkMarks(walk, bitmap, (page) => {
    splits += splitPage(ept, page);
  });
  return splits;
}

function splitPage(ept: Ept, page: number): number {
  const leaf = findLeaf(ept, page);
  if (leaf === null || leaf.level === 1) return 0;
  splitLeaf(ept, leaf);
  if (leaf.level === 2) return 1;
  let splits = 1;
  const piece = 2 ** ((leaf.level - 2) * ept.geometry.indexBits);
  for (let i = 0; i < 2 ** ept.geometry.indexBits; i++) splits += splitPage(ept, page + i * piece);
  return splits;
}

/** Gives a leaf W, and A and D, as an ordinary page of Xen's has them (p2m type ram_rw). @param word where its low word is */
export function disarmLeaf(ept: Ept, word: number): void {
  const { write, accessed, dirty } = ept.format;
  setAttributes(ept, word, write | accessed | dirty);
}

/** Every leaf becomes ordinary again. */
export function disarmAll(ept: Ept, walk: Walk = wholeWalk()): number {
  let leaves = 0;
  walkLeaves(walk, ept, (word) => {
    disarmLeaf(ept, word);
    leaves++;
  });
  return leaves;
}

/**
 * Makes leaves of `level` again where tracking has split them, as KVM does when a slot no longer logs
 * (kvm_mmu_slot_apply_flags); Xen leaves them split. Returns the number of leaves made.
 */
export function mergeAll(ept: Ept, level: number): number {
  const size = 2 ** ((level - 1) * ept.geometry.indexBits);
  const split = new Set<number>();
  forEachLeaf(ept, (_word, at, page) => {
    if (at < level) split.add(page - (page % size));
  });
  let made = 0;
  for (const page of split) if (mergeLeaves(ept, page, level)) made++;
  return made;
}

/** What a violation turned out to be. */
export type Fix = "notOurs" | "granted" | "split";

/**
 * Serves a write that an armed leaf refused (Xen hvm_hap_nested_page_fault). A large leaf is split
 * first; its pages inherit the armed state, and with write protection the page that was written gets
 * W back. `onDirty` is told of the page that became dirty. The other CPUs need no INVEPT: their cached rights are less than the new ones.
 */
export function fixWrite(
  ept: Ept,
  technique: DirtyTechnique,
  page: number,
  onDirty: (page: number) => void,
): Fix {
  const leaf = findLeaf(ept, page);
  if (leaf === null) return "notOurs";
  if (leaf.level === 1) {
    // Another CPU may have been here first: the write right is back, the access just retries.
    disarmLeaf(ept, leaf.word);
    onDirty(page);
    return "granted";
  }
  const splitTo = leaf.level - 1;
  splitLeaf(ept, leaf);
  if (splitTo > 1)
    return fixWrite(ept, technique, page, onDirty) === "notOurs" ? "notOurs" : "split";
  if (technique === "dirtyFlag") {
    armNewTable(ept, page);
    return "split";
  }
  fixWrite(ept, technique, page, onDirty);
  return "split";
}

/** The leaves of a split page under a log: W back, D clear, so that the retried write is logged (case of ept_split_super_page). */
function armNewTable(ept: Ept, page: number): void {
  const { geometry, format } = ept;
  const perTable = 1 << geometry.indexBits;
  const first = findLeaf(ept, page & ~(perTable - 1));
  if (first === null) return;
  for (let i = 0; i < perTable; i++) {
    const word = first.word + 2 * i;
    setAttributes(ept, word, format.write);
    clearAttributes(ept, word, format.dirty);
  }
}
