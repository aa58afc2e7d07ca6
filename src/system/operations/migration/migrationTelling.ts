/** What a migration tells people. */
import { grouped } from "../../../config/figures.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../../config/units.ts";
import type { Telling, Told, ToldChart } from "../telling.ts";
import type { MigrateResult } from "./migrateResult.ts";
import { formatMigration } from "./migrationReport.ts";

const MIB = 2 ** 20;

const inMs = (cycles: number): number => (1000 * cycles) / CYCLES_PER_SECOND;

export const migrationTelling: Telling<MigrateResult> = {
  tell: tellMigration,
  report: formatMigration,
  numbers: [
    {
      name: "downtime",
      unit: "ms",
      what: "of the VM that moves",
      of: ({ downtime }) => downtime && inMs(downtime),
    },
    {
      name: "totalTime",
      unit: "ms",
      what: "of the migration",
      of: ({ totalTime }) => inMs(totalTime),
    },
    { name: "rounds", unit: "", what: "of the migration", of: ({ rounds }) => rounds.length },
    {
      name: "sent",
      unit: "MiB",
      what: "bytes that the migration sent",
      of: ({ bytes }) => bytes / MIB,
    },
    {
      name: "postcopyFaults",
      unit: "",
      what: "accesses to pages that had not come, in post-copy",
      of: ({ postcopy }) => postcopy?.faults ?? null,
    },
    {
      name: "postcopyWait",
      unit: "ms",
      what: "that vCPUs waited for pages, in post-copy",
      of: ({ postcopy }) => (postcopy === undefined ? null : inMs(postcopy.waitCycles)),
    },
  ],
};

function tellMigration(result: MigrateResult, state: string): Told {
  const { rounds, outcome, policy, vm } = result;
  const last = rounds.at(-1);
  const lastRate = rounds.findLast(({ dirtyRate }) => dirtyRate !== null)?.dirtyRate ?? undefined;
  const begun = rounds.length > 0;
  const unfinished = outcome === "unfinished";
  const phase = state === "created" || state === "running" ? "has not begun" : state;
  return {
    headline: unfinished
      ? `${vm} by ${policy}'s rules: ${phase}${begun ? `, round ${last!.iteration}` : ""}`
      : `${vm} by ${policy}'s rules: ${outcome}`,
    facts: [
      ["sent", `${grouped(result.pagesSent)} pages, ${(result.bytes / MIB).toFixed(1)} MiB`],
      ["rate", `${(result.transferRate / MIB).toFixed(1)} MiB/s`],
      [
        "dirty rate",
        // The round under way has none yet.
        lastRate === undefined ? "-" : `${grouped(Math.round(lastRate))} pages/s`,
      ],
      ["downtime", result.downtime === null ? "-" : formatCycles(result.downtime)],
      ...postcopyFacts(result),
      ["throttle", `${result.throttle.at(-1)?.percent ?? 0} %`],
      [
        "destination",
        result.verified === null ? "-" : result.verified ? "equals the source" : "DIFFERS",
      ],
    ],
    charts: chartsOf(rounds),
    columns: ["round", "pages", "time", "dirty after", "pages/s"],
    rows: rounds.map(({ iteration, live, pagesSent, duration, dirtyAfter, dirtyRate }) => [
      live ? String(iteration) : `${iteration} down`,
      grouped(pagesSent),
      formatCycles(duration),
      dirtyAfter === null ? "-" : grouped(dirtyAfter),
      dirtyRate === null ? "-" : grouped(Math.round(dirtyRate)),
    ]),
  };
}

function postcopyFacts({ postcopy }: MigrateResult): (readonly [string, string])[] {
  if (postcopy === undefined) return [];
  const { startTime, missing, faults, waitCycles } = postcopy;
  if (startTime === null) return [["post-copy", "not yet"]];
  return [
    ["missing pages", grouped(missing)],
    ["post-copy faults", `${grouped(faults)}, waited ${formatCycles(waitCycles)}`],
  ];
}

function chartsOf(rounds: MigrateResult["rounds"]): ToldChart[] {
  const ends = rounds.map(({ startTime, duration }) => startTime + duration);
  const x = { name: "time", unit: "cycles", values: ends } as const;
  return [
    {
      title: "pages sent and found dirty, round by round",
      ...{ unit: "", x },
      series: [
        { name: "sent", values: rounds.map(({ pagesSent }) => pagesSent) },
        { name: "dirty after", values: rounds.map(({ dirtyAfter }) => dirtyAfter) },
      ],
    },
    {
      title: "dirty rate and throughput, round by round",
      ...{ unit: "pages/s", x },
      series: [
        { name: "dirty rate", values: rounds.map(({ dirtyRate }) => dirtyRate) },
        {
          name: "sent",
          values: rounds.map(({ pagesSent, duration }) =>
            duration === 0 ? null : (pagesSent * CYCLES_PER_SECOND) / duration,
          ),
        },
      ],
    },
  ];
}
