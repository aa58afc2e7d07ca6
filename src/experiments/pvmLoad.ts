/** How much of a core PRL takes in the pVM: over time, and for 1 to 10 VMs (VEE21 figure 9). */

import { DEFAULT_HYPERVISOR_COSTS } from "../hypervisor/costs.ts";
import { curvePlot, linePlot, PUBLISHED } from "../plots/kinds.ts";
import type { DataRow, Plot } from "../plots/plot.ts";
import type { RunSummary } from "../system/summary.ts";
import { estimation, gapFor, inSeconds, median, STUDY_TLB } from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import {
  ARRAY_PAGES,
  countingMicroseconds,
  PRL_IN_TWO_PARTS,
  PRL_SETTINGS,
  type PrlSetting,
} from "./prlSetting.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";
import { REPRODUCED } from "./verdict.ts";

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
/** What going through a list takes for each GPA is within what its peaks need: the last one shows nothing. */
const LAST_PEAK = 190;
const MEDIAN = 1;

/** GPAs missed in an event, in table 2: HPL's, the most. */
const MISSED = 0.04;
const MICROSECOND = 1e-6;

const SERIES_RUN = 200;
const COUNT_RUN = 65;
const SETTINGS = Object.values(PRL_SETTINGS);
const SERIES = "one VM over time";

const pointName = (count: number, { name }: PrlSetting): string => `${count} VMs, ${name}`;

function scenarioOf(
  name: string,
  count: number,
  { rate, prlCount }: PrlSetting,
  scale: Scale,
  more: { readonly buffer: "counters" | "list"; readonly run: number },
): ScenarioInput {
  return {
    name,
    machine: {
      quantum: "10ms",
      cpus: count,
      tlb: STUDY_TLB,
      costs: { hypervisor: { prlCount } },
    },
    vms: Array.from({ length: count }, (_, vm) => ({
      name: `vm${vm}`,
      paging: "off" as const,
      workload: {
        kind: "phases" as const,
        mode: "RWRW" as const,
        pages: scaled(ARRAY_PAGES, scale),
        // Of a read and a write of the same entry the first misses the TLB.
        gap: gapFor(2 * rate, "off"),
      },
    })),
    tracker: PRL_IN_TWO_PARTS,
    operation: {
      kind: "estimate",
      estimator: {
        kind: "prl",
        mu: seconds(30, scale),
        omega: seconds(120, scale),
        continueWhenStable: true,
        buffer: more.buffer,
      },
      loadInterval: seconds(1, scale),
    },
    until: seconds(more.run, scale),
  };
}

