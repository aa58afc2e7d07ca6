/** A fleet's day for people: a table of trackers, the answers, and what is left out. */
import Table from "cli-table3";
import { grouped, mebibytes, wrap } from "../config/figures.ts";
import { visible } from "../io/visible.ts";
import type { FleetDay, FleetReport } from "../questions/fleet/fleetFormat.ts";
import { partText, sizesText } from "../questions/fleet/fleetWords.ts";

const WIDTH = 98;
const INDENT = 2;

interface Column {
  readonly head: string;
  readonly text: (day: FleetDay) => string;
}

const COLUMNS: readonly Column[] = [
  { head: "least", text: ({ hosts }) => grouped(hosts.least) },
  { head: "hosts", text: ({ hosts }) => hosts.mean.toFixed(1) },
  { head: "most", text: ({ hosts }) => grouped(hosts.most) },
  { head: "moves", text: ({ migrations }) => grouped(migrations.completed) },
  { head: "time", text: ({ migrations }) => `${migrations.meanTime.toFixed(3)} s` },
  { head: "down", text: ({ migrations }) => `${migrations.meanDowntime.toFixed(2)} ms` },
  { head: "short", text: ({ short }) => partText(short.part) },
  { head: "memory", text: ({ accesses }) => partText(accesses.lostToMemory) },
  { head: "tracking", text: ({ accesses }) => partText(accesses.lostToTracking) },
  { head: "pVM", text: ({ pvm }) => partText(pvm.mean) },
];
/** What the heads mean. */
const LEGEND =
  "least, hosts, most: hosts that are on. moves: migrations, with their mean time and downtime. short: VMs' time in which they use more than they are left. memory, tracking: accesses lost by that, and by being tracked. pVM: share of its CPUs.";

export function fleetLines(report: FleetReport): string[] {
  const { fleet, vms, hosts, days, answers, leftOut, runs } = report;
  return [
    `${fleet}: ${grouped(vms)} VMs, ${grouped(hosts.count)} hosts of ${mebibytes(hosts.memory)}; curves of ${grouped(runs.length)} runs, which --json names`,
    "",
    ...tableOf(days),
    ...wrap(LEGEND, WIDTH - INDENT).map((line) => `${" ".repeat(INDENT)}${line}`),
    "",
    ...answers.flatMap(indented),
    ...(leftOut.length === 0
      ? []
      : ["", "left out, or taken from the end of a curve", ...leftOut.flatMap(indented)]),
  ];
}

function tableOf(days: readonly FleetDay[]): string[] {
  const table = new Table({
    head: ["sizes by", ...COLUMNS.map(({ head }) => head)],
    colAligns: ["left", ...COLUMNS.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const day of days) {
    table.push([visible(sizesText(day)), ...COLUMNS.map(({ text }) => text(day))]);
  }
  return table.toString().split("\n");
}

function indented(text: string): string[] {
  const lines = wrap(text, WIDTH - 2 * INDENT);
  return lines.map((line, n) => `${" ".repeat(n === 0 ? INDENT : 2 * INDENT)}${line}`);
}
