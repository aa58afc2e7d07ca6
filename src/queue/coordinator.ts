/** Orders runs through a queue, and takes their results from it. */

import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Job, Queue } from "bullmq";
import { UserError } from "../errors.ts";
import type { DueRun, Executor } from "../runs/executor.ts";
import type { Reply } from "../runs/worker.ts";
import type { QueueAddress } from "./address.ts";
import { type ConnectOptions, connect, QUEUE_NAME, type QueueConnection } from "./connection.ts";
import { type JobResult, jobOf, parseResult, RESULT_AGE, type RunJob, runText } from "./jobs.ts";

/** Runs in the queue at a time: workers never wait for more, and memory of the queue is not without end. */
const AHEAD = 1000;
const POLL_MS = 200;
/** Polls without news until it is looked whether the queue has lost something, and whether anybody works. */
const IDLE_POLLS = 25;
/** What BullMQ says of a job whose workers were lost too often. */
const STALLED = /stalled more than allowable limit/;

export interface CoordinatorOptions extends ConnectOptions {
  /** Of the program: workers of another version are refused. */
  readonly code: string;
}

/**
 * Runs on workers behind a queue. The queue delivers a run at least once; here each counts once, and what is
 * delivered again must be the same. Nothing depends on what the queue remembers: a run that it has lost is
 * ordered again.
 */
export class Coordinator implements Executor {
  readonly #connection: QueueConnection;
  readonly #queue: Queue;
  readonly #code: string;
  readonly #onNote: (text: string) => void;
  /** Whether it was said that nobody works. */
  #isSaid = false;

  private constructor(connection: QueueConnection, { code, onNote }: CoordinatorOptions) {
    this.#connection = connection;
    this.#queue = new connection.engine.Queue(QUEUE_NAME, { connection: connection.redis });
    // What is wrong with the connection, the commands say.
    this.#queue.on("error", () => {});
    this.#code = code;
    this.#onNote = onNote;
  }

  /** @throws UserError if the queue cannot be reached */
  static async open(address: QueueAddress, options: CoordinatorOptions): Promise<Coordinator> {
    return new Coordinator(await connect(address, options), options);
  }

  /**
   * @throws UserError if the queue is gone for good, holds a damaged result, or two results of one run that differ
   */
  async run<Run extends DueRun>(
    due: readonly Run[],
    onReply: (run: Run, reply: Reply) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const orders = new Orders(due);
    try {
      await this.#forgetFailures(orders);
      for (let idle = 0; orders.left > 0; ) {
        const isNew = await this.#collect(orders, onReply);
        if (signal?.aborted) break;
        await this.#order(orders.next(AHEAD));
        idle = isNew ? 0 : idle + 1;
        if (isNew) this.#isSaid = false;
        if (idle === IDLE_POLLS) await this.#look(orders);
        idle %= IDLE_POLLS;
        if (!isNew) await setTimeout(POLL_MS, undefined, signal ? { signal } : {}).catch(() => {});
      }
      signal?.throwIfAborted();
    } catch (error) {
      throw this.#connection.explain(error);
    } finally {
      // Nobody waits for these any more.
      if (orders.left > 0) await this.#withdraw(orders).catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#queue.close().catch(() => {});
    this.#connection.close();
  }

  /** Those that failed before are tried again. */
  async #forgetFailures(orders: Orders<DueRun>): Promise<void> {
    const failed = await this.#queue.getRanges(["failed"], 0, -1);
    for (const id of failed.filter((one) => orders.has(one))) await this.#queue.remove(id);
  }

