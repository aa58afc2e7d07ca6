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
const LABEL = { pml: "PML", prl: "PRL" } as const;

function estimator(kind: (typeof ESTIMATORS)[number], interval: number, scale: Scale) {
  if (kind === "pml") return { kind, interval: seconds(interval, scale) };
  return {
    kind,
    tau: 50,
    mu: seconds(interval, scale),
    omega: seconds(2 * interval, scale),
    continueWhenStable: true,
  };
}

function points(scale: Scale): readonly Point[] {
  const constant = scaled(CONSTANT_PAGES, scale);
  // Passes that fill a phase; sizes and times are divided alike, so that their number stays.
  const passes = Math.round((PHASE * RATE * 1e6) / CONSTANT_PAGES);
  return [
    ...ESTIMATORS.flatMap((kind): Point[] => [
      {
        name: `constant ${kind}`,
        scenario: {
          name: `75 MB read, then written, ${kind}`,
          machine: { quantum: "10ms", tlb: STUDY_TLB },
          vms: [
            {
              workload: {
                kind: "phases",
                pages: constant,
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
      },
      {
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
                  {
                    firstPage: 0,
                    pages: USED_PAGES,
                    accesses: 1_000_000_000,
                    writeFraction: 0.5,
                  },
                ],
              },
            },
          ],
          operation: { kind: "estimate", estimator: estimator(kind, HOT_INTERVAL, FULL) },
          until: seconds(HOT_RUN, FULL),
        },
      },
    ]),
    {
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
    },
  ];
}

function evaluate(results: Results, scale: Scale) {
  const size = (pages: number): number => scaled(pages, scale) * PAGE_MIB;
  const at = (name: string, time: number): number =>
    estimateAt(results(name), time / scale.divisor) / size(CONSTANT_PAGES);
  const hot = (kind: string): number => estimateAt(results(`hot set ${kind}`), HOT_RUN);
  const figures: Figure[] = [
    {
      quantity: "75 MB workload, PML's estimate while it reads (t = 50 s), part of the truth",
      unit: "",
      published: { value: 1.5 / 75, within: 0.5 / 75, plain: 0 },
      emulated: at("constant pml", 50),
      reason: `no page is written before ${PHASE} s, so PML has none; the published 1 to 2 MB are ${Math.round(1 / PAGE_MIB)} to ${Math.round(2 / PAGE_MIB)} pages that the guest's kernel writes, which is not emulated`,
    },
    {
      quantity: "75 MB workload, PML's estimate while it writes (t = 110 s), part of the truth",
      unit: "",
      published: { value: 1, plain: 1 },
      emulated: at("constant pml", 110),
    },
    {
      quantity: "75 MB workload, PRL's estimate while it reads (t = 50 s), part of the truth",
      unit: "",
      published: null,
      emulated: at("constant prl", 50),
    },
    {
      quantity: "x written once, y in use: PML's estimate, part of x",
      unit: "",
      published: { value: 1, plain: 1 },
      emulated: hot("pml") / (ONCE_PAGES * PAGE_MIB),
      scale: FULL_SIZE,
    },
    {
      quantity: "x written once, y in use: PRL's estimate, part of y",
      unit: "",
      published: null,
      emulated: hot("prl") / (USED_PAGES * PAGE_MIB),
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
  const series: DataRow[] = ESTIMATORS.flatMap((kind) =>
    itemAt(estimation(results(`constant ${kind}`)).vms, 0).series.flatMap(
      ({ time, bytes, truthPages }): DataRow[] => {
        const at = inSeconds(time) * scale.divisor;
        const truth = truthPages * PAGE_MIB * scale.divisor;
        return [
          { time: at, of: LABEL[kind], size: ((bytes ?? 0) / 2 ** 20) * scale.divisor },
          ...(kind === "prl" ? [{ time: at, of: "pages in use", size: truth }] : []),
        ];
      },
    ),
  );
  return {
    figures,
    plots: [
      linePlot(`75 MB, read until ${PHASE} s, then written`, series, {
        x: { field: "time", title: "time, s" },
        y: { field: "size", title: "estimate, MB" },
        by: { field: "of", title: "working set by" },
      }),
    ],
    findings: [
      `PML reports ${(100 * at("constant pml", 50)).toFixed(0)} % of a working set that is only read, and ${(hot("pml") / (USED_PAGES * PAGE_MIB)).toFixed(1)} times one that is the hot part of what was once written; PRL reports ${(100 * at("constant prl", 50)).toFixed(0)} % and ${(hot("prl") / (USED_PAGES * PAGE_MIB)).toFixed(1)} times`,
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
