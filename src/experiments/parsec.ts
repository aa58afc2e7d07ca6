/** Working sets of twelve programs like PARSEC's, estimated (VEE21 4.3). */

import type { ParsecName } from "../../workloads/generators/parsecPrograms.ts";
import { itemAt, namesOf } from "../lookup.ts";
import { dotPlot, PUBLISHED as PUBLISHED_SERIES } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import type { RunSummary } from "../system/summary.ts";
import { type EstimatorKind, estimatorInput } from "./accuracy.ts";
import { estimateAt, estimation, PAGE_MIB, STUDY_TLB } from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { type Scale, scaled, seconds } from "./scale.ts";
import { type Published, REPRODUCED } from "./verdict.ts";

const KINDS = ["prl", "pml", "vmware"] as const;
const RUN = 120;

interface PublishedProgram {
  /** MB: the last estimates, and the range of VMware's. */
  readonly prl: number;
  readonly pml: number;
  readonly vmware: readonly [number, number];
}

const PUBLISHED: Readonly<Record<ParsecName, PublishedProgram>> = {
  streamcluster: { prl: 15.41, pml: 15.41, vmware: [0, 8.3] },
  swaptions: { prl: 14.85, pml: 14.85, vmware: [5.3, 18.2] },
  vips: { prl: 13.89, pml: 13.89, vmware: [6.3, 15.8] },
  x264: { prl: 14.87, pml: 12.12, vmware: [1.3, 18.3] },
  facesim: { prl: 255.56, pml: 200.3, vmware: [5.3, 235] },
  ferret: { prl: 63.75, pml: 54.25, vmware: [0, 75.1] },
  fluidanimate: { prl: 64.8, pml: 64.8, vmware: [19.9, 73.3] },
  freqmine: { prl: 15.8, pml: 12.8, vmware: [0, 17.3] },
  blackscholes: { prl: 1.99, pml: 1.5, vmware: [0, 10.24] },
  bodytrack: { prl: 7.8, pml: 7.1, vmware: [0, 12.9] },
  canneal: { prl: 252.2, pml: 201.7, vmware: [92, 361] },
  dedup: { prl: 255.8, pml: 245.1, vmware: [95, 300] },
};
const NAMES = namesOf(PUBLISHED);
const LABEL = { prl: "PRL", pml: "PML", vmware: "VMware, mean" } as const;

const pointName = (program: string, kind: EstimatorKind): string => `${program} ${kind}`;

function points(scale: Scale): readonly Point[] {
  return NAMES.flatMap((program, i) =>
    KINDS.map(
      (kind): Point => ({
        name: pointName(program, kind),
        scenario: {
          name: `${program} ${kind}`,
          seed: i + 1,
          machine: { quantum: "10ms", tlb: STUDY_TLB },
          vms: [{ memory: "1GiB", paging: "off", workload: { kind: "parsec", program } }],
          operation: {
            kind: "estimate",
            estimator: estimatorInput(kind, scale, scaled(50, scale)),
          },
          until: seconds(RUN + 3, scale),
        },
      }),
    ),
  );
}

/** The last estimate; of VMware's, which scatter, the mean. */
function emulatedSize(kind: EstimatorKind, run: RunSummary, { divisor }: Scale): number {
  if (kind !== "vmware") return estimateAt(run, RUN / divisor);
  const { series } = itemAt(estimation(run).vms, 0);
  return series.reduce((sum, { pages }) => sum + (pages ?? 0) * PAGE_MIB, 0) / series.length;
}

/** The model's own size, which it was given: an estimator that is right. */
const touchedSize = (run: RunSummary): number => run.truth.pagesTouched * PAGE_MIB;

function publishedSize(program: ParsecName, kind: EstimatorKind, run: RunSummary): Published {
  const plain = touchedSize(run);
  if (kind !== "vmware") return { value: PUBLISHED[program][kind], plain };
  const [low, high] = PUBLISHED[program].vmware;
  return { value: (low + high) / 2, within: (high - low) / 2, plain };
}

function figuresOf(program: ParsecName, results: Results, scale: Scale): readonly Figure[] {
  const { truthPages } = itemAt(estimation(results(pointName(program, "prl"))).vms, 0);
  return [
    ...KINDS.map((kind): Figure => {
      const run = results(pointName(program, kind));
      return {
        quantity: `${program}, ${LABEL[kind]}`,
        unit: "MB",
        published: publishedSize(program, kind, run),
        emulated: emulatedSize(kind, run, scale),
        reason: reasonOf(kind, run),
      };
    }),
    {
      quantity: `${program}, true working set of the last interval`,
      unit: "MB",
      published: null,
      emulated: (truthPages ?? 0) * PAGE_MIB,
    },
  ];
}

