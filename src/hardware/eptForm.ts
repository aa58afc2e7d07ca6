/** The paging structures of a VM as a state: its entries, and where they are when pages have other numbers. */
import { fieldOf, itemAt } from "../lookup.ts";
import { type Ept, forEachLeaf } from "./ept.ts";
import {
  attributesOf,
  type EntryFormat,
  entryOf,
  frameOf,
  isLeaf,
  lowAttributes,
} from "./formats/entryFormat.ts";
import type { Geometry } from "./geometry.ts";
import type { NameOf, NormalForm } from "./normalForm.ts";

/** Frames of a VM's tables: those built with it, from the root on, and those that splitting large leaves adds. */
export interface TableFrames {
  readonly end: number;
  /** The first that a split adds; null if there are no large leaves. */
  readonly addedFrom: number | null;
}

export function eptForm(ept: Ept, vm: number, { end, addedFrom }: TableFrames): NormalForm {
  const { memory, geometry, format, root } = ept;
  const { frameWords } = memory;
  const from = root * frameWords;
  const last = end * frameWords;
  const added = addedFrom === null ? null : addedFrom * frameWords;
  const nameOf = entryNames(ept, vm);
  return {
    extents: [
      { part: memory, array: "words", from, end: last, nameOf },
      ...(added === null
        ? []
        : [
            { part: memory, array: "words", from: added, nameOf },
            { part: memory, array: "state", end: 1, nameOf: () => "how many frames are in use" },
          ]),
    ],
    lists: added === null ? ["words"] : ["words", "added"],
    save: () => ({
      words: Array.from(memory.words.subarray(from, last)),
      ...(added === null
        ? {}
        : { added: Array.from(fieldOf(memory.arrays(), "words")).slice(added) }),
    }),
    restore(lists) {
      const more = lists["added"] ?? [];
      if (added !== null) memory.resize({ words: added + more.length });
      memory.words.set(fieldOf(lists, "words"), from);
      if (added !== null) memory.words.set(more, added);
      memory.structureChanged();
    },
    scramble() {},
    renumber: (lists, { page }) => {
      const more = lists["added"];
      const tables = {
        root,
        words: fieldOf(lists, "words"),
        addedFrom: addedFrom ?? end,
        added: more ?? [],
      };
      const renumbered = renumberedTables(tables, geometry, format, (own) => page(vm, own));
      return more === undefined ? { words: renumbered.words } : renumbered;
    },
  };
}

/** @param vm whose tables these are, as they are now: tables that splits add later are named by their frame */
function entryNames(ept: Ept, vm: number): NameOf {
  const { memory, geometry } = ept;
  const leaves = new Map<number, string>();
  forEachLeaf(ept, (word, level, page) => {
    const last = page + (1 << ((level - 1) * geometry.indexBits)) - 1;
    leaves.set(word, page === last ? `page ${page}` : `pages ${page} to ${last}`);
  });
  return (at) => {
    const low = at - (at % 2);
    const pages = leaves.get(low);
    const half = at === low ? "" : ", high word";
    if (pages !== undefined) return `the ${ept.format.label} entry of ${pages} of VM ${vm}${half}`;
    const entry = (low % memory.frameWords) / 2;
    const table = Math.floor(low / memory.frameWords);
    return `entry ${entry} of the ${ept.format.label} table in frame ${table} of VM ${vm}${half}`;
  };
}

/** The tables of one VM: those built with it, from the root on, and those that splits have added. */
interface TableWords {
  /** Frame of the root, with which `words` begins, and of the first table that was added. */
  readonly root: number;
  readonly words: readonly number[];
  readonly addedFrom: number;
  readonly added: readonly number[];
}

/**
 * Tables with other numbers for the pages. Entries take their rights and flags along; frames of data stay where
 * they are, as frame i is that of page i. So do tables built with the VM. A table that a split has added goes
 * with its entry: the split that added it would have been that of the other entry.
 */
function renumberedTables(
  { root, words, addedFrom, added }: TableWords,
  { eptLevels, indexBits }: Geometry,
  format: EntryFormat,
  to: (page: number) => number,
): { readonly words: number[]; readonly added: number[] } {
  const perTable = 1 << indexBits;
  const perRoot = perTable << format.rootBits;
  const lower = lowAttributes(format);
  const before = { words, added };
  const after = { words: words.map(() => 0), added: added.map(() => 0) };
  const place = (frame: number, entry: number) =>
    frame >= addedFrom
      ? (["added", 2 * ((frame - addedFrom) * perTable + entry)] as const)
      : (["words", 2 * ((frame - root) * perTable + entry)] as const);
  const read = (frame: number, entry: number): readonly [low: number, high: number] => {
    const [list, at] = place(frame, entry);
    return [itemAt(before[list], at), itemAt(before[list], at + 1)];
  };
  let moved = 0;
  const write = (frame: number, entry: number, low: number, high: number): void => {
    const [list, at] = place(frame, entry);
    after[list][at] = low;
    after[list][at + 1] = high;
    moved++;
  };
  const base = firstDataFrame(read, format, root, eptLevels, perTable);
  const visit = (from: number, goal: number, level: number, first: number): void => {
    const size = 2 ** ((level - 1) * indexBits);
    const entries = level === eptLevels ? perRoot : perTable;
    for (let entry = 0; entry < entries; entry++) {
      const [low, high] = read(from, entry);
      if ((low | high) === 0) continue;
      const page = first + entry * size;
      // Permutations keep blocks together: any page of a block says where it goes.
      const image = Math.floor(to(page) / size) * size;
      const position = Math.floor(image / size) % entries;
      if (isLeaf(format, low, level)) {
        const frame = base + image;
        write(goal, position, ...entryOf(format, frame, attributesOf(format, low, high)));
        continue;
      }
      const table = frameOf(format, low, high);
      if (table >= addedFrom) {
        write(goal, position, low, high);
        visit(table, table, level - 1, page);
        continue;
      }
      const [ownLow, ownHigh] = read(goal, position);
      write(goal, position, (ownLow & ~lower) | (low & lower), ownHigh);
      visit(table, frameOf(format, ownLow, ownHigh), level - 1, page);
    }
  };
  visit(root, root, eptLevels, 0);
  const used = [...words, ...added].filter(
    (_, at, all) => at % 2 === 0 && (itemAt(all, at) | itemAt(all, at + 1)) !== 0,
  );
  if (used.length !== moved) throw new Error("words of paging structures that no table holds");
  return after;
}

/** The frame of page 0: any leaf tells. */
function firstDataFrame(
  read: (frame: number, entry: number) => readonly [number, number],
  format: EntryFormat,
  table: number,
  level: number,
  perTable: number,
): number {
  // Page 0 is mapped first.
  const [low, high] = read(table, 0);
  const frame = frameOf(format, low, high);
  return isLeaf(format, low, level)
    ? frame
    : firstDataFrame(read, format, frame, level - 1, perTable);
}
