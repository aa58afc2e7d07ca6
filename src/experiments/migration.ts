/** Live migration with PML and with write protection (VEE21 section 2.3, table 1, figure 3; slide 8). */

import { itemAt } from "../lookup.ts";
import { barPlot, curvePlot, PUBLISHED as PUBLISHED_SERIES } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { moments } from "../questions/statistics.ts";
import {
  arrayPages,
  arrayWorkload,
  FITTED_GAP,
  INTENSITIES,
  type Intensity,
  inSeconds,
  MEDIAN_THROUGHPUT,
  median,
  migration,
  pagesText,
  percentAbove,
  vmPages,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, seconds } from "./scale.ts";

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
/** Median and mean throughput of the samples, operations a microsecond. */
const THROUGHPUT = {
  0: { writeProtect: [1.306, 1.2586], pml: [1.307, 1.2578] },
  50: { writeProtect: [0.977, 0.9236], pml: [0.969, 0.9195] },
  80: { writeProtect: [0.879, 0.8184], pml: [0.878, 0.817] },
  100: { writeProtect: [0.819, 0.7612], pml: [0.821, 0.7608] },
} as const;

/** Their 2284 samples of 51,200 operations take 89.5 s at 0 % writes, with two migrations in it. */
const RUN = 89.5;
const START = 15;
const BETWEEN = 20;
/** Points of the curve: several for each pass. */
const SAMPLES_MAX = 16_384;
/** Their series are of passes over 51,200 pages. */
const STUDY_PAGES = 51_200;
/** 1 Gbit/s. */
const LINK_BYTES_PER_SECOND = 125e6;

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
function both(summary: ReturnType<Results>) {
  const last = migration(summary);
  return [...last.earlier, last].map((one) => {
    // What did not happen gives no number.
    const { startTime, downtime } = one;
    return { ...one, startTime: startTime ?? Number.NaN, downtime: downtime ?? Number.NaN };
  });
}

/** Cycles of save(), both times together. */
function saveTime(summary: ReturnType<Results>): number {
  return both(summary).reduce((sum, { totalTime }) => sum + totalTime, 0);
}

/** Operations a microsecond while a migration was under way. */
function duringMigration(summary: ReturnType<Results>): number {
  const { interval, accesses } = migration(summary).throughput;
  const spans = both(summary).map(
    ({ startTime, totalTime }) =>
      [startTime / interval, (startTime + totalTime) / interval] as const,
  );
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
    const [protect, pml] = [itemAt(runs, 0), itemAt(runs, 1)];
    const m1 = 100 * (1 - saveTime(pml) / saveTime(protect));
    const m2 = percentAbove(duringMigration(pml), duringMigration(protect));
    const published = PUBLISHED[intensity];
    figures.push(
      {
        quantity: `save() time less with PML, ${intensity} % writes`,
        unit: "%",
        published: { value: published.m1, within: 0.01 },
        emulated: m1,
        reason: saveReason(pml, protect, published.m1),
      },
      {
        quantity: `throughput more with PML during migration, ${intensity} % writes`,
        unit: "%",
        published: { value: published.m2, within: 0.01 },
        emulated: m2,
        reason: guestReason(pml, protect),
      },
    );
    bars.push(
      { intensity, metric: M1, origin: PUBLISHED_SERIES, percent: published.m1 },
      { intensity, metric: M1, origin: "emulated", percent: m1 },
      { intensity, metric: M2, origin: PUBLISHED_SERIES, percent: published.m2 },
      { intensity, metric: M2, origin: "emulated", percent: m2 },
    );
    for (const [i, technique] of TECHNIQUES.entries()) {
      const all = passes(itemAt(runs, i), pages);
      const middle = median(all.map(({ throughput }) => throughput));
      const worst = Math.min(...all.map(({ throughput }) => throughput)) / middle;
      const low = all.filter(({ throughput }) => throughput < LOW * middle).length / all.length;
      const [publishedWorst, publishedLow] = SAMPLES[intensity][technique];
      const [publishedMedian, publishedMean] = THROUGHPUT[intensity][technique];
      figures.push(
        {
          quantity: `median throughput, ${intensity} % writes, ${technique}`,
          unit: "operations/us",
          published: {
            value: publishedMedian,
            within: 0.0005,
            fitted: technique === "writeProtect",
          },
          emulated: middle,
          reason: `the program's other work is fitted to ${MEDIAN_THROUGHPUT[intensity]}, without a tracker`,
        },
        {
          quantity: `mean throughput, ${intensity} % writes, ${technique}`,
          unit: "operations/us",
          published: { value: publishedMean, within: 0.0005 },
          emulated: moments(all.map(({ throughput }) => throughput)).mean,
          reason: LOW_REASON,
        },
        {
          quantity: `worst pass, part of the median, ${intensity} % writes, ${technique}`,
          unit: "",
          published: { value: publishedWorst, within: 0.005 },
          emulated: worst,
          reason: worstReason(itemAt(runs, i), publishedWorst, intensity, scale),
        },
        {
          quantity: `passes below 93 % of the median, ${intensity} % writes, ${technique}`,
          unit: "%",
          published: { value: publishedLow, within: 0.1 },
          emulated: 100 * low,
          reason: LOW_REASON,
        },
      );
      for (const { time: end, throughput } of all)
        curve.push({
          time: end * scale.divisor,
          throughput,
          technique: LABEL[technique],
          panel: `${intensity} % writes`,
        });
    }
  }
  const protect = results(pointName(100, "writeProtect"));
  const pml = results(pointName(100, "pml"));
  return {
    figures,
    plots: [
      barPlot("PML against write protection: gain", bars, {
        x: { field: "intensity", title: "write intensity, %" },
        y: { field: "percent", title: "gain, %" },
        by: { field: "origin", title: "gain" },
        panels: { field: "metric", columns: 2 },
        width: 240,
      }),
      curvePlot("Throughput of the program, one pass a point, with two migrations", curve, {
        x: { field: "time", title: "time in the study's size, s" },
        y: { field: "throughput", title: "operations/us" },
        by: { field: "technique", title: "tracked by" },
        panels: { field: "panel", columns: 1 },
        height: 90,
      }),
    ],
    findings: [
      `at 100 % writes the two migrations take ${seconds3(saveTime(protect))} s with write protection and ${seconds3(saveTime(pml))} s with PML, and send ${sent(protect)} and ${sent(pml)} pages; their downtimes are ${downtimes(protect)} ms and ${downtimes(pml)} ms`,
      `the second migration finds what the first found: at 100 % writes with PML they take ${both(
        pml,
      )
        .map(({ totalTime }) => seconds3(totalTime))
        .join(" and ")} s`,
    ],
  };
}

