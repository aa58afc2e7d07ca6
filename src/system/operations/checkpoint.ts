/** Checkpointing: stop-and-copy at given times, or of running VMs in the manner of Remus. */
import { isAbsolute } from "node:path";
import * as z from "zod";
import {
  type CheckpointLiveContext,
  checkpointLiveMachine,
} from "../../../machines/checkpointLive.ts";
import {
  type CheckpointStopContext,
  checkpointStopMachine,
} from "../../../machines/checkpointStop.ts";
import { CYCLES_PER_SECOND, duration, formatCycles, rate, size } from "../../config/units.ts";
import { fieldError, UserError } from "../../errors.ts";
import type { Part } from "../../hardware/part.ts";
import { findsEveryWrite, TECHNIQUES } from "../../hypervisor/techniques/all.ts";
import type { Technique } from "../../interconnect/messages.ts";
import type {
  Operation,
  OperationActor,
  OperationFactory,
  OperationHost,
  OperationResult,
} from "../operation.ts";
import type { World } from "../world.ts";
import { CheckpointDevice, PAGE_BYTES } from "./checkpoint/device.ts";
import type { CheckpointHeader } from "./checkpoint/format.ts";
import { type CheckpointSink, MemorySink } from "./checkpoint/sink.ts";
import { layoutOf } from "./checkpoint/vmImage.ts";

/** One millisecond: much shorter epochs end before a guest has got its first pages back. */
const EPOCH_MIN = 2_400_000;
/** The state is one text; longer ones cannot be made. */
const STATE_WORDS_MAX = 1 << 26;

/** A file that a scenario names, whoever wrote it, is not written anywhere else. */
function isBelow(file: string): boolean {
  return !isAbsolute(file) && !file.split(/[\\/]/).includes("..");
}

export const checkpointSchema = z
  .strictObject({
    kind: z.literal("checkpoint"),
    mode: z
      .enum(["live", "stop"])
      .default("live")
      .describe(
        "live: an epoch after the other, as Remus does; stop: stop-and-copy at given times",
      ),
    epoch: duration
      .prefault("100ms")
      .refine((cycles) => cycles >= EPOCH_MIN, { error: "expected at least 1ms" })
      .describe("live: how long the VMs run between checkpoints; Remus uses 25 to 200 ms"),
    times: z
      .array(duration)
      .max(1000)
      .default([])
      .describe("stop: when checkpoints are taken, from the start of the run"),
    copyCycles: z
      .int()
      .min(0)
      .max(1e9)
      .default(1000)
      .describe("copying a page while the VMs stand still: 4 KiB at about 10 GB/s"),
    bandwidth: rate
      .prefault("8Gbit/s")
      .describe("what the storage takes; the default is a 10 Gbit/s link less its overhead"),
    acknowledge: duration
      .prefault("100us")
      .describe(
        "from a checkpoint's last byte to its acknowledgement: a flash write or a round trip",
      ),
    accessesPerOutput: z
      .int()
      .min(0)
      .max(1e12)
      .default(10_000)
      .describe("live: accesses for each packet that the VMs send; 0: they send none"),
    state: z
      .boolean()
      .optional()
      .describe("keep vCPUs and workloads too, so that a run can go on; default: if mode is stop"),
    file: z
      .string()
      .min(1)
      .refine(isBelow, {
        error: "expected a name below the current directory (--checkpoint FILE: any name)",
      })
      .optional()
      .describe("the checkpoint file, below the current directory; default: it is kept in memory"),
    rewriteAfter: size
      .prefault("64MiB")
      .describe("a file longer than this is replaced by one that begins with all pages"),
  })
  .refine(({ mode, times }) => mode === "live" || times.length > 0, {
    path: ["times"],
    error: 'expected at least one time, such as ["100ms"]',
  })
  .refine(({ times }) => times.every((time, i) => time > (times[i - 1] ?? 0)), {
    path: ["times"],
    error: "expected ascending times after 0",
  })
  .describe("write the VMs' memory to a checkpoint file");

export type CheckpointConfig = z.output<typeof checkpointSchema>;

export interface CheckpointSurroundings {
  /** Identifies the scenario; empty if unknown. */
  readonly scenario?: string;
  /** Where to write; default: memory. */
  readonly sink?: CheckpointSink | undefined;
}

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
  readonly mode: "live" | "stop";
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
  /** Packets that were held, and for how many cycles; null in mode stop, where none is. */
  readonly output: {
    readonly outputs: number;
    readonly meanDelay: number;
    readonly maxDelay: number;
  } | null;
  readonly file: string | null;
  /** Of the emulator's own file. */
  readonly fileBytes: number;
  readonly fileRewrites: number;
}

