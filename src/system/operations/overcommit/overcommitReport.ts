/** An overcommitted host as text: a table of all VMs, what each wrong estimate cost, and each VM's series. */

import { grouped, mebibytes, orDash, sparkline, thinned, wrap } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import { estimatorNamed } from "../../../hypervisor/wss/estimators/all.ts";
import type { OvercommitResult, VmOutcome, VmSeriesPoint } from "./overcommitResult.ts";

const ROWS = 12;
const WIDTH = 60;
/** Sizes that differ by less are called equal. */
const ALIKE = 0.02;

const POLICIES: Readonly<Record<OvercommitResult["policy"], string>> = {
  idleTax: "shares with an idle memory tax",
  workingSet: "working set and headroom",
};

export function formatOvercommit(result: OvercommitResult): string[] {
  const { vms, hostPages, controller, pager, disk } = result;
  const configured = vms.reduce((sum, { memoryPages }) => sum + memoryPages, 0);
  return [
    `${vms.length} VMs of ${mebibytes(configured)} together on a host with ${mebibytes(hostPages)}: ` +
      `${POLICIES[result.policy]}, estimates by ${estimatorNamed(result.estimator).title}`,
    "",
    `  ${["", "size", "uses", "taken for", "refaults/s", "waiting", "slowdown", "throughput"].map((text, i) => (i === 0 ? "VM".padEnd(12) : text.padStart(12))).join("")}`,
    ...vms.map(vmRow),
    "",
    ...vms.flatMap((vm) => wrap(wordsFor(vm)).map((line) => `  ${line}`)),
    "",
    `controller: ${grouped(controller.decisions)} decisions, with the estimators ${percent(controller.share)} of one CPU of the pVM` +
      `${controller.lostDecisions === 0 ? "" : `, ${controller.lostDecisions} decisions lost`}`,
    `pager: ${grouped(pager.faults)} faults, ${grouped(pager.invepts)} rounds of INVEPT; disk: ${grouped(disk.pagesRead)} pages read, ${grouped(disk.pagesWritten)} written`,
    ...vms.flatMap((vm) => ["", ...seriesLines(vm)]),
  ];
}

function vmRow(vm: VmOutcome): string {
  const last = vm.series.at(-1);
  const cells = [
    orDash(last?.size ?? null, mebibytes),
    orDash(vm.unhinderedTruth ?? vm.meanTruth, mebibytes),
    orDash(last?.used ?? null, mebibytes),
    grouped(Math.round(vm.refaultRate)),
    percent(vm.waiting),
    vm.slowdown.toFixed(2),
    orDash(vm.relativeThroughput, percent),
  ];
  return `  ${vm.vm.padEnd(12)}${cells.map((cell) => cell.padStart(12)).join("")}`;
}

/** What the error of the estimate came to. */
function wordsFor(vm: VmOutcome): string {
  const { meanSize, meanUsed, meanTruth, unhinderedTruth, relativeThroughput: relative } = vm;
  const truth = unhinderedTruth ?? meanTruth;
  if (meanSize === null || truth === null)
    return `${vm.vm}: the run ended before it was estimated.`;
  const uses = `${vm.vm} uses ${mebibytes(truth)}${unhinderedTruth === null ? "" : " when it has enough memory"}`;
  const taken =
    meanUsed === null ? "was never estimated" : `was taken for ${compared(meanUsed, truth)}`;
  const faults = vm.guestRefaults + vm.hostRefaults;
  const price =
    faults === 0
      ? "no page that was taken from it was touched again"
      : `${grouped(Math.round(vm.refaultRate))} refaults a second, ${percent(vm.waiting)} of its time waiting`;
  const speed = relative === null ? "" : `, ${percent(relative)} of its throughput with enough`;
  return `${uses}, ${taken} and had ${compared(meanSize, truth)}: ${price}${speed}.`;
}

function compared(pages: number, truth: number): string {
  const error = truth === 0 ? 0 : pages / truth - 1;
  if (Math.abs(error) < ALIKE) return "as much";
  return `${mebibytes(pages)} (${percent(Math.abs(error))} ${error < 0 ? "less" : "more"})`;
}

function seriesLines(vm: VmOutcome): string[] {
  const { series, memoryPages } = vm;
  if (series.length === 0) return [`${vm.vm}: the run ended before the first decision`];
  const largest = Math.max(
    ...series.flatMap(({ size, truth, used }) => [size, truth ?? 0, used ?? 0]),
  );
  const faults = series.map(({ guestRefaults, hostRefaults }) => guestRefaults + hostRefaults);
  const row = (label: string, values: readonly number[], most: number): string =>
    `  ${label.padEnd(11)} ${sparkline(values, most, WIDTH)}`;
  return [
    `${vm.vm}: ${mebibytes(memoryPages)} configured, ${grouped(vm.firstTouches)} first touches, refaults: ${grouped(vm.guestRefaults)} of pages that it gave up, ${grouped(vm.hostRefaults)} of pages that the hypervisor took`,
    `  gave ${grouped(vm.freeGiven)} free pages, paged out ${grouped(vm.pagedOut)}` +
      `${vm.doublePaged === 0 ? "" : ` (${grouped(vm.doublePaged)} of them had been swapped by the hypervisor)`}; the hypervisor swapped ${grouped(vm.swappedOut)}`,
    "",
    `  ${["time", "size", "target", "estimate", "truth", "refaults/s", "waiting"].map((text) => text.padStart(13)).join("")}`,
    ...thinned(series, ROWS).map(pointLine),
    "",
    row(
      "size",
      series.map(({ size }) => size),
      largest,
    ),
    row(
      "truth",
      series.map(({ truth }) => truth ?? 0),
      largest,
    ),
    row("refaults/s", faults, Math.max(...faults)),
  ];
}

function pointLine(point: VmSeriesPoint): string {
  const cells = [
    formatCycles(point.time),
    mebibytes(point.size),
    mebibytes(point.target),
    orDash(point.estimate, mebibytes),
    orDash(point.truth, mebibytes),
    grouped(Math.round(point.guestRefaults + point.hostRefaults)),
    percent(point.waiting),
  ];
  return `  ${cells.map((text) => text.padStart(13)).join("")}`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
