/**
 * The place that checkpoints are written to, in a model: kept in memory, and it may fail at any moment, for good or once. It remembers the transaction of the present step, to show what a crash within it would leave.
 *
 *   state   | event    | next   | emits
 *   --------|----------|--------|----------------
 *   working | linkDown | -      | device: fail
 *   working | failed   | broken | -
 */
import { emit, setup } from "xstate";
import type { Part } from "../../hardware/part.ts";
import { type DeviceEmission, request } from "../../interconnect/emissions.ts";
import { machineTypes } from "../../interconnect/machineTypes.ts";
import type { Message } from "../../interconnect/messages.ts";
import { OPERATION_MEMORY } from "../../system/memoryNames.ts";
import type { OperationHelper } from "../../system/operation.ts";
import {
  type CheckpointSink,
  MemorySink,
  SinkError,
} from "../../system/operations/checkpoint/sink.ts";

export class ModelStorage implements CheckpointSink {
  readonly name = null;
  broken = false;
  /** Transactions that were made durable since this was set to 0. */
  commits = 0;
  /** A planted fault: each transaction writes the whole file again, over the one before. */
  readonly #inPlace: boolean;
  readonly #once: boolean;
  readonly #file = new MemorySink();
  #before: Buffer = Buffer.alloc(0);
  #from = 0;
  #pieces: Uint8Array[] = [];

  /** @param once whether it has space again when it has refused one transaction */
  constructor(inPlace: boolean, once: boolean) {
    this.#inPlace = inPlace;
    this.#once = once;
  }

  get parts(): readonly Part[] {
    return this.#file.parts;
  }

  /** What a reader finds now. */
  get bytes(): Buffer {
    return this.#file.bytes;
  }

  begin(length: number): void {
    this.#before = this.#file.bytes;
    this.#from = length;
    this.#pieces = [];
    this.#file.begin(length);
  }

  write(bytes: Uint8Array): void {
    this.#pieces.push(Uint8Array.from(bytes));
    this.#file.write(bytes);
  }

  commit(): void {
    if (this.broken) {
      this.broken = !this.#once;
      throw new SinkError("the storage has failed");
    }
    this.#file.commit();
    this.commits++;
  }

  abandon(): void {
    this.#file.abandon();
  }

  /** Puts it into a state, as if it had not failed. */
  whileItWorks(work: () => void): void {
    const { broken } = this;
    this.broken = false;
    work();
    this.broken = broken;
    this.commits = 0;
  }

  /**
   * The file as a crash in the last transaction would leave it: after each piece that was written, and in
   * the middle of each. A new file takes the place of the one before only when it is whole (sink.ts).
   */
  crashes(): readonly Buffer[] {
    if (this.#from === 0 && !this.#inPlace) return [this.#before];
    const kept = this.#before.subarray(0, this.#from);
    const pieces = this.#inPlace ? [kept, ...this.#pieces] : this.#pieces;
    let file = this.#inPlace ? Buffer.alloc(0) : kept;
    return pieces.flatMap((piece) => {
      const [whole, half] = [file, Buffer.concat([file, piece.subarray(0, piece.length >> 1)])];
      file = Buffer.concat([file, piece]);
      return [whole, half];
    });
  }
}

export const STORAGE = "storage";

type StorageEvent = Extract<Message, { type: "linkDown" }> | { readonly type: "failed" };

const storageMachine = setup({
  types: machineTypes<object, StorageEvent, object, DeviceEmission<{ readonly op: "fail" }>>()
    .types,
  actions: { askFail: emit(() => request({ op: "fail" })) },
}).createMachine({
  id: "storage",
  context: {},
  initial: "working",
  states: {
    working: { on: { linkDown: { actions: "askFail" }, failed: "broken" } },
    broken: {},
  },
});

/** The actor that has the storage fail when it is told to. */
export function storageActor(storage: ModelStorage): OperationHelper {
  return {
    role: { kind: "helper", helper: STORAGE },
    machine: storageMachine,
    device: {
      perform() {
        storage.broken = true;
        return { type: "failed" };
      },
      touches: () => [OPERATION_MEMORY],
    },
    input: () => ({}),
  };
}
