/**
 * The contents of one VM as checkpoints hold them: a version for each page, and the words of the
 * guest's own paging structures. In the emulator a data page has no bytes; its version stands for them.
 */

import { findLeaf, frameAt } from "../../../hardware/ept.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import { machineOf } from "../../machineMove.ts";
import type { VmState } from "../../world.ts";
import type { VmLayout } from "./format.ts";

export class VmImage implements Part {
  readonly name: string;
  readonly layout: VmLayout;
  /** Words of one page of paging structures. */
  readonly tableWords: number;
  /** By data page. */
  readonly versions: Int32Array;
  readonly tables: Int32Array;

  constructor(layout: VmLayout, tableWords: number) {
    this.name = `checkpoint/image of ${layout.name}`;
    this.layout = layout;
    this.tableWords = tableWords;
    this.versions = new Int32Array(layout.pages);
    this.tables = new Int32Array(layout.tables * tableWords);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { versions: this.versions, tables: this.tables };
  }
}

/** Where a page's words are in `tables`; -1 if it is no paging structure. */
export function tableOffset({ layout, tableWords }: VmImage, page: number): number {
  const table = page - layout.firstTable;
  return table >= 0 && table < layout.tables ? table * tableWords : -1;
}

export function layoutOf(vm: VmState): VmLayout {
  const { config, tables } = vm;
  return {
    name: config.name,
    pages: config.pages,
    firstTable: tables?.firstPage ?? config.pages,
    tables: tables?.count ?? 0,
    ...(machineOf(vm) === null ? {} : { bytes: true }),
  };
}

/** A VM's memory as it is now. */
export interface VmMemory {
  readonly layout: VmLayout;
  readonly versions: Int32Array;
  /** Words of host memory, and where in them each page of paging structures begins. */
  words(): Int32Array;
  readonly tablesAt: Int32Array;
}

export function memoryOf(vm: VmState): VmMemory {
  const layout = layoutOf(vm);
  const { memory } = vm.ept;
  const tablesAt = Int32Array.from({ length: layout.tables }, (_, table) => {
    const { word } = findLeaf(vm.ept, layout.firstTable + table)!;
    return frameAt(vm.ept, word) * memory.frameWords;
  });
  return { layout, versions: vm.guest.versions, words: () => memory.words, tablesAt };
}

/** Makes a VM's memory what the image says. */
export function writeBack(image: VmImage, vm: VmMemory): void {
  vm.versions.fill(0);
  vm.versions.set(image.versions);
  const words = vm.words();
  vm.tablesAt.forEach((to, table) => {
    const from = table * image.tableWords;
    words.set(image.tables.subarray(from, from + image.tableWords), to);
  });
}
