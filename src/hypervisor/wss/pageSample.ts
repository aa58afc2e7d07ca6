/** The random pages of one sampling period (Waldspurger, OSDI'02 5.3). */
import type { Random } from "../../../workloads/random.ts";

/** `count` different pages of the first `pages`, every set equally likely (Floyd's method), ascending. */
export function drawPages(random: Random, count: number, pages: number): number[] {
  const drawn = new Set<number>();
  for (let last = pages - count; last < pages; last++) {
    const page = random.below(last + 1);
    drawn.add(drawn.has(page) ? last : page);
  }
  return [...drawn].sort((a, b) => a - b);
}
