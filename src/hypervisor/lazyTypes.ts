/**
 * Xen's lazy change of types (xen/arch/x86/mm/p2m-ept.c): to arm all pages of a VM, or to make them ordinary again, only the
 * entries of the top table are marked as unresolved. Whatever is touched next, by a read too, ends in a misconfiguration, and
 * is resolved along its path: ept_change_entry_type_global, resolve_misconfig.
 */
import { type Ept, entriesOf, forEachLeaf } from "../hardware/ept.ts";
import { type EntryFormat, isLeaf } from "../hardware/formats/entryFormat.ts";
import { pageOfWords } from "../hardware/words.ts";
import { wordAt } from "../lookup.ts";
import { armLeaf, type DirtyTechnique, disarmLeaf } from "./logDirty.ts";

/** Marks all entries of the top table (ept_invalidate_emt). The caller has INVEPT executed. Returns how many. */
export function markTop(ept: Ept): number {
  return markTable(ept, ept.root);
}

function markTable({ memory, format, geometry }: Ept, table: number): number {
  const { words } = memory;
  let marked = 0;
  for (let entry = 0; entry < 1 << geometry.indexBits; entry++) {
    const word = table * memory.frameWords + 2 * entry;
    if ((wordAt(words, word) & format.present) === 0) continue;
    words[word] = wordAt(words, word) | format.unresolved;
    marked++;
  }
  memory.structureChanged();
  return marked;
}

function isMarked({ present, unresolved }: EntryFormat, low: number): boolean {
  return unresolved !== 0 && (low & present) !== 0 && (low & unresolved) === unresolved;
}

/**
 * Resolves what is marked on the way to a page, from the top on, in one exit: an entry that names a table hands its mark on to
 * all of that table's, a large leaf becomes what it is to be, and of a table of 4 KiB leaves all do (resolve_misconfig).
 * No processor holds a translation through an entry that was marked: none has to flush.
 * @param technique by which the pages are armed; null: they become ordinary
 * @returns entries that were written; 0: nothing was marked, as another vCPU has been here first
 */
export function resolveTypes(ept: Ept, technique: DirtyTechnique | null, page: number): number {
  const { memory, format } = ept;
  const { words, frameWords } = memory;
  let written = 0;
  for (const { word, level } of entriesOf(ept, page)) {
    const low = wordAt(words, word);
    if (!isMarked(format, low)) continue;
    if (level === 1) {
      written += resolveLeaves(ept, technique, word - (word % frameWords));
    } else if (isLeaf(format, low, level)) {
      resolveLeaf(ept, technique, word, level);
      written++;
    } else {
      const table = pageOfWords(low, wordAt(words, word + 1));
      written += 1 + markTable(ept, table);
      words[word] = low & ~format.unresolved;
      memory.structureChanged();
    }
  }
  return written;
}

/** Whether an access to a page ends in a misconfiguration that is to be resolved. */
export function isUnresolved(ept: Ept, page: number): boolean {
  return entriesOf(ept, page).some(({ word }) => {
    return isMarked(ept.format, wordAt(ept.memory.words, word));
  });
}

/** All pages become ordinary that are not resolved. Returns the entries that were written. */
export function resolveAll(ept: Ept): number {
  let written = 0;
  forEachLeaf(ept, (_word, _level, page) => {
    written += resolveTypes(ept, null, page);
  });
  return written;
}

/** Those of a table that are marked. @param first its first word */
function resolveLeaves(ept: Ept, technique: DirtyTechnique | null, first: number): number {
  const { memory, format, geometry } = ept;
  let written = 0;
  for (let entry = 0; entry < 1 << geometry.indexBits; entry++) {
    const word = first + 2 * entry;
    if (!isMarked(format, wordAt(memory.words, word))) continue;
    resolveLeaf(ept, technique, word, 1);
    written++;
  }
  return written;
}

/** Its memory type, and what the page is now: Xen computes both anew (epte_get_entry_emt, ept_p2m_type_to_flags). */
function resolveLeaf(
  ept: Ept,
  technique: DirtyTechnique | null,
  word: number,
  level: number,
): void {
  const { memory, format } = ept;
  const { unresolved, ramLeaf } = format;
  memory.words[word] = (wordAt(memory.words, word) & ~unresolved) | (ramLeaf & unresolved);
  if (technique === null) disarmLeaf(ept, word);
  else armLeaf(ept, technique, word, level);
}
