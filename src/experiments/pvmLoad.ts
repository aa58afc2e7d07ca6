/** How much of a core PRL takes in the pVM: over time, and for 1 to 10 VMs (VEE21 figure 9). */

import { itemAt } from "../lookup.ts";
import { curvePlot, linePlot, PUBLISHED } from "../plots/kinds.ts";
import type { DataRow, Plot } from "../plots/plot.ts";
import type { RunSummary } from "../system/summary.ts";
import { estimatorInput } from "./accuracy.ts";
import { estimation, gapFor, inSeconds, MEDIAN_THROUGHPUT, median, STUDY_TLB } from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";

/** Percent of a core, read off figure 9b. */
const BY_VMS = { 1: 1.5, 2: 3, 5: 7.5, 10: 15 } as const;
const COUNTS = [1, 2, 5, 10] as const;
/** Peaks of figure 9a: time in s, percent. */
const PEAKS = [
  [41, 19],
  [70, 19],
  [100, 25],
  [130, 30],
  [160, 43],
  [190, 46],
] as const;
const MEDIAN = 1;

const PAGES = 102_400;
const RATE = MEDIAN_THROUGHPUT[0];
const SERIES_RUN = 200;
const COUNT_RUN = 65;

function points(scale: Scale): readonly Point[] {
  return COUNTS.map((count): Point => {
    const name = `${count} VMs`;
    return {
      name,
      scenario: {
        name,
        machine: { quantum: "10ms", cpus: count, tlb: STUDY_TLB },
        vms: Array.from({ length: count }, (_, vm) => ({
          name: `vm${vm}`,
          paging: "off" as const,
          workload: {
            kind: "phases" as const,
            mode: "RWRW" as const,
            pages: scaled(PAGES, scale),
            gap: gapFor(RATE, "off"),
          },
        })),
        operation: {
          kind: "estimate",
          estimator: estimatorInput("prl", scale),
          loadInterval: seconds(1, scale),
        },
        until: seconds(count === 1 ? SERIES_RUN : COUNT_RUN, scale),
      },
    };
  });
}

/** The load over time, in the study's seconds and percent of a core. */
function loadOf(run: RunSummary, { divisor }: Scale) {
  return estimation(run).pvm.load.map(({ time, handler, processes }) => ({
    time: inSeconds(time) * divisor,
    percent: 100 * (handler + processes),
  }));
}

function meanLoad(run: RunSummary): number {
  const { handlerCycles, processCycles } = estimation(run).pvm;
  return (100 * (handlerCycles + processCycles)) / run.time;
}

function meanFigures(results: Results): readonly Figure[] {
  const [one, ten] = [results("1 VMs"), results("10 VMs")];
  return [
    ...COUNTS.map(
      (count): Figure => ({
        quantity: `mean load, ${count} VM${count === 1 ? "" : "s"}`,
        unit: "% of a core",
        published:
          count === 1
            ? { value: BY_VMS[1], relation: "at most", plain: 0 }
            : { value: BY_VMS[count], within: 0.5, plain: count * BY_VMS[1] },
        emulated: meanLoad(results(`${count} VMs`)),
        reason: loadReason(count, results(`${count} VMs`)),
      }),
    ),
    {
      quantity: "load of 10 VMs, times that of one",
      unit: "",
      published: { value: BY_VMS[10] / BY_VMS[1], plain: 10 },
      emulated: meanLoad(ten) / meanLoad(one),
      reason: loadReason(10, ten),
    },
  ];
}

/** One VM's load: its median, and its most near each published peak. */
function seriesFigures(run: RunSummary, scale: Scale): readonly Figure[] {
  const series = loadOf(run, scale);
  return [
    {
      quantity: "one VM over time, median",
      unit: "% of a core",
      published: { value: MEDIAN, within: 0.5, plain: BY_VMS[1] },
      emulated: median(series.map(({ percent }) => percent)),
    },
    ...PEAKS.map(([time, percent]): Figure => {
      const near = series.filter((point) => Math.abs(point.time - time) <= 15);
      return {
        quantity: `one VM over time, peak near ${time} s`,
        unit: "% of a core",
        published: { value: percent, within: 0.5, plain: MEDIAN },
        emulated: Math.max(...near.map((point) => point.percent)),
        reason: peakReason(run, scale),
      };
    }),
  ];
}

