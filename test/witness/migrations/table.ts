/** The recorded migrations, and the table of docs/witnesses.md that has them beside the emulated ones. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrateResult } from "../../../src/system/operations/migration/migrateResult.ts";
import { CASES, type MigrationCase } from "./cases.ts";
import type { RecordedMigrations } from "./main.ts";
import type { Recorded } from "./record.ts";

const BEGIN = "<!-- migrations -->\n";
const END = "<!-- /migrations -->";
const MS = 2.4e6;
const MIB = 1 << 20;

export function recordedMigrations(): readonly RecordedMigrations[] {
  const directory = join(import.meta.dirname, "recorded");
  return readdirSync(directory).map((name) =>
    JSON.parse(readFileSync(join(directory, name), "utf8")),
  );
}

export function mean(runs: readonly Recorded[], of: (run: Recorded) => number): number {
  return runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
}

/** Pages of the firmware, which the emulated machine has not: what is not zero of a VM whose guest has written nothing. */
export function firmwarePages(runs: readonly Recorded[]): number {
  const zero = runs.filter((run) => run.case === "all-zero");
  return mean(zero, ({ normalPages }) => normalPages);
}

/** @param emulated the results by the names of the cases */
export function withMigrations(
  page: string,
  { qemu, recorded, runs }: RecordedMigrations,
  emulated: ReadonlyMap<string, MigrateResult>,
): string {
  const from = page.indexOf(BEGIN) + BEGIN.length;
  const firmware = firmwarePages(runs);
  const rows = CASES.map((config) => {
    const own = runs.filter((run) => run.case === config.name);
    return row(config, own, firmware, emulated.get(config.name));
  });
  const table = [
    `| case | guest and link | QEMU ${qemu} (${recorded}): s, downtime in ms, pages, synchronisations | emulated |`,
    "|---|---|---|---|",
    ...rows,
  ];
  return `${page.slice(0, from)}${table.join("\n")}\n${page.slice(page.indexOf(END))}`;
}

function row(
  config: MigrationCase,
  runs: readonly Recorded[],
  firmware: number,
  ours: MigrateResult | undefined,
): string {
  const theirs = figures(
    mean(runs, ({ totalTime }) => totalTime),
    runs.some(({ downtime }) => downtime === null)
      ? null
      : mean(runs, ({ downtime }) => downtime ?? 0),
    mean(runs, ({ normalPages }) => normalPages) - firmware,
    mean(runs, ({ syncCount }) => syncCount),
  );
  const emulated =
    ours === undefined
      ? "-"
      : figures(
          ours.totalTime / MS,
          ours.downtime === null ? null : ours.downtime / MS,
          ours.pagesSent - (ours.zeroPages ?? 0),
          ours.rounds.length + 1,
        );
  return `| ${config.name} | ${guestText(config)} | ${theirs} | ${emulated} |`;
}

function figures(ms: number, downtime: number | null, pages: number, syncs: number): string {
  const end = downtime === null ? "does not converge" : String(Math.round(downtime));
  const count = Math.round(pages).toLocaleString("en-US");
  return `${(ms / 1000).toFixed(2)}, ${end}, ${count}, ${syncs.toFixed(syncs % 1 === 0 ? 0 : 1)}`;
}

function guestText(config: MigrationCase): string {
  const { writer, rate, arrayPages, memoryMiB, maxBandwidth, linkBandwidth, downtimeLimit } =
    config;
  const paced = `waits between ${rate.toLocaleString("en-US")} writes a second`;
  const does = { idle: "does not write", paced, busy: "computes between its writes" }[writer];
  const limit =
    maxBandwidth > 0
      ? `max-bandwidth ${maxBandwidth / MIB} MiB/s`
      : `a link of ${linkBandwidth / MIB} MiB/s`;
  const array = arrayPages === 0 ? `${memoryMiB} MiB, all zero` : `${arrayPages / 256} MiB`;
  const converge = config.autoConverge ? ", auto-converge" : "";
  const down = downtimeLimit === 300 ? "" : `, downtime limit ${downtimeLimit} ms`;
  return `${array}, ${does}; ${limit}${down}${converge}`;
}