function points(scale: Scale): readonly Point[] {
  const byVms = SETTINGS.flatMap((setting) =>
    COUNTS.map((count): Point => {
      const name = pointName(count, setting);
      const more = { buffer: "counters", run: COUNT_RUN } as const;
      return { name, scenario: scenarioOf(name, count, setting, scale, more) };
    }),
  );
  const more = { buffer: "list", run: SERIES_RUN } as const;
  const series = scenarioOf(SERIES, 1, PRL_SETTINGS.table2, scale, more);
  return [...byVms, { name: SERIES, scenario: series }];
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

function settingFigures(setting: PrlSetting, results: Results): readonly Figure[] {
  const run = (count: number) => results(pointName(count, setting));
  const [one, ten] = [run(1), run(10)];
  const where = setting.name;
  const fitted = setting === PRL_SETTINGS.found;
  return [
    ...COUNTS.map(
      (count): Figure => ({
        quantity: `mean load, ${count} VM${count === 1 ? "" : "s"}, ${where}`,
        unit: "% of a core",
        published:
          count === 1
            ? { value: BY_VMS[1], relation: "at most", within: 0.05, plain: 0, fitted }
            : { value: BY_VMS[count], within: 0.5, plain: count * BY_VMS[1] },
        emulated: meanLoad(run(count)),
        reason: loadReason(count, run(count)),
      }),
    ),
    {
      quantity: `load of 10 VMs, times that of one, ${where}`,
      unit: "",
      published: { value: BY_VMS[10] / BY_VMS[1], plain: 10 },
      emulated: meanLoad(ten) / meanLoad(one),
      reason: loadReason(10, ten),
    },
    ...COUNTS.map(
      (count): Figure => ({
        quantity: `missed GPAs, mean of an event, ${count} VM${count === 1 ? "" : "s"}, ${where}`,
        unit: "",
        // Were the log held up while its GPAs are counted, as many as come meanwhile would be missed.
        published:
          count === 1
            ? {
                value: MISSED,
                relation: "at most",
                plain: countingMicroseconds(setting) * setting.rate,
              }
            : null,
        emulated: run(count).missedGpas / run(count).logFull,
        reason: `a GPA comes every ${(1 / setting.rate).toFixed(1)} us, and the handler takes ${handlerMicroseconds(run(count)).toFixed(1)} us`,
      }),
    ),
  ];
}

/** One VM's load: its median, and its most near each published peak. */
function seriesFigures(run: RunSummary, scale: Scale): readonly Figure[] {
  const series = loadOf(run, scale);
  return [
    {
      quantity: `${SERIES}, median`,
      unit: "% of a core",
      published: { value: MEDIAN, within: 0.5, plain: BY_VMS[1] },
      emulated: median(series.map(({ percent }) => percent)),
      reason: loadReason(1, run),
    },
    ...PEAKS.map(([time, percent]): Figure => {
      const near = series.filter((point) => Math.abs(point.time - time) <= 15);
      return {
        quantity: `${SERIES}, peak near ${time} s`,
        unit: "% of a core",
        published: { value: percent, within: 0.5, plain: MEDIAN, fitted: time === LAST_PEAK },
        emulated: Math.max(...near.map((point) => point.percent)),
        reason: peakReason(run),
      };
    }),
  ];
}

function plotsOf(results: Results, scale: Scale): readonly Plot[] {
  const overTime: DataRow[] = [
    ...loadOf(results(SERIES), scale).map((point) => ({
      ...point,
      origin: "emulated, each second",
    })),
    ...PEAKS.map(([time, percent]) => ({ time, percent, origin: "published, peaks" })),
  ];
  const byVms: DataRow[] = COUNTS.flatMap((vms) => [
    { vms, origin: PUBLISHED, percent: BY_VMS[vms] },
    ...SETTINGS.map((setting) => ({
      vms,
      origin: `emulated, ${setting.name}`,
      percent: meanLoad(results(pointName(vms, setting))),
    })),
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

/** Logs that a VM fills in a second. */
function logRate(vms: number, run: RunSummary): number {
  return run.pvm.logsServed / vms / inSeconds(run.time);
}

function handlerMicroseconds({ pvm }: RunSummary): number {
  return inSeconds(pvm.handler + pvm.exit + pvm.entry) / pvm.handlerRuns / MICROSECOND;
}

/**
 * How long the counting of a log may take for each published bar to come out within a tenth: the load is linear in it. Of what
 * is left by all bars the least and the most, microseconds.
 */
function feasibleCounting(setting: PrlSetting, results: Results): readonly [number, number] {
  const own = countingMicroseconds(setting);
  const spans = COUNTS.map((count): readonly [number, number] => {
    const run = results(pointName(count, setting));
    const counted = 100 * count * logRate(count, run) * MICROSECOND;
    const rest = meanLoad(run) - own * counted;
    const at = (load: number): number => (load - rest) / counted;
    return [at((1 - REPRODUCED) * BY_VMS[count]), at((1 + REPRODUCED) * BY_VMS[count])];
  });
  return [
    Math.max(0, ...spans.map(([least]) => least)),
    Math.min(...spans.map(([, most]) => most)),
  ];
}

function feasibleText(setting: PrlSetting, results: Results): string {
  const [least, most] = feasibleCounting(setting, results);
  const span =
    least > most
      ? "no time of counting a log gives all four bars within a tenth"
      : `all four bars come out within a tenth if a log takes ${least.toFixed(0)} to ${most.toFixed(0)} us to count`;
  return `at ${setting.name} ${span} (${setting.why})`;
}

function evaluate(results: Results, scale: Scale) {
  const series = results(SERIES);
  const list = (8 * series.logEntries * scale.divisor) / 2 ** 20;
  return {
    figures: [
      ...SETTINGS.flatMap((setting) => settingFigures(setting, results)),
      ...seriesFigures(series, scale),
    ],
    plots: plotsOf(results, scale),
    findings: [
      ...SETTINGS.map((setting) => feasibleText(setting, results)),
      `with a buffer that is a list one VM's PRL takes ${meanLoad(series).toFixed(2)} % of a core in ${SERIES_RUN} s, its looks included, and the list has ${list.toFixed(0)} MiB at the end`,
    ],
  };
}

function logsPerInterrupt({ pvm }: RunSummary): string {
  return (pvm.logsServed / pvm.handlerRuns).toFixed(2);
}

function loadReason(vms: number, run: RunSummary): string {
  const counting = inSeconds(run.pvm.processes) / run.pvm.logsServed / MICROSECOND;
  return `a VM fills ${logRate(vms, run).toFixed(0)} logs a second; the handler takes ${handlerMicroseconds(run).toFixed(1)} us for ${logsPerInterrupt(run)} of them, and processes ${counting.toFixed(0)} us for each`;
}

/** The published peaks against what had been logged by then. */
function peakReason(run: RunSummary): string {
  const perSecond = run.logEntries / inSeconds(run.time);
  const slopes = PEAKS.slice(1).map(([time, percent]) => percent / time);
  const nanoseconds = (slope: number): string => ((1e9 * slope) / 100 / perSecond).toFixed(0);
  const own = (1e9 * inSeconds(DEFAULT_HYPERVISOR_COSTS.scanLogged)).toFixed(0);
  return `the published peaks from 70 s on take ${nanoseconds(Math.min(...slopes))} to ${nanoseconds(Math.max(...slopes))} ns for each GPA logged so far, if its pace was this; here going through the list takes ${own} ns a GPA (docs/costs.md), and the published looks are not as far apart as mu`;
}

export const pvmLoadExperiment: Experiment = {
  name: "pvm-load",
  title: "What PRL takes of the pVM's CPUs",
  source: "VEE21 figure 9: below 1.5 % of a core for a VM, linear; peaks every 30 s",
  assumptions: [
    "each VM runs the RWRW array of 400 MB; the study replayed gem5's traces at a rate that is not published",
    ...SETTINGS.map(({ name, why }) => `${name}: ${why}`),
    "the handler copies and resets, and a process of the pVM counts after it (VEE21 figure 5; tracker.prl.counting process); the GPA that finds index 0 is stored",
    "over time the cumulative buffer is a list, gone through at each look (operation.estimator.buffer); by VMs it has a counter a page, as figure 9b does not show what looks take",
    "costs are those of docs/costs.md; the load is looked at every second",
  ],
  divides: ALL,
  points,
  evaluate,
};
