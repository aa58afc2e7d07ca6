/** Beyond the study: what a wrong working-set estimate costs when a host has too little memory. */

import { itemAt } from "../lookup.ts";
import { barPlot, linePlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { resultOf } from "../system/operations/all.ts";
import type { RunSummary } from "../system/summary.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";

type OvercommitInput = Extract<ScenarioInput["operation"], { kind: "overcommit" }>;

/** By what the estimates of the first VM are multiplied. */
const FACTORS = [0.5, 0.75, 0.9, 1, 1.25] as const;
const ESTIMATORS: Readonly<Record<string, OvercommitInput["estimator"]>> = {
  PRL: { kind: "prl", tau: 5, mu: "500ms", omega: "1s", follow: "ageing" },
  PML: { kind: "pml", interval: "500ms", clean: true },
  VMware: { kind: "vmware", samples: 100, period: "1s" },
  "A bits": { kind: "accessedBits", interval: "500ms" },
};
const TRUTH = "truth";
const ENOUGH = "enough memory";
const NAMES = ["database", "web", "batch"] as const;

const factorPoint = (factor: number): string => `estimates times ${factor}`;

/** The shipped scenario `overcommit`: three VMs of 64 MiB that use 40, 24 and 16 MiB, on 96 MiB. */
function scenario(name: string, operation: Partial<OvercommitInput>): ScenarioInput {
  const vm = (of: string, pages: number, writeFraction: number) => ({
    name: of,
    memory: "64MiB",
    workload: { kind: "uniform" as const, pages, writeFraction, gap: 10_000 },
  });
  return {
    name: `overcommitment, ${name}`,
    machine: { cpus: 3, quantum: "1ms" },
    vms: [vm("database", 10_240, 0.3), vm("web", 6144, 0.1), vm("batch", 4096, 0.5)],
    operation: {
      kind: "overcommit",
      memory: "96MiB",
      estimator: { kind: "truth", interval: "500ms" },
      interval: "1s",
      reference: false,
      ...operation,
    },
    until: "10s",
  };
}

/** Never scaled: a run takes a second or two. */
function points(): readonly Point[] {
  return [
    { name: ENOUGH, scenario: scenario(ENOUGH, { memory: "192MiB" }) },
    ...FACTORS.map((factor): Point => {
      const name = factorPoint(factor);
      return { name, scenario: scenario(name, { scale: { database: factor } }) };
    }),
    ...Object.entries(ESTIMATORS).map(
      ([name, estimator]): Point => ({
        name,
        scenario: scenario(name, { estimator }),
      }),
    ),
  ];
}

function evaluate(results: Results) {
  const outcome = ({ operation }: RunSummary) => resultOf("overcommit", operation);
  const throughputs = (point: string): readonly number[] =>
    outcome(results(point)).vms.map(({ throughput }) => throughput);
  const enough = throughputs(ENOUGH);
  const part = (point: string, vm: number): number =>
    (100 * itemAt(throughputs(point), vm)) / itemAt(enough, vm);
  const figures: Figure[] = [];
  const data: DataRow[] = [];
  for (const point of [...FACTORS.map(factorPoint), ...Object.keys(ESTIMATORS)]) {
    figures.push({
      quantity: `throughput of the database, ${point}`,
      unit: "% of that with enough memory",
      published: null,
      emulated: part(point, 0),
    });
  }
  for (const factor of FACTORS) {
    for (const [vm, name] of NAMES.entries()) {
      data.push({ factor, vm: name, percent: part(factorPoint(factor), vm) });
    }
  }
  const byEstimator: DataRow[] = [TRUTH, ...Object.keys(ESTIMATORS)].flatMap((estimator) =>
    NAMES.map((name, vm) => ({
      estimator,
      vm: name,
      percent: part(estimator === TRUTH ? factorPoint(1) : estimator, vm),
    })),
  );
  const hurt = FACTORS.filter((factor) => part(factorPoint(factor), 0) < 50);
  return {
    figures,
    plots: [
      linePlot("Throughput when the first VM's estimates are wrong by a factor", data, {
        x: { field: "factor", title: "estimate of the database / truth", zero: false },
        y: { field: "percent", title: "throughput, % of that with enough memory" },
        by: { field: "vm", title: "VM" },
      }),
      barPlot("Throughput by what estimates the working sets", byEstimator, {
        x: { field: "estimator", title: "estimator" },
        y: { field: "percent", title: "throughput, % of that with enough memory" },
        by: { field: "vm", title: "VM" },
      }),
    ],
    findings: [
      `with PRL's estimates the database keeps ${part("PRL", 0).toFixed(0)} % of its throughput, with PML's ${part("PML", 0).toFixed(0)} %, with VMware's ${part("VMware", 0).toFixed(0)} %, with the true ones ${part(factorPoint(1), 0).toFixed(0)} %`,
      `the database loses more than half of its throughput at these factors: ${hurt.join(", ") || "none"}`,
    ],
  };
}

export const overcommitmentExperiment: Experiment = {
  name: "overcommitment",
  title: "Beyond the study: what a wrong estimate costs on a host with too little memory",
  source: "none",
  assumptions: [
    "three VMs of 64 MiB that use 40, 24 and 16 MiB at random, on 96 MiB (docs/overcommit.md); the whole of 10 s counts, the start with equal parts too",
  ],
  divides: null,
  points,
  evaluate,
};
