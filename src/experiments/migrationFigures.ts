/** What the passes of the study's program show of a migration: each figure beside the same one of the authors' series. */

import { itemAt } from "../lookup.ts";
import { moments } from "../questions/statistics.ts";
import {
  arrayPages,
  type Intensity,
  inSeconds,
  MEDIAN_THROUGHPUT,
  median,
  migration,
} from "./common.ts";
import type { Figure, Results } from "./experiment.ts";
import type { Scale } from "./scale.ts";
import {
  type Minimum,
  minimaOf,
  type Pass,
  type SeriesTechnique,
  studyPasses,
  throughputs,
} from "./study/passes.ts";

type Summary = ReturnType<Results>;

const LOW = 0.93;

/** Seconds that it takes to resume the VM, all of which the guest sees: at 0 % writes the last pass of a migration is 82 to 96 ms longer than others. */
export const SEEN = 0.089;

/** The two migrations of a run. */
export function bothMigrations(summary: Summary) {
  const last = migration(summary);
  return [...last.earlier, last].map((one) => {
    // What did not happen gives no number.
    const { startTime, downtime } = one;
    return { ...one, startTime: startTime ?? Number.NaN, downtime: downtime ?? Number.NaN };
  });
}

/** The guest's clock, in seconds, at a time of the run in cycles: it stops while the VM is suspended, but for what is seen. */
function guestClock(summary: Summary, scale: Scale): (time: number) => number {
  const spans = bothMigrations(summary)
    .filter(({ downtime }) => !Number.isNaN(downtime))
    .map(({ startTime, totalTime, downtime }) => {
      const end = startTime + totalTime;
      const hidden = Math.max(0, 1 - SEEN / scale.divisor / inSeconds(downtime));
      return { begin: end - downtime, end, hidden };
    });
  return (time) => {
    const hidden = spans.map(({ begin, end, hidden: part }) => {
      return part * Math.max(0, Math.min(time, end) - begin);
    });
    return inSeconds(hidden.reduce((rest, one) => rest - one, time));
  };
}

/** The program measures each pass over its array. */
export function passesOf(summary: Summary, scale: Scale): readonly Pass[] {
  const { interval, accesses } = migration(summary).throughput;
  const pages = arrayPages(scale);
  const clock = guestClock(summary, scale);
  const found: Pass[] = [];
  let done = 0;
  let begun = 0;
  for (const [i, count] of accesses.entries()) {
    for (let target = (found.length + 1) * pages; target <= done + count; target += pages) {
      const end = clock((i + (target - done) / count) * interval);
      found.push({ time: begun, throughput: pages / ((end - begun) * 1e6) });
      begun = end;
    }
    done += count;
  }
  return found;
}

/** Operations a microsecond of the run's own time while a migration was under way. */
export function throughputDuring(summary: Summary): number {
  const { interval, accesses } = migration(summary).throughput;
  const spans = bothMigrations(summary).map(
    ({ startTime, totalTime }) =>
      [startTime / interval, (startTime + totalTime) / interval] as const,
  );
  const done = accesses.reduce((sum, count, i) => {
    const parts = spans.map(([from, to]) => Math.min(i + 1, to) - Math.max(i, from));
    return sum + count * parts.reduce((all, part) => all + Math.max(0, part), 0);
  }, 0);
  const saved = spans.reduce((sum, [from, to]) => sum + (to - from) * interval, 0);
  return done / (inSeconds(saved) * 1e6);
}

/** What passes are, in the order of the rows. */
function figuresOfPasses(passes: readonly Pass[]) {
  const all = throughputs(passes);
  const middle = median(all);
  return {
    median: middle,
    mean: moments(all).mean,
    worst: Math.min(...all) / middle,
    low: (100 * all.filter((one) => one < LOW * middle).length) / all.length,
  };
}

