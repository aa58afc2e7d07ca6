/** How far two series of a study may differ by chance: the interval of their means' ratio. */
import { Random } from "../../../workloads/random.ts";
import { itemAt } from "../../lookup.ts";

/** Passes that are drawn together: as long as the longest disturbance of a series, about 2.5 s. */
const BLOCK = 50;
const DRAWS = 2000;
const SEED = 1;
const CONFIDENCE = 0.95;

/**
 * Percent by which the mean of `one` lies above that of `base`: a 95 % interval by a moving-block bootstrap (Kuensch
 * 1989), which keeps what follows upon what within a block.
 */
export function noiseOf(
  one: readonly number[],
  base: readonly number[],
): readonly [number, number] {
  const random = new Random(SEED);
  const drawn = Array.from({ length: DRAWS }, () => {
    return 100 * (drawnMean(one, random) / drawnMean(base, random) - 1);
  }).sort((a, b) => a - b);
  const cut = Math.floor((DRAWS * (1 - CONFIDENCE)) / 2);
  return [itemAt(drawn, cut), itemAt(drawn, DRAWS - 1 - cut)];
}

function drawnMean(values: readonly number[], random: Random): number {
  const length = Math.min(BLOCK, values.length);
  let sum = 0;
  let count = 0;
  while (count < values.length) {
    const first = random.below(values.length - length + 1);
    for (let i = 0; i < length; i++) sum += itemAt(values, first + i);
    count += length;
  }
  return sum / count;
}
