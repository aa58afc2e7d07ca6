/**
 * Where things are in the physical memory of the bare-metal image, and the words of its tables. The other half is
 * `image/image.c`, with the same numbers.
 */

import type { EntryFormat } from "../hardware/formats/entryFormat.ts";

/** The program, and the tables behind it. */
export const PROGRAM = 0x200000;
export const TABLES = 0x220000;
export const TABLES_END = 0x1000000;
/** Page tables of the guests' own code: the pages of one set, and where the set without EPT begins. */
export const HIDDEN = 0x1200000;
const HIDDEN_SET_PAGES = 8;
const HIDDEN_EPT_PAGE = 16;
const PAE_PAGE = 5;
/** Guest-physical address of physical 0, for the guests' own code. */
export const HIDDEN_GPA = 0x8000000000n;
/** Entry of the EPT's root that maps it. */
export const HIDDEN_EPT_INDEX = 1;
/** Linear address of physical 0 in long mode. */
export const HIDDEN_LINEAR = 0xffffff8000000000n;

/** Frame n with paging structures or a log is here: n pages on. */
export const FRAMES = 0x2000000;
/** Frames that the image can watch. */
export const FRAMES_MAX = 4096;
/** 2 MiB pieces of guests' memory. */
export const DATA = 0x4000000;
export const DATA_PIECES = 64;
/** What 1 GiB pages map. */
export const GIGABYTE = 0x40000000;
/** VMCS regions. */
export const VMCS_MAX = 16;

/** Operations of a table. */
export const Operation = {
  end: 0,
  test: 1,
  poke: 2,
  watch: 3,
  vmcs: 4,
  vmwrite: 5,
  invept: 6,
  invvpid: 7,
  enter: 8,
  code: 9,
} as const;

/** The entry of a second-level root behind which the guests' own code is: all rights, accessed. */
export function hiddenEntry({ table, accessed }: EntryFormat): bigint {
  return BigInt(HIDDEN + HIDDEN_EPT_PAGE * 4096) | BigInt(table | accessed);
}

/** CR3 of the guests' own tables: linear addresses below 1 TiB are guest-physical ones. */
export function hiddenRoot(ept: boolean): bigint {
  return ept ? BigInt(HIDDEN) + HIDDEN_GPA : BigInt(HIDDEN + HIDDEN_SET_PAGES * 4096);
}

/** The last entry of the guests' own root: present, writable, user, accessed. */
export function hiddenEntryOfRoot(): bigint {
  return (hiddenRoot(true) + 4096n) | 0x27n;
}

/** The PDPTE through which a PAE guest's own code is mapped. */
export function hiddenPdpte(ept: boolean): bigint {
  return (hiddenRoot(ept) + BigInt(PAE_PAGE * 4096)) | 1n;
}
