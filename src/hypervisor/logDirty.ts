/**
 * What log-dirty tracking does to a VM's EPT entries. After each of these that takes something away
 * the caller must have INVEPT executed on every CPU.
 */
import { type Ept, findLeaf, forEachLeaf, splitLeaf } from "../hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY, EPT_WRITE } from "../hardware/eptEntry.ts";
import { type DirtyBitmap, forEachMarked, markDirty } from "./dirtyBitmap.ts";

/** Techniques that find the first write of each page. */
export type DirtyTechnique = "writeProtect" | "pml";

/** The bits that an armed leaf lacks: D for PML on 4 KiB leaves, else W (Xen ept_p2m_type_to_flags). */
function armedBits(technique: DirtyTechnique, level: number): number {
  return technique === "pml" && level === 1 ? EPT_DIRTY : EPT_WRITE;
}

/**
 * Arms every leaf of a VM. Large leaves lose W whatever the technique, so that their first write
 * exits and splits them. Returns the number of leaves.
 */
export function armAll(ept: Ept, technique: DirtyTechnique): number {
  const { words } = ept.memory;
  let leaves = 0;
  forEachLeaf(ept, (word, level) => {
    words[word] = words[word]! & ~armedBits(technique, level);
    leaves++;
  });
  return leaves;
}

/** Arms the marked pages again, for the next round. */
export function rearmMarked(ept: Ept, technique: DirtyTechnique, bitmap: DirtyBitmap): void {
  const { words } = ept.memory;
  forEachMarked(bitmap, (page) => {
    const leaf = findLeaf(ept, page);
    if (leaf !== null) words[leaf.word] = words[leaf.word]! & ~armedBits(technique, leaf.level);
  });
}

/** Gives every leaf W, and A and D, as an ordinary page of Xen's has them (p2m type ram_rw). */
export function disarmAll(ept: Ept): number {
  const { words } = ept.memory;
  let leaves = 0;
  forEachLeaf(ept, (word) => {
    words[word] = words[word]! | EPT_WRITE | EPT_ACCESSED | EPT_DIRTY;
    leaves++;
  });
  return leaves;
}

/** What a violation turned out to be. */
export type Fix = "notOurs" | "granted" | "split";

/**
 * Serves a write that an armed leaf refused (Xen hvm_hap_nested_page_fault). A large leaf is split
 * first; its pages inherit the armed state, and with write protection the page that was written gets
 * W back. The other CPUs need no INVEPT: their cached rights are less than the new ones.
 */
export function fixWrite(
  ept: Ept,
  technique: DirtyTechnique,
  bitmap: DirtyBitmap,
  page: number,
): Fix {
  const leaf = findLeaf(ept, page);
  const { words } = ept.memory;
  if (leaf === null) return "notOurs";
  if (leaf.level === 1) {
    // Another CPU may have been here first: the write right is back, the access just retries.
    words[leaf.word] = words[leaf.word]! | EPT_WRITE | EPT_ACCESSED | EPT_DIRTY;
    markDirty(bitmap, page);
    return "granted";
  }
  const splitTo = leaf.level - 1;
  splitLeaf(ept, leaf);
  if (splitTo > 1)
    return fixWrite(ept, technique, bitmap, page) === "notOurs" ? "notOurs" : "split";
  if (technique === "pml") {
    armNewTable(ept, page);
    return "split";
  }
  fixWrite(ept, technique, bitmap, page);
  return "split";
}

/** The leaves of a split page under PML: W back, D clear, so that the retried write is logged (case of ept_split_super_page). */
function armNewTable(ept: Ept, page: number): void {
  const { memory, geometry } = ept;
  const perTable = 1 << geometry.indexBits;
  const first = findLeaf(ept, page & ~(perTable - 1));
  if (first === null) return;
  for (let i = 0; i < perTable; i++) {
    const word = first.word + 2 * i;
    memory.words[word] = (memory.words[word]! | EPT_WRITE) & ~EPT_DIRTY;
  }
}
