/**
 * The device behind the checkpointing machines: copies pages while the VMs stand still, and writes
 * checkpoints. What it costs in virtual time comes from the configuration alone.
 */

import type { CheckpointReply, CheckpointRequest } from "../../../../machines/checkpointLive.ts";
import { Counter } from "../../../hardware/counters.ts";
import type { Part } from "../../../hardware/part.ts";
import type { DirtyBitmap } from "../../../hypervisor/dirtyBitmap.ts";
import type { Device } from "../../../interconnect/emissions.ts";
import { itemAt, numberAt } from "../../../lookup.ts";
import { finishStep } from "../../finishStep.ts";
import { machineOf } from "../../machineMove.ts";
import { toolstackMemory } from "../../memoryNames.ts";
import type { OperationHost } from "../../operation.ts";
import type { World } from "../../world.ts";
import { Book } from "./book.ts";
import { ByteList } from "./byteList.ts";
import { CheckpointFile } from "./checkpointFile.ts";
import { type CheckpointHeader, wordsOfTable } from "./format.ts";
import type { StoredGuests } from "./machineBlocks.ts";
import { MachineBytes } from "./machineBytes.ts";
import { OwedPages } from "./owedPages.ts";
import { type CheckpointSink, SinkError } from "./sink.ts";
import { applyStaged, stagePages, unstaged } from "./staging.ts";
import { encodeState } from "./state.ts";
import { memoryOf, VmImage, type VmMemory, writeBack } from "./vmImage.ts";
import { WordList } from "./wordList.ts";

/** Why a checkpoint fails that is to fail. */
const NO_SPACE = "no space is left on the storage (operation.fails)";

export interface CheckpointDeviceConfig {
  readonly header: CheckpointHeader;
  /** Copying a page, in cycles. */
  readonly copyCycles: number;
  /** Until the storage has a page, in cycles; and on top for each checkpoint. */
  readonly writeCycles: number;
  readonly acknowledgeCycles: number;
  /** Accesses for each output; 0 = output is not held. */
  readonly accessesPerOutput: number;
  /** Whether the state of vCPUs, workloads and actors goes with each checkpoint. */
  readonly keepState: boolean;
  /** Bytes of the file beyond which a new one is begun. */
  readonly fileLimit: number;
  /** Numbers of checkpoints that the storage does not take. */
  readonly fails: readonly number[];
  /** Checkpoints are differential: a planted fault may have them forget what a failed one owed. Null: they are not. */
  readonly differential: { readonly forgetsFailed: boolean } | null;
}

export class CheckpointDevice implements Device<CheckpointRequest, CheckpointReply> {
  readonly book = new Book();
  readonly images: readonly VmImage[];
  readonly file: CheckpointFile;
  readonly staging = new WordList("checkpoint/staging");
  /** By VM, of differential checkpoints; else none. */
  readonly owed: readonly OwedPages[];
  /** By VM; null: its pages have versions alone. */
  readonly machines: readonly (MachineBytes | null)[];
  readonly #world: World;
  readonly #host: OperationHost;
  readonly #config: CheckpointDeviceConfig;
  readonly #memories: readonly VmMemory[];
  readonly #state = new ByteList("checkpoint/state");
  readonly #sink: CheckpointSink;

  constructor(
    world: World,
    host: OperationHost,
    config: CheckpointDeviceConfig,
    sink: CheckpointSink,
  ) {
    this.#world = world;
    this.#host = host;
    this.#config = config;
    this.#sink = sink;
    this.#memories = world.vms.map(memoryOf);
    const tableWords = wordsOfTable(config.header);
    this.images = config.header.vms.map((layout) => new VmImage(layout, tableWords));
    this.file = new CheckpointFile(sink, config.header, config.fileLimit);
    this.machines = world.vms.map((vm) => {
      const machine = machineOf(vm);
      return machine === null ? null : new MachineBytes(vm.config.name, vm.guest.pages, machine);
    });
    const { differential } = config;
    this.owed =
      differential === null
        ? []
        : world.vms.map(
            ({ config: { name }, tracked }) =>
              new OwedPages(name, tracked.dirty.pages, differential.forgetsFailed),
          );
  }

  /** What a checkpoint's state holds of this device; the rest is in the checkpoint itself. */
  get keptParts(): readonly Part[] {
    return [this.book, ...this.owed.flatMap(({ parts }) => parts)];
  }

