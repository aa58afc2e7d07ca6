/** A run's summary as text. */

import { grouped } from "../config/figures.ts";
import { formatCycles } from "../config/units.ts";
import { reportOf } from "../system/operations/all.ts";
import type { RunSummary } from "../system/summary.ts";
import { agreementText } from "../system/verdict/agreement.ts";
import { exitReasonName } from "../units/exits.ts";

const LABEL = 26;
const COLUMN = 13;

export function formatSummary(name: string, summary: RunSummary): string[] {
  const { truth, reported, cycles, pvm, energy } = summary;
  const spent = Object.values(cycles).reduce((sum, part) => sum + part, 0);
  const share = (part: number): string =>
    `${grouped(part).padStart(16)}  ${((100 * part) / (spent || 1)).toFixed(2).padStart(6)} %`;
  const operation = reportOf(summary.operation);
  const lines = [
    `${name}: ${techniqueOf(summary)}, ${formatCycles(summary.time)} of virtual time${ending(summary)}`,
    "",
    line("accesses", grouped(summary.accesses)),
    line("TLB misses, first level", grouped(summary.l1TlbMisses)),
    line("TLB misses, both levels", grouped(summary.tlbMisses)),
    line("walks", `${grouped(summary.walks)} (${grouped(summary.walkReferences)} references)`),
    line("log entries", grouped(summary.logEntries)),
    line("log-full events", grouped(summary.logFull)),
    line("missed GPAs", grouped(summary.missedGpas)),
    line("IPIs to the pVM", grouped(summary.ipis)),
    line("messages", grouped(summary.messages)),
    "",
    "VM exits by reason",
    ...exitLines(summary.exits),
    "",
    "time by cause, cycles of all vCPUs",
    line("guest", share(cycles.guest)),
    line("page-table walks  T_PTW", share(cycles.ptw)),
    line("VM exits          T_x", share(cycles.exit)),
    line("VM entries        T_e", share(cycles.entry)),
    line("exit handlers     T_h", share(cycles.handler)),
    ...(cycles.waiting === 0 ? [] : [line("waiting for its ring", share(cycles.waiting))]),
    "",
    "time of the pVM, cycles",
    line("VM exits          T_x", grouped(pvm.exit).padStart(16)),
    line("VM entries        T_e", grouped(pvm.entry).padStart(16)),
    line("log-full handler  T_h", grouped(pvm.handler).padStart(16)),
    line("arming, harvesting", grouped(pvm.control).padStart(16)),
    line("processes", grouped(pvm.processes).padStart(16)),
    "",
    `energy, joules (mean power ${energy.watts.toFixed(3)} W)`,
    line("static", joules(energy.static)),
    line("CPUs", joules(energy.cpus)),
    line("memory", joules(energy.memory)),
    line("walks, flags, logs", joules(energy.walks)),
    "",
    `distinct pages            ${"truth".padStart(16)}  ${"reported".padStart(12)}`,
    pages("read", truth.pagesRead, undefined),
    pages("written", truth.pagesWritten, reported.pagesWritten),
    pages("touched", truth.pagesTouched, reported.pagesTouched),
    pages("guest page tables", undefined, reported.guestPageTables),
    ...deviceLines(summary),
    ...harvestLines(summary),
    ...slotLines(summary),
    ...(operation.length === 0 ? [] : ["", ...operation]),
    ...summary.failures.flatMap((failure) => ["", failure]),
  ];
  return lines;
}

/** What was armed, and what for. */
function techniqueOf({ technique, asked }: RunSummary): string {
  return technique === asked ? technique : `${technique}, where ${asked} was asked for`;
}

function ending({ complete, standstill, stuck }: RunSummary): string {
  if (complete) return "";
  return standstill === null && stuck === null ? " (interrupted)" : " (stuck)";
}

/** Pages are counted as often as they are written; "-" where software marks none. */
function deviceLines({ devices = [] }: RunSummary): string[] {
  if (devices.length === 0) return [];
  const columns = (...cells: readonly string[]): string =>
    cells.map((cell) => cell.padStart(COLUMN)).join("");
  const lines = devices.map(({ vm, device, tracking, pagesWritten, pagesMarked }) => {
    const marked = pagesMarked === null ? "-" : grouped(pagesMarked);
    const name = `${vm}/${device}`.padEnd(LABEL - 2);
    return `  ${name}${columns(tracking, grouped(pagesWritten), marked)}`;
  });
  const title = "pages by DMA".padEnd(LABEL);
  return ["", title + columns("tracking", "written", "marked"), ...lines];
}

/** Each VM's harvests, held against what it did in each round: pages, summed over the rounds. */
function harvestLines({ harvests, technique: common }: RunSummary): string[] {
  const compared = harvests.filter(({ harvests: count }) => count > 0);
  if (compared.length === 0) return [];
  const columns = (...cells: readonly string[]): string =>
    cells.map((cell) => cell.padStart(COLUMN)).join("");
  const lines = compared.flatMap(({ vm, technique, harvests: count, agreement, ...pages }) => {
    const { lostPages, overReported, droppedPages } = pages;
    const numbers = [count, lostPages, overReported, droppedPages].map(grouped);
    const armed = technique === common ? "" : `, by ${technique}`;
    return [
      `  ${`${vm}${armed}`.padEnd(LABEL - 2)}${columns(...numbers)}`,
      `    ${agreementText(agreement)}`,
    ];
  });
  const title = "harvests and the truth";
  return ["", title.padEnd(LABEL) + columns("compared", "lost", "too many", "dropped"), ...lines];
}

/** Memory slots of the VMs that have some. */
function slotLines({ slots = [] }: RunSummary): string[] {
  if (slots.length === 0) return [];
  const columns = (...cells: readonly string[]): string =>
    cells.map((cell) => cell.padStart(COLUMN)).join("");
  const lines = slots.map(({ vm, slots: count, changes, refused, deviceAccesses }) => {
    const numbers = [count, changes, refused, deviceAccesses].map(grouped);
    return `  ${vm.padEnd(LABEL - 2)}${columns(...numbers)}`;
  });
  const title = "memory slots";
  return [
    "",
    title.padEnd(LABEL) + columns("in the end", "changed", "refused", "to devices"),
    ...lines,
  ];
}

function exitLines(exits: Readonly<Record<string, number>>): string[] {
  const reasons = Object.entries(exits);
  if (reasons.length === 0) return ["  none"];
  return reasons.map(([reason, times]) =>
    line(`${reason.padStart(4)} ${exitReasonName(Number(reason))}`, grouped(times).padStart(16)),
  );
}

function line(label: string, value: string): string {
  return `  ${label.padEnd(LABEL - 2)}${value}`;
}

/** "-" stands for what a tracker cannot know. */
function pages(
  kind: string,
  truth: number | undefined,
  reported: number | null | undefined,
): string {
  const left = truth === undefined ? "" : grouped(truth);
  const right = reported === undefined ? "" : reported === null ? "-" : grouped(reported);
  return `  ${kind.padEnd(LABEL - 2)}${left.padStart(16)}  ${right.padStart(12)}`.trimEnd();
}

function joules(value: number): string {
  return value.toFixed(6).padStart(16);
}
