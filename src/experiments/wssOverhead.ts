/**
 * PML for working-set estimation: what the programs pay, taken apart by T = T_PTW + N (T_x + T_e + T_h)
 * (VEE21 figure 4; slides 10 and 11). Two handler times are published, 257 us and 4 ms; how often the
 * authors cleaned the log is not.
 */

import { itemAt } from "../lookup.ts";
import { curvePlot, dotPlot, PUBLISHED as PUBLISHED_SERIES, stackPlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { FOUR_MS, inSeconds, percentAbove } from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import {
  type Bar,
  commonTimes,
  leastFactor,
  overheadAt,
  timesOf,
  timesText,
} from "./handlerTime.ts";
import { PROGRAM_ASSUMPTIONS, PROGRAMS, type ProgramName, programWorkload } from "./programs.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";
import { NEAR, type Published } from "./verdict.ts";

/** Percent (VEE21 figure 4). */
const PUBLISHED: Readonly<Record<ProgramName, Published>> = {
  read: { value: 0.001, within: 0.0005, plain: 0 },
  sort: { value: 4.8, within: 0.05, plain: 0 },
  write: { value: 7.9, within: 0.05, plain: 0 },
  hpl: { value: 34.9, within: 0.1, plain: 0 },
};

const HANDLERS = ["257 us", "4 ms"] as const;
/** Seconds between CLEANs; 0: none, pages are logged once. */
const INTERVALS = [1, 10, 0] as const;
/** 30 s of accesses of 100 cycles. */
const ACCESSES = 720_000_000;

type Condition = readonly [handler: (typeof HANDLERS)[number], interval: number];
const CONDITIONS: readonly Condition[] = INTERVALS.flatMap((interval) =>
  HANDLERS.map((handler): Condition => [handler, interval]),
);
const WRITING = PROGRAMS.filter((program) => program !== "read");

const intervalText = (interval: number): string =>
  interval === 0 ? "never cleaned" : `cleaned every ${interval} s`;
const pointName = (program: string, handler: string, interval: number): string =>
  `${program}, ${handler}, ${intervalText(interval)}`;
const untracked = (program: string): string => `${program}, not tracked`;

function points(scale: Scale): readonly Point[] {
  return PROGRAMS.flatMap((program) => {
    const workload = { ...programWorkload(program, scale), accesses: scaled(ACCESSES, scale) };
    const base = { machine: { quantum: "10ms" }, vms: [{ workload }] };
    const name = untracked(program);
    const tracked = HANDLERS.flatMap((handler) =>
      INTERVALS.map((interval): Point => {
        const name = pointName(program, handler, interval);
        return {
          name,
          scenario: {
            ...base,
            name,
            machine: { ...base.machine, ...(handler === "4 ms" ? { costs: FOUR_MS } : {}) },
            tracker: { technique: "pml" },
            operation: {
              kind: "measure",
              ...(interval === 0 ? {} : { harvest: seconds(interval, scale) }),
            },
          },
        };
      }),
    );
    return [{ name, scenario: { ...base, name, tracker: { technique: "none" } } }, ...tracked];
  });
}

function overheadOf(results: Results, program: ProgramName, condition: Condition): number {
  const run = results(pointName(program, ...condition));
  return percentAbove(run.time, results(untracked(program)).time);
}

function figuresOf(results: Results, condition: Condition): readonly Figure[] {
  const [handler, interval] = condition;
  return PROGRAMS.map((program) => ({
    quantity: `overhead of ${program}, T_h ${handler}, ${intervalText(interval)}`,
    unit: "%",
    published: PUBLISHED[program],
    emulated: overheadOf(results, program, condition),
    reason: reasonOf(results(untracked(program)), results(pointName(program, ...condition))),
  }));
}

/** The bars of an interval: the emulated ones by handler, then the published ones. */
function barsOf(results: Results, interval: number): readonly DataRow[] {
  const at = intervalText(interval);
  return [
    ...HANDLERS.flatMap((handler) =>
      PROGRAMS.map((program) => ({
        program,
        interval: at,
        condition: `T_h ${handler}`,
        percent: Math.max(overheadOf(results, program, [handler, interval]), LEAST),
      })),
    ),
    ...PROGRAMS.map((program) => ({
      program,
      interval: at,
      condition: PUBLISHED_SERIES,
      percent: PUBLISHED[program].value,
    })),
  ];
}

/** The parts of T = T_PTW + N (T_x + T_e + T_h), percent of the untracked time. */
function sharesOf(results: Results, [handler, interval]: Condition): readonly DataRow[] {
  return PROGRAMS.flatMap((program) => {
    const base = results(untracked(program));
    const run = results(pointName(program, handler, interval));
    return (["ptw", "exit", "entry", "handler"] as const).map((part) => {
      const cycles = run.cycles[part] - (part === "ptw" ? base.cycles.ptw : 0);
      return {
        program,
        condition: `${handler}, ${interval === 0 ? "never" : `${interval} s`}`,
        part: { ptw: "T_PTW", exit: "N T_x", entry: "N T_e", handler: "N T_h" }[part],
        percent: (100 * cycles) / base.time,
      };
    });
  });
}

function barOf(results: Results, program: ProgramName, interval: number): Bar {
  const [short, long] = HANDLERS;
  return {
    atShort: overheadOf(results, program, [short, interval]),
    atLong: overheadOf(results, program, [long, interval]),
    published: PUBLISHED[program].value,
  };
}

/** How near one handler time comes to the bars of all programs that write, by the interval of CLEANs. */
function axisFigures(results: Results): readonly Figure[] {
  return INTERVALS.map((interval): Figure => {
    const bars = WRITING.map((program) => barOf(results, program, interval));
    return {
      quantity: `one T_h for sort, write and HPL: off by a factor of, ${intervalText(interval)}`,
      unit: "",
      published: null,
      emulated: leastFactor(bars) ?? Number.NaN,
    };
  });
}

function axisText(results: Results, interval: number): string {
  const bars = WRITING.map((program) => barOf(results, program, interval));
  const each = WRITING.map(
    (program, i) => `${program} ${timesText(timesOf(itemAt(bars, i), NEAR))}`,
  );
  return `${intervalText(interval)}, T_h that gives a bar within a factor of ${NEAR}: ${each.join(", ")}; all at once: ${timesText(commonTimes(bars, NEAR))}`;
}

/** Overhead against T_h, with the published bars as levels. */
function axisRows(results: Results): readonly DataRow[] {
  return INTERVALS.flatMap((interval) =>
    WRITING.flatMap((program) => {
      const bar = barOf(results, program, interval);
      return AXIS.flatMap((time): DataRow[] => [
        {
          interval: intervalText(interval),
          program,
          time,
          percent: Math.max(overheadAt(bar, time), LEAST),
        },
        {
          interval: intervalText(interval),
          program: `${program}, ${PUBLISHED_SERIES}`,
          time,
          percent: bar.published,
        },
      ]);
    }),
  );
}

/** |log(emulated / published)| over the programs that write. */
function distanceOf(results: Results, condition: Condition): number {
  return WRITING.reduce((sum, program) => {
    const overhead = Math.max(overheadOf(results, program, condition), 1e-6);
    return sum + Math.abs(Math.log(overhead / PUBLISHED[program].value));
  }, 0);
}

function findingsOf(results: Results): readonly string[] {
  const distances = CONDITIONS.map((condition) => ({
    condition: `T_h ${condition[0]}, ${intervalText(condition[1])}`,
    distance: distanceOf(results, condition),
  })).sort((a, b) => a.distance - b.distance);
  const factor = (distance: number): string => Math.exp(distance / 3).toFixed(2);
  const [best, second] = [itemAt(distances, 0), itemAt(distances, 1)];
  return [
    `nearest to the published bars of sort, write and HPL together: ${best.condition}, off by a factor of ${factor(best.distance)} in the geometric mean; then ${second.condition}, ${factor(second.distance)}`,
    ...WRITING.map((program) => neededBy(program, results)),
    ...INTERVALS.map((interval) => axisText(results, interval)),
  ];
}

function evaluate(results: Results) {
  const bars = INTERVALS.flatMap((interval) => barsOf(results, interval));
  const shares = CONDITIONS.flatMap((condition) => sharesOf(results, condition));
  return {
    figures: [
      ...CONDITIONS.flatMap((condition) => figuresOf(results, condition)),
      ...axisFigures(results),
    ],
    plots: [
      dotPlot("Overhead of PML for working-set estimation", bars, {
        x: { field: "percent", title: `overhead, % (${LEAST}: none)`, log: 10 },
        y: { field: "program", title: "program" },
        by: { field: "condition", title: "overhead" },
        panels: { field: "interval", columns: 3 },
        width: 190,
        height: 180,
      }),
      stackPlot("What the overhead consists of, by T_h and the interval of CLEANs", shares, {
        x: { field: "percent", title: "% of the untracked time" },
        y: { field: "condition", title: "T_h, cleaned every" },
        by: { field: "part", title: "part" },
        panels: { field: "program", columns: 2, independent: "x" },
        width: 280,
        height: 130,
      }),
      curvePlot("Overhead against T_h, and the published bars", axisRows(results), {
        x: { field: "time", title: "T_h, us", log: 10 },
        y: { field: "percent", title: "overhead, %", log: 10 },
        by: { field: "program", title: "program" },
        panels: { field: "interval", columns: 3 },
        width: 190,
        height: 180,
      }),
    ],
    findings: findingsOf(results),
  };
}

/** Microseconds, from a tenth of DW19's handler to twice that of the authors' tree. */
const AXIS = [25, 50, 100, 200, 400, 800, 1600, 3200, 8000] as const;

/** What a bar on a logarithmic axis has for nothing. */
const LEAST = 1e-4;

/** The handler time that the published bar of a program would need, by interval. */
function neededBy(program: ProgramName, results: Results): string {
  const base = results(untracked(program));
  const each = INTERVALS.map((interval) => {
    const rate = rateOf(results(pointName(program, HANDLERS[0], interval)), base);
    const cost = PUBLISHED[program].value / 100 / rate;
    const needs = rate === 0 ? "no T_h is long enough" : `${(1e6 * cost).toFixed(0)} us`;
    return `${needs} ${intervalText(interval)}`;
  });
  return `T_x + T_e + T_h that the published bar of ${program} would need: ${each.join(", ")}`;
}

/** Log-full exits a second of the program's own time. */
function rateOf(run: ReturnType<Results>, base: ReturnType<Results>): number {
  return run.logFull / inSeconds(base.time);
}

function reasonOf(base: ReturnType<Results>, run: ReturnType<Results>): string {
  const { exit, entry, handler } = run.cycles;
  const exits = (100 * (exit + entry + handler)) / base.time;
  const walks = (100 * (run.cycles.ptw - base.cycles.ptw)) / base.time;
  const rest = percentAbove(run.time, base.time) - exits - walks;
  return `${rateOf(run, base).toPrecision(3)} log-full exits a second: ${exits.toPrecision(3)} % are exits and their handling, ${walks.toPrecision(2)} % walks, ${rest.toPrecision(2)} % pauses of harvests`;
}

export const wssOverheadExperiment: Experiment = {
  name: "wss-overhead",
  title: "PML used for working-set estimation: its overhead, and which handler time explains it",
  source:
    "VEE21 figure 4, slides 10 and 11; T_h from DW19 section 3 and from the authors' Xen tree",
  assumptions: [
    ...PROGRAM_ASSUMPTIONS,
    "T_h is 257 us on average for 512 entries, or the 4 ms that the authors' handler waits; neither the interval of their CLEANs nor how often their programs filled a log is published, so three intervals are shown",
    "overhead: time for the same number of accesses, more than without tracking",
  ],
  divides: ALL,
  points,
  evaluate,
};
