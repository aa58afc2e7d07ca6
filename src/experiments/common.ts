/** What several experiments share: the study's machine and program, and ways into a summary. */

import { CYCLES_PER_SECOND } from "../config/units.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../hardware/costs.ts";
import { itemAt } from "../lookup.ts";
import { resultOf } from "../system/operations/all.ts";
import type { CheckpointResult } from "../system/operations/checkpoint/checkpointResult.ts";
import type { EstimateResult } from "../system/operations/estimate/estimateResult.ts";
import type { MigrateResult } from "../system/operations/migration/migrateResult.ts";
import type { RunSummary } from "../system/summary.ts";
import type { ScenarioInput } from "./experiment.ts";
import { type Scale, scaled } from "./scale.ts";

export const PAGE_MIB = 1 / 256;

/** The study's TLB ("4-way 64 entries"), as both levels: a second level of the first one's shape adds nothing. */
export const STUDY_TLB = { l1: { sets: 16, ways: 4 }, l2: { sets: 16, ways: 4 } } as const;

/** Costs under which each log-full exit takes 4 ms, as in the authors' published Xen tree. */
export const FOUR_MS = { hypervisor: { drainHandler: 9_600_000, drainEntry: 0 } } as const;

export const INTENSITIES = [0, 50, 80, 100] as const;
export type Intensity = (typeof INTENSITIES)[number];

/**
 * Median throughput of the study's first program without PML, operations a microsecond (their
 * live_mig.ods). The only parameter of that program that is fitted: its gap.
 */
export const MEDIAN_THROUGHPUT: Readonly<Record<Intensity, number>> = {
  0: 1.306,
  50: 0.977,
  80: 0.879,
  100: 0.819,
};

/** Entries that a walk reads, by the guest's own paging: 4 levels of EPT, for each of 4 guest levels and at the end. */
const WALK_REFERENCES = { off: 4, longMode: 24 } as const;

/**
 * The gap that gives so many operations a microsecond, when no tracker is on. Each operation uses a page
 * that the TLB does not hold, so that a walk is part of its time.
 */
export function gapFor(throughput: number, paging: keyof typeof WALK_REFERENCES): number {
  const { access, walkReference } = DEFAULT_PROCESSOR_COSTS;
  return cyclesAt(throughput) - access - WALK_REFERENCES[paging] * walkReference;
}

/** Cycles of an operation at so many operations a microsecond. */
function cyclesAt(throughput: number): number {
  return Math.round(CYCLES_PER_SECOND / (throughput * 1e6));
}

/** A page fault without the zeroing; assumed: a read of the study, which takes 1,838 cycles in all, contains one. */
const FAULT = 1000;

/**
 * The guest's kernel. What the first write to a page takes more than a read is fitted to the study's throughput at 100 % writes,
 * 1,092 cycles: the walk that finds the new frame, and its zeroing.
 */
function studyKernel() {
  const { access, walkReference } = DEFAULT_PROCESSOR_COSTS;
  const more = cyclesAt(MEDIAN_THROUGHPUT[100]) - cyclesAt(MEDIAN_THROUGHPUT[0]);
  const zeroPage = more - access - WALK_REFERENCES.longMode * walkReference;
  return { fault: FAULT, zeroPage };
}

/**
 * A VM with the study's first program as its listing 1 has it: the array is freed after each pass and allocated anew, and the
 * guest's kernel gives a page a zeroed frame at its first write.
 */
export function studyVm(pages: number, memory: number, writeIntensity: number): VmInput {
  const { access } = DEFAULT_PROCESSOR_COSTS;
  // A read finds the entry's page and the page of zeros in the TLB.
  const gap = cyclesAt(MEDIAN_THROUGHPUT[0]) - FAULT - 2 * access;
  return {
    memory: pagesText(memory),
    kernel: studyKernel(),
    workload: { kind: "arrayParser", pages, writeIntensity, gap, reallocates: true },
  };
}

export const FITTED_KERNEL =
  "fitted: the program's other work, to its median throughput without writes (1.306 operations a microsecond); what a first write takes more (the frame is zeroed), to that at 100 % writes (0.819). The throughput at 50 and 80 % writes follows";

export const FITTED_GAP =
  "fitted: the program's other work, to its median throughput without PML at each write intensity (1.306, 0.977, 0.879, 0.819 operations a microsecond), used unchanged everywhere else";

type VmInput = ScenarioInput["vms"][number];

/** A size in pages as a scenario writes it. */
export function pagesText(pages: number): string {
  return `${pages * 4}KiB`;
}

/** The study's first program: passes over an array with a share of writes. */
export function arrayWorkload(
  pages: number,
  intensity: Intensity,
  paging: "off" | "longMode" = "longMode",
): VmInput["workload"] {
  return {
    kind: "arrayParser",
    pages,
    writeIntensity: intensity,
    gap: gapFor(MEDIAN_THROUGHPUT[intensity], paging),
  };
}

/** Pages of the array: 200 MiB, as in the study's stored source; of its VM: 1 GiB. */
export const arrayPages = (scale: Scale): number => scaled(51_200, scale);
export const vmPages = (scale: Scale): number => scaled(262_144, scale);

/** Virtual seconds. */
export function inSeconds(cycles: number): number {
  return cycles / CYCLES_PER_SECOND;
}

/** Percent by which `value` is above `base`. */
export function percentAbove(value: number, base: number): number {
  return 100 * (value / base - 1);
}

export function migration({ operation }: RunSummary): MigrateResult {
  return resultOf("migrate", operation);
}

export function checkpoints({ operation }: RunSummary): CheckpointResult {
  return resultOf("checkpoint", operation);
}

export function estimation({ operation }: RunSummary): EstimateResult {
  return resultOf("estimate", operation);
}

/** The estimate in MiB of the first VM at the interval that ended last before a time; NaN if none. */
export function estimateAt(summary: RunSummary, time: number): number {
  const { series } = itemAt(estimation(summary).vms, 0);
  // A look is a little late: the process has to wake up and to count.
  const point = series.findLast((one) => inSeconds(one.time) <= time * 1.02);
  return point?.bytes == null ? Number.NaN : point.bytes / 2 ** 20;
}

/** "1.2 to 3.4 %", or one number if both are the same. */
export function span(percents: readonly number[]): string {
  const [least, most] = [Math.min(...percents), Math.max(...percents)].map((value) =>
    String(Number(value.toPrecision(3))),
  );
  return least === most ? `${least} %` : `${least} to ${most} %`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