export function passFigures(
  intensity: Intensity,
  technique: SeriesTechnique,
  summary: Summary,
  scale: Scale,
): Figure[] {
  const ours = figuresOfPasses(passesOf(summary, scale));
  const theirs = figuresOfPasses(studyPasses(intensity, technique));
  const where = `${intensity} % writes, ${technique}`;
  return [
    {
      quantity: `median throughput, ${where}`,
      unit: "operations/us",
      // Without the kernel's zeroing the program is as fast as without writes.
      published: {
        value: theirs.median,
        within: 0.0005,
        fitted: intensity === 0 || intensity === 100,
        plain: MEDIAN_THROUGHPUT[0],
      },
      emulated: ours.median,
      reason: "the program's other work is fitted at 0 % writes, what a first write takes at 100 %",
    },
    {
      quantity: `mean throughput, ${where}`,
      unit: "operations/us",
      // A run in which nothing ever slows the program down.
      published: { value: theirs.mean, within: 0.0005, plain: theirs.median },
      emulated: ours.mean,
      reason: SLOW_REASON,
    },
    {
      quantity: `worst pass, part of the median, ${where}`,
      unit: "",
      published: { value: theirs.worst, within: 0.005, plain: 1 },
      emulated: ours.worst,
      reason: SLOW_REASON,
    },
    {
      quantity: `passes below 93 % of the median, ${where}`,
      unit: "%",
      published: { value: theirs.low, within: 0.1, plain: 0 },
      emulated: ours.low,
      reason: SLOW_REASON,
    },
  ];
}

const SLOW_REASON =
  "in the study single passes are slow outside the migrations too, and the second half of a first round is slower than its first half: what else its host did is not published";

/** Of two lists of minima, where theirs has one: the largest difference in time, part of the time since tracking began. */
function farthest(ours: readonly Minimum[], theirs: readonly Minimum[], divisor: number): number {
  const begin = theirs[0]?.time ?? Number.NaN;
  const parts = theirs.slice(1).map(({ time }, i) => {
    const own = (ours[i + 1]?.time ?? Number.NaN) * divisor;
    return (100 * Math.abs(own - time)) / (time - begin);
  });
  return Math.max(...parts);
}

/** Under write protection each CLEAN shows as a minimum. Without writes none does, but for the ends. */
export function minimaFigures(intensity: Intensity, protect: Summary, scale: Scale): Figure[] {
  const theirs = minimaOf(studyPasses(intensity, "writeProtect"));
  const ours = minimaOf(passesOf(protect, scale), scale.divisor);
  const depth = (minima: readonly Minimum[]) => moments(minima.map((one) => one.depth)).mean;
  const where = `${intensity} % writes, write protection`;
  return [
    {
      quantity: `minima of throughput, ${where}`,
      unit: "",
      // The suspensions alone.
      published: { value: theirs.length, plain: bothMigrations(protect).length },
      emulated: ours.length,
      reason: MINIMA_REASON,
    },
    {
      quantity: `mean depth of the minima, part of the median, ${where}`,
      unit: "",
      published: { value: depth(theirs), within: 0.005, plain: 1 },
      emulated: depth(ours),
      reason: MINIMA_REASON,
    },
    {
      quantity: `times of the minima since tracking began: the farthest from the study's, ${where}`,
      unit: "%",
      published: { value: 15, relation: "at most", plain: null },
      emulated: farthest(ours, theirs, scale.divisor),
      reason: MINIMA_REASON,
    },
  ];
}

const MINIMA_REASON =
  "each time that the pages are protected the next pass meets a fault at each page that it writes; the study's faults took 1.8 to 3.9 us by its series, here one takes 2.6 us";

/** Seconds of a dirty round by the distances of the study's minima. */
const DIRTY_ROUND = { 50: 0.6375, 80: 1.025, 100: 1.225 } as const;

/** The live rounds after the first: how long, and how many pages. */
export function dirtyRoundFigures(
  intensity: Intensity,
  protect: Summary,
  { divisor }: Scale,
): Figure[] {
  if (intensity === 0) return [];
  const rounds = bothMigrations(protect).flatMap(({ rounds: all }) =>
    all.filter(({ live, iteration }) => live && iteration > 1),
  );
  const mean = moments(rounds.map(({ duration }) => inSeconds(duration))).mean;
  const pages = moments(rounds.map(({ pagesSent }) => pagesSent)).mean;
  const first = itemAt(bothMigrations(protect), 0).rounds.length;
  return [
    {
      quantity: `dirty round, mean, ${intensity} % writes, write protection`,
      unit: "s",
      // Without a kernel that gives memory anew the whole array is dirty in each round.
      published: {
        value: DIRTY_ROUND[intensity],
        within: 0.0375,
        fitted: intensity === 100,
        plain: DIRTY_ROUND[100],
      },
      emulated: mean * divisor,
      reason: `a dirty round sends ${pages.toFixed(0)} pages; a migration has ${first} rounds`,
    },
  ];
}
