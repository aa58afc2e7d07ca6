/** GPAs that PRL misses while a full log is handled (VEE21 table 2). */

import { dotPlot, PUBLISHED as PUBLISHED_SERIES } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import type { RunSummary } from "../system/summary.ts";
import { gapFor, inSeconds, MEDIAN_THROUGHPUT, STUDY_TLB } from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { ARRAY_PAGES, LOG_ENTRIES, PRL_IN_TWO_PARTS, RRWW_LOGS } from "./prlSetting.ts";
import { hplWorkload, PROGRAM_ASSUMPTIONS } from "./programs.ts";
import { FULL } from "./scale.ts";

const LOGS = [512, 1024] as const;
type Log = (typeof LOGS)[number];
const PROGRAMS = ["RRWW", "HPL"] as const;
type Program = (typeof PROGRAMS)[number];

/** Full events, and GPAs missed in all. */
const PUBLISHED = {
  RRWW: { 512: [17_094, 0], 1024: [8_543, 213] },
  HPL: { 512: [20_701, 741], 1024: [10_510, 116] },
} as const;

const RATE = MEDIAN_THROUGHPUT[0];
/** 17,094 logs of 512 entries: each access of the array misses the TLB. */
const RRWW_ACCESSES = RRWW_LOGS * LOG_ENTRIES;
/** Fitted: with that many accesses HPL's model fills about as many logs. */
const HPL_ACCESSES = 132_000_000;
/**
 * "fast": as the programs run elsewhere. "slow": RRWW's accesses take 300 s and HPL's 150 s, the
 * lengths of the study's series.
 */
const PACES = ["fast", "slow"] as const;
type Pace = (typeof PACES)[number];
const SLOW_SECONDS = { RRWW: 300, HPL: 150 } as const;
const RULES = ["decrement-then-store", "store-at-zero"] as const;

const pointName = (program: Program, log: number, rule: string, pace: Pace): string =>
  `${program}, ${log} entries, ${rule}, ${pace}`;

/** Not scaled: a few million GPAs are quick. */
function points(): readonly Point[] {
  return PROGRAMS.flatMap((program) =>
    LOGS.flatMap((logEntries) =>
      RULES.flatMap((slotRule) =>
        PACES.map((pace): Point => {
          const name = pointName(program, logEntries, slotRule, pace);
          return {
            name,
            scenario: {
              name,
              machine: { quantum: "10ms", logEntries, tlb: STUDY_TLB },
              vms: [{ paging: "off", workload: workload(program, pace) }],
              tracker: { ...PRL_IN_TWO_PARTS, prl: { ...PRL_IN_TWO_PARTS.prl, slotRule } },
            },
          };
        }),
      ),
    ),
  );
}

function workload(program: Program, pace: Pace): ScenarioInput["vms"][number]["workload"] {
  const accesses = program === "HPL" ? HPL_ACCESSES : RRWW_ACCESSES;
  const slow = { gap: gapFor(accesses / SLOW_SECONDS[program] / 1e6, "off") };
  if (program === "HPL")
    return { ...hplWorkload(FULL), accesses, ...(pace === "slow" ? slow : {}) };
  const { gap } = pace === "slow" ? slow : { gap: gapFor(RATE, "off") };
  return { kind: "phases", mode: "RRWW", pages: ARRAY_PAGES, gap, accesses };
}

/** GPAs missed in an event, in the mean. */
const meanMissed = (run: RunSummary): number => run.missedGpas / run.logFull;

