/** An estimation as text: a table and two lines of blocks for each VM, and the load of the pVM. */

import { mebibytes, orDash, sparkline, thinned } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import { estimatorNamed } from "../../../hypervisor/wss/estimators/all.ts";
import { agreementText } from "../../verdict/agreement.ts";
import type { EstimateResult, LoadPoint, SeriesPoint, VmEstimate } from "./estimateResult.ts";
import type { PageAgreements } from "./pageAgreement.ts";

const ROWS = 16;
const WIDTH = 60;

export function formatEstimation(result: EstimateResult): string[] {
  const { estimator, interval, footprintPages, vms, pvm } = result;
  const footprint =
    footprintPages === 0 ? "" : `, kernel footprint f = ${mebibytes(footprintPages)}`;
  return [
    `working-set size by ${estimatorNamed(estimator).title}, every ${formatCycles(interval)}${footprint}`,
    ...vms.flatMap((vm) => ["", ...vmLines(vm)]),
    "",
    ...loadLines(pvm.load),
  ];
}

function vmLines(vm: VmEstimate): string[] {
  const { series, pages, truthPages, error, meanError, agreement, stableAt, settledAt } = vm;
  if (series.length === 0) return [`${vm.vm}: the run ended before the first interval`];
  const largest = Math.max(...series.flatMap(valuesOf));
  const row = (label: string, values: readonly number[]): string =>
    `  ${label.padEnd(9)} ${sparkline(values, largest, WIDTH)}`;
  return [
    `${vm.vm}: ${orDash(pages, mebibytes)} of ${mebibytes(vm.memoryPages)}`,
    `  truth ${orDash(truthPages, mebibytes)}, error ${orDash(error, percent)}, mean error ${orDash(meanError, percent)}`,
    `  its pages: ${orDash(agreement, pagesText)}`,
    `  stop rule fulfilled: ${orDash(stableAt, formatCycles)}; within 1 % of the last one since ${orDash(settledAt, formatCycles)}`,
    `  the guest: ${percent(vm.logStoreShare)} of its time in log stores, ${percent(vm.stoppedShare)} stopped`,
    `  missed GPAs ${vm.missedGpas.toLocaleString("en")}${vm.lostIntervals === 0 ? "" : `, intervals lost ${vm.lostIntervals}`}`,
    "",
    `  ${["time", "estimate", "truth", "page tables", "pVM cycles"].map((text) => text.padStart(13)).join("")}`,
    ...thinned(series, ROWS).map(pointLine),
    "",
    row(
      "estimate",
      series.map((point) => point.pages ?? 0),
    ),
    row(
      "truth",
      series.map((point) => point.truthPages),
    ),
    ...missLines(vm),
  ];
}

function pagesText({ last, mean }: PageAgreements): string {
  return `${agreementText(last)}; mean Jaccard ${mean.jaccard.toFixed(3)}`;
}

/** Of the last look, thinned. */
function missLines({ missRatios }: VmEstimate): string[] {
  if (missRatios === null) return [];
  if (missRatios.length === 0) return ["", "  miss ratio: nothing was logged in the last interval"];
  return [
    "",
    "  LRU memory and its miss ratio, of what was logged in the last interval",
    ...thinned(missRatios, ROWS).map(
      ({ pages, ratio }) => `  ${mebibytes(pages).padStart(13)}${ratio.toFixed(4).padStart(13)}`,
    ),
  ];
}

function valuesOf({ pages, truthPages }: SeriesPoint): number[] {
  return [pages ?? 0, truthPages];
}

function pointLine(point: SeriesPoint): string {
  const { time, pages, truthPages, guestPageTables, pvmCycles, stable } = point;
  const cells = [
    formatCycles(time),
    orDash(pages, mebibytes),
    mebibytes(truthPages),
    guestPageTables.toLocaleString("en"),
    pvmCycles.toLocaleString("en"),
  ];
  return `  ${cells.map((text) => text.padStart(13)).join("")}${stable ? "  stable" : ""}`;
}

function loadLines(load: readonly LoadPoint[]): string[] {
  if (load.length === 0) return [];
  const shares = load.map(({ handler, processes }) => handler + processes);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const peak = Math.max(...shares);
  return [
    `pVM: ${percent(mean)} of one core on average, at most ${percent(peak)}`,
    `  ${"load".padEnd(9)} ${sparkline(shares, peak, WIDTH)}`,
  ];
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}
