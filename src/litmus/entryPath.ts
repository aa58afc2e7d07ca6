/** The EPT entries that translate a page, as software reads them. */

import { type Ept, entriesAt } from "../hardware/ept.ts";
import { frameOf, isLeaf } from "../hardware/formats/entryFormat.ts";
import { wordAt } from "../lookup.ts";

/** Entries of a walk, the top level first: where the low word is, and the level. */
export type Path = { readonly word: number; readonly level: number }[];

/** The walk of a guest-physical page, up to its leaf or the first entry that is not present. */
export function eptPath(ept: Ept, page: number): Path {
  const { memory, geometry, format } = ept;
  const path: Path = [];
  let table = ept.root;
  for (let level = geometry.eptLevels; level >= 1; level--) {
    const shift = (level - 1) * geometry.indexBits;
    const index = Math.floor(page / 2 ** shift) % entriesAt(ept, level);
    const word = table * memory.frameWords + 2 * index;
    const low = memory.words[word];
    if (low === undefined) break;
    path.push({ word, level });
    if ((low & format.present) === 0 || isLeaf(format, low, level)) break;
    table = frameOf(format, low, wordAt(memory.words, word + 1));
  }
  return path;
}
