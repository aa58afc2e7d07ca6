/** What PML cannot see (DW19 section 3 and figure 2; VEE21 section 2.4; slide 9). */

import { itemAt } from "../lookup.ts";
import { linePlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import {
  estimateAt,
  estimation,
  gapFor,
  inSeconds,
  MEDIAN_THROUGHPUT,
  PAGE_MIB,
  STUDY_TLB,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, FULL, FULL_SIZE, type Scale, scaled, seconds } from "./scale.ts";

/** 75 MB, read for 60 s, then written for 60 s. */
const CONSTANT_PAGES = 19_200;
const PHASE = 60;
const RATE = MEDIAN_THROUGHPUT[0];
/** Hot-set test: 400 MB written once, then 100 MB in use. */
const ONCE_PAGES = 102_400;
const USED_PAGES = 25_600;
/** Not scaled: it is short enough. */
const HOT_RUN = 10;
const HOT_INTERVAL = 2;

const ESTIMATORS = ["pml", "prl"] as const;
type EstimatorName = (typeof ESTIMATORS)[number];
const LABEL = { pml: "PML", prl: "PRL" } as const;

function estimator(kind: EstimatorName, interval: number, scale: Scale) {
  if (kind === "pml") return { kind, interval: seconds(interval, scale) };
  return {
    kind,
    tau: 50,
    mu: seconds(interval, scale),
    omega: seconds(2 * interval, scale),
    continueWhenStable: true,
  };
}

/** 75 MB that are read, then written. */
function constantPoint(kind: EstimatorName, scale: Scale): Point {
  // Passes that fill a phase; sizes and times are divided alike, so that their number stays.
  const passes = Math.round((PHASE * RATE * 1e6) / CONSTANT_PAGES);
  return {
    name: `constant ${kind}`,
    scenario: {
      name: `75 MB read, then written, ${kind}`,
      machine: { quantum: "10ms", tlb: STUDY_TLB },
      vms: [
        {
          workload: {
            kind: "phases",
            pages: scaled(CONSTANT_PAGES, scale),
            mode: "RRWW",
            readPasses: passes,
            writePasses: passes,
            gap: gapFor(RATE, "longMode"),
          },
        },
      ],
      operation: { kind: "estimate", estimator: estimator(kind, 10, scale) },
      until: seconds(2 * PHASE, scale),
    },
  };
}

/** 400 MB that are written once, of which 100 MB stay in use. */
function hotSetPoint(kind: EstimatorName): Point {
  return {
    name: `hot set ${kind}`,
    scenario: {
      name: `400 MB written once, 100 MB used, ${kind}`,
      machine: { quantum: "10ms", tlb: STUDY_TLB },
      vms: [
        {
          paging: "off",
          workload: {
            kind: "phaseChange",
            gap: gapFor(RATE, "off"),
            rounds: 1,
            phases: [
              { firstPage: 0, pages: ONCE_PAGES, accesses: 12 * ONCE_PAGES, writeFraction: 1 },
              { firstPage: 0, pages: USED_PAGES, accesses: 1_000_000_000, writeFraction: 0.5 },
            ],
          },
        },
      ],
      operation: { kind: "estimate", estimator: estimator(kind, HOT_INTERVAL, FULL) },
      until: seconds(HOT_RUN, FULL),
    },
  };
}

const ONE_WRITE: Point = {
  name: "one write",
  scenario: {
    name: "a single write in long mode",
    vms: [
      {
        paging: "longMode",
        workload: { kind: "sequential", pages: 1, writeFraction: 1, accesses: 1 },
      },
    ],
    tracker: { technique: "pml" },
  },
};

function points(scale: Scale): readonly Point[] {
  return [
    ...ESTIMATORS.flatMap((kind) => [constantPoint(kind, scale), hotSetPoint(kind)]),
    ONE_WRITE,
  ];
}

/** An estimate of the 75 MB at a time of the study, part of the truth. */
function constantPart(kind: EstimatorName, time: number, results: Results, scale: Scale): number {
  const truth = scaled(CONSTANT_PAGES, scale) * PAGE_MIB;
  return estimateAt(results(`constant ${kind}`), time / scale.divisor) / truth;
}

/** What is found after the hot-set test, of a number of pages. */
function hotPart(kind: EstimatorName, pages: number, results: Results): number {
  return estimateAt(results(`hot set ${kind}`), HOT_RUN) / (pages * PAGE_MIB);
}

function constantFigures(results: Results, scale: Scale): readonly Figure[] {
  return [
    {
      quantity: "75 MB workload, PML's estimate while it reads (t = 50 s), part of the truth",
      unit: "",
      published: { value: 1.5 / 75, within: 0.5 / 75, plain: 0 },
      emulated: constantPart("pml", 50, results, scale),
      reason: `no page is written before ${PHASE} s, so PML has none; the published 1 to 2 MB are ${Math.round(1 / PAGE_MIB)} to ${Math.round(2 / PAGE_MIB)} pages that the guest's kernel writes, which is not emulated`,
    },
    {
      quantity: "75 MB workload, PML's estimate while it writes (t = 110 s), part of the truth",
      unit: "",
      published: { value: 1, plain: 1 },
      emulated: constantPart("pml", 110, results, scale),
    },
    {
      quantity: "75 MB workload, PRL's estimate while it reads (t = 50 s), part of the truth",
      unit: "",
      published: null,
      emulated: constantPart("prl", 50, results, scale),
    },
  ];
}

function fullSizeFigures(results: Results): readonly Figure[] {
  return [
    {
      quantity: "x written once, y in use: PML's estimate, part of x",
      unit: "",
      published: { value: 1, plain: 1 },
      emulated: hotPart("pml", ONCE_PAGES, results),
      scale: FULL_SIZE,
    },
    {
      quantity: "x written once, y in use: PRL's estimate, part of y",
      unit: "",
      published: null,
      emulated: hotPart("prl", USED_PAGES, results),
      scale: FULL_SIZE,
    },
    {
      quantity: "GPAs logged for one write of a long-mode guest",
      unit: "",
      // Without guest paging: the page alone.
      published: { value: 5, plain: 1 },
      emulated: results("one write").logEntries,
      scale: FULL_SIZE,
    },
  ];
}

/** The estimates of the 75 MB over time, and with PRL's the pages in use. */
function seriesOf(kind: EstimatorName, results: Results, { divisor }: Scale): readonly DataRow[] {
  const { series } = itemAt(estimation(results(`constant ${kind}`)).vms, 0);
  return series.flatMap(({ time, bytes, truthPages }): DataRow[] => {
    const at = inSeconds(time) * divisor;
    const truth = truthPages * PAGE_MIB * divisor;
    return [
      { time: at, of: LABEL[kind], size: ((bytes ?? 0) / 2 ** 20) * divisor },
      ...(kind === "prl" ? [{ time: at, of: "pages in use", size: truth }] : []),
    ];
  });
}

function evaluate(results: Results, scale: Scale) {
  const series = ESTIMATORS.flatMap((kind) => seriesOf(kind, results, scale));
  const read = (kind: EstimatorName): string =>
    `${(100 * constantPart(kind, 50, results, scale)).toFixed(0)} %`;
  const hot = (kind: EstimatorName): string =>
    `${hotPart(kind, USED_PAGES, results).toFixed(1)} times`;
  return {
    figures: [...constantFigures(results, scale), ...fullSizeFigures(results)],
    plots: [
      linePlot(`75 MB, read until ${PHASE} s, then written`, series, {
        x: { field: "time", title: "time, s" },
        y: { field: "size", title: "estimate, MB" },
        by: { field: "of", title: "working set by" },
      }),
    ],
    findings: [
      `PML reports ${read("pml")} of a working set that is only read, and ${hot("pml")} one that is the hot part of what was once written; PRL reports ${read("prl")} and ${hot("prl")}`,
    ],
  };
}

export const pmlLimitsExperiment: Experiment = {
  name: "pml-limits",
  title: "What PML cannot see: reads, hot pages; and what it logs besides",
  source: "DW19 section 3 and figure 2, VEE21 section 2.4, slide 9",
  assumptions: [
    `operations at the rate of the study's first program without writes (${RATE} a microsecond, fitted there)`,
    "the guest kernel's own pages, which make the published 1 to 2 MB, are not emulated; the guest's page tables are, and are counted apart",
    "TLB of the study's machine: 64 entries, 4 ways",
    "x is 400 MB and y 100 MB: VEE21 gives no numbers",
  ],
  divides: ALL,
  points,
  evaluate,
};
