/** Accuracy of PRL, PML and VMware's sampling: the 400 MB array in three orders, and HPL (VEE21 4.3). */

import { fieldOf, itemAt } from "../lookup.ts";
import { linePlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { moments } from "../questions/statistics.ts";
import {
  estimateAt,
  estimation,
  gapFor,
  inSeconds,
  MEDIAN_THROUGHPUT,
  pagesText,
  STUDY_TLB,
} from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { hplWorkload, PROGRAM_ASSUMPTIONS } from "./programs.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";

const KINDS = ["prl", "pml", "vmware"] as const;
export type EstimatorKind = (typeof KINDS)[number];
const MODES = ["RWRW", "RRWW", "WWRR"] as const;

/** Their series, MB, at 60, 90, ... 300 s. */
const TIMES = [60, 90, 120, 150, 180, 210, 240, 270, 300] as const;
const steady = (first: number, second: number, later: number): readonly number[] => [
  first,
  second,
  ...TIMES.slice(2).map(() => later),
];
const ARRAY = {
  RWRW: {
    pml: steady(402.51, 410.08, 410.08),
    prl: steady(404.8, 410.2, 410.2),
    vmware: [471.04, 184.32, 286.72, 430.08, 348.16, 389.12, 204.8, 409.6, 368.84],
  },
  RRWW: {
    pml: [8.2, 8.2, 8.2, 308.2, 407.8, 410.08, 410.08, 410.08, 410.08],
    prl: steady(401.28, 410.5, 410.5),
    vmware: [327.68, 307.2, 286.72, 409.6, 491.52, 286.72, 430.08, 204.8, 327.68],
  },
  WWRR: {
    pml: steady(405.4, 410.8, 410.8),
    prl: steady(401.8, 410.6, 410.6),
    vmware: [286.72, 184.32, 430.08, 471.14, 266.24, 286.72, 389.12, 410.6, 430.08],
  },
} as const;
const HPL_TIMES = [60, 90, 120, 150] as const;
const HPL = {
  prl: [1812, 1851, 1851, 1851],
  pml: [1751, 1751, 1751, 1751],
  vmware: [1792, 1459, 1433, 1996],
} as const;

const PAGES = 102_400;
const VM_PAGES = 524_288;
/** Their RRWW estimates by PML stay low until 120 s. */
const PHASE = 120;
const RATE = MEDIAN_THROUGHPUT[0];
const SAMPLES = 100;
/** f: the kernel's footprint that their figures contain. */
const FOOTPRINT_PAGES = 2_560;

/**
 * The estimators as VEE21 sets them: tau 50, mu 30 s, omega 120 s; 100 samples every 30 s. With sizes
 * and times divided alike a page is used as often as in the study, so tau stays.
 */
export function estimatorInput(kind: EstimatorKind, scale: Scale, tau = 50) {
  const interval = seconds(30, scale);
  switch (kind) {
    case "prl": {
      const omega = seconds(120, scale);
      return { kind, tau, mu: interval, omega, continueWhenStable: true };
    }
    case "pml":
      return { kind, interval };
    case "vmware":
      return { kind, samples: SAMPLES, period: interval };
  }
}

function estimateScenario(
  name: string,
  workload: ScenarioInput["vms"][number]["workload"],
  kind: EstimatorKind,
  time: number,
  scale: Scale,
  seed: number,
): ScenarioInput {
  return {
    name,
    seed,
    machine: { quantum: "10ms", tlb: STUDY_TLB },
    vms: [{ memory: pagesText(scaled(VM_PAGES, scale)), paging: "off", workload }],
    operation: {
      kind: "estimate",
      estimator: estimatorInput(kind, scale),
      kernelFootprint: pagesText(scaled(FOOTPRINT_PAGES, scale)),
    },
    // A little more than the last interval, for the last look.
    until: seconds(time + 3, scale),
  };
}

function points(scale: Scale): readonly Point[] {
  const pages = scaled(PAGES, scale);
  const passes = Math.round((PHASE * RATE * 1e6) / PAGES);
  return KINDS.flatMap((kind): Point[] => [
    ...MODES.map((mode, i): Point => {
      const name = `${mode} ${kind}`;
      const phases = { readPasses: passes, writePasses: passes };
      const workload = {
        kind: "phases" as const,
        pages,
        mode,
        ...phases,
        gap: gapFor(RATE, "off"),
      };
      return {
        name,
        scenario: estimateScenario(
          name,
          workload,
          kind,
          itemAt(TIMES, TIMES.length - 1),
          scale,
          i + 1,
        ),
      };
    }),
    {
      name: `HPL ${kind}`,
      scenario: estimateScenario(
        `HPL ${kind}`,
        hplWorkload(scale),
        kind,
        itemAt(HPL_TIMES, HPL_TIMES.length - 1),
        scale,
        4,
      ),
    },
  ]);
}

const LABEL = { prl: "PRL", pml: "PML", vmware: "VMware" } as const;
const ALL_PROGRAMS = [...MODES, "HPL"] as const;
type Program = (typeof ALL_PROGRAMS)[number];
/** MB that the programs use; for HPL the study's "expected". As a constant, the plainest model of an estimator. */
const TRUTH: Readonly<Record<string, number>> = { RWRW: 400, RRWW: 400, WWRR: 400, HPL: 1800 };

function publishedOf(
  program: Program,
  kind: EstimatorKind,
): readonly [times: readonly number[], values: readonly number[]] {
  return program === "HPL" ? [HPL_TIMES, HPL[kind]] : [TIMES, ARRAY[program][kind]];
}

function publishedSeries(program: Program, kind: EstimatorKind): readonly DataRow[] {
  const [times, values] = publishedOf(program, kind);
  const estimator = `${LABEL[kind]}, published`;
  return times.map((time, i) => ({ program, estimator, time, estimate: itemAt(values, i) }));
}

/** Rows of PML and PRL: only RRWW's PML is far off. */
function seriesReason(kind: EstimatorKind, published: number): string {
  const footprint = FOOTPRINT_PAGES / 256;
  if (kind === "pml" && published < footprint) {
    return `while nothing is written PML's estimate is f alone: ${footprint} MiB here, fitted to PRL's figure, ${published} MB in the study, of whose kernel PML has not seen all`;
  }
  const pass = PAGES / (RATE * 1e6);
  return `the program writes all of its pages within ${pass.toFixed(2)} s here; the study's estimate rises over two intervals of 30 s, so that its program was slower, or began to write later, than in the model`;
}

/** f was fitted to it. */
function isFitted(program: Program, kind: EstimatorKind, time: number): boolean {
  return program === "RWRW" && kind === "prl" && time === TIMES.at(-1);
}

type Moments = ReturnType<typeof moments>;

/** MB by which an estimate scatters: a sample of n pages of a VM finds a part of them used, binomially distributed. */
function samplingDeviation(truth: number): number {
  const vm = VM_PAGES / 256;
  const part = truth / vm;
  return vm * Math.sqrt((part * (1 - part)) / SAMPLES);
}

function samplingReason(truth: number, count: number, ours: Moments, theirs: Moments): string {
  const vm = VM_PAGES / 256;
  const sd = samplingDeviation(truth);
  const away = ({ mean }: Moments): string =>
    ((Math.abs(mean - truth) * Math.sqrt(count)) / sd).toFixed(1);
  return (
    `${SAMPLES} sampled pages of ${vm} MB scatter by ${sd.toFixed(0)} MB around ${truth} MB; the mean of ${count} is ${away(ours)} of its standard errors from that here, ${away(theirs)} in the study, ` +
    `and single estimates scatter by ${ours.sd.toFixed(0)} MB here, ${theirs.sd.toFixed(0)} MB in the study`
  );
}

/** The distributions of VMware's estimates: one sample says nothing about another. */
function distributionFigures(
  program: Program,
  published: readonly number[],
  emulated: readonly number[],
): readonly Figure[] {
  const truth = fieldOf(TRUTH, program);
  const [ours, theirs] = [moments(emulated), moments(published)];
  const reason = samplingReason(truth, published.length, ours, theirs);
  return [
    {
      quantity: `${program}, VMware, mean of ${published.length}`,
      unit: "MB",
      published: { value: theirs.mean, plain: truth },
      emulated: ours.mean,
      reason,
    },
    {
      quantity: `${program}, VMware, standard deviation`,
      unit: "MB",
      published: { value: theirs.sd, plain: samplingDeviation(truth) },
      emulated: ours.sd,
      reason,
    },
  ];
}

function figuresOf(
  program: Program,
  kind: EstimatorKind,
  results: Results,
  scale: Scale,
): readonly Figure[] {
  const [times, published] = publishedOf(program, kind);
  const run = results(`${program} ${kind}`);
  // In the study's sizes.
  const emulated = times.map((time) => estimateAt(run, time / scale.divisor) * scale.divisor);
  if (kind === "vmware") return distributionFigures(program, published, emulated);
  return times.map((time, i) => ({
    quantity: `${program}, ${LABEL[kind]} at ${time} s`,
    unit: "MB",
    published: {
      value: itemAt(published, i),
      fitted: isFitted(program, kind, time),
      plain: fieldOf(TRUTH, program),
    },
    emulated: itemAt(emulated, i),
    reason: seriesReason(kind, itemAt(published, i)),
  }));
}

/** Which pages are named, and not how many; a sample names none. */
function pageFigures(program: Program, kind: EstimatorKind, results: Results): readonly Figure[] {
  const { agreement } = itemAt(estimation(results(`${program} ${kind}`)).vms, 0);
  if (agreement === null) return [];
  return (["precision", "recall", "jaccard"] as const).map((share) => ({
    quantity: `pages of ${program}, ${LABEL[kind]}: ${share === "jaccard" ? "Jaccard" : share}, mean of the looks`,
    unit: "",
    published: null,
    emulated: agreement.mean[share],
  }));
}

function emulatedSeries(
  program: Program,
  kind: EstimatorKind,
  results: Results,
  { divisor }: Scale,
): readonly DataRow[] {
  const { series } = itemAt(estimation(results(`${program} ${kind}`)).vms, 0);
  return series.map(({ time, bytes }) => ({
    program,
    estimator: `${LABEL[kind]}, emulated`,
    time: inSeconds(time) * divisor,
    estimate: ((bytes ?? 0) / 2 ** 20) * divisor,
  }));
}

/** PRL's mean error, in words. */
function errorOf(program: Program, results: Results): string {
  const { meanError } = itemAt(estimation(results(`${program} prl`)).vms, 0);
  return `${program} ${(100 * (meanError ?? Number.NaN)).toFixed(2)} %`;
}

function evaluate(results: Results, scale: Scale) {
  const series = ALL_PROGRAMS.flatMap((program) =>
    KINDS.flatMap((kind) => [
      ...emulatedSeries(program, kind, results, scale),
      ...publishedSeries(program, kind),
    ]),
  );
  const errors = ALL_PROGRAMS.map((program) => errorOf(program, results));
  return {
    figures: ALL_PROGRAMS.flatMap((program) =>
      KINDS.flatMap((kind) => [
        ...figuresOf(program, kind, results, scale),
        ...pageFigures(program, kind, results),
      ]),
    ),
    plots: [
      linePlot("Estimates over time", series, {
        x: { field: "time", title: "time, s" },
        y: { field: "estimate", title: "estimate, MB" },
        by: { field: "estimator", title: "estimate" },
        panels: { field: "program", columns: 2, independent: "y" },
        width: 300,
        height: 190,
      }),
    ],
    findings: [
      `mean error of PRL against the true working set of each interval, f left out: ${errors.join(", ")}`,
    ],
  };
}

export const accuracyExperiment: Experiment = {
  name: "accuracy",
  title: "Accuracy of PRL, PML and VMware's sampling: array and HPL",
  source:
    "VEE21 section 4.3, from the authors' result files; HPL read off their figure, within 2 MB",
  assumptions: [
    "fitted: the kernel's footprint f, 10 MiB, to the 410.2 MB that PRL finds of RWRW's 400 MB at 300 s",
    `operations at the rate of the study's first program without writes (${RATE} a microsecond, fitted there); its second program's rate is not published`,
    "RRWW and WWRR change phase at 120 s, where the published estimates do",
    "TLB of the study's machine: 64 entries, 4 ways; VM of 2 GB, as the grid of their VMware estimates implies",
    ...PROGRAM_ASSUMPTIONS,
  ],
  divides: ALL,
  points,
  evaluate,
};
