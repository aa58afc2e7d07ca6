/** Live migration with PML and with write protection (VEE21 section 2.3, table 1, figure 3; slide 8), and the authors' own series. */

import { itemAt } from "../lookup.ts";
import { barPlot, curvePlot, PUBLISHED as PUBLISHED_SERIES } from "../plots/kinds.ts";
import type { DataRow, Plot } from "../plots/plot.ts";
import {
  arrayPages,
  FITTED_KERNEL,
  INTENSITIES,
  type Intensity,
  inSeconds,
  percentAbove,
  studyVm,
  vmPages,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import {
  bothMigrations,
  dirtyRoundFigures,
  minimaFigures,
  passesOf,
  passFigures,
  SEEN,
  throughputDuring,
} from "./migrationFigures.ts";
import { ALL, type Scale, seconds } from "./scale.ts";
import { noiseOf } from "./study/noise.ts";
import { studyPasses, throughputs } from "./study/passes.ts";

const TECHNIQUES = ["writeProtect", "pml"] as const;
type Compared = (typeof TECHNIQUES)[number];

/** Percent: save() takes less time (m1), the program is faster during it (m2). */
const PUBLISHED = {
  0: { m1: 10.19, m2: 0.06 },
  50: { m1: 5.99, m2: 0.14 },
  80: { m1: 2.43, m2: 0.39 },
  100: { m1: 0.98, m2: 0.95 },
} as const;

/** As their series show it: about 93.4 s by the guest's clock, tracking on at 12.2 s, and 13.5 s after the first migration's end. */
const RUN = 97;
const START = 12.2;
const BETWEEN = 13.5;
/** Points of the curve: several for each pass. */
const SAMPLES_MAX = 16_384;
/** Beside a link of 10 Gbit/s, which takes 3.3 us a page: 46 us a page in the first round, 24 us in the others. */
const SAVE = { restore: "20.7us", populate: "22us", interference: 13 } as const;

const pointName = (intensity: number, technique: Compared): string => `${intensity} ${technique}`;

function points(scale: Scale): readonly Point[] {
  return INTENSITIES.flatMap((intensity) =>
    TECHNIQUES.map(
      (technique): Point => ({
        name: pointName(intensity, technique),
        scenario: {
          name: `migration, ${intensity} % writes, ${technique}`,
          vms: [studyVm(arrayPages(scale), vmPages(scale), intensity)],
          tracker: { technique },
          operation: {
            kind: "migrate",
            start: seconds(START, scale),
            link: { bandwidth: "10Gbit/s" },
            policy: { kind: "libxc" },
            save: { ...SAVE, resume: seconds(SEEN, scale) },
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

/** Cycles of save(), both times together. */
function saveTime(summary: ReturnType<Results>): number {
  return bothMigrations(summary).reduce((sum, { totalTime }) => sum + totalTime, 0);
}

function evaluate(results: Results, scale: Scale) {
  const compared = INTENSITIES.map((intensity) => {
    const run = (technique: Compared) => results(pointName(intensity, technique));
    const [protect, pml] = [run("writeProtect"), run("pml")];
    const m1 = 100 * (1 - saveTime(pml) / saveTime(protect));
    const m2 = percentAbove(throughputDuring(pml), throughputDuring(protect));
    return { intensity, protect, pml, m1, m2, noise: noiseAt(intensity) };
  });
  const figures = compared.flatMap(({ intensity, protect, pml, ...gain }): Figure[] => [
    ...gainFigures(intensity, gain, pml, protect),
    ...TECHNIQUES.flatMap((technique) =>
      passFigures(intensity, technique, technique === "pml" ? pml : protect, scale),
    ),
    ...minimaFigures(intensity, protect, scale),
    ...dirtyRoundFigures(intensity, protect, scale),
  ]);
  const { protect, pml } = itemAt(compared, compared.length - 1);
  return {
    figures,
    plots: [
      gainPlot(compared),
      ...INTENSITIES.map((intensity) => seriesPlot(intensity, results, scale)),
    ],
    findings: [
      `at 100 % writes the two migrations take ${seconds3(saveTime(protect))} s with write protection and ${seconds3(saveTime(pml))} s with PML, and send ${sent(protect)} and ${sent(pml)} pages; their downtimes are ${downtimes(protect)} ms and ${downtimes(pml)} ms`,
      ...compared.map(({ intensity, noise }) => {
        const [low, high] = noise.map((percent) => percent.toFixed(1));
        return `in the study's own series the mean throughput with PML lies ${low} to ${high} % from that with write protection at ${intensity} % writes (95 %): a gain of ${PUBLISHED[intensity].m2} % cannot be told from none`;
      }),
    ],
  };
}

/** What PML gains, in percent, and how far the study's own series leave m2 open. */
interface Gain {
  readonly m1: number;
  readonly m2: number;
  readonly noise: readonly [number, number];
}

type Noise = Gain["noise"];

/** Of the study's series alone, so that it is worked out once for all seeds. */
const NOISE = new Map<Intensity, Noise>();

function noiseAt(intensity: Intensity): Noise {
  const series = (technique: Compared) => throughputs(studyPasses(intensity, technique));
  const noise = NOISE.get(intensity) ?? noiseOf(series("pml"), series("writeProtect"));
  NOISE.set(intensity, noise);
  return noise;
}

function gainFigures(
  intensity: Intensity,
  { m1, m2, noise }: Gain,
  pml: ReturnType<Results>,
  protect: ReturnType<Results>,
): Figure[] {
  const published = PUBLISHED[intensity];
  return [
    {
      quantity: `save() time less with PML, ${intensity} % writes`,
      unit: "%",
      published: { value: published.m1, within: 0.01, plain: 0 },
      emulated: m1,
      reason: saveReason(pml, protect, published.m1),
    },
    {
      quantity: `throughput more with PML during migration, ${intensity} % writes`,
      unit: "%",
      published: { value: published.m2, within: 0.01, plain: 0, noise },
      emulated: m2,
      reason: guestReason(pml, protect),
    },
  ];
}

const M1 = "save() takes less time";
const M2 = "program is faster meanwhile";

function gainPlot(
  compared: readonly { readonly intensity: Intensity; readonly m1: number; readonly m2: number }[],
): Plot {
  const bars = compared.flatMap(({ intensity, m1, m2 }): DataRow[] => {
    const published = PUBLISHED[intensity];
    return [
      { intensity, metric: M1, origin: PUBLISHED_SERIES, percent: published.m1 },
      { intensity, metric: M1, origin: "emulated", percent: m1 },
      { intensity, metric: M2, origin: PUBLISHED_SERIES, percent: published.m2 },
      { intensity, metric: M2, origin: "emulated", percent: m2 },
    ];
  });
  return barPlot("PML against write protection: gain", bars, {
    x: { field: "intensity", title: "write intensity, %" },
    y: { field: "percent", title: "gain, %" },
    by: { field: "origin", title: "gain" },
    panels: { field: "metric", columns: 2 },
    width: 240,
  });
}

const LABEL = { writeProtect: "write protection", pml: "PML" } as const;

/** Ours before theirs, one above the other. */
function seriesPlot(intensity: Intensity, results: Results, scale: Scale): Plot {
  const curve = TECHNIQUES.flatMap((technique): DataRow[] => {
    const ours = passesOf(results(pointName(intensity, technique)), scale);
    const row = (origin: string, divisor: number) => (pass: (typeof ours)[number]) => ({
      time: pass.time * divisor,
      throughput: pass.throughput,
      origin,
      panel: LABEL[technique],
    });
    return [
      ...studyPasses(intensity, technique).map(row(PUBLISHED_SERIES, 1)),
      ...ours.map(row("emulated", scale.divisor)),
    ];
  });
  return curvePlot(`Throughput, one pass a point, two migrations: ${intensity} % writes`, curve, {
    x: { field: "time", title: "time by the guest's clock, in the study's size, s" },
    y: { field: "throughput", title: "operations/us" },
    by: { field: "origin", title: "series" },
    panels: { field: "panel", columns: 1 },
    height: 90,
  });
}

const seconds3 = (cycles: number): string => inSeconds(cycles).toFixed(3);

function sent(summary: ReturnType<Results>): number {
  return bothMigrations(summary).reduce((sum, { pagesSent }) => sum + pagesSent, 0);
}

function downtimes(summary: ReturnType<Results>): string {
  return bothMigrations(summary)
    .map(({ downtime }) => (1e3 * inSeconds(downtime)).toFixed(1))
    .join(", ");
}

/** Microseconds that sending, and what both sides do for a page, take. */
const FIRST_ROUND = 46;
const LATER_ROUND = 24;

function saveReason(
  pml: ReturnType<Results>,
  protect: ReturnType<Results>,
  published: number,
): string {
  const whole = inSeconds(saveTime(protect));
  const page = (1e6 * published * whole) / 100 / sent(protect);
  return (
    `save() takes ${FIRST_ROUND} us a page in its first round and ${LATER_ROUND} us in the others, by the study's own series, whatever tracks; it sends ${sent(protect)} pages with write protection and ${sent(pml)} with PML. ` +
    `A gain of ${published} % would need ${page.toFixed(2)} us less for each page; in the study's series the two migrations take as long with PML as without`
  );
}

function guestReason(pml: ReturnType<Results>, protect: ReturnType<Results>): string {
  const exits = ({ cycles: { exit, entry, handler } }: ReturnType<Results>): number =>
    exit + entry + handler;
  const part = (run: ReturnType<Results>): string =>
    ((100 * exits(run)) / saveTime(run)).toPrecision(2);
  return `exits for tracking stop the program for ${part(protect)} % of the migrations with write protection and for ${part(pml)} % with PML`;
}

export const migrationExperiment: Experiment = {
  name: "migration",
  title: "Live migration: PML against write protection",
  source: "VEE21 table 1 and figure 3, slide 8; the authors' live_mig.ods, pass by pass",
  assumptions: [
    FITTED_KERNEL,
    "array of 200 MiB (the authors' migrateWL.c) in a VM of 1 GiB",
    "calibrated on the study's series at 100 % writes: 46 us a page in the first round of save(), 24 us in the others (what of it is whose is not published: the destination's allocation and copying, beside a link of 10 Gbit/s); when tracking begins, 12.2 s, and again 13.5 s after the end",
    `calibrated on the passes at 0 % writes: save() takes 13 % of the guest's CPU; to resume the VM takes ${SEEN * 1000} ms, and the guest's clock stops for the rest of its suspension alone`,
    "not calibrated, so predictions: which pages are dirty, how many rounds there are, how deep the minima are, how long the rounds at 50 and 80 % writes take",
  ],
  divides: ALL,
  points,
  evaluate,
};
