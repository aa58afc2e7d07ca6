/** What other numbers for pages and vCPUs make of paging structures, TLBs and VMCSs, word by word. */
import { isLeaf } from "../../hardware/eptEntry.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import { META_LARGE, META_SPACE_SHIFT } from "../../hardware/tlb.ts";
import { Field, type FieldName } from "../../hardware/vmcs.ts";
import { pageAddressHigh, pageAddressLow, pageOfWords } from "../../hardware/words.ts";
import type { Permutation } from "./permutation.ts";

/** A memory slot's value: named lists of words. */
export type Words = Readonly<Record<string, readonly number[]>>;

/** @throws if there is a list that the caller has not named */
export function nothingElse(rest: Words): void {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`what the words "${unknown}" hold is not known`);
}

/** Low bits of an entry: what is not the address. */
const ENTRY_BITS = 0xfff;

/** The tables of one VM: those built with it, from the root on, and those that splits have added. */
export interface TableWords {
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
export function renamedTables(
  { root, words, addedFrom, added }: TableWords,
  { eptLevels, indexBits }: Geometry,
  to: (page: number) => number,
): { readonly words: number[]; readonly added: number[] } {
  const perTable = 1 << indexBits;
  const before = { words, added };
  const after = { words: words.map(() => 0), added: added.map(() => 0) };
  const place = (frame: number, entry: number) =>
    frame >= addedFrom
      ? (["added", 2 * ((frame - addedFrom) * perTable + entry)] as const)
      : (["words", 2 * ((frame - root) * perTable + entry)] as const);
  const read = (frame: number, entry: number): readonly [low: number, high: number] => {
    const [list, at] = place(frame, entry);
    return [before[list][at]!, before[list][at + 1]!];
  };
  let moved = 0;
  const write = (frame: number, entry: number, low: number, high: number): void => {
    const [list, at] = place(frame, entry);
    after[list][at] = low;
    after[list][at + 1] = high;
    moved++;
  };
  const base = firstDataFrame(read, root, eptLevels, perTable);
  const visit = (from: number, goal: number, level: number, first: number): void => {
    const size = 2 ** ((level - 1) * indexBits);
    for (let entry = 0; entry < perTable; entry++) {
      const [low, high] = read(from, entry);
      if ((low | high) === 0) continue;
      const page = first + entry * size;
      // Permutations keep blocks together: any page of a block says where it goes.
      const image = Math.floor(to(page) / size) * size;
      const position = Math.floor(image / size) % perTable;
      if (isLeaf(low, level)) {
        const frame = base + image;
        const bits = pageAddressLow(frame) | (low & ENTRY_BITS);
        write(goal, position, bits, pageAddressHigh(frame));
        continue;
      }
      const table = pageOfWords(low, high);
      if (table >= addedFrom) {
        write(goal, position, low, high);
        visit(table, table, level - 1, page);
        continue;
      }
      const [ownLow, ownHigh] = read(goal, position);
      write(goal, position, (ownLow & ~ENTRY_BITS) | (low & ENTRY_BITS), ownHigh);
      visit(table, pageOfWords(ownLow, ownHigh), level - 1, page);
    }
  };
  visit(root, root, eptLevels, 0);
  const used = [...words, ...added].filter(
    (_, at, all) => at % 2 === 0 && (all[at]! | all[at + 1]!) !== 0,
  );
  if (used.length !== moved) throw new Error("words of paging structures that no table holds");
  return after;
}

/** The frame of page 0: any leaf tells. */
function firstDataFrame(
  read: (frame: number, entry: number) => readonly [number, number],
  table: number,
  level: number,
  perTable: number,
): number {
  // Page 0 is mapped first.
  const [low, high] = read(table, 0);
  const frame = pageOfWords(low, high);
  return isLeaf(low, level) ? frame : firstDataFrame(read, frame, level - 1, perTable);
}

const LEVEL_KEY = /^(l1|l1Large|l2)\.(meta|tag|page|next)$/;

/**
 * A TLB, whose level holds each page in a set of its own, with other numbers for pages and vCPUs. The space
 * of vCPU i has number i + 1 (systemModel.ts allots them so).
 * @param largeBits log2 of the pages of a large entry
 */
export function renamedTlb(
  { loaded, controls, state, spaces, ...levels }: Words,
  largeBits: number,
  vmOf: (vcpu: number) => number,
  permutation: Permutation,
): Words {
  const renamed: Record<string, number[]> = {};
  for (const key of Object.keys(levels)) {
    if (!LEVEL_KEY.test(key)) throw new Error(`what the words "${key}" hold is not known`);
    if (key.endsWith(".next")) throw new Error("a TLB with several ways has an order of its own");
    renamed[key] = levels[key]!.map(() => 0);
  }
  for (const level of ["l1", "l1Large", "l2"]) {
    const [meta, tag, page] = ["meta", "tag", "page"].map((one) => `${level}.${one}`) as [
      string,
      string,
      string,
    ];
    levels[meta]!.forEach((word, at, all) => {
      if (word === 0) return;
      const vcpu = (word >>> META_SPACE_SHIFT) - 1;
      const size = (word & META_LARGE) === 0 ? 1 : 2 ** largeBits;
      const to = permutation.page(vmOf(vcpu), levels[page]![at]!);
      const image = Math.floor(to / size) * size;
      const set = (image / size) & (all.length - 1);
      if (renamed[meta]![set] !== 0) throw new Error("two translations in the place of one");
      const space = permutation.vcpu(vcpu) + 1;
      renamed[meta]![set] = (word & ((1 << META_SPACE_SHIFT) - 1)) | (space << META_SPACE_SHIFT);
      renamed[tag]![set] = image / size;
      renamed[page]![set] = image;
    });
  }
  const isLoaded = loaded![0]! - 1;
  return {
    loaded: [isLoaded < 0 ? 0 : permutation.vcpu(isLoaded) + 1],
    // The EPT pointer is that of all vCPUs of a VM.
    controls: controls!,
    state: state!,
    spaces: spaces!,
    ...renamed,
  };
}

/** What the fields of a VMCS hold. same: nothing that is exchanged. exit: cleared when it is saved. */
const VMCS_FIELDS: Readonly<Record<FieldName, "same" | "vpid" | "log" | "exit">> = {
  pinBasedControls: "same",
  primaryControls: "same",
  secondaryControls: "same",
  // Of the VM.
  eptPointer: "same",
  vpid: "vpid",
  pmlAddress: "log",
  pmlIndex: "same",
  logFullHandlerCpu: "same",
  logFullVector: "same",
  exitReason: "exit",
  exitQualification: "exit",
  guestPhysicalAddress: "exit",
  guestLinearAddress: "exit",
  idtVectoringInformation: "same",
  guestCr3: "same",
  guestPdpte0: "same",
  guestPdpte1: "same",
  guestPdpte2: "same",
  guestPdpte3: "same",
  guestRflags: "same",
  guestInterruptibility: "same",
  guestRip: "same",
  prlActiveLog: "same",
  prlFullLogs: "same",
  guestPaging: "same",
  guestMode: "same",
  entryInterruptionInformation: "same",
  entryExceptionErrorCode: "same",
  vmInstructionError: "exit",
};

/** The fields of the VMCS of vCPU `from`, when that is vCPU `to`. @param logFrame of a vCPU's log */
export function renamedVmcs(
  fields: readonly number[],
  from: number,
  to: number,
  logFrame: (vcpu: number) => number,
): number[] {
  const renamed = [...fields];
  for (const [name, kind] of Object.entries(VMCS_FIELDS)) {
    const low = 2 * Field[name as FieldName];
    const value = fields[low]!;
    if (kind === "vpid") {
      if (value !== from + 1) throw new Error(`vCPU ${from} has VPID ${value}`);
      renamed[low] = to + 1;
    } else if (kind === "log" && value !== 0) {
      if (value !== pageAddressLow(logFrame(from))) throw new Error(`vCPU ${from}: not its log`);
      renamed[low] = pageAddressLow(logFrame(to));
      renamed[low + 1] = pageAddressHigh(logFrame(to));
    } else if (kind === "exit" && value !== 0) throw new Error(`"${name}" is no state`);
  }
  return renamed;
}