function publishedRows(program: ParsecName, kind: EstimatorKind): readonly DataRow[] {
  const estimator = LABEL[kind];
  if (kind !== "vmware") {
    return [{ program, estimator, origin: PUBLISHED_SERIES, size: PUBLISHED[program][kind] }];
  }
  const [low, high] = PUBLISHED[program].vmware;
  const origin = "published, least and most";
  return [
    { program, estimator, origin, size: Math.max(low, LEAST) },
    { program, estimator, origin, size: high },
  ];
}

function rowsOf(program: ParsecName, results: Results, scale: Scale): readonly DataRow[] {
  return KINDS.flatMap((kind) => {
    const emulated = emulatedSize(kind, results(pointName(program, kind)), scale);
    const size = Math.max(emulated, LEAST);
    return [
      ...publishedRows(program, kind),
      { program, estimator: LABEL[kind], origin: "emulated", size },
    ];
  });
}

/** For how many programs PRL is right, and for how many it gives what the study gives. */
function findingOf(results: Results, scale: Scale): string {
  const nearTo = (name: ParsecName, size: number): boolean => {
    const prl = emulatedSize("prl", results(pointName(name, "prl")), scale);
    return Math.abs(prl / size - 1) <= REPRODUCED;
  };
  const exact = NAMES.filter((name) => nearTo(name, touchedSize(results(pointName(name, "prl")))));
  const others = NAMES.filter((name) => !nearTo(name, PUBLISHED[name].prl));
  return `PRL's estimate is within 10 % of the pages that the model uses for ${exact.length} of ${NAMES.length} programs, and within 10 % of the published one for ${NAMES.length - others.length}: the others are ${others.join(", ")}`;
}

function evaluate(results: Results, scale: Scale) {
  const data = NAMES.flatMap((program) => rowsOf(program, results, scale));
  return {
    figures: NAMES.flatMap((program) => figuresOf(program, results, scale)),
    plots: [
      dotPlot("Working sets of PARSEC's programs", data, {
        x: { field: "size", title: `estimate, MB (${LEAST}: or less)`, log: 2 },
        y: { field: "program", title: "program" },
        by: { field: "origin", title: "estimate" },
        panels: { field: "estimator", columns: 3 },
        width: 200,
        height: 300,
      }),
    ],
    findings: [findingOf(results, scale)],
  };
}

const LEAST = 0.125;
const VM_MIB = 1024;

/** What the estimator could have found: pages used and written in the last interval or since the start. */
function reasonOf(kind: EstimatorKind, run: RunSummary): string {
  const mib = (pages: number): string => (pages * PAGE_MIB).toPrecision(3);
  const { pagesTouched, pagesWritten } = run.truth;
  switch (kind) {
    case "prl":
      return `the model uses ${mib(pagesTouched)} MB, PARSEC's report's size`;
    case "pml":
      return `PML can find no more than is written while it looks: ${mib(pagesWritten)} of ${mib(pagesTouched)} MB`;
    case "vmware": {
      const part = (pagesTouched * PAGE_MIB) / VM_MIB;
      const sd = VM_MIB * Math.sqrt((part * (1 - part)) / 100);
      return `100 sampled pages of ${VM_MIB} MB scatter by ${sd.toFixed(1)} MB around ${mib(pagesTouched)} MB, in steps of ${(VM_MIB / 100).toFixed(1)} MB`;
    }
  }
}

export const parsecExperiment: Experiment = {
  name: "parsec",
  title: "Working sets of twelve programs like PARSEC's",
  source:
    "VEE21 section 4.3, from the authors' result files; for VMware their range, its middle given here",
  assumptions: [
    "models from TR-811-08's working sets and instruction counts (docs/workloads.md); which part of a working set is only read has no published number; the report's sizes come from caches of a power of two, and the study's processes have libraries, heaps and stacks besides. VEE21 says itself that freqmine does not agree with the report",
    "from the region of interest on: what initialisation wrote is not logged, while the study's PML may have seen it",
    "TLB of the study's machine: 64 entries, 4 ways; VM of 1 GB; sizes are never scaled, times and tau are",
  ],
  divides: "times and tau",
  points,
  evaluate,
};
