/**
 * The generator of all random choices of a workload: xoshiro128** (Blackman and Vigna), period
 * 2^128 - 1. Its whole state is four words, so that it is saved and restored with its part.
 */
import { words } from "../src/lookup.ts";

const TWO_32 = 4294967296;

export class Random {
  /** Four words, never all zero. */
  readonly state = words(4);

  /** @param seed any integer from 0 to 2^53 - 1; seeds that differ by one give unrelated streams. */
  constructor(seed: number) {
    // splitmix32 over both words of the seed, as the authors of xoshiro recommend.
    let x = (seed ^ Math.imul(Math.floor(seed / TWO_32), 0x85ebca6b)) | 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.state[i] = z ^ (z >>> 15);
    }
    if ((this.state[0] | this.state[1] | this.state[2] | this.state[3]) === 0) {
      this.state[0] = 1;
    }
  }

  /** The next 32 random bits, 0 to 2^32 - 1. */
  next(): number {
    const state = this.state;
    const s0 = state[0];
    const s1 = state[1];
    const s2 = state[2] ^ s0;
    const s3 = state[3] ^ s1;
    const scrambled = Math.imul(s1, 5);
    state[0] = s0 ^ s3;
    state[1] = s1 ^ s2;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  }

  /** A whole number from 0 to n - 1, each exactly as likely (Lemire's method). n: 1 to 2^32. */
  below(n: number): number {
    for (;;) {
      const draw = this.next();
      const low = Math.imul(draw, n) >>> 0;
      // Fewer than n low words would favour some results; only the first 2^32 mod n of them do.
      if (low < n && low < (TWO_32 - n) % n) continue;
      // The product may exceed 2^53, but without its low word it is a multiple of 2^32: round.
      return ((draw * n - low) / TWO_32 + 0.5) >>> 0;
    }
  }

  /** True with the probability given, 0 to 1, in steps of 2^-32. Always takes one draw. */
  chance(probability: number): boolean {
    return this.next() < probability * TWO_32;
  }

  /** 1 with the odds given by oddsOf, else 0; chance() without a branch. Always takes one draw. */
  bit(odds: number): number {
    return (((this.next() >>> 1) - odds) | 0) >>> 31;
  }

  /** A fraction from 0 to 1 (exclusive), in steps of 2^-53. Takes two draws. */
  fraction(): number {
    const high = this.next() >>> 6;
    return (high * 134217728 + (this.next() >>> 5)) / 9007199254740992;
  }
}

/** The odds for bit() of a probability, 0 to 1, in steps of 2^-31. A signed word: 1 wraps around. */
export function oddsOf(probability: number): number {
  return Math.round(probability * 2147483648) | 0;
}

/**
 * A seed for one user of a seed that many share: the same for the same pair, unrelated otherwise.
 * @param seed 0 to 2^53 - 1
 * @returns 0 to 2^32 - 1
 */
export function deriveSeed(seed: number, name: string): number {
  let hash = (seed ^ Math.imul(Math.floor(seed / TWO_32), 0x85ebca6b) ^ 0x811c9dc5) | 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
