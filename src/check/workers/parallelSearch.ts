/** A breadth-first search on several threads, of which this is the first. */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { itemAt, present } from "../../lookup.ts";
import { buildModel, type CheckTarget } from "../catalogue.ts";
import type { Finding, Found } from "../engine/checks.ts";
import type { Expander } from "../engine/expander.ts";
import type { Ending, Search } from "../engine/explored.ts";
import type { Model } from "../engine/model.ts";
import { ModelError } from "../engine/modelError.ts";
import { StateTable } from "../engine/stateTable.ts";
import { type ParallelOptions, Participant } from "./participant.ts";
import type { WorkerFailure, WorkerResult, WorkerTask } from "./searchWorker.ts";
import { ShardedStates } from "./shardedStates.ts";
import { SharedMemory, sharedBuffers } from "./sharedMemory.ts";

interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
}

export class ParallelSearch implements Search {
  readonly model: Model;
  readonly symmetry = null;
  ending: Ending | null = null;
  readonly #memory: SharedMemory;
  readonly #first: Participant;
  readonly #helpers: readonly Helper[];
  #gathered: { readonly states: ShardedStates; readonly findings: readonly Found[] } | null = null;

  /**
   * @param target what each thread builds its model from
   * @param threads 2 or more
   */
  constructor(target: CheckTarget, threads: number, options: ParallelOptions = {}) {
    this.model = buildModel(target);
    const buffers = sharedBuffers(threads);
    this.#memory = new SharedMemory(buffers);
    this.#helpers = Array.from({ length: threads - 1 }, (_, i) => {
      const { port1, port2 } = new MessageChannel();
      const task: WorkerTask = { number: i + 1, target, buffers, options, port: port2 };
      // Compiled: threads of Node have no other loader.
      const worker = new Worker(new URL("./searchWorker.js", import.meta.url), {
        workerData: task,
        transferList: [port2],
      });
      worker.unref();
      return { worker, port: port1 };
    });
    this.#first = new Participant(0, this.model, this.#memory, options);
  }

  get expander(): Expander {
    return this.#first.expander;
  }

  get distinct(): number {
    return Math.max(1, this.#memory.sum("states"));
  }

  get generated(): number {
    return Math.max(1, this.#memory.sum("generated"));
  }

  get expanded(): number {
    return this.#memory.sum("expanded");
  }

  get depth(): number {
    const { levelEnds } = this;
    // A level that has nothing new is none.
    return this.distinct > levelEnds.at(-1)! ? levelEnds.length : levelEnds.length - 1;
  }

  get levelEnds(): readonly number[] {
    return this.#first.levelEnds;
  }

  get lookups(): number {
    return this.#memory.sum("lookups");
  }

  /** States and findings end the search, if it has not ended yet: the other threads hand theirs over. */
  get states(): ShardedStates {
    return this.#gather().states;
  }

  get findings(): readonly Found[] {
    return this.#gather().findings;
  }

  run(goOn: () => boolean = () => true): Ending {
    if (this.#gathered !== null) return this.ending!;
    this.ending = null;
    while (this.ending === null) {
      const ending = this.#round();
      if (ending !== null && ending !== "finished") this.ending = ending;
      else if (!goOn()) return "stopped";
    }
    this.#gather();
    return this.ending;
  }

  #round(): Ending | "finished" | null {
    try {
      return this.#first.round();
    } catch (error) {
      throw this.#failure() ?? error;
    }
  }

  /** The error of a thread that has failed. */
  #failure(): Error | null {
    for (const { port } of this.#helpers) {
      const { message } = receiveMessageOnPort(port) ?? {};
      const { error, modelError }: Partial<WorkerFailure> = message ?? {};
      if (modelError !== undefined) return new ModelError(modelError);
      if (error instanceof Error) return error;
    }
    return null;
  }

  #gather() {
    if (this.#gathered !== null) return this.#gathered;
    if (this.ending === null) {
      this.#first.isLast = true;
      while (this.#round() === null);
      this.ending = "stopped";
    }
    this.#memory.barrier();
    const { layout } = this.#first.packing;
    const results = this.#helpers.map(({ port, worker }) => {
      const received = present(receiveMessageOnPort(port), "what a thread has found");
      const result: WorkerResult = received.message;
      port.close();
      void worker.terminate();
      return result;
    });
    const shards = [
      this.#first.states,
      ...results.map(({ states }) => StateTable.of(layout, states)),
    ];
    const states = new ShardedStates(
      shards,
      this.expander.stateHash.of(this.model.initial),
      layout,
    );
    const found = [this.#first.checks.found, ...results.map((result) => result.found)];
    const findings = this.model.properties.map((_, i) =>
      merge(
        states,
        found.map((one) => itemAt(one, i)),
      ),
    );
    this.#gathered = { states, findings };
    return this.#gathered;
  }
}

/** What all threads have found of a property: of several findings the nearest, and of these the first by number. */
function merge(states: ShardedStates, found: readonly Found[]): Found {
  const findings = found
    .flatMap(({ finding }) => finding ?? [])
    .map((finding): Finding => ({ ...finding, state: states.numberOf(finding.state) }))
    .map((finding) => ({ finding, depth: depthOf(states, finding.state) }))
    .sort((a, b) => a.depth - b.depth || a.finding.state - b.finding.state);
  return {
    finding: findings[0]?.finding ?? null,
    applied: found.some(({ applied }) => applied),
  };
}

function depthOf(states: ShardedStates, state: number): number {
  let depth = 0;
  for (let at = state; at !== 0; at = states.parentOf(at)) depth++;
  return depth;
}
