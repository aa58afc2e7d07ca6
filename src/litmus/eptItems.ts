/** EPT mappings and changes to EPT entries, as the VMM makes them. */

import { entryAt, findLeaf, mapPage } from "../hardware/ept.ts";
import {
  EPT_ACCESSED,
  EPT_DIRTY,
  EPT_EXECUTE,
  EPT_MEMORY_TYPE_SHIFT,
  EPT_READ,
  EPT_USER_EXECUTE,
  EPT_WRITE,
} from "../hardware/formats/ept.ts";
import { DATA_FRAME_BASE } from "../hardware/memory.ts";
import { itemAt, present, wordAt } from "../lookup.ts";
import { eptPath } from "./entryPath.ts";
import { applyFlags, type FlagBits } from "./flagText.ts";
import { overrideEntry } from "./guestTables.ts";
import { LitmusProblem } from "./problem.ts";
import { type EptItem, PAGE_SIZES } from "./setupSchema.ts";
import { type Machine, spend } from "./state.ts";

export const EPT_FLAGS: FlagBits = { accessed: EPT_ACCESSED, dirty: EPT_DIRTY };
const MEMORY_TYPES = { UC: 0, WC: 1, WT: 4, WP: 5, WB: 6 } as const;
const PERMISSION_BITS = EPT_READ | EPT_WRITE | EPT_EXECUTE | EPT_USER_EXECUTE;

/** The permission bits of a text such as "r-x". */
export function permissionBits(text: string): number {
  let bits = 0;
  if (text.includes("r")) bits |= EPT_READ;
  if (text.includes("w")) bits |= EPT_WRITE;
  if (text.includes("x")) bits |= EPT_EXECUTE;
  if (text.includes("u")) bits |= EPT_USER_EXECUTE;
  return bits;
}

/** Permission bits as text, in the form "r-x", with "u" at the end if set. */
export function permissionText(low: number): string {
  if ((low & PERMISSION_BITS) === 0) return "-";
  const letter = (bit: number, text: string) => ((low & bit) === 0 ? "-" : text);
  const user = (low & EPT_USER_EXECUTE) === 0 ? "" : "u";
  return letter(EPT_READ, "r") + letter(EPT_WRITE, "w") + letter(EPT_EXECUTE, "x") + user;
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
  if (first + count * pages > 2 ** (geometry.eptLevels * geometry.indexBits)) {
    throw new LitmusProblem(path, "gpa is beyond what the EPT can map");
  }
  const type = item.memoryType ?? "WB";
  const typeBits = typeof type === "number" ? type : MEMORY_TYPES[type];
  const bits = permissionBits(item.permissions ?? "rwx") | (typeBits << EPT_MEMORY_TYPE_SHIFT);
  for (let i = 0; i < count; i++) {
    const page = first + i * pages;
    const own = tables.frames.get(page) ?? DATA_FRAME_BASE + page;
    const frame = item.hpa === undefined ? own : item.hpa / 4096 + i * pages;
    try {
      mapPage(ept, page, frame, level, bits);
    } catch (error) {
      throw new LitmusProblem(path, error instanceof Error ? error.message : String(error));
    }
    const walk = eptPath(ept, page);
    overrideEntry(memory, itemAt(walk, walk.length - 1).word, item);
    if (item.flags === undefined) continue;
    const problem = applyFlags(memory, walk, item.flags, EPT_FLAGS);
    if (problem !== null) throw new LitmusProblem([...path, "flags"], problem);
  }
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
    const low = wordAt(memory.words, word) & ~PERMISSION_BITS;
    memory.words[word] = low | permissionBits(item.permissions);
  }
  memory.structureChanged();
}

/** Maps the guest's paging structures that nothing maps yet. */
export function mapTables({ ept, geometry, tables }: Machine): void {
  const reach = 2 ** (geometry.eptLevels * geometry.indexBits);
  for (const page of tables.pages) {
    if (page >= reach) {
      throw new LitmusProblem(["guest", "tables"], "the EPT cannot map so many paging structures");
    }
    if (findLeaf(ept, page) === null)
      mapPage(ept, page, present(tables.frames.get(page), "the frame of a guest's table"));
  }
}
