/**
 * Beyond the study: what PRL costs the guest (argued there, never measured), and sets that stay in the
 * TLB and therefore never become hot.
 */

import { namesOf } from "../lookup.ts";
import { barPlot, linePlot } from "../plots/kinds.ts";
import {
  estimateAt,
  gapFor,
  MEDIAN_THROUGHPUT,
  PAGE_MIB,
  percentAbove,
  STUDY_TLB,
} from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { PROGRAM_ASSUMPTIONS, programWorkload } from "./programs.ts";
import { FULL_SIZE, type Scale, scaled } from "./scale.ts";

type Workload = ScenarioInput["vms"][number]["workload"];

const TLBS = { "TLB of 64": STUDY_TLB, "TLB of 64 + 1536": {} } as const;
type TlbName = keyof typeof TLBS;
const TLB_NAMES = namesOf(TLBS);

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
const HALF = 0.5;

const costPoint = (program: string, tlb: string, technique: string): string =>
  `${program}, ${tlb}, ${technique}`;
const setPoint = (pages: number, tlb: string): string => `${pages} pages, ${tlb}`;

function workload(program: Program, scale: Scale): Workload {
  if (program !== "array") {
    return { ...programWorkload(program, scale), accesses: scaled(ACCESSES, scale) };
  }
  const pages = scaled(ARRAY_PAGES, scale);
  const accesses = scaled(ARRAY_ACCESSES, scale);
  return { kind: "phases", mode: "RWRW", pages, gap: gapFor(RATE, "longMode"), accesses };
}

function points(scale: Scale): readonly Point[] {
  return TLB_NAMES.flatMap((tlbName): Point[] => {
    const machine = { quantum: "10ms", tlb: TLBS[tlbName] };
    const sets = SETS.map((pages): Point => {
      const name = setPoint(pages, tlbName);
      const set = { kind: "uniform" as const, pages, gap: gapFor(RATE, "off") };
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
  const costs: { program: Program; tlb: TlbName; percent: number }[] = [];
  const sets: { pages: number; tlb: TlbName; found: number }[] = [];
  for (const tlb of TLB_NAMES) {
    for (const program of PROGRAMS) {
      const base = results(costPoint(program, tlb, "none"));
      const run = results(costPoint(program, tlb, "prl"));
      const percent = percentAbove(run.time, base.time);
      figures.push({
        quantity: `guest's cost of PRL, ${program}, ${tlb} entries`,
        unit: "%",
        published: program === "read" ? { value: 0.001, within: 0.0005, plain: 0 } : null,
        emulated: percent,
        reason: `here PRL logs ${run.logEntries} GPAs of ${run.accesses} accesses; the published figure is of a PML processor, which logged none of them`,
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
        scale: FULL_SIZE,
      });
      sets.push({ pages, tlb, found });
    }
  }
  const worst = costs.reduce((a, b) => (b.percent > a.percent ? b : a));
  return {
    figures,
    plots: [
      barPlot("What PRL costs the guest", costs, {
        x: { field: "program", title: "program" },
        y: { field: "percent", title: "run takes longer, %" },
        by: { field: "tlb", title: "processor" },
      }),
      linePlot("Part of a set that PRL finds hot", sets, {
        x: { field: "pages", title: "pages of the set, used at random", log: 2 },
        y: { field: "found", title: "part found hot" },
        by: { field: "tlb", title: "processor" },
      }),
    ],
    findings: [
      `PRL makes a guest's run at most ${worst.percent.toFixed(2)} % longer (${worst.program}, ${worst.tlb}): what the study argues to be nothing is small, but not nothing`,
      ...TLB_NAMES.map((tlb) => {
        const unseen = sets.filter((set) => set.tlb === tlb && set.found < HALF);
        const most = Math.max(0, ...unseen.map(({ pages }) => pages));
        return `with a ${tlb} PRL finds less than half of a set of up to ${most} pages, however often it is used: its accesses hit the TLB, and only misses are logged`;
      }),
    ],
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
  divides: "memory and accesses",
  points,
  evaluate,
};
