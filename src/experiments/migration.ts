/** Live migration with PML and with write protection (VEE21 section 2.3, table 1, figure 3; slide 8). */

import type { EarlierMigration } from "../system/operations/migration/result.ts";
import {
  arrayPages,
  arrayWorkload,
  FITTED_GAP,
  INTENSITIES,
  inSeconds,
  median,
  migration,
  pagesText,
  percentAbove,
  vmPages,
} from "./common.ts";
import type { DataRow, Experiment, Figure, Point, Results } from "./experiment.ts";
import { type Scale, seconds } from "./scale.ts";

const TECHNIQUES = ["writeProtect", "pml"] as const;
type Compared = (typeof TECHNIQUES)[number];

/** Percent: save() takes less time (m1), the program is faster during it (m2). */
const PUBLISHED = {
  0: { m1: 10.19, m2: 0.06 },
  50: { m1: 5.99, m2: 0.14 },
  80: { m1: 2.43, m2: 0.39 },
  100: { m1: 0.98, m2: 0.95 },
} as const;

/** Of the throughput samples (live_mig.ods): the worst one and the part of them below 93 % of the median. */
const SAMPLES = {
  0: { writeProtect: [0.423 / 1.306, 18.5], pml: [0.38 / 1.307, 18.3] },
  50: { writeProtect: [0.312 / 0.977, 23.6], pml: [0.471 / 0.969, 23.8] },
  80: { writeProtect: [0.22 / 0.879, 28.0], pml: [0.422 / 0.878, 26.8] },
  100: { writeProtect: [0.193 / 0.819, 28.7], pml: [0.366 / 0.821, 29.6] },
} as const;
const LOW = 0.93;

/** Their 2284 samples of 51,200 operations take 89.5 s at 0 % writes, with two migrations in it. */
const RUN = 89.5;
const START = 15;
const BETWEEN = 20;
/** Points of the curve: several for each pass. */
const SAMPLES_MAX = 16_384;

const pointName = (intensity: number, technique: Compared): string => `${intensity} ${technique}`;

function points(scale: Scale): readonly Point[] {
  return INTENSITIES.flatMap((intensity) =>
    TECHNIQUES.map(
      (technique): Point => ({
        name: pointName(intensity, technique),
        scenario: {
          name: `migration, ${intensity} % writes, ${technique}`,
          vms: [
            {
              memory: pagesText(vmPages(scale)),
              workload: arrayWorkload(arrayPages(scale), intensity),
            },
          ],
          tracker: { technique },
          operation: {
            kind: "migrate",
            start: seconds(START, scale),
            link: { bandwidth: "1Gbit/s" },
            policy: { kind: "libxc" },
            repeat: { times: 1, after: seconds(BETWEEN, scale) },
            settle: seconds(RUN, scale),
            samples: SAMPLES_MAX,
          },
          until: seconds(RUN, scale),
        },
      }),
    ),
  );
}

interface Pass {
  readonly time: number;
  readonly throughput: number;
}

/** The program measures each pass over its array: operations a microsecond. */
function passes(summary: ReturnType<Results>, pages: number): readonly Pass[] {
  const { interval, accesses } = migration(summary).throughput;
  const found: Pass[] = [];
  let done = 0;
  let begun = 0;
  for (const [i, count] of accesses.entries()) {
    for (let target = (found.length + 1) * pages; target <= done + count; target += pages) {
      const end = (i + (target - done) / count) * interval;
      const throughput = pages / (inSeconds(end - begun) * 1e6);
      found.push({ time: inSeconds(end), throughput });
      begun = end;
    }
    done += count;
  }
  return found;
}

/** The two migrations of a run. */
function both(summary: ReturnType<Results>): readonly EarlierMigration[] {
  const last = migration(summary);
  return [...last.earlier, { ...last, downtime: last.downtime ?? Number.NaN }];
}

/** Cycles of save(), both times together. */
function saveTime(summary: ReturnType<Results>): number {
  return both(summary).reduce((sum, { totalTime }) => sum + totalTime, 0);
}

/** Operations a microsecond while a migration was under way. */
function duringMigration(summary: ReturnType<Results>): number {
  const { interval, accesses } = migration(summary).throughput;
  const spans = both(summary).map(({ startTime, totalTime }) => [
    startTime / interval,
    (startTime + totalTime) / interval,
  ]) as [number, number][];
  const done = accesses.reduce((sum, count, i) => {
    const parts = spans.map(([from, to]) => Math.min(i + 1, to) - Math.max(i, from));
    return sum + count * parts.reduce((all, part) => all + Math.max(0, part), 0);
  }, 0);
  return done / (inSeconds(saveTime(summary)) * 1e6);
}

