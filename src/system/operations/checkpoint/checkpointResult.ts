/** What came of checkpointing. */
import { checkpointDiffMachine } from "../../../../machines/checkpointDiff.ts";
import { checkpointLiveMachine } from "../../../../machines/checkpointLive.ts";
import { checkpointStopMachine } from "../../../../machines/checkpointStop.ts";
import { grouped } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import type { BytesResult } from "../../../hypervisor/arrivedBytes.ts";
import { itemAt } from "../../../lookup.ts";
import type { ActorContexts } from "../../actorContexts.ts";
import type { OperationResult } from "../../operation.ts";
import { type Agreement, agreementOf, type Overlap } from "../../verdict/agreement.ts";
import type { CheckpointMode } from "./checkpointSchema.ts";
import type { CheckpointDevice } from "./device.ts";
import { PAGE_BYTES } from "./format.ts";
import type { WrongBytes } from "./machineBytes.ts";
import type { LeftOut } from "./owedPages.ts";

export interface CheckpointEntry {
  readonly number: number;
  /** Virtual time of its contents, in cycles. */
  readonly time: number;
  readonly pages: number;
  /** What the VMs' pages take on the storage: 4 KiB each. */
  readonly bytes: number;
  /** Cycles that the VMs stood still. */
  readonly pause: number;
  /** When the storage had acknowledged it; null: it never was. */
  readonly acknowledged: number | null;
}

export interface CheckpointResult extends OperationResult {
  readonly kind: "checkpoint";
  readonly mode: CheckpointMode;
  readonly epoch: number | null;
  readonly checkpoints: readonly CheckpointEntry[];
  readonly committed: number;
  readonly pages: number;
  readonly bytes: number;
  readonly meanPause: number;
  readonly maxPause: number;
  /** Part of the run that the VMs stood still. */
  readonly pausedShare: number;
  /** Epochs that were longer because the checkpoint before was still being written. */
  readonly lateEpochs: number;
  /** Packets that were held, and for how many cycles; null but in mode live: others hold none. */
  readonly output: {
    readonly outputs: number;
    readonly meanDelay: number;
    readonly maxDelay: number;
  } | null;
  /** Data pages that differential checkpoints held, and those that had changed since the one before; null in other modes. */
  readonly differences: (Overlap & Agreement) | null;
  /** What their bytes say, of VMs whose machines run beside. */
  readonly memories: readonly (BytesResult & { readonly vm: string })[];
  readonly file: string | null;
  /** Of the emulator's own file. */
  readonly fileBytes: number;
  readonly fileRewrites: number;
}

interface Ending {
  readonly failures: readonly string[];
  readonly lateEpochs: number;
  /** Times that the run did not reach. */
  readonly missed: readonly number[];
}

function endingOf(actors: ActorContexts, mode: CheckpointMode): Ending {
  if (mode === "live") {
    const { failures, lateEpochs } = actors.of("toolstack", checkpointLiveMachine);
    return { failures, lateEpochs, missed: [] };
  }
  const machine = mode === "diff" ? checkpointDiffMachine : checkpointStopMachine;
  const { failures, times, dueSoFar } = actors.of("toolstack", machine);
  return { failures, lateEpochs: 0, missed: times.slice(dueSoFar) };
}

/**
 * @param now virtual time, in cycles
 * @param configured the mode, the length of an epoch, and the name of the file, null if there is none
 */
export function checkpointResult(
  actors: ActorContexts,
  { book, file, owed, images, machines }: CheckpointDevice,
  now: number,
  configured: Pick<CheckpointResult, "mode" | "file"> & { readonly epoch: number },
): CheckpointResult {
  const { mode } = configured;
  const live = mode === "live";
  const { failures, lateEpochs, missed } = endingOf(actors, mode);
  const records = Array.from({ length: book.count }, (_, number) => book.record(number));
  // The first live checkpoint is taken before the VMs run: it stops nobody.
  const pauses = records.slice(live ? 1 : 0).flatMap(({ pause }) => pause ?? []);
  const paused = total(pauses);
  const pages = total(records.map((record) => record.pages));
  const committed = records.filter(({ acknowledged }) => acknowledged !== null);
  const last = committed.at(-1);
  const remains =
    last === undefined
      ? "there is no complete checkpoint"
      : `checkpoint ${last.number} is the last complete one`;
  const ran = now - (live ? (records[0]?.time ?? 0) : 0);
  return {
    kind: "checkpoint",
    mode,
    epoch: live ? configured.epoch : null,
    checkpoints: records.map(({ number, time, pages, pause, acknowledged }) => ({
      number,
      time,
      pages,
      bytes: pages * PAGE_BYTES,
      pause: pause ?? 0,
      acknowledged,
    })),
    committed: committed.length,
    pages,
    bytes: pages * PAGE_BYTES,
    meanPause: pauses.length === 0 ? 0 : paused / pauses.length,
    maxPause: Math.max(0, ...pauses),
    pausedShare: ran === 0 ? 0 : paused / ran,
    lateEpochs,
    output: live ? book.held : null,
    differences: mode === "diff" ? differencesOf(owed.map(({ overlap }) => overlap)) : null,
    memories: machines.flatMap((machine, vm) =>
      machine === null ? [] : [{ vm: itemAt(images, vm).layout.name, ...machine.result }],
    ),
    file: configured.file,
    fileBytes: file.length,
    fileRewrites: file.rewrites,
    failures: [
      ...failures.map((failure) => `${failure}; the VMs ran on; ${remains}`),
      ...owed.flatMap(({ leftOut }, vm) => leftOutOf(itemAt(images, vm).layout.name, leftOut)),
      ...machines.flatMap((machine, vm) =>
        differenceOf(itemAt(images, vm).layout.name, machine?.wrong ?? null),
      ),
      ...missed.map(
        (time) => `no checkpoint was taken at ${formatCycles(time)}: the run had ended`,
      ),
    ],
  };
}

/** Of all VMs. */
function differencesOf(overlaps: readonly Overlap[]): Overlap & Agreement {
  const found = total(overlaps.map((one) => one.found));
  const owed = total(overlaps.map((one) => one.owed));
  const right = total(overlaps.map((one) => one.right));
  return { found, owed, right, ...agreementOf({ found, owed, right }) };
}

/** What checkpoints left out of a VM, as a failure. */
function leftOutOf(vm: string, leftOut: LeftOut | null): string[] {
  if (leftOut === null) return [];
  const { number, pages, first, checkpoints } = leftOut;
  const what = `${grouped(pages)} written ${pages === 1 ? "page" : "pages"} of ${vm}`;
  const more = checkpoints === 1 ? "" : `; ${grouped(checkpoints)} checkpoints left out some`;
  return [`checkpoint ${number} left out ${what} (the first is page ${first})${more}`];
}

/** Bytes of checkpoints that are not the guest's, as a failure. */
function differenceOf(vm: string, wrong: WrongBytes | null): string[] {
  if (wrong === null) return [];
  const { number, page } = wrong;
  return [
    `checkpoint ${number} does not have the bytes of ${vm} (the first page that differs is ${page})`,
  ];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
