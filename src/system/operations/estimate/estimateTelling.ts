/** What an estimation tells people. */
import { grouped, pagesAndSize, percentOrDash } from "../../../config/figures.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../../config/units.ts";
import type { Agreement } from "../../verdict/agreement.ts";
import {
  meanOver,
  type ResultNumber,
  sumOver,
  type Telling,
  type Told,
  type ToldChart,
} from "../telling.ts";
import { formatEstimation } from "./estimateReport.ts";
import type { EstimateResult } from "./estimateResult.ts";

const PAGE_BYTES = 4096;
const MIB = 2 ** 20;

export const estimateTelling: Telling<EstimateResult> = {
  tell: tellEstimation,
  report: formatEstimation,
  numbers: [
    {
      name: "wss",
      unit: "MiB",
      what: "last estimates of the working sets, together",
      of: ({ vms }) => sumOver(vms, ({ bytes }) => bytes && bytes / MIB),
    },
    {
      name: "wssError",
      unit: "%",
      what: "mean distance of estimates from the truth",
      of: ({ vms }) => meanOver(vms, ({ meanError }) => meanError && 100 * meanError),
    },
    shareOf("wssPrecision", "of the pages in an estimate, those in use", "precision"),
    shareOf("wssRecall", "of the pages in use, those in an estimate", "recall"),
    shareOf("wssJaccard", "of the pages in use or in an estimate, those in both", "jaccard"),
  ],
};

function shareOf(name: string, what: string, share: keyof Agreement): ResultNumber<EstimateResult> {
  return {
    name,
    unit: "",
    what: `${what}, mean of the looks`,
    of: ({ vms }) => meanOver(vms, ({ agreement }) => agreement?.mean[share] ?? null),
  };
}

function tellEstimation({ vms, estimator, interval }: EstimateResult): Told {
  return {
    headline: `working set by ${estimator}, a look every ${formatCycles(interval)}`,
    facts: vms.flatMap((vm): [string, string][] => [
      [`${vm.vm} estimate`, pagesAndSize(vm.pages)],
      [`${vm.vm} truth`, pagesAndSize(vm.truthPages)],
      [`${vm.vm} error`, percentOrDash(vm.error)],
      [`${vm.vm} Jaccard`, vm.agreement === null ? "-" : vm.agreement.last.jaccard.toFixed(3)],
      [`${vm.vm} stable`, vm.stableAt === null ? "not yet" : `at ${formatCycles(vm.stableAt)}`],
    ]),
    charts: [...vms.map(workingSetChart), ...vms.flatMap(missRatioChart)],
    columns: ["at", "estimate", "truth", "pVM ms"],
    rows: (vms[0]?.series ?? []).map(({ time, pages, truthPages, pvmCycles }) => [
      formatCycles(time),
      pages === null ? "-" : grouped(pages),
      grouped(truthPages),
      ((1e3 * pvmCycles) / CYCLES_PER_SECOND).toFixed(3),
    ]),
  };
}

function workingSetChart({ vm, series }: EstimateResult["vms"][number]): ToldChart {
  const mib = (pages: number): number => (pages * PAGE_BYTES) / MIB;
  return {
    title: `working set of ${vm}`,
    unit: "MiB",
    x: { name: "time", unit: "cycles", values: series.map(({ time }) => time) },
    series: [
      {
        name: "estimate",
        values: series.map(({ pages }) => (pages === null ? null : mib(pages))),
      },
      { name: "truth", values: series.map(({ truthPages }) => mib(truthPages)) },
    ],
  };
}

/** Of estimators that make such a curve. */
function missRatioChart({ vm, missRatios }: EstimateResult["vms"][number]): ToldChart[] {
  if (missRatios === null) return [];
  const values = missRatios.map(({ pages }) => (pages * PAGE_BYTES) / MIB);
  const ratios = missRatios.map(({ ratio }) => ratio);
  return [
    {
      title: `miss ratio of ${vm} by memory`,
      unit: "",
      x: { name: "memory, MiB", unit: "MiB", values },
      series: [{ name: "misses of LRU", values: ratios }],
    },
  ];
}