function evaluate(results: Results, scale: Scale) {
  const pages = arrayPages(scale);
  const figures: Figure[] = [];
  const bars: DataRow[] = [];
  const curve: DataRow[] = [];
  for (const intensity of INTENSITIES) {
    const runs = TECHNIQUES.map((technique) => results(pointName(intensity, technique)));
    const [protect, pml] = runs as [ReturnType<Results>, ReturnType<Results>];
    const m1 = 100 * (1 - saveTime(pml) / saveTime(protect));
    const m2 = percentAbove(duringMigration(pml), duringMigration(protect));
    const published = PUBLISHED[intensity];
    figures.push(
      {
        quantity: `save() time less with PML, ${intensity} % writes`,
        unit: "%",
        published: { value: published.m1, within: 0.01 },
        emulated: m1,
      },
      {
        quantity: `throughput more with PML during migration, ${intensity} % writes`,
        unit: "%",
        published: { value: published.m2, within: 0.01 },
        emulated: m2,
      },
    );
    bars.push(
      { intensity, metric: "save() time", origin: "published", percent: published.m1 },
      { intensity, metric: "save() time", origin: "emulated", percent: m1 },
      { intensity, metric: "throughput", origin: "published", percent: published.m2 },
      { intensity, metric: "throughput", origin: "emulated", percent: m2 },
    );
    for (const [i, technique] of TECHNIQUES.entries()) {
      const all = passes(runs[i]!, pages);
      const middle = median(all.map(({ throughput }) => throughput));
      const worst = Math.min(...all.map(({ throughput }) => throughput)) / middle;
      const low = all.filter(({ throughput }) => throughput < LOW * middle).length / all.length;
      const [publishedWorst, publishedLow] = SAMPLES[intensity][technique];
      figures.push(
        {
          quantity: `worst pass, part of the median, ${intensity} % writes, ${technique}`,
          unit: "",
          published: { value: publishedWorst, within: 0.005 },
          emulated: worst,
        },
        {
          quantity: `passes below 93 % of the median, ${intensity} % writes, ${technique}`,
          unit: "%",
          published: { value: publishedLow, within: 0.1 },
          emulated: 100 * low,
        },
      );
      for (const { time, throughput } of all)
        curve.push({ time, throughput, technique, intensity });
    }
  }
  const protect = migration(results(pointName(100, "writeProtect")));
  const pml = migration(results(pointName(100, "pml")));
  return {
    figures,
    plots: [
      {
        title: "PML against write protection: gain",
        data: bars,
        spec: {
          width: 240,
          mark: "bar",
          encoding: {
            column: { field: "metric", title: null },
            x: { field: "intensity", type: "ordinal", title: "write intensity, %" },
            xOffset: { field: "origin" },
            y: { field: "percent", type: "quantitative", title: "gain, %" },
            color: { field: "origin", title: null },
          },
        },
      },
      {
        title: "Throughput of the program, one pass a point",
        data: curve,
        spec: {
          height: 90,
          mark: { type: "line", strokeWidth: 1 },
          encoding: {
            row: { field: "intensity", title: "write intensity, %" },
            x: { field: "time", type: "quantitative", title: "time, s" },
            y: { field: "throughput", type: "quantitative", title: "operations/us" },
            color: { field: "technique", title: null },
          },
        },
      },
    ],
    findings: [
      `at 100 % writes the migration takes ${inSeconds(protect.totalTime).toFixed(3)} s with write protection and ${inSeconds(pml.totalTime).toFixed(3)} s with PML; ${protect.pagesSent} and ${pml.pagesSent} pages are sent, so that the link decides the time`,
      `the downtime is ${(1e3 * inSeconds(protect.downtime ?? 0)).toFixed(1)} ms and ${(1e3 * inSeconds(pml.downtime ?? 0)).toFixed(1)} ms`,
    ],
  };
}

export const migrationExperiment: Experiment = {
  name: "migration",
  title: "Live migration: PML against write protection",
  source: "VEE21 table 1 and figure 3, slide 8; throughput samples from the authors' live_mig.ods",
  assumptions: [
    FITTED_GAP,
    "array of 200 MiB (the authors' migrateWL.c) in a VM of 1 GiB",
    "link of 1 Gbit/s: theirs is not published",
    `two migrations of a run of ${RUN} s, as long as the study's series; when theirs began is not published: here at ${START} s, and ${BETWEEN} s after the first`,
    "a saving process that shares caches, memory bandwidth and CPUs with the VM is not emulated",
  ],
  points,
  evaluate,
};
