/** Accessed and dirty flags of a walk as text: "A A A AD", top level first, or clean, accessed, dirty. */

import type { HostMemory } from "../hardware/memory.ts";
import { itemAt, wordAt } from "../lookup.ts";
import type { Path } from "./entryPath.ts";

/** Where the two flags are in an entry's low word. */
export interface FlagBits {
  readonly accessed: number;
  readonly dirty: number;
  /** Whether leaves alone have them: then "accessed" and "dirty" leave the other levels alone. */
  readonly leavesDecide?: boolean;
}

/** The flags of each level that a text stands for, in a walk of so many levels. */
function levelFlags(text: string, levels: number, { leavesDecide = false }: FlagBits): string[] {
  if (text === "clean") return Array<string>(levels).fill("-");
  const tables = Array<string>(levels - 1).fill(leavesDecide ? "-" : "A");
  if (text === "accessed") return [...tables, "A"];
  if (text === "dirty") return [...tables, "AD"];
  return text.split(" ");
}

/** The text in its long form. */
export function expandFlags(text: string, path: Path, bits: FlagBits): string {
  return path.length === 0 ? text : levelFlags(text, path.length, bits).join(" ");
}

/** The flags that memory holds. */
export function readFlags(memory: HostMemory, path: Path, bits: FlagBits): string {
  if (path.length === 0) return "no entries";
  return path
    .map(({ word }) => {
      const low = wordAt(memory.words, word);
      const text = `${(low & bits.accessed) === 0 ? "" : "A"}${(low & bits.dirty) === 0 ? "" : "D"}`;
      return text === "" ? "-" : text;
    })
    .join(" ");
}

/** Sets the flags that a text names, and clears the others. Returns what is wrong with the text, or null. */
export function applyFlags(
  memory: HostMemory,
  path: Path,
  text: string,
  bits: FlagBits,
): string | null {
  const levels = levelFlags(text, path.length, bits);
  if (levels.length !== path.length) {
    return `flags "${text}" name ${levels.length} levels, but the walk has ${path.length}`;
  }
  for (const [i, { word }] of path.entries()) {
    const wanted = itemAt(levels, i);
    let low = wordAt(memory.words, word) & ~(bits.accessed | bits.dirty);
    if (wanted.includes("A")) low |= bits.accessed;
    if (wanted.includes("D")) low |= bits.dirty;
    memory.words[word] = low;
  }
  memory.structureChanged();
  return null;
}
