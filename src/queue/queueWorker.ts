/** Does the runs that a queue has, on the threads of this machine, until it is told to end. */
import type { Job, Queue, Worker } from "bullmq";
import { UserError } from "../errors.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { Threads } from "../runs/threads.ts";
import type { QueueAddress } from "./address.ts";
import { connect, QUEUE_NAME, type QueueConnection } from "./connection.ts";
import { type JobResult, keyOf, parseJob, type RunJob, resultOf, runText } from "./jobs.ts";

/** Workers that may be lost with one run, before it is taken for what ends them. */
const LOST_MAX = 10;
const RETRY_MS = 1000;
/** Errors of BullMQ for a job that is not this worker's any more. */
const NOT_OURS =
  /^(Missing (lock|key) for job|Lock mismatch|could not renew lock|Job .* is not in the)/;

export interface QueueWorkerOptions {
  /** Threads. */
  readonly threads: number;
  /** Where relative names of traces start; null: where they do at who orders the runs. */
  readonly traces: string | null;
  /** Seconds without a sign of a worker after which its runs are others'. */
  readonly lostAfter: number;
  /** Seconds without a run, its own or another's, after which it ends; null: never. */
  readonly idle: number | null;
  /** Ends it: runs that are under way go back to the queue. */
  readonly signal: AbortSignal;
  /** Hears what people want to know, a sentence each. */
  readonly onNote: (text: string) => void;
  /** Called when a run is done: how many are. */
  readonly onDone?: (done: number) => void;
}

export interface Worked {
  readonly done: number;
  /** Runs that others do. */
  readonly givenBack: number;
}

/**
 * @returns when it was told to end, or had nothing to do
 * @throws UserError if the queue cannot be reached, or it holds runs that this worker cannot do
 */
export async function serveQueue(
  address: QueueAddress,
  options: QueueWorkerOptions,
): Promise<Worked> {
  const connection = await connect(address, options);
  try {
    return await new QueueWorker(connection, options).serve();
  } catch (error) {
    throw connection.explain(error);
  } finally {
    connection.close();
  }
}

class QueueWorker {
  readonly #connection: QueueConnection;
  readonly #options: QueueWorkerOptions;
  readonly #threads: Threads;
  readonly #worker: Worker;
  /** For its counts. */
  readonly #queue: Queue;
  readonly #code = measuringVersion();
  readonly #ending = new AbortController();
  #error: unknown = null;
  #active = 0;
  #done = 0;
  #givenBack = 0;
  #leave: () => void = () => {};
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(connection: QueueConnection, options: QueueWorkerOptions) {
    const { threads, lostAfter } = options;
    this.#connection = connection;
    this.#options = options;
    this.#threads = new Threads(threads);
    this.#queue = new connection.engine.Queue(QUEUE_NAME, { connection: connection.redis });
    this.#queue.on("error", () => {});
    this.#worker = new connection.engine.Worker(
      QUEUE_NAME,
      (job: Job, token?: string) => this.#process(job, token),
      {
        connection: connection.redis,
        concurrency: threads,
        lockDuration: lostAfter * 1000,
        stalledInterval: lostAfter * 500,
        maxStalledCount: LOST_MAX,
        runRetryDelay: RETRY_MS,
        autorun: false,
      },
    );
  }

  async serve(): Promise<Worked> {
    const { signal, onNote, onDone } = this.#options;
    this.#worker.on("error", (error) => this.#hear(error));
    this.#worker.on("stalled", () => onNote("a run of a lost worker goes back to the queue"));
    this.#worker.on("completed", () => onDone?.(++this.#done));
    const { redis } = this.#connection;
    redis.once("end", () => this.#end(new Error("Connection is closed.")));
    // Nothing can be given back any more; locks that are not renewed do it.
    const gone = new Promise<void>((resolve) => {
      this.#leave = resolve;
    });
    redis.on("close", () => this.#ending.signal.aborted && this.#leave());
    const interrupt = (): void => this.#end(null);
    signal.addEventListener("abort", interrupt);
    if (signal.aborted) interrupt();
    this.#rest();
    try {
      await Promise.race([this.#work(), gone]);
    } finally {
      clearTimeout(this.#idleTimer);
      signal.removeEventListener("abort", interrupt);
      await this.#threads.close();
    }
    if (this.#error !== null) throw this.#error;
    return { done: this.#done, givenBack: this.#givenBack };
  }

  async #work(): Promise<void> {
    await this.#worker.run();
    await this.#worker.close();
  }

  /** Takes no more; what is under way is given back. @param error why, if it is not as it should be */
  #end(error: unknown): void {
    this.#error ??= error;
    const isThere = this.#connection.redis.status === "ready";
    // BullMQ would wait for a connection that is lost.
    void this.#worker.close(!isThere);
    this.#ending.abort();
    if (!isThere) this.#leave();
  }

  async #process(job: Job, token: string | undefined): Promise<JobResult> {
    this.#active++;
    clearTimeout(this.#idleTimer);
    try {
      const order = this.#accept(job);
      return resultOf(await this.#threads.run(order, this.#ending.signal));
    } catch (error) {
      if (error instanceof UserError) this.#end(error);
      if (!this.#ending.signal.aborted) throw error;
      this.#givenBack++;
      await job.moveToWait(token);
      throw new this.#connection.engine.WaitingError();
    } finally {
      this.#active--;
      this.#rest();
    }
  }

  /** What a job asks for, as it is done here. @throws UserError if this worker must not do it */
  #accept(job: Job): RunJob["order"] {
    this.#ending.signal.throwIfAborted();
    const { shown } = this.#connection;
    const { code, order } = parseJob(job.data);
    if (code !== this.#code) {
      throw new UserError(
        `${shown}: its runs were ordered by another version of the program (${code}, this is ${this.#code}); no run was done`,
      );
    }
    const here = { ...order, directory: this.#options.traces ?? order.directory };
    // Each time anew: a trace may have changed.
    const key = new RunStore(null, codeVersion()).key(here);
    if (key === keyOf(job.id ?? "")) return here;
    throw new UserError(
      `${shown}: ${runText(order)} differs here: a trace that it plays, or a module that it needs (--import), is not the same`,
    );
  }

  /** Starts to wait for a run. */
  #rest(): void {
    const { idle } = this.#options;
    clearTimeout(this.#idleTimer);
    if (idle === null || this.#active > 0 || this.#ending.signal.aborted) return;
    this.#idleTimer = setTimeout(() => void this.#look(), idle * 1000);
  }

  /** Ends it if the queue is empty: a run that another worker has is this one's when that is lost. */
  async #look(): Promise<void> {
    try {
      const { active = 0, waiting = 0 } = await this.#queue.getJobCounts("active", "waiting");
      if (this.#active === 0 && active + waiting === 0) this.#end(null);
      else this.#rest();
    } catch (error) {
      this.#end(error);
    }
  }

  #hear(error: Error): void {
    if (NOT_OURS.test(error.message)) {
      this.#options.onNote("a run took too long to say so, another worker does it; it counts once");
    } else if (this.#connection.explain(error) === error && !("code" in error)) {
      this.#options.onNote(`${this.#connection.shown}: ${error.message}`);
    }
  }
}
