/** Runs on the threads of this machine. */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { DueRun, Executor } from "./executor.ts";
import type { RunOrder } from "./runOrder.ts";
import { importedModules } from "./userModules.ts";
import type { Reply, ThreadOrder } from "./worker.ts";

/** Threads that wait for runs; to be closed. */
export class Threads {
  readonly #count: number;
  // From the first run on: Node may crash when a thread is ended that is still loading
  // (https://github.com/nodejs/node/issues/56312), as one would be whose work is refused at once.
  #pool: Piscina | null = null;

  constructor(count: number) {
    this.#count = count;
  }

  /** @throws if the signal ends it, or the thread */
  run({ scenario, directory }: RunOrder, signal?: AbortSignal): Promise<Reply> {
    const order: ThreadOrder = { scenario, directory, modules: importedModules() };
    this.#pool ??= new Piscina({
      filename: new URL("./worker.js", import.meta.url).href,
      minThreads: this.#count,
      maxThreads: this.#count,
    });
    return this.#pool.run(order, signal ? { signal } : {});
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}

/** Threads that end with the runs. */
export class ThreadExecutor implements Executor {
  readonly #count: number;

  /** @param count threads; default: as many as there are processors */
  constructor(count = availableParallelism()) {
    this.#count = count;
  }

  async run<Run extends DueRun>(
    due: readonly Run[],
    onReply: (run: Run, reply: Reply) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const kept = new KeptThreads(Math.min(this.#count, due.length));
    try {
      await kept.run(due, onReply, signal);
    } finally {
      await kept.close();
    }
  }
}

/** Threads that stay, for who orders runs several times; to be closed. */
export class KeptThreads implements Executor {
  readonly #count: number;
  readonly #threads: Threads;

  /** @param count default: as many as there are processors */
  constructor(count = availableParallelism()) {
    this.#count = count;
    this.#threads = new Threads(count);
  }

  async run<Run extends DueRun>(
    due: readonly Run[],
    onReply: (run: Run, reply: Reply) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const rest = due.values();
    // Each thread takes the next of the list: the pool's own queue does not keep the order.
    const lane = async (): Promise<void> => {
      for (const run of rest) onReply(run, await this.#threads.run(run.order, signal));
    };
    await Promise.all(Array.from({ length: this.#count }, lane));
  }

  /** Ends them, whatever they do. */
  async close(): Promise<void> {
    await this.#threads.close();
  }
}
