/** The study's first program measures each pass over its array by the guest's clock. Its series, and ours, are read alike. */
import { type Intensity, median as medianOf } from "../common.ts";
import { MIGRATION_SERIES } from "./migrationSeries.ts";

/** A pass over the array: when it began, by the guest's clock in seconds, and operations a microsecond. */
export interface Pass {
  readonly time: number;
  readonly throughput: number;
}

export type SeriesTechnique = keyof (typeof MIGRATION_SERIES)[0];

/** Pages of the array, one operation each. */
export const STUDY_PAGES = 51_200;

/** The study's passes, in order. */
export function studyPasses(intensity: Intensity, technique: SeriesTechnique): readonly Pass[] {
  let time = 0;
  return MIGRATION_SERIES[intensity][technique].split(" ").map((text) => {
    const pass = { time, throughput: Number(text) / 1000 };
    time += STUDY_PAGES / pass.throughput / 1e6;
    return pass;
  });
}

export function throughputs(passes: readonly Pass[]): readonly number[] {
  return passes.map(({ throughput }) => throughput);
}

/** Of the median, below which a pass is a minimum, if none within so many seconds is lower. */
const DEEP = 0.6;
const ALONE = 0.4;

export interface Minimum {
  readonly time: number;
  /** Part of the median. */
  readonly depth: number;
}

/**
 * Passes that something held up. Under write protection each time that the pages are protected shows as one, and the
 * suspension at the end of a migration.
 * @param scale what times are divided by
 */
export function minimaOf(passes: readonly Pass[], scale = 1): readonly Minimum[] {
  const median = medianOf(throughputs(passes));
  const within = ALONE / scale;
  return passes.flatMap((pass, at) => {
    if (pass.throughput >= DEEP * median) return [];
    const isLowest = passes.every(({ time, throughput }, other) => {
      if (other === at || Math.abs(time - pass.time) >= within) return true;
      return throughput > pass.throughput || (throughput === pass.throughput && other > at);
    });
    return isLowest ? [{ time: pass.time, depth: pass.throughput / median }] : [];
  });
}
