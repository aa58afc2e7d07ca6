/** A migration's result as lines of text. */

import { grouped, sparkline, wrap } from "../../../config/figures.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../../config/units.ts";
import type { MigrationRound } from "../../../hypervisor/migration/progress.ts";
import type { EarlierMigration, MigrateResult } from "./migrateResult.ts";
import { postcopyLines } from "./postcopyResult.ts";

const LABEL = 24;
const WIDTH = 98;
/** Of more rounds the first and the last ones are shown; JSON has them all. */
const ROUNDS_SHOWN = 16;

export function formatMigration(result: MigrateResult): string[] {
  const { downtime, impliedDowntime, startTime } = result;
  return [
    `migration of ${result.vm} by ${result.policy}'s rules: ${result.outcome}`,
    ...wrap(result.why).map((text) => `  ${text}`),
    line("destination", verdict(result)),
    ...result.earlier.map(earlierLine),
    line("started at", startTime === null ? "-" : formatCycles(startTime)),
    line("total time", formatCycles(result.totalTime)),
    line("setup", formatCycles(result.setupTime)),
    downtime === null
      ? line("implied downtime", impliedDowntime === null ? "-" : seconds(impliedDowntime))
      : line("downtime", formatCycles(downtime)),
    line("pages sent", `${grouped(result.pagesSent)} (${mebibytes(result.bytes)} MiB)`),
    ...zeroLines(result),
    ...(result.postcopy === undefined ? [] : postcopyLines(result.postcopy)).map(([label, value]) =>
      line(label, value),
    ),
    ...memoryLines(result),
    line("transfer rate", `${mebibytes(result.transferRate)} MiB/s`),
    ...throttleLines(result),
    "",
    `  ${"round".padEnd(10)}${["pages", "MiB", "time", "dirty after", "pages/s"].map((title) => title.padStart(14)).join("")}`,
    ...roundLines(result.rounds),
    "",
    ...throughputLines(result),
  ];
}

function earlierLine(migration: EarlierMigration, i: number): string {
  const { outcome, startTime, totalTime, downtime, pagesSent } = migration;
  const end = downtime === null ? outcome : `downtime ${formatCycles(downtime)}`;
  return line(
    `${i + 1}. migration`,
    `at ${formatCycles(startTime)}, total time ${formatCycles(totalTime)}, ${end}, ${grouped(pagesSent)} pages`,
  );
}

function verdict({ verified, firstDifference, downtime }: MigrateResult): string {
  if (verified === null) {
    return downtime === null ? "not resumed there" : "runs there, without all of its pages";
  }
  return verified
    ? "equals the source at suspend"
    : `DIFFERS from the source at suspend, first in page ${firstDifference}`;
}

function roundLines(rounds: readonly MigrationRound[]): string[] {
  const lines = rounds.map(roundLine);
  if (lines.length <= ROUNDS_SHOWN) return lines;
  const half = ROUNDS_SHOWN / 2;
  const left = lines.length - 2 * half;
  return [...lines.slice(0, half), `  ... ${left} more rounds ...`, ...lines.slice(-half)];
}

function roundLine(round: MigrationRound): string {
  const { iteration, live, pagesSent, bytes, duration, dirtyAfter, dirtyRate } = round;
  const cells = [
    grouped(pagesSent),
    mebibytes(bytes),
    formatCycles(duration),
    dirtyAfter === null ? "-" : grouped(dirtyAfter),
    dirtyRate === null ? "-" : grouped(Math.round(dirtyRate)),
  ];
  const name = live ? String(iteration) : `${iteration} (down)`;
  return `  ${name.padEnd(10)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}

function zeroLines({ zeroPages }: MigrateResult): string[] {
  return zeroPages === undefined ? [] : [line("of them zero", grouped(zeroPages))];
}

function memoryLines({ memory }: MigrateResult): string[] {
  if (memory === undefined) return [];
  const { zeroPages, deflatedBytes, stateBytes, source, destination } = memory;
  return [
    line(
      "their bytes",
      `${grouped(zeroPages)} zero pages, ${mebibytes(deflatedBytes)} MiB deflated`,
    ),
    ...(source === ""
      ? []
      : [
          line("machine's state", `${mebibytes(stateBytes)} MiB beside the memory`),
          line("SHA-256 of the memory", source),
          ...(source === destination ? [] : [line("of what has arrived", destination)]),
        ]),
  ];
}

function throttleLines({ throttle, startTime }: MigrateResult): string[] {
  if (throttle.length === 0) return [];
  const steps = throttle.map(
    ({ time, percent }) => `${percent} % from ${formatCycles(time - (startTime ?? 0))}`,
  );
  return [
    line("throttle", wrap(steps.join(", "), WIDTH - LABEL).join(`\n${" ".repeat(LABEL + 2)}`)),
  ];
}

function throughputLines({ throughput: { interval, accesses } }: MigrateResult): string[] {
  const most = Math.max(0, ...accesses);
  if (most === 0) return [];
  const bars = sparkline(accesses, most, accesses.length);
  const perSecond = grouped(Math.round((most * CYCLES_PER_SECOND) / interval));
  const least = (100 * Math.min(...accesses)) / most;
  return [
    `  guest throughput, a sample each ${formatCycles(interval)}`,
    `  ${bars}  most ${perSecond} accesses/s, least ${least.toFixed(0)} % of that`,
  ];
}

function line(label: string, value: string): string {
  return `  ${label.padEnd(LABEL)}${value}`;
}

function seconds(value: number): string {
  return formatCycles(value * CYCLES_PER_SECOND);
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
}
