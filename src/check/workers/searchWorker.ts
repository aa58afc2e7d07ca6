/** A thread of a parallel search: builds its own model, and takes part until the end. */
import { type MessagePort, workerData } from "node:worker_threads";
import { buildModel, type CheckTarget } from "../catalogue.ts";
import type { Found } from "../engine/checks.ts";
import { ModelError } from "../engine/modelError.ts";
import type { SharedStates } from "../engine/stateTable.ts";
import { isModelFile, loadModelFile } from "../modelFile.ts";
import { type ParallelOptions, Participant } from "./participant.ts";
import { type SharedBuffers, SharedMemory } from "./sharedMemory.ts";

export interface WorkerTask {
  readonly number: number;
  readonly target: CheckTarget;
  readonly buffers: SharedBuffers;
  readonly options: ParallelOptions;
  /** For the result, or the error that prevented it. */
  readonly port: MessagePort;
}

/** What ended a thread: an error's class does not get through a port. */
export interface WorkerFailure {
  readonly error: unknown;
  /** Of a ModelError. */
  readonly modelError?: string;
}

/** What a thread has found. */
export interface WorkerResult {
  readonly states: SharedStates;
  readonly found: readonly Found[];
}

const { number, target, buffers, options, port }: WorkerTask = workerData;
const memory = new SharedMemory(buffers);
try {
  if (isModelFile(target.model)) await loadModelFile(target.model);
  const participant = new Participant(number, buildModel(target), memory, options);
  let ending = participant.round();
  while (ending === null) ending = participant.round();
  const { states, checks } = participant;
  const result: WorkerResult = { states: states.shared, found: checks.found };
  port.postMessage(result);
  memory.barrier();
} catch (error) {
  const failure: WorkerFailure =
    error instanceof ModelError ? { error, modelError: error.message } : { error };
  port.postMessage(failure);
  memory.fail();
}