function plotsOf(results: Results, scale: Scale): readonly Plot[] {
  const overTime: DataRow[] = [
    ...loadOf(results("1 VMs"), scale).map((point) => ({
      ...point,
      origin: "emulated, each second",
    })),
    ...PEAKS.map(([time, percent]) => ({ time, percent, origin: "published, peaks" })),
  ];
  const byVms: DataRow[] = COUNTS.flatMap((vms) => [
    { vms, origin: PUBLISHED, percent: BY_VMS[vms] },
    { vms, origin: "emulated", percent: meanLoad(results(`${vms} VMs`)) },
  ]);
  return [
    curvePlot("The pVM's load with one VM", overTime, {
      x: { field: "time", title: "time, s" },
      y: { field: "percent", title: "load, % of a core" },
      by: { field: "origin", title: "load" },
    }),
    linePlot("The pVM's load by VMs", byVms, {
      x: { field: "vms", title: "VMs" },
      y: { field: "percent", title: "mean load, % of a core" },
      by: { field: "origin", title: "load" },
    }),
  ];
}

function evaluate(results: Results, scale: Scale) {
  const [one, ten] = [results("1 VMs"), results("10 VMs")];
  return {
    figures: [...meanFigures(results), ...seriesFigures(one, scale)],
    plots: plotsOf(results, scale),
    findings: [
      `one VM's PRL takes ${meanLoad(one).toFixed(2)} % of a core of the pVM, a tenth of ten VMs' ${(meanLoad(ten) / 10).toFixed(2)} %: an interrupt serves ${logsPerInterrupt(one)} logs with one VM and ${logsPerInterrupt(ten)} with ten`,
    ],
  };
}

function logsPerInterrupt({ pvm }: RunSummary): string {
  return (pvm.logsServed / pvm.handlerRuns).toFixed(2);
}

function loadReason(vms: number, run: RunSummary): string {
  const { pvm } = run;
  const logs = pvm.logsServed / vms / inSeconds(run.time);
  const log = (1e6 * inSeconds(pvm.handler + pvm.exit + pvm.entry)) / pvm.logsServed;
  const needed = ((BY_VMS[1] / 100) * 1e6) / logs;
  return `a VM fills ${logs.toFixed(0)} logs a second, and the handler takes ${log.toFixed(1)} us for each, ${logsPerInterrupt(run)} of them an interrupt; 1.5 % a VM would be ${needed.toFixed(1)} us. Neither the study's rate nor its handler's time is published`;
}

/** The published peaks against what had been logged by then. */
function peakReason(run: RunSummary, { divisor }: Scale): string {
  const perSecond = run.logEntries / inSeconds(run.time);
  const slopes = PEAKS.slice(1).map(([time, percent]) => percent / time);
  const nanoseconds = (slope: number): string => ((1e9 * slope) / 100 / perSecond).toFixed(1);
  const scans = (1e3 * inSeconds(run.pvm.processes)) / itemAt(estimation(run).vms, 0).series.length;
  return (
    `from 70 s on the published peaks are ${Math.min(...slopes).toFixed(2)} to ${Math.max(...slopes).toFixed(2)} % of a core for each second since the start: they grow with the number of GPAs logged, ${nanoseconds(Math.min(...slopes))} to ${nanoseconds(Math.max(...slopes))} ns a GPA at the emulated rate, as if the study's process went through all of them each time. ` +
    `Here the buffer has a counter for each page, and a scan takes ${(scans * divisor).toFixed(2)} ms every 30 s`
  );
}

export const pvmLoadExperiment: Experiment = {
  name: "pvm-load",
  title: "What PRL takes of the pVM's CPUs",
  source: "VEE21 figure 9: below 1.5 % of a core for a VM, linear; peaks every 30 s",
  assumptions: [
    `each VM runs the RWRW array of 400 MB at ${RATE} operations a microsecond; the study replayed gem5's traces at a rate that is not published`,
    "the handler's and the scan's costs are assumed (docs/costs.md); the load is looked at every second",
  ],
  divides: ALL,
  points,
  evaluate,
};