const LABEL = { writeProtect: "write protection", pml: "PML" } as const;
const M1 = "save() takes less time";
const M2 = "program is faster meanwhile";

/** At 0 % writes no page is written. */
const LOW_REASON =
  `in the study ${SAMPLES[0].writeProtect[1]} % of the passes are slow even where nothing is written, and ${SAMPLES[0].pml[1]} % with PML: most of its slow passes are not tracking's doing. ` +
  "Here only tracking and the downtime slow the program down; a saving process that takes caches, memory bandwidth and CPU time from it is not emulated";

const seconds3 = (cycles: number): string => inSeconds(cycles).toFixed(3);

function sent(summary: ReturnType<Results>): number {
  return both(summary).reduce((sum, { pagesSent }) => sum + pagesSent, 0);
}

function downtimes(summary: ReturnType<Results>): string {
  return both(summary)
    .map(({ downtime }) => (1e3 * inSeconds(downtime)).toFixed(1))
    .join(", ");
}

/** The part of save() that is not the link's: what tracking could have made shorter. */
function offLink(summary: ReturnType<Results>): number {
  const bytes = both(summary).reduce((sum, one) => sum + one.bytes, 0);
  return inSeconds(saveTime(summary)) - bytes / LINK_BYTES_PER_SECOND;
}

function saveReason(
  pml: ReturnType<Results>,
  protect: ReturnType<Results>,
  published: number,
): string {
  const whole = inSeconds(saveTime(protect));
  const percent = (part: number): string => ((100 * part) / whole).toFixed(2);
  const page = (1e6 * published * whole) / 100 / sent(protect);
  return (
    `the link decides: all but ${percent(offLink(protect))} % of save() with write protection, and all but ${percent(offLink(pml))} % of it with PML, is sending. ` +
    `Tracking could save no more than the former. A gain of ${published} % would need ${page.toFixed(2)} us less of work in save() for each page sent`
  );
}

function guestReason(pml: ReturnType<Results>, protect: ReturnType<Results>): string {
  const exits = ({ cycles: { exit, entry, handler } }: ReturnType<Results>): number =>
    exit + entry + handler;
  const part = (run: ReturnType<Results>): string =>
    ((100 * exits(run)) / saveTime(run)).toPrecision(2);
  const rest = (run: ReturnType<Results>): string =>
    ((100 * offLink(run)) / inSeconds(saveTime(run))).toPrecision(2);
  return (
    `exits for tracking stop the program for ${part(protect)} % of the migrations with write protection and for ${part(pml)} % with PML; arming and harvests take ${rest(protect)} and ${rest(pml)} %. ` +
    "The study's program loses time to other things too (see its slow passes at 0 % writes), so that tracking is a smaller part of it"
  );
}

function worstReason(
  summary: ReturnType<Results>,
  published: number,
  intensity: Intensity,
  { divisor }: Scale,
): string {
  const pass = STUDY_PAGES / MEDIAN_THROUGHPUT[intensity] / 1e6;
  const stopped = 1e3 * pass * (1 / published - 1);
  const { downtime, pagesSent, rounds } = itemAt(both(summary), 0);
  const last = itemAt(rounds, rounds.length - 1).pagesSent;
  return (
    `a pass of ${(1e3 * pass).toFixed(0)} ms that comes down to ${published.toFixed(2)} of the median is ${stopped.toFixed(0)} ms longer, so the study's program did not see a downtime of more than that; ` +
    `here the downtime is ${(1e3 * inSeconds(downtime) * divisor).toFixed(1)} ms in the study's sizes, for ${last} of ${pagesSent} pages are left to the last round`
  );
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
  divides: ALL,
  points,
  evaluate,
};
