/**
 * For information: what the uniform pattern costs with walks in two dimensions (a long-mode guest), and
 * with PRL, which logs every walk.
 */
import { BenchGuest, type GuestOptions } from "./guest.ts";
import { type Benchmark, median, type Result, ROUNDS, secondsOf } from "./harness.ts";
import { makeBlock } from "./patterns.ts";

const VARIANTS: readonly (readonly [string, GuestOptions])[] = [
  ["uniform, long-mode guest, PML", { paging: "longMode", log: "pml" }],
  ["uniform, paging off, PRL", { paging: "off", log: "prl" }],
  ["uniform, long-mode guest, PRL", { paging: "longMode", log: "prl" }],
];
/** A two-dimensional walk takes several times as long: a part of the block is enough. */
const ACCESSES = 1 << 20;

export const walkVariants: Benchmark = {
  name: "walks",
  async run(): Promise<readonly Result[]> {
    const block = makeBlock("uniform").subarray(0, ACCESSES);
    return VARIANTS.map(([what, options]) => {
      const guest = new BenchGuest(options);
      const rates: number[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        guest.arm();
        const seconds = secondsOf(() => guest.run(block));
        if (round >= 0) rates.push(ACCESSES / seconds / 1e6);
      }
      return { what, value: median(rates), unit: "M accesses/s" };
    });
  },
};
