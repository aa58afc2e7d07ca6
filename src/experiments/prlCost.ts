/**
 * Beyond the study: what PRL costs the guest (argued there, never measured), and sets that stay in the
 * TLB and therefore never become hot.
 */
import {
  estimateAt,
  gapFor,
  MEDIAN_THROUGHPUT,
  PAGE_MIB,
  percentAbove,
  STUDY_TLB,
} from "./common.ts";
import type { DataRow, Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { PROGRAM_ASSUMPTIONS, programWorkload } from "./programs.ts";
import { type Scale, scaled } from "./scale.ts";

type Workload = ScenarioInput["vms"][number]["workload"];

const TLBS = { "TLB of 64": STUDY_TLB, "TLB of 64 + 1536": {} } as const;
type TlbName = keyof typeof TLBS;
const TLB_NAMES = Object.keys(TLBS) as TlbName[];

const PROGRAMS = ["array", "read", "sort", "write", "hpl"] as const;
type Program = (typeof PROGRAMS)[number];
const ARRAY_PAGES = 102_400;
const RATE = MEDIAN_THROUGHPUT[0];
/** 10 s at 100 cycles each; the array's are further apart. */
const ACCESSES = 240_000_000;
const ARRAY_ACCESSES = 13_000_000;

/** Pages of a set that is used at random and nothing else. */
const SETS = [16, 32, 64, 128, 256, 512, 1024, 1536, 2048, 4096, 8192] as const;
/** Long enough for each page of the largest set to be used 50 times, ten times over. */
const SET_ACCESSES = 4_000_000;

const costPoint = (program: string, tlb: string, technique: string): string =>
  `${program}, ${tlb}, ${technique}`;
const setPoint = (pages: number, tlb: string): string => `${pages} pages, ${tlb}`;

function workload(program: Program, scale: Scale): Workload {
  if (program !== "array") {
    return { ...programWorkload(program, scale), accesses: scaled(ACCESSES, scale) };
  }
  const pages = scaled(ARRAY_PAGES, scale);
  const accesses = scaled(ARRAY_ACCESSES, scale);
  return { kind: "phases", mode: "RWRW", pages, gap: gapFor(RATE), accesses };
}

function points(scale: Scale): readonly Point[] {
  return TLB_NAMES.flatMap((tlbName): Point[] => {
    const machine = { quantum: "10ms", tlb: TLBS[tlbName] };
    const sets = SETS.map((pages): Point => {
      const name = setPoint(pages, tlbName);
      const set = { kind: "uniform" as const, pages, gap: gapFor(RATE) };
      return {
        name,
        scenario: {
          name,
          machine,
          vms: [{ paging: "off", workload: set }],
          operation: {
            kind: "estimate",
            estimator: { kind: "prl", mu: "500ms", omega: "2s", continueWhenStable: true },
          },
          until: `${Math.round((1e3 * SET_ACCESSES) / (RATE * 1e6))}ms`,
        },
      };
    });
    const costs = PROGRAMS.flatMap((program) =>
      ["none", "prl"].map((technique): Point => {
        const name = costPoint(program, tlbName, technique);
        return {
          name,
          scenario: {
            name,
            machine,
            vms: [{ workload: workload(program, scale) }],
            tracker: technique === "prl" ? { technique: "prl" } : { technique: "none" },
          },
        };
      }),
    );
    return [...costs, ...sets];
  });
}

function evaluate(results: Results) {
  const figures: Figure[] = [];
  const costs: DataRow[] = [];
  const sets: DataRow[] = [];
  for (const tlb of TLB_NAMES) {
    for (const program of PROGRAMS) {
      const base = results(costPoint(program, tlb, "none"));
      const run = results(costPoint(program, tlb, "prl"));
      const percent = percentAbove(run.time, base.time);
      figures.push({
        quantity: `guest's cost of PRL, ${program}, ${tlb} entries`,
        unit: "%",
        published: program === "read" ? { value: 0.001, within: 0.0005 } : null,
        emulated: percent,
      });
      costs.push({ program, tlb, percent });
    }
    for (const pages of SETS) {
      const run = results(setPoint(pages, tlb));
      const found = estimateAt(run, Number.POSITIVE_INFINITY) / (pages * PAGE_MIB);
      figures.push({
        quantity: `part of ${pages} pages found hot by PRL, ${tlb} entries`,
        unit: "",
        published: null,
        emulated: found,
      });
      sets.push({ pages, tlb, found });
    }
  }
  return {
    figures,
    plots: [
      {
        title: "What PRL costs the guest",
        data: costs,
        spec: {
          mark: "bar",
          encoding: {
            x: { field: "program", sort: [...PROGRAMS] },
            xOffset: { field: "tlb" },
            y: { field: "percent", type: "quantitative", title: "longer, %" },
            color: { field: "tlb", title: null },
          },
        },
      },
      {
        title: "Part of a set that PRL finds hot",
        data: sets,
        spec: {
          mark: { type: "line", point: true },
          encoding: {
            x: { field: "pages", type: "quantitative", scale: { type: "log", base: 2 } },
            y: { field: "found", type: "quantitative", title: "found hot" },
            color: { field: "tlb", title: null },
          },
        },
      },
    ],
    findings: [],
  };
}

export const prlCostExperiment: Experiment = {
  name: "prl-cost",
  title: "Beyond the study: PRL's cost to the guest, and sets that fit the TLB",
  source: "0.001 % for a read-only program, on a PML processor that logged nothing; nothing else",
  assumptions: [
    ...PROGRAM_ASSUMPTIONS,
    "a log store takes 15 cycles (assumed, docs/costs.md); the cost is time for the same accesses",
    "sets: used at random, tau 50, nothing else runs that would displace TLB entries; never scaled",
  ],
  points,
  evaluate,
};