/** @param deadlineCycles end of the run, 0 = when the workloads have ended */
export function checkpoint(
  config: CheckpointConfig,
  deadlineCycles: number,
  surroundings: CheckpointSurroundings = {},
): OperationFactory {
  return (world, host) =>
    new CheckpointOperation(config, deadlineCycles, surroundings, world, host);
}

export class CheckpointOperation implements Operation {
  readonly kind = "checkpoint";
  readonly main: OperationActor;
  readonly helpers = [];
  readonly device: CheckpointDevice;
  readonly scenario: string;
  readonly #config: CheckpointConfig;
  readonly #host: OperationHost;
  /** Its name, if there is one. */
  readonly #file: string | null;

  constructor(
    config: CheckpointConfig,
    deadlineCycles: number,
    { scenario = "", sink }: CheckpointSurroundings,
    world: World,
    host: OperationHost,
  ) {
    refuseImpossible(config, world, host.technique);
    this.#config = config;
    this.#host = host;
    this.scenario = scenario;
    this.#file = sink === undefined ? null : (config.file ?? null);
    const { technique } = host;
    const { eptLevels, guestLevels, indexBits } = world.config.geometry;
    const header: CheckpointHeader = {
      mode: config.mode,
      technique: config.mode === "stop" ? "none" : technique,
      scenario,
      geometry: { eptLevels, guestLevels, indexBits },
      vms: world.vms.map(layoutOf),
    };
    const live = config.mode === "live";
    this.device = new CheckpointDevice(
      world,
      host,
      {
        header,
        copyCycles: config.copyCycles,
        writeCycles: (PAGE_BYTES * CYCLES_PER_SECOND) / config.bandwidth,
        acknowledgeCycles: config.acknowledge,
        accessesPerOutput: live ? config.accessesPerOutput : 0,
        keepState: keepsState(config),
        fileLimit: config.rewriteAfter * PAGE_BYTES,
      },
      sink ?? new MemorySink(),
    );
    this.main = {
      machine: live ? checkpointLiveMachine : checkpointStopMachine,
      device: this.device,
      input: ({ self, scheduler, trackers }) =>
        live
          ? { self, scheduler, trackers, technique, epochCycles: config.epoch, deadlineCycles }
          : { self, scheduler, vms: trackers.length, times: config.times, deadlineCycles },
    };
  }

  get parts(): readonly Part[] {
    return this.device.parts;
  }

  result(contexts: Readonly<Record<string, object>>): CheckpointResult {
    const { book, file } = this.device;
    const { mode, epoch } = this.#config;
    const live = mode === "live";
    const context = contexts["toolstack"] as CheckpointLiveContext | CheckpointStopContext;
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
    const ran = this.#host.now() - (live ? (records[0]?.time ?? 0) : 0);
    return {
      kind: "checkpoint",
      mode,
      epoch: live ? epoch : null,
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
      lateEpochs: "lateEpochs" in context ? context.lateEpochs : 0,
      output: live ? book.held : null,
      file: this.#file,
      fileBytes: file.length,
      fileRewrites: file.rewrites,
      failures: [
        ...context.failures.map((failure) => `${failure}; the VMs ran on; ${remains}`),
        ...this.#missed(context),
      ],
    };
  }

  /** Times that the run did not reach. */
  #missed(context: CheckpointLiveContext | CheckpointStopContext): string[] {
    if (!("dueSoFar" in context)) return [];
    return context.times
      .slice(context.dueSoFar)
      .map((time) => `no checkpoint was taken at ${formatCycles(time)}: the run had ended`);
  }
}

function keepsState({ state, mode }: CheckpointConfig): boolean {
  return state ?? mode === "stop";
}

function refuseImpossible(config: CheckpointConfig, world: World, technique: Technique): void {
  if (config.mode === "live" && !findsEveryWrite(technique)) {
    throw fieldError(
      ["tracker", "technique"],
      `live checkpoints need a tracker that finds written pages (${TECHNIQUES.filter(findsEveryWrite).join(", ")}); "${technique}" does not`,
    );
  }
  if (keepsState(config) && world.memory.words.length > STATE_WORDS_MAX) {
    throw new UserError("the VMs are too large for checkpoints with their state: set state: false");
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
