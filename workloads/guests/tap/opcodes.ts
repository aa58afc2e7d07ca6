/**
 * Every instruction of WebAssembly 2.0, and of the proposals that engines have with it (tail calls, exceptions, typed
 * function references, threads, relaxed SIMD), by what follows its opcode. Sources: core specification 3.0, section
 * 5.4 and its index of instructions; threads proposal, section "Instructions". Those that access memory are in
 * memoryOpcodes.ts.
 */

/** What follows an opcode. */
export const Immediate = {
  none: 0,
  /** A type of a block. */
  blockType: 1,
  /** An index or a label. */
  index: 2,
  twoIndexes: 3,
  /** The index of a function, which the tap moves. */
  functionIndex: 4,
  labels: 5,
  types: 6,
  /** i32.const and i64.const. */
  number: 7,
  bytes4: 8,
  bytes8: 9,
  bytes16: 10,
  byte: 11,
  heapType: 12,
  catches: 13,
  /** Alignment and offset. */
  memory: 14,
  memoryAndLane: 15,
  memoryIndex: 16,
  memoryCopy: 17,
  memoryInit: 18,
} as const;
export type Immediate = (typeof Immediate)[keyof typeof Immediate];

/** Opcodes with a prefix are prefix * 0x1000 + number. */
export const PREFIX = 0x1000;
export const Prefix = { misc: 0xfc, vector: 0xfd, atomic: 0xfe } as const;

export const Opcode = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  tryBlock: 0x06,
  end: 0x0b,
  delegate: 0x18,
  tryTable: 0x1f,
  memoryGrow: 0x40,
  refFunc: 0xd2,
} as const;

const rows: readonly (readonly [Immediate, ...string[]])[] = [
  [Immediate.none, "0x00-0x01", "0x05", "0x0a-0x0b", "0x0f", "0x19-0x1b", "0x45-0xc4"],
  [Immediate.none, "0xd1", "0xd3-0xd4"],
  [Immediate.blockType, "0x02-0x04", "0x06"],
  // catch, throw, rethrow, br, br_if, call_ref, return_call_ref, delegate; locals, globals and tables.
  [Immediate.index, "0x07-0x09", "0x0c-0x0d", "0x14-0x15", "0x18", "0x20-0x26", "0xd5-0xd6"],
  [Immediate.twoIndexes, "0x11", "0x13"],
  [Immediate.functionIndex, "0x10", "0x12", "0xd2"],
  [Immediate.labels, "0x0e"],
  [Immediate.types, "0x1c"],
  [Immediate.catches, "0x1f"],
  [Immediate.memoryIndex, "0x3f-0x40"],
  [Immediate.number, "0x41-0x42"],
  [Immediate.bytes4, "0x43"],
  [Immediate.bytes8, "0x44"],
  [Immediate.heapType, "0xd0"],
  // Saturating truncation; data.drop, and what is done to tables.
  [Immediate.none, "0xfc000-0xfc007"],
  [Immediate.memoryInit, "0xfc008"],
  [Immediate.memoryCopy, "0xfc00a"],
  [Immediate.memoryIndex, "0xfc00b"],
  [Immediate.index, "0xfc009", "0xfc00d", "0xfc00f-0xfc011"],
  [Immediate.twoIndexes, "0xfc00c", "0xfc00e"],
  // v128.const and i8x16.shuffle; lanes; arithmetic, with the gaps that the numbering has.
  [Immediate.bytes16, "0xfd00c-0xfd00d"],
  [Immediate.byte, "0xfd015-0xfd022"],
  [Immediate.none, "0xfd00e-0xfd014", "0xfd023-0xfd053", "0xfd05e-0xfd099", "0xfd09b-0xfd0a1"],
  [Immediate.none, "0xfd0a3-0xfd0a4", "0xfd0a7-0xfd0ae", "0xfd0b1", "0xfd0b5-0xfd0ba"],
  [Immediate.none, "0xfd0bc-0xfd0c1", "0xfd0c3-0xfd0c4", "0xfd0c7-0xfd0ce", "0xfd0d1"],
  [Immediate.none, "0xfd0d5-0xfd0e1", "0xfd0e3-0xfd0ed", "0xfd0ef-0xfd0ff"],
  [Immediate.none, "0xfd100-0xfd113"],
  // memory.atomic.notify, which accesses nothing, and atomic.fence.
  [Immediate.memory, "0xfe000"],
  [Immediate.byte, "0xfe003"],
];

/** By opcode, of those that access no memory through an address of theirs. */
export const IMMEDIATES: ReadonlyMap<number, Immediate> = new Map(
  rows.flatMap(([immediate, ...ranges]) =>
    ranges.flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => [first + i, immediate] as const);
    }),
  ),
);
