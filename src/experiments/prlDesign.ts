/** Beyond the study: one log or two, and logs of 64 to 65536 entries for PRL; logs of PML, which has no more than 512. */

import { itemAt, namesOf, present } from "../lookup.ts";
import { linePlot } from "../plots/kinds.ts";
import { PML_ENTRIES_MAX } from "../units/pml/declaration.ts";
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
const PML_LOGS = LOGS.filter((entries) => entries <= PML_ENTRIES_MAX);
/** The same handler, and one that is ten times slower. */
const HANDLERS = { "1x": {}, "10x": { prlHandler: 30_000, prlEntry: 240 } } as const;
const HANDLER_NAMES = namesOf(HANDLERS);
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

function evaluate(results: Results) {
  const figures: Figure[] = [];
  const missedRows: { entries: number; condition: string; missed: number }[] = [];
  const overheadRows: { entries: number; handler: string; overhead: number }[] = [];
  for (const entries of LOGS) {
    for (const handler of HANDLER_NAMES) {
      for (const logs of [1, 2]) {
        const { missedGpas, logEntries } = results(prlPoint(entries, handler, logs));
        const missed = (100 * missedGpas) / (missedGpas + logEntries);
        figures.push({
          quantity: `PRL, ${entries} entries, ${logs === 1 ? "one log" : "two logs"}, handler ${handler}: missed`,
          unit: "%",
          published: null,
          emulated: missed,
        });
        missedRows.push({
          entries,
          condition: `${logs === 1 ? "one log" : "two logs"}, handler ${handler}`,
          missed,
        });
      }
    }
    for (const handler of entries <= PML_ENTRIES_MAX ? PML_HANDLER_NAMES : []) {
      const run = results(pmlPoint(entries, handler));
      const base = results(pmlPoint(0, handler));
      const rate = (one: typeof run): number => one.accesses / inSeconds(one.time);
      const overhead = percentAbove(rate(base), rate(run));
      figures.push({
        quantity: `PML, ${entries} entries, T_h ${handler}: overhead, cleaned every second`,
        unit: "%",
        published: null,
        emulated: overhead,
      });
      overheadRows.push({ entries, handler: `T_h ${handler}`, overhead });
    }
  }
  const x = { field: "entries", title: "log entries", log: 2 } as const;
  const missedAt = (entries: number, condition: string): number =>
    present(
      missedRows.find((row) => row.entries === entries && row.condition === condition),
      `${condition} with ${entries} entries`,
    ).missed;
  const ratio = missedAt(512, "one log, handler 1x") / missedAt(512, "two logs, handler 1x");
  const perLog = (handler: keyof typeof HANDLERS): string =>
    ((512 * missedAt(512, `two logs, handler ${handler}`)) / 100).toFixed(2);
  const [small, large] = [LOGS[0], itemAt(LOGS, LOGS.length - 1)];
  const endless = overheadRows.filter(({ overhead }) => overhead > 100);
  return {
    figures,
    plots: [
      linePlot("PRL: missed GPAs by log size", missedRows, {
        x,
        y: { field: "missed", title: "GPAs missed, % of all", log: 10 },
        by: { field: "condition", title: "PRL with" },
      }),
      linePlot("PML: overhead by log size", overheadRows, {
        x,
        y: { field: "overhead", title: "overhead, %", log: 10 },
        by: { field: "handler", title: "PML with" },
      }),
    ],
    findings: [
      `two logs of 512 entries in turn miss ${ratio.toFixed(1)} times fewer GPAs than one: ${perLog("1x")} of each log, and ${perLog("10x")} with the slower handler, which is the GPA that finds index 0`,
      `one log misses ${missedAt(small, "one log, handler 1x").toFixed(2)} % of the GPAs with ${small} entries and ${missedAt(large, "one log, handler 1x").toFixed(2)} % with ${large}: the handler's time grows with the log, so a larger log helps little`,
      `PML's overhead is above 100 % at ${endless.map(({ entries, handler }) => `${entries} entries, ${handler}`).join("; ") || "no size"}: a handler that takes the same time for each log is paid for by the entry`,
    ],
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
