/** EPT mappings and changes to EPT entries, as the VMM makes them. */

import { entryAt, findLeaf, mapPage } from "../hardware/ept.ts";
import { type EntryFormat, lowAttributes, rightsText } from "../hardware/formats/entryFormat.ts";
import { EPT_MEMORY_TYPE_SHIFT } from "../hardware/formats/ept.ts";
import { eptPages } from "../hardware/geometry.ts";
import { DATA_FRAME_BASE } from "../hardware/memory.ts";
import { EXECUTE, READ, USER_EXECUTE, WRITE } from "../hardware/rights.ts";
import { itemAt, present, wordAt } from "../lookup.ts";
import { eptPath } from "./entryPath.ts";
import { applyFlags } from "./flagText.ts";
import { overrideEntry } from "./guestTables.ts";
import { LitmusProblem } from "./problem.ts";
import { type EptItem, PAGE_SIZES } from "./setupSchema.ts";
import { type Machine, spend } from "./state.ts";

const MEMORY_TYPES = { UC: 0, WC: 1, WT: 4, WP: 5, WB: 6 } as const;
/** The rights of a translation as text, in the form "r-x", with "u" at the end if set. */
export function permissionText(rights: number): string {
  if ((rights & (READ | WRITE | EXECUTE | USER_EXECUTE)) === 0) return "-";
  const letter = (bit: number, text: string) => ((rights & bit) === 0 ? "-" : text);
  const user = (rights & USER_EXECUTE) === 0 ? "" : "u";
  return letter(READ, "r") + letter(WRITE, "w") + letter(EXECUTE, "x") + user;
}

/** Attributes of an entry that a text such as "r-x" stands for. Where D is among those that allow to write, the page is clean. */
export function permissionBits(
  { read, write, fetch, dirty, grants, noExecuteHigh }: EntryFormat,
  text: string,
): number {
  let attributes = 0;
  if (text.includes("r")) attributes |= read;
  if (text.includes("w")) attributes |= write & ~dirty;
  if (text.includes("x")) attributes |= fetch;
  else attributes |= noExecuteHigh;
  if (text.includes("u")) attributes |= grants & USER_EXECUTE;
  return attributes;
}

/** What an entry permits, as text. @param attributes its own */
export function entryPermissions(format: EntryFormat, attributes: number): string {
  const user = attributes & format.grants & USER_EXECUTE;
  const text = rightsText(format, attributes);
  if (user === 0) return text === "---" ? "-" : text;
  return `${text}u`;
}

/** An entry's low and high word with other permissions. */
export function permitted(
  format: EntryFormat,
  text: string,
  low: number,
  high: number,
): readonly [low: number, high: number] {
  const all = permissionBits(format, "rwxu") | format.write | format.noExecuteHigh;
  const attributes = permissionBits(format, text);
  const lower = lowAttributes(format);
  return [
    (low & ~(all & lower)) | (attributes & lower),
    (high & ~(all & ~lower)) | (attributes & ~lower),
  ];
}

/** Maps what an item says, or with `level` changes the entry at that level. */
export function applyEptItem(machine: Machine, item: EptItem, path: readonly PropertyKey[]): void {
  const { ept, geometry, memory, tables } = machine;
  if (item.level !== undefined) {
    changeEntry(machine, item, item.level, path);
    return;
  }
  const level = PAGE_SIZES.indexOf(item.size ?? "4K") + 1;
  if (level > geometry.eptLevels) {
    throw new LitmusProblem(
      path,
      `no pages of that size in an EPT of ${geometry.eptLevels} levels`,
    );
  }
  const pages = 2 ** ((level - 1) * geometry.indexBits);
  const first = item.gpa / 4096;
  if (first % pages !== 0 || (item.hpa ?? 0) % (pages * 4096) !== 0) {
    throw new LitmusProblem(path, "gpa and hpa must be multiples of the page size");
  }
  const count = item.count ?? 1;
  spend(machine, count, path);
  if (first + count * pages > eptPages(geometry, ept.format.rootBits)) {
    throw new LitmusProblem(path, "gpa is beyond what the EPT can map");
  }
  const rights = permissionBits(ept.format, item.permissions ?? "rwx");
  const attributes = rights | typeBits(ept.format, item, path);
  for (let i = 0; i < count; i++) {
    const page = first + i * pages;
    const own = tables.frames.get(page) ?? DATA_FRAME_BASE + page;
    const frame = item.hpa === undefined ? own : item.hpa / 4096 + i * pages;
    try {
      mapPage(ept, page, frame, level, attributes);
    } catch (error) {
      throw new LitmusProblem(path, error instanceof Error ? error.message : String(error));
    }
    const walk = eptPath(ept, page);
    const word = itemAt(walk, walk.length - 1).word;
    overrideEntry(memory, word, item);
    if (item.flags === undefined) continue;
    const problem = applyFlags(memory, walk, item.flags, ept.format);
    if (problem !== null) throw new LitmusProblem([...path, "flags"], problem);
  }
}

/** The memory type of a leaf, in a format that has it there. */
function typeBits(format: EntryFormat, item: EptItem, path: readonly PropertyKey[]): number {
  const type = item.memoryType ?? "WB";
  if (format.name === "ept") {
    return (typeof type === "number" ? type : MEMORY_TYPES[type]) << EPT_MEMORY_TYPE_SHIFT;
  }
  if (item.memoryType === undefined) {
    return format.ramLeaf & ~(permissionBits(format, "rwx") | format.present);
  }
  throw new LitmusProblem(
    [...path, "memoryType"],
    `${format.label} entries have no memory type here`,
  );
}

function changeEntry(
  machine: Machine,
  item: EptItem,
  level: number,
  path: readonly PropertyKey[],
): void {
  const { ept, memory } = machine;
  const page = Math.floor(item.gpa / 4096);
  if (level > ept.geometry.eptLevels) {
    throw new LitmusProblem(path, `an EPT of ${ept.geometry.eptLevels} levels has no such level`);
  }
  let word = eptPath(ept, page).find((entry) => entry.level === level)?.word;
  try {
    word ??= entryAt(ept, page, level);
  } catch (error) {
    throw new LitmusProblem(path, error instanceof Error ? error.message : String(error));
  }
  overrideEntry(memory, word, item);
  if (item.permissions !== undefined) {
    const [low, high] = [wordAt(memory.words, word), wordAt(memory.words, word + 1)];
    memory.words.set(permitted(ept.format, item.permissions, low, high), word);
  }
  memory.structureChanged();
}

/** Maps the guest's paging structures that nothing maps yet. */
export function mapTables({ ept, geometry, tables }: Machine): void {
  const reach = eptPages(geometry, ept.format.rootBits);
  for (const page of tables.pages) {
    if (page >= reach) {
      throw new LitmusProblem(["guest", "tables"], "the EPT cannot map so many paging structures");
    }
    if (findLeaf(ept, page) !== null) continue;
    const frame = present(tables.frames.get(page), "the frame of a guest's table");
    mapPage(ept, page, frame, 1, ept.format.ramLeaf);
  }
}
