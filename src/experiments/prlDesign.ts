/** Beyond the study: one log or two, and logs of 64 to 65536 entries for PRL; logs of PML, which has no more than 512. */

import { itemAt, namesOf } from "../lookup.ts";
import { linePlot } from "../plots/kinds.ts";
import { pml } from "../units/pml/declaration.ts";
import {
  arrayPages,
  arrayWorkload,
  FOUR_MS,
  inSeconds,
  percentAbove,
  STUDY_TLB,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";

const LOGS = [64, 128, 256, 512, 1024, 4096, 16_384, 65_536] as const;
const PML_LOGS = LOGS.filter((entries) => entries <= pml.entriesMax);
/** The same handler, and one that is ten times slower. */
const HANDLERS = { "1x": {}, "10x": { prlHandler: 30_000, prlEntry: 240 } } as const;
const HANDLER_NAMES = namesOf(HANDLERS);
type Handler = keyof typeof HANDLERS;
/** Of PRL: one, or two in turn. */
type Logs = 1 | 2;
const PRL_ACCESSES = 10_000_000;
const PML_RUN = 5;
const PML_HANDLERS = { "257 us for 512": {}, "4 ms": FOUR_MS } as const;
const PML_HANDLER_NAMES = namesOf(PML_HANDLERS);

const prlPoint = (entries: number, handler: string, logs: number): string =>
  `PRL, ${entries} entries, handler ${handler}, logs ${logs}`;
const pmlPoint = (entries: number, handler: string): string =>
  `PML, ${entries} entries, ${handler}`;

function points(scale: Scale): readonly Point[] {
  const pages = arrayPages(scale);
  const workload = arrayWorkload(pages, 100);
  const unpaged = { ...arrayWorkload(pages, 100, "off"), accesses: scaled(PRL_ACCESSES, scale) };
  const prl = LOGS.flatMap((logEntries) =>
    HANDLER_NAMES.flatMap((handler) =>
      [1, 2].map((logs): Point => {
        const name = prlPoint(logEntries, handler, logs);
        return {
          name,
          scenario: {
            name,
            machine: {
              quantum: "10ms",
              logEntries,
              tlb: STUDY_TLB,
              costs: { hypervisor: HANDLERS[handler] },
            },
            vms: [{ paging: "off", workload: unpaged }],
            // VEE21's index has 16 bits; DW19's is wide enough for all.
            tracker: {
              technique: "prl",
              prl: { variant: "dw19", filterGuestTables: true, doubleBuffer: logs === 2 },
            },
          },
        };
      }),
    ),
  );
  const pml = [0, ...PML_LOGS].flatMap((logEntries) =>
    PML_HANDLER_NAMES.map((handler): Point => {
      const name = pmlPoint(logEntries, handler);
      return {
        name,
        scenario: {
          name,
          machine: {
            quantum: "10ms",
            costs: PML_HANDLERS[handler],
            ...(logEntries === 0 ? {} : { logEntries }),
          },
          vms: [{ workload }],
          tracker: { technique: logEntries === 0 ? "none" : "pml" },
          operation: { kind: "measure", harvest: seconds(1, scale) },
          until: seconds(PML_RUN, scale),
        },
      };
    }),
  );
  return [...prl, ...pml];
}

const withLogs = (logs: Logs): string => (logs === 1 ? "one log" : "two logs");

/** Percent of the GPAs. */
function missedBy(results: Results, entries: number, handler: Handler, logs: Logs): number {
  const { missedGpas, logEntries } = results(prlPoint(entries, handler, logs));
  return (100 * missedGpas) / (missedGpas + logEntries);
}

function prlRows(results: Results, entries: number) {
  return HANDLER_NAMES.flatMap((handler) =>
    ([1, 2] as const).map((logs) => ({
      entries,
      condition: `${withLogs(logs)}, handler ${handler}`,
      missed: missedBy(results, entries, handler, logs),
    })),
  );
}

/** PML's overhead, percent; none with more entries than PML has. */
function pmlRows(results: Results, entries: number) {
  const rate = (point: string): number => {
    const { accesses, time } = results(point);
    return accesses / inSeconds(time);
  };
  return (entries <= pml.entriesMax ? PML_HANDLER_NAMES : []).map((handler) => ({
    entries,
    handler: `T_h ${handler}`,
    overhead: percentAbove(rate(pmlPoint(0, handler)), rate(pmlPoint(entries, handler))),
  }));
}

function figuresOf(results: Results, entries: number): readonly Figure[] {
  return [
    ...prlRows(results, entries).map(({ condition, missed }) => ({
      quantity: `PRL, ${entries} entries, ${condition}: missed`,
      unit: "%",
      published: null,
      emulated: missed,
    })),
    ...pmlRows(results, entries).map(({ handler, overhead }) => ({
      quantity: `PML, ${entries} entries, ${handler}: overhead, cleaned every second`,
      unit: "%",
      published: null,
      emulated: overhead,
    })),
  ];
}

function findingsOf(results: Results): readonly string[] {
  const ratio = missedBy(results, 512, "1x", 1) / missedBy(results, 512, "1x", 2);
  const perLog = (handler: Handler): string =>
    ((512 * missedBy(results, 512, handler, 2)) / 100).toFixed(2);
  const [small, large] = [LOGS[0], itemAt(LOGS, LOGS.length - 1)];
  const oneLog = (entries: number): string => missedBy(results, entries, "1x", 1).toFixed(2);
  const endless = LOGS.flatMap((entries) => pmlRows(results, entries))
    .filter(({ overhead }) => overhead > 100)
    .map(({ entries, handler }) => `${entries} entries, ${handler}`);
  return [
    `two logs of 512 entries in turn miss ${ratio.toFixed(1)} times fewer GPAs than one: ${perLog("1x")} of each log, and ${perLog("10x")} with the slower handler, which is the GPA that finds index 0`,
    `one log misses ${oneLog(small)} % of the GPAs with ${small} entries and ${oneLog(large)} % with ${large}: the handler's time grows with the log, so a larger log helps little`,
    `PML's overhead is above 100 % at ${endless.join("; ") || "no size"}: a handler that takes the same time for each log is paid for by the entry`,
  ];
}

function evaluate(results: Results) {
  const x = { field: "entries", title: "log entries", log: 2 } as const;
  const missed = LOGS.flatMap((entries) => prlRows(results, entries));
  const overheads = LOGS.flatMap((entries) => pmlRows(results, entries));
  return {
    figures: LOGS.flatMap((entries) => figuresOf(results, entries)),
    plots: [
      linePlot("PRL: missed GPAs by log size", missed, {
        x,
        y: { field: "missed", title: "GPAs missed, % of all", log: 10 },
        by: { field: "condition", title: "PRL with" },
      }),
      linePlot("PML: overhead by log size", overheads, {
        x,
        y: { field: "overhead", title: "overhead, %", log: 10 },
        by: { field: "handler", title: "PML with" },
      }),
    ],
    findings: findingsOf(results),
  };
}

export const prlDesignExperiment: Experiment = {
  name: "log-design",
  title: "Beyond the study: two logs in turn, and logs of 64 to 65536 entries",
  source: "none; two alternating logs are an early idea of the authors (2018 poster)",
  assumptions: [
    "the array, every access a write, at 0.819 operations a microsecond (fitted to the study's program)",
    "the handler takes a fixed part and a part for each entry; with 4 ms it takes that whatever the log's size",
  ],
  divides: ALL,
  points,
  evaluate,
};