  get parts(): readonly Part[] {
    const { book, images, file } = this;
    const owed = this.owed.flatMap(({ parts }) => parts);
    const machines = this.machines.flatMap((machine) => machine?.parts ?? []);
    const ofVms = [...images, ...owed, ...machines];
    return [book, file, this.staging, this.#state, ...ofVms, ...this.#sink.parts];
  }

  touches(): string[] {
    return toolstackMemory(this.#world);
  }

  perform(request: CheckpointRequest): CheckpointReply {
    const now = this.#host.now();
    switch (request.op) {
      case "notePause":
        this.book.notePause(now);
        return { type: "noted" };
      case "release":
        this.book.noteRelease(now);
        return { type: "noted" };
      case "finishStep":
        this.#finishSteps();
        return { type: "stepFinished" };
      case "copy":
        return this.#copy(request.all, now);
      case "keepState":
        if (this.#config.keepState) {
          const state = encodeState(this.#host.save(), this.#world, this.keptParts);
          this.#state.replaceFrom(0, [state]);
        }
        return { type: "noted" };
      case "commit":
        return this.#commit(now);
    }
  }

  /**
   * The system has been put into the state of a checkpoint: as if it had just been copied.
   * @returns false if that state is not of the machines that the checkpoint has
   */
  adopt(images: readonly VmImage[], guests: StoredGuests, state: Buffer): boolean {
    images.forEach((image, vm) => {
      itemAt(this.images, vm).versions.set(image.versions);
      itemAt(this.images, vm).tables.set(image.tables);
      writeBack(image, itemAt(this.#memories, vm));
    });
    this.staging.clear();
    // No pages of any VM: the images have them, and a new file begins with all.
    for (const _ of images) this.staging.push(0);
    this.#state.replaceFrom(0, [state]);
    return this.machines.every((machine, vm) => {
      const guest = itemAt(guests, vm);
      return machine === null || guest === null || machine.adopt(guest);
    });
  }

  #finishSteps(): void {
    for (const vm of this.#world.vms) finishStep(this.#world, vm);
  }

  #copy(all: boolean, now: number): CheckpointReply {
    // Where pages were asked for that were written, it was done before (machines/checkpointDiff.ts).
    if (all) this.#finishSteps();
    const { copyCycles, writeCycles, acknowledgeCycles, accessesPerOutput } = this.#config;
    this.staging.clear();
    let pages = 0;
    this.#memories.forEach((memory, vm) => {
      const image = itemAt(this.images, vm);
      const copied = stagePages(this.staging, image, memory, this.#marked(all, vm));
      pages += copied.length;
      if (!all) this.owed[vm]?.compare(this.book.count, image, memory);
      this.machines[vm]?.take(this.book.count, copied);
    });
    if (accessesPerOutput > 0) this.book.holdOutput(this.#accesses(), accessesPerOutput);
    this.book.noteCopy(now, pages, all);
    return {
      type: "pagesCopied",
      copyCycles: Math.ceil(pages * copyCycles),
      writeCycles: Math.ceil(pages * writeCycles) + acknowledgeCycles,
    };
  }

  /** The pages of a VM that a checkpoint is to have; null: all. */
  #marked(all: boolean, vm: number): DirtyBitmap | null {
    const { handedOver } = itemAt(this.#world.vms, vm).tracked;
    const marked = this.owed[vm]?.add(handedOver) ?? handedOver;
    return all ? null : marked;
  }

  #commit(now: number): CheckpointReply {
    const { number, time, full } = this.book.record(this.book.count - 1);
    const before = unstaged(this.staging, this.images);
    const pages = applyStaged(this.staging, this.images);
    const state = this.#state.bytes;
    try {
      if (this.#config.fails.includes(number)) throw new SinkError(NO_SPACE);
      const guests = this.machines.map((machine) => machine?.contents ?? null);
      this.file.write({ number, time, full, images: this.images, pages, guests, state });
    } catch (error) {
      if (!(error instanceof SinkError)) throw error;
      // Images are what is on the storage.
      applyStaged(before, this.images);
      for (const machine of this.machines) machine?.forget();
      this.book.releaseOutput(now);
      return {
        type: "writeFailed",
        failure: `checkpoint ${number} was not written: ${error.message}`,
      };
    }
    for (const owed of this.owed) owed.settle();
    this.book.noteAcknowledged(now);
    this.book.releaseOutput(now);
    return { type: "committed" };
  }

  #accesses(): number {
    return this.#world.vcpus.reduce(
      (sum, { counters }) => sum + numberAt(counters.values, Counter.accesses),
      0,
    );
  }
}