function figuresOf(program: Program, log: Log, pace: Pace, results: Results): readonly Figure[] {
  const [events, missed] = PUBLISHED[program][log];
  const literal = results(pointName(program, log, "decrement-then-store", pace));
  const stored = results(pointName(program, log, "store-at-zero", pace));
  const where = `${program}, ${log} entries, ${pace}`;
  return [
    {
      quantity: `${where}: full events`,
      unit: "",
      // A log of twice the length is full half as often.
      published: {
        value: events,
        fitted: log === 512,
        plain: (512 * PUBLISHED[program][512][0]) / log,
      },
      emulated: literal.logFull,
    },
    {
      quantity: `${where}: missed while handled, mean of an event`,
      unit: "",
      published: { value: missed / events, within: 0.005, plain: 0 },
      emulated: meanMissed(stored),
      reason: reasonOf(stored),
    },
    {
      quantity: `${where}: the same, with the GPA that finds index 0`,
      unit: "",
      published: null,
      emulated: meanMissed(literal),
    },
  ];
}

function rowsOf(program: Program, log: Log, results: Results): readonly DataRow[] {
  const [events, missed] = PUBLISHED[program][log];
  const emulated = PACES.map((pace) => {
    const mean = meanMissed(results(pointName(program, log, "store-at-zero", pace)));
    return { program, log, origin: `emulated, ${pace}`, missed: Math.max(mean, LEAST) };
  });
  const published = Math.max(missed / events, LEAST);
  return [...emulated, { program, log, origin: PUBLISHED_SERIES, missed: published }];
}

/** What was lost of all that was to be logged, in words. */
function lostOf(program: Program, pace: Pace, results: Results): string {
  const run = results(pointName(program, 512, "store-at-zero", pace));
  const part = (100 * run.missedGpas) / (run.missedGpas + run.logEntries);
  return `${program} ${pace} ${part.toPrecision(2)} %`;
}

function evaluate(results: Results) {
  const data = PROGRAMS.flatMap((program) => LOGS.flatMap((log) => rowsOf(program, log, results)));
  const lost = PROGRAMS.flatMap((program) => PACES.map((pace) => lostOf(program, pace, results)));
  return {
    figures: PROGRAMS.flatMap((program) =>
      LOGS.flatMap((log) => PACES.flatMap((pace) => figuresOf(program, log, pace, results))),
    ),
    plots: [
      dotPlot("GPAs missed while a full log is handled", data, {
        x: {
          field: "missed",
          title: `GPAs missed in an event (${LEAST}: none)`,
          log: 10,
        },
        y: { field: "log", title: "log entries" },
        by: { field: "origin", title: "missed" },
        panels: { field: "program", columns: 2 },
        width: 260,
        height: 150,
      }),
    ],
    findings: [`GPAs lost of all that were to be logged, 512 entries: ${lost.join(", ")}`],
  };
}

/** What a bar on a logarithmic axis has for nothing. */
const LEAST = 0.001;

/** The handler against the time between two GPAs. */
function reasonOf(run: RunSummary): string {
  const handler =
    (1e6 * inSeconds(run.pvm.handler + run.pvm.exit + run.pvm.entry)) / run.pvm.handlerRuns;
  const between = (1e6 * inSeconds(run.time)) / (run.logEntries + run.missedGpas);
  return `the handler takes ${handler.toFixed(1)} us for a full log, and a GPA comes every ${between.toPrecision(3)} us in the mean, in bursts more often`;
}

export const missedGpasExperiment: Experiment = {
  name: "missed-gpas",
  title: "GPAs that PRL misses, logs of 512 and 1024 entries",
  source: "VEE21 table 2",
  assumptions: [
    "fitted: the number of RRWW's accesses, to its 17,094 full logs of 512 entries; the length of HPL's run, to its 20,701. The figures for 1024 entries follow",
    `the study's GPAs came from gem5, at a rate that is not published, so two are shown. Fast: RRWW at ${RATE} operations a microsecond, HPL as everywhere else. Slow: the same accesses spread over 300 s and 150 s, the lengths of the study's series`,
    "read literally, VEE21's rules drop the GPA that finds index 0; its table cannot have counted it, so what is compared has it stored (tracker.prl.slotRule)",
    "the handler copies and resets, and a process of the pVM counts after it (VEE21 figure 5; tracker.prl.counting process): the log is held up by the first alone",
    ...PROGRAM_ASSUMPTIONS,
  ],
  divides: null,
  points,
  evaluate,
};
