/**
 * Arm's hardware accelerator for cleaning dirty state, FEAT_HACDBS (Arm ARM D8.5): a PE takes a list of entries as HDBSS
 * writes them, and makes the pages or blocks clean that they name. HACDBSBR_EL2 is the list's address with EN in bit 11 and its
 * size in bits 3:0, HACDBSCONS_EL2 the index of the next entry with ERR_REASON in bits 63:62.
 *
 * No TLB hears of it: software invalidates before it relies on a page being clean. VTCR_EL2.HD may be 0, and AF clear.
 */
import { clearAttributes, type Ept, entriesOf } from "../../hardware/ept.ts";
import { isLeaf, PHYSICAL_HIGH } from "../../hardware/formats/entryFormat.ts";
import type { HostMemory } from "../../hardware/memory.ts";
import { pageOfWords } from "../../hardware/words.ts";
import { wordAt } from "../../lookup.ts";
import { levelOf, VALID } from "./walk.ts";

/** HACDBSCONS_EL2.ERR_REASON. */
export const CleanError = {
  none: 0,
  /** The list could not be read. */
  list: 1,
  /** The walk of an entry's address ended in a fault. */
  walk: 2,
  /** What is there is neither clean nor dirty, has the Contiguous bit, or is of another level than the entry says. */
  state: 3,
} as const;

/** A list: the frame that it begins at, how many entries it has, and the first that is not consumed. */
export interface CleanList {
  readonly frame: number;
  readonly entries: number;
  readonly index: number;
}

/** Bit 52, Contiguous, in the high word; and DBM. */
const CONTIGUOUS = 1 << 20;
const DBM = 1 << 19;

/**
 * Consumes a list up to its end, or the first entry that cannot be cleaned, where the index stays. Whatever needs an error to
 * end a short list says a level that is none.
 */
export function clean(
  ept: Ept,
  { frame, entries, index }: CleanList,
): { readonly index: number; readonly error: number } {
  const { memory, geometry } = ept;
  const perPage = 1 << geometry.indexBits;
  for (let at = index; at < entries; at++) {
    const from = frame + Math.floor(at / perPage);
    if (from <= 0 || from >= memory.framesUsed) return { index: at, error: CleanError.list };
    const error = cleanEntry(ept, entryIn(memory, from, at % perPage));
    if (error !== CleanError.none) return { index: at, error };
  }
  return { index: Math.max(index, entries), error: CleanError.none };
}

function entryIn(memory: HostMemory, frame: number, slot: number): readonly [number, number] {
  return memory.readEntry(frame, slot);
}

/** An entry that is not valid is passed. */
function cleanEntry(ept: Ept, [low, high]: readonly [number, number]): number {
  if ((low & VALID) === 0) return CleanError.none;
  const level = levelOf(low);
  if (level < 1 || level >= LEVELS) return CleanError.state;
  const path = entriesOf(ept, pageOfWords(low, high & PHYSICAL_HIGH));
  const leaf = path[path.length - 1];
  if (leaf === undefined || !maps(ept, leaf.word, leaf.level)) return CleanError.walk;
  const attributes = wordAt(ept.memory.words, leaf.word + 1);
  const isTracked = (attributes & DBM) !== 0 && (attributes & CONTIGUOUS) === 0;
  if (!isTracked || leaf.level !== level) return CleanError.state;
  clearAttributes(ept, leaf.word, ept.format.dirty);
  return CleanError.none;
}

/** Arm's levels, 0 to 3. */
const LEVELS = 4;

/** Whether a walk ends at an entry without a fault: what is reserved in a descriptor's type makes it invalid (D8.3.1). */
function maps({ memory, format }: Ept, word: number, level: number): boolean {
  const low = wordAt(memory.words, word);
  if ((low & format.present) === 0 || !isLeaf(format, low, level)) return false;
  return level > 1 || ((low ^ format.inverted) & format.large) === 0;
}
