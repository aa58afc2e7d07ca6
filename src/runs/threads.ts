/** Runs on the threads of this machine. */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { DueRun, Executor } from "./executor.ts";
import type { RunOrder } from "./runOrder.ts";
import type { Reply } from "./worker.ts";

/** Threads that wait for runs; to be closed. */
export class Threads {
  readonly #pool: Piscina;

  constructor(count: number) {
    const filename = new URL("./worker.js", import.meta.url).href;
    this.#pool = new Piscina({ filename, minThreads: count, maxThreads: count });
  }

  /** @throws if the signal ends it, or the thread */
  run({ scenario, directory }: RunOrder, signal?: AbortSignal): Promise<Reply> {
    return this.#pool.run({ scenario, directory }, signal ? { signal } : {});
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

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
    const count = Math.min(this.#count, due.length);
    const threads = new Threads(count);
    const rest = due.values();
    // Each thread takes the next of the list: the pool's own queue does not keep the order.
    const lane = async (): Promise<void> => {
      for (const run of rest) onReply(run, await threads.run(run.order, signal));
    };
    try {
      await Promise.all(Array.from({ length: count }, lane));
    } finally {
      await threads.close();
    }
  }
}
