/**
 * Every instruction that accesses memory at an address on the stack: how many bytes, of which kind, and which values
 * lie above the address. Sources: core specification 3.0, sections 4.6.9 and 5.4; threads proposal.
 */
import { PREFIX, Prefix } from "./opcodes.ts";

/** As AccessKind. */
export const READ = 0;
export const WRITE = 1;
export const MODIFY = 3;

export const ValueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

export interface MemoryInstruction {
  readonly name: string;
  readonly opcode: number;
  readonly bytes: number;
  readonly kind: typeof READ | typeof WRITE | typeof MODIFY;
  /** Types of the operands above the address, in their order. */
  readonly operands: readonly ValueType[];
  /** Whether the number of a lane follows the offset. */
  readonly hasLane: boolean;
}

const { i32, i64, f32, f64, v128 } = ValueType;

/** From its opcode on: loads in order, with their bytes. */
const LOADS: readonly (readonly [string, number])[] = [
  ["i32.load", 4],
  ["i64.load", 8],
  ["f32.load", 4],
  ["f64.load", 8],
  ["i32.load8_s", 1],
  ["i32.load8_u", 1],
  ["i32.load16_s", 2],
  ["i32.load16_u", 2],
  ["i64.load8_s", 1],
  ["i64.load8_u", 1],
  ["i64.load16_s", 2],
  ["i64.load16_u", 2],
  ["i64.load32_s", 4],
  ["i64.load32_u", 4],
];
const FIRST_LOAD = 0x28;

const STORES: readonly (readonly [string, number, ValueType])[] = [
  ["i32.store", 4, i32],
  ["i64.store", 8, i64],
  ["f32.store", 4, f32],
  ["f64.store", 8, f64],
  ["i32.store8", 1, i32],
  ["i32.store16", 2, i32],
  ["i64.store8", 1, i64],
  ["i64.store16", 2, i64],
  ["i64.store32", 4, i64],
];
const FIRST_STORE = 0x36;

const VECTOR_LOADS: readonly (readonly [string, number])[] = [
  ["v128.load", 16],
  ["v128.load8x8_s", 8],
  ["v128.load8x8_u", 8],
  ["v128.load16x4_s", 8],
  ["v128.load16x4_u", 8],
  ["v128.load32x2_s", 8],
  ["v128.load32x2_u", 8],
  ["v128.load8_splat", 1],
  ["v128.load16_splat", 2],
  ["v128.load32_splat", 4],
  ["v128.load64_splat", 8],
];
const VECTOR_STORE = 0x0b;
const FIRST_LANE = 0x54;
const FIRST_ZERO = 0x5c;

/** Each operation has seven widths: of i32 32, of i64 64, then what is extended. */
const WIDTHS: readonly (readonly [ValueType, string, number])[] = [
  [i32, "", 4],
  [i64, "", 8],
  [i32, "8", 1],
  [i32, "16", 2],
  [i64, "8", 1],
  [i64, "16", 2],
  [i64, "32", 4],
];
const FIRST_ATOMIC = 0x10;
const MODIFYING = ["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"];

function vector(number: number): number {
  return Prefix.vector * PREFIX + number;
}

function atomic(number: number): number {
  return Prefix.atomic * PREFIX + number;
}

function typeName(type: ValueType): string {
  return type === i32 ? "i32" : "i64";
}

function scalars(): MemoryInstruction[] {
  const loads = LOADS.map(([name, bytes], i): MemoryInstruction => {
    return { name, opcode: FIRST_LOAD + i, bytes, kind: READ, operands: [], hasLane: false };
  });
  const stores = STORES.map(([name, bytes, type], i): MemoryInstruction => {
    const opcode = FIRST_STORE + i;
    return { name, opcode, bytes, kind: WRITE, operands: [type], hasLane: false };
  });
  return [...loads, ...stores];
}

function vectors(): MemoryInstruction[] {
  const loads = VECTOR_LOADS.map(([name, bytes], i): MemoryInstruction => {
    return { name, opcode: vector(i), bytes, kind: READ, operands: [], hasLane: false };
  });
  const stored = { bytes: 16, kind: WRITE, operands: [v128], hasLane: false } as const;
  const lanes = [8, 16, 32, 64].flatMap((bits, i): MemoryInstruction[] => {
    const common = { bytes: bits / 8, operands: [v128], hasLane: true };
    const [load, store] = [vector(FIRST_LANE + i), vector(FIRST_LANE + 4 + i)];
    return [
      { ...common, name: `v128.load${bits}_lane`, opcode: load, kind: READ },
      { ...common, name: `v128.store${bits}_lane`, opcode: store, kind: WRITE },
    ];
  });
  const zeros = [32, 64].map((bits, i): MemoryInstruction => {
    const common = { bytes: bits / 8, kind: READ, operands: [], hasLane: false } as const;
    return { ...common, name: `v128.load${bits}_zero`, opcode: vector(FIRST_ZERO + i) };
  });
  return [
    ...loads,
    { ...stored, name: "v128.store", opcode: vector(VECTOR_STORE) },
    ...lanes,
    ...zeros,
  ];
}

function atomics(): MemoryInstruction[] {
  const each = (
    group: number,
    kind: MemoryInstruction["kind"],
    nameOf: (type: string, width: string) => string,
    operandsOf: (type: ValueType) => readonly ValueType[],
  ): MemoryInstruction[] =>
    WIDTHS.map(([type, width, bytes], i) => ({
      name: nameOf(typeName(type), width),
      opcode: atomic(FIRST_ATOMIC + 7 * group + i),
      bytes,
      kind,
      operands: operandsOf(type),
      hasLane: false,
    }));
  const zeroExtended = (width: string): string => (width === "" ? "" : "_u");
  return [
    // A wait compares what it reads; a comparison that fails has still locked and rewritten the word (SDM 2A, CMPXCHG).
    ...[32, 64].map((bits, i): MemoryInstruction => {
      const operands = [bits === 32 ? i32 : i64, i64];
      const common = { bytes: bits / 8, kind: READ, operands, hasLane: false } as const;
      return { ...common, name: `memory.atomic.wait${bits}`, opcode: atomic(1 + i) };
    }),
    ...each(
      0,
      READ,
      (type, width) => `${type}.atomic.load${width}${zeroExtended(width)}`,
      () => [],
    ),
    ...each(
      1,
      WRITE,
      (type, width) => `${type}.atomic.store${width}`,
      (type) => [type],
    ),
    ...MODIFYING.flatMap((operation, i) =>
      each(
        2 + i,
        MODIFY,
        (type, width) => `${type}.atomic.rmw${width}.${operation}${zeroExtended(width)}`,
        (type) => (operation === "cmpxchg" ? [type, type] : [type]),
      ),
    ),
  ];
}

export const MEMORY_INSTRUCTIONS: readonly MemoryInstruction[] = [
  ...scalars(),
  ...vectors(),
  ...atomics(),
];

export const MEMORY_OPCODES: ReadonlyMap<number, MemoryInstruction> = new Map(
  MEMORY_INSTRUCTIONS.map((one) => [one.opcode, one]),
);

// Types of floating point occur as operands of stores alone.
export const STORED_TYPES: readonly ValueType[] = [i32, i64, f32, f64, v128];
