/** What all generators share: the pace, the limit, and state in two small arrays. */

import { z } from "zod";
import { LINEAR_PAGES_MAX } from "../../src/hardware/accessLoop.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import { numbers } from "../../src/lookup.ts";
import { Random } from "../random.ts";
import type { Workload } from "../workload.ts";

export const pagesField = z.int().min(1).max(LINEAR_PAGES_MAX);
export const countField = z.int().min(1);
export const fractionField = z.number().min(0).max(1);

/** Times that something is done: a number, or without end. */
export const repeatField = z.union([countField, z.literal("endless")]);

/** Fields of every kind of workload. */
export const commonFields = {
  gap: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(0)
    .describe("cycles of other work of the guest before each access"),
  accesses: countField
    .optional()
    .describe("ends after so many accesses, if it does not end before; without it, no limit"),
  seed: z
    .int()
    .min(0)
    .optional()
    .describe("seed of its random choices; without it, one derived from the scenario's seed"),
};

export interface Pace {
  readonly gap: number;
  readonly accesses?: number | undefined;
}

export abstract class Generator implements Workload {
  readonly name: string;
  readonly pages: number;
  readonly gap: number;
  readonly endless: boolean;
  protected readonly random: Random;
  private readonly limit: number;
  /** Accesses made so far; a double, so that it counts to 2^53. */
  private readonly made = numbers(1);

  /** @param length accesses after which it ends by itself; Infinity if it does not. */
  constructor(name: string, pages: number, pace: Pace, seed: number, length = Infinity) {
    this.name = name;
    this.pages = pages;
    this.gap = pace.gap;
    this.random = new Random(seed);
    this.limit = Math.min(length, pace.accesses ?? Infinity);
    this.endless = this.limit === Infinity;
  }

  arrays(): Record<string, WordArray> {
    return { made: this.made, random: this.random.state };
  }

  /** Accesses made so far. */
  protected get accessesMade(): number {
    return this.made[0];
  }

  fill(block: Int32Array): number {
    const made = this.made[0];
    const count = Math.min(block.length, this.limit - made);
    if (count <= 0) return 0;
    this.generate(block, count, made);
    this.made[0] = made + count;
    return count;
  }

  /**
   * Writes the accesses number `made` to `made + count - 1` to the start of the block. May depend on
   * nothing that changes but `made`, `random` and what a subclass adds to arrays().
   */
  protected abstract generate(block: Int32Array, count: number, made: number): void;
}

/** How many accesses there are in `times` repetitions of `each`. */
export function repeated(times: number | "endless", each: number): number {
  return times === "endless" ? Infinity : times * each;
}
