/** The miss-ratio curve of a histogram of LRU distances: misses(c) = 1 - (references of distances <= c) / all. */
import { numberAt } from "../../lookup.ts";

/** A point of the curve, where it falls. */
export interface MissRatio {
  /** Of the memory. */
  readonly pages: number;
  /** Of all references, those that miss in a memory of so many pages up to the next point. */
  readonly ratio: number;
}

export interface HistogramForm {
  /** Of a bucket, in pages. */
  readonly width: number;
  /** No memory is larger. */
  readonly pages: number;
  /** What the histogram is multiplied by. */
  readonly scale: number;
  readonly total: number;
  /** Put into the first bucket. */
  readonly added: number;
}

/** Begins at 0 pages; empty if there were no references. */
export function missRatios(histogram: Float64Array, form: HistogramForm): MissRatio[] {
  const { width, pages, scale, added } = form;
  const total = form.total + added;
  if (form.total === 0 || total <= 0) return [];
  const points: MissRatio[] = [{ pages: 0, ratio: 1 }];
  let hits = added;
  histogram.forEach((_, bucket) => {
    const here = numberAt(histogram, bucket) * scale;
    hits += here;
    if (here === 0 && (bucket > 0 || added === 0)) return;
    const ratio = Math.min(1, Math.max(0, 1 - hits / total));
    points.push({ pages: Math.min((bucket + 1) * width, pages), ratio });
  });
  return points;
}

/** The smallest memory whose misses are at most `slack` more than those of unlimited memory. */
export function memoryWithin(curve: readonly MissRatio[], slack: number): number {
  const least = curve.at(-1)?.ratio ?? 0;
  return curve.find(({ ratio }) => ratio <= least + slack)?.pages ?? 0;
}
