/**
 * The time and the chance of a guest machine. Its time is its instructions, and what it has idled: nothing else passes,
 * so a run has the same times on every host.
 */
import { Random } from "../../random.ts";
import type { TimeAndChance } from "../frozen.ts";

/** A guest of a hundred instructions a microsecond: v86's own frame of 1 ms is then 100,000 of them. */
export const INSTRUCTIONS_A_MILLISECOND = 100_000;
const NANOSECONDS_AN_INSTRUCTION = 10;
/** 1 January 2026, in nanoseconds since 1970. */
const EPOCH = 1_767_225_600_000_000_000n;

export class VirtualClock implements TimeAndChance {
  /** Instructions, and what idling was worth in instructions, since the machine was switched on. */
  #ticks: number;
  /** Of those the idle ones, since this clock was made. */
  idle = 0;
  #last = 0;
  #counter: () => number = () => 0;
  #random = new Random(1);

  /** @param ticks at which it begins: those of a machine that was saved */
  constructor(ticks = 0) {
    this.#ticks = ticks;
  }

  /** From now on it follows this counter of 32 bits. */
  attach(counter: () => number): void {
    this.#counter = counter;
    this.#last = counter();
  }

  /** From now on the time is this. */
  resume(ticks: number, idle: number): void {
    this.#ticks = ticks;
    this.idle = idle;
    this.#last = this.#counter();
  }

  /** What further chance follows from. */
  get chance(): Int32Array {
    return this.#random.state;
  }

  /** From now on chance follows from this. */
  seed(seed: number): void {
    this.#random = new Random(seed);
  }

  /** Since the machine was switched on; exact. */
  ticks(): number {
    const now = this.#counter();
    this.#ticks += (now - this.#last) >>> 0;
    this.#last = now;
    return this.#ticks;
  }

  /** The guest waits for so many milliseconds of its own time. */
  wait(milliseconds: number): void {
    const ticks = Math.ceil(milliseconds * INSTRUCTIONS_A_MILLISECOND);
    this.#ticks += ticks;
    this.idle += ticks;
  }

  elapsed(): bigint {
    return BigInt(this.ticks() * NANOSECONDS_AN_INSTRUCTION);
  }

  now(): bigint {
    return EPOCH + this.elapsed();
  }

  randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#random.below(256));
  }

  randomFraction(): number {
    return this.#random.below(2 ** 30) / 2 ** 30;
  }
}
