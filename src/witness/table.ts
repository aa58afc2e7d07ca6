/** Writes the tables of the image: operations and their arguments, 64-bit words. */

import { Operation } from "./layout.ts";
import type { FieldWrite } from "./vmcsFields.ts";

/** The 12 registers that a guest starts with. */
export interface Registers {
  readonly rax?: bigint;
  readonly rbx?: bigint;
  readonly rcx?: bigint;
  readonly rdx?: bigint;
  readonly rsi?: bigint;
  readonly rdi?: bigint;
  readonly rbp?: bigint;
  readonly r8?: bigint;
  readonly r9?: bigint;
  readonly r10?: bigint;
  readonly r11?: bigint;
  readonly r12?: bigint;
}
const ORDER = [
  ...(["rax", "rbx", "rcx", "rdx", "rsi", "rdi"] as const),
  ...(["rbp", "r8", "r9", "r10", "r11", "r12"] as const),
];

export class Table {
  readonly words: bigint[] = [];

  test(number: number): void {
    this.words.push(BigInt(Operation.test), BigInt(number));
  }

  /** Zeroes pages, and has their changes shown from now on. */
  watch(pages: readonly number[]): void {
    this.#counted(
      Operation.watch,
      pages.map((page) => [BigInt(page)]),
    );
  }

  /** The VMM stores 64-bit words. */
  poke(words: Iterable<readonly [address: number, value: bigint]>): void {
    this.#counted(
      Operation.poke,
      [...words].map(([at, value]) => [BigInt(at), value]),
    );
  }

  /** Bytes in guests' memory: code, stack frames, gates. */
  code(bytes: Iterable<readonly [address: number, value: number]>): void {
    this.#counted(
      Operation.code,
      [...bytes].map(([at, value]) => [BigInt(at), BigInt(value)]),
    );
  }

  vmcs(number: number): void {
    this.words.push(BigInt(Operation.vmcs), BigInt(number));
  }

  vmwrite(fields: readonly FieldWrite[]): void {
    this.#counted(
      Operation.vmwrite,
      fields.map(([field, value]) => [BigInt(field), value]),
    );
  }

  invept(type: bigint, pointer: bigint): void {
    this.words.push(BigInt(Operation.invept), type, pointer);
  }

  invvpid(type: bigint, first: bigint, second: bigint): void {
    this.words.push(BigInt(Operation.invvpid), type, first, second);
  }

  enter(registers: Registers): void {
    this.words.push(BigInt(Operation.enter), ...ORDER.map((name) => registers[name] ?? 0n));
  }

  append(other: Table): void {
    for (const word of other.words) this.words.push(word);
  }

  #counted(operation: number, items: readonly (readonly bigint[])[]): void {
    if (items.length === 0) return;
    this.words.push(BigInt(operation), BigInt(items.length));
    for (const item of items) this.words.push(...item);
  }
}

/** The bytes of tables, with the operation that ends them. */
export function tableBytes(tables: readonly Table[]): Uint8Array {
  const length = tables.reduce((sum, { words }) => sum + words.length, 1);
  const words = new BigUint64Array(length);
  let at = 0;
  for (const table of tables) {
    for (const word of table.words) words[at++] = BigInt.asUintN(64, word);
  }
  return new Uint8Array(words.buffer);
}