  async #order(runs: readonly DueRun[]): Promise<void> {
    if (runs.length === 0) return;
    await this.#queue.addBulk(
      runs.map(({ key, order: { scenario, directory } }) => {
        const data: RunJob = {
          code: this.#code,
          order: { scenario, directory: resolve(directory) },
        };
        const kept = { age: RESULT_AGE };
        return {
          name: "run",
          data,
          opts: { jobId: jobOf(key), removeOnComplete: kept, removeOnFail: kept },
        };
      }),
    );
  }

  /** @returns whether a run has ended */
  async #collect<Run extends DueRun>(
    orders: Orders<Run>,
    onReply: (run: Run, reply: Reply) => void,
  ): Promise<boolean> {
    const ended = await this.#queue.getRanges(["completed", "failed"], 0, -1, true);
    let isNew = false;
    for (const id of ended) {
      const run = orders.run(id);
      const job = run === undefined ? undefined : await this.#queue.getJob(id);
      if (run === undefined || job === undefined) continue;
      const result = resultIn(job, run, orders.digest(id));
      if (!("error" in result)) {
        if (orders.end(id, result.digest)) {
          onReply(run, result.reply);
          isNew = true;
        }
      }
      // What counts is kept elsewhere, and what is wrong is done again by the same command.
      await this.#queue.remove(id);
      if ("error" in result) throw result.error;
    }
    return isNew;
  }

  /** What waits for nothing is said, and what the queue has lost is ordered again. */
  async #look(orders: Orders<DueRun>): Promise<void> {
    const states = ["waiting", "active", "delayed", "prioritized", "completed", "failed"] as const;
    const there = new Set(await this.#queue.getRanges([...states], 0, -1));
    // One that has only moved meanwhile is there under its name, and is not taken twice.
    await this.#order(orders.pending().filter(({ key }) => !there.has(jobOf(key))));
    if (this.#isSaid || (await this.#queue.getWorkersCount()) > 0) return;
    this.#isSaid = true;
    const { shown } = this.#connection;
    this.#onNote(`${shown}: no worker is there; start one: trackvisor worker ${shown}`);
  }

  async #withdraw(orders: Orders<DueRun>): Promise<void> {
    if (this.#connection.redis.status !== "ready") return;
    const waiting = await this.#queue.getRanges(["waiting"], 0, -1);
    // One that a worker has begun is locked, and stays.
    await Promise.all(waiting.filter((id) => orders.has(id)).map((id) => this.#queue.remove(id)));
  }
}

/** The runs by their jobs: those to be ordered, those in the queue, and the ended ones with what they were. */
class Orders<Run extends DueRun> {
  readonly #runs: ReadonlyMap<string, Run>;
  readonly #rest: Iterator<Run>;
  readonly #pending = new Map<string, Run>();
  readonly #digests = new Map<string, string>();

  constructor(due: readonly Run[]) {
    this.#runs = new Map(due.map((run) => [jobOf(run.key), run]));
    this.#rest = due.values();
  }

  get left(): number {
    return this.#runs.size - this.#digests.size;
  }

  /** As many as the queue may have beside those that are in it. */
  next(most: number): Run[] {
    const runs: Run[] = [];
    while (this.#pending.size < most) {
      const { value, done } = this.#rest.next();
      if (done) break;
      const job = jobOf(value.key);
      // There was a result of it already.
      if (this.#digests.has(job)) continue;
      this.#pending.set(job, value);
      runs.push(value);
    }
    return runs;
  }

  pending(): Run[] {
    return [...this.#pending.values()];
  }

  has(job: string): boolean {
    return this.#runs.has(job);
  }

  run(job: string): Run | undefined {
    return this.#runs.get(job);
  }

  /** Of a result that has counted. */
  digest(job: string): string | undefined {
    return this.#digests.get(job);
  }

  /** @returns whether it had not ended before */
  end(job: string, digest: string): boolean {
    const isNew = !this.#digests.has(job);
    this.#digests.set(job, digest);
    this.#pending.delete(job);
    return isNew;
  }
}

/**
 * What a job that has ended says.
 * @param before the digest of a result of the same run that has counted
 * @returns the result, or why it cannot count
 */
function resultIn(
  { failedReason, stacktrace, returnvalue }: Job,
  { order }: DueRun,
  before: string | undefined,
): JobResult | { readonly error: Error } {
  const run = runText(order);
  const refusal = (what: string) => ({ error: new UserError(`${run}: ${what}`) });
  if (failedReason && STALLED.test(failedReason)) {
    return refusal("given up: too many workers were lost while they did it");
  }
  // The program's own fault: with the stack that it had there.
  if (failedReason) {
    return { error: new Error(`${run} on a worker: ${stacktrace?.[0] ?? failedReason}`) };
  }
  const result = parseResult(returnvalue);
  if (result === null) return refusal("its result in the queue is not as a worker has written it");
  if (before === undefined || before === result.digest) return result;
  return refusal(
    "two workers have different results of it; a run has one result, so one of them is damaged",
  );
}
