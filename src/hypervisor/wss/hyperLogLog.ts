/**
 * HyperLogLog (Flajolet et al. 2007): how many different pages there were, from one small register for each of m parts of
 * a hash's range. Its error is 1.04 / sqrt(m). A register depends on which pages there were alone, in whatever order and
 * however often; so sketches of two sets are merged by the larger of each two registers.
 */
import { logarithm } from "../../../workloads/power.ts";
import { numberAt, wordAt, words } from "../../lookup.ts";

export const PRECISION_LEAST = 4;
export const PRECISION_MOST = 16;

/** Up to so many times m, registers that are still 0 say more than the others (linear counting). */
const SMALL = 2.5;
const ALPHA: ReadonlyMap<number, number> = new Map([
  [16, 0.673],
  [32, 0.697],
  [64, 0.709],
]);

export class HyperLogLog {
  /** A byte each in a program that counts its memory. */
  readonly registers: Int32Array;
  readonly #precision: number;

  /** @param precision p: 2^p registers */
  constructor(precision: number) {
    this.#precision = precision;
    this.registers = words(2 ** precision);
  }

  add(page: number): void {
    const { registers } = this;
    // 64 bits of hash: the first p are the register's number, the first 1 among the others is what it keeps.
    const high = mixed(page ^ HIGH_SEED);
    const part = high >>> (32 - this.#precision);
    const rest = (high << this.#precision) >>> 0;
    const zeros =
      rest === 0 ? 32 - this.#precision + Math.clz32(mixed(page ^ LOW_SEED)) : Math.clz32(rest);
    if (zeros + 1 > wordAt(registers, part)) registers[part] = zeros + 1;
  }

  merge({ registers: other }: HyperLogLog): void {
    const { registers } = this;
    for (let i = 0; i < registers.length; i++) {
      if (wordAt(other, i) > wordAt(registers, i)) registers[i] = wordAt(other, i);
    }
  }

  /** Different pages, about; a whole number. */
  estimate(): number {
    const { registers } = this;
    const m = registers.length;
    let sum = 0;
    let empty = 0;
    for (const register of registers) {
      sum += numberAt(HALVES, register);
      if (register === 0) empty++;
    }
    const alpha = ALPHA.get(m) ?? 0.7213 / (1 + 1.079 / m);
    const raw = (alpha * m * m) / sum;
    const isSmall = raw <= SMALL * m && empty > 0;
    return Math.round(isSmall ? m * logarithm(m / empty) : raw);
  }
}

/** 2^-register, exactly: a hash has 64 bits. */
const HALVES = Float64Array.from({ length: 66 }, (_, i) => 1 / 2 ** i);
const HIGH_SEED = 0x9e3779b9;
const LOW_SEED = 0x85ebca6b;

/** MurmurHash3's finalizer: every bit of the result depends on every bit of the page's number. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
