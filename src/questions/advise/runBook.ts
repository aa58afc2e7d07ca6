/** The runs behind an advice: each done once, by the pool and its store, and each with an identity to point to. */
import type { Override } from "../../config/override.ts";
import { UserError } from "../../errors.ts";
import { type Ended, type PoolOptions, type RunProgress, runAll } from "../../runs/pool.ts";
import { RunIdentity } from "../../runs/runIdentity.ts";
import type { RunOrder } from "../../runs/runOrder.ts";
import { KeptThreads } from "../../runs/threads.ts";
import type { RunSummary } from "../../system/summary.ts";

/** A run that is to be done. */
export interface PlannedRun {
  /** What it is for, for people. */
  readonly purpose: string;
  /** All that it changes in the scenario. */
  readonly overrides: readonly Override[];
  readonly order: RunOrder;
}

/** A run that an answer stands on. */
export interface CitedRun extends PlannedRun {
  /** The start of the run's digest, as long as it takes to tell the runs of this advice apart. */
  readonly id: string;
}

export interface BookOptions extends Omit<PoolOptions, "onProgress" | "executor"> {
  readonly onProgress?: (what: string, progress: RunProgress) => void;
}

const ID_LENGTH = 6;

export class RunBook {
  readonly #options: BookOptions;
  readonly #identity = new RunIdentity();
  /** Started when there is something to do. */
  #threads: KeptThreads | null = null;
  readonly #runs = new Map<string, { readonly planned: PlannedRun; readonly ended: Ended }>();

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /**
   * Does what has not been done.
   * @param what for the progress
   * @throws Interrupted, and UserError if a result cannot be kept
   */
  async do(what: string, runs: readonly PlannedRun[]): Promise<void> {
    const missing = new Map<string, PlannedRun>();
    for (const run of runs) {
      const key = this.#key(run);
      // The first purpose stays: a run that serves several answers is listed once.
      if (!this.#runs.has(key) && !missing.has(key)) missing.set(key, run);
    }
    if (missing.size === 0) return;
    const { onProgress, ...pool } = this.#options;
    const orders = [...missing.values()].map(({ order }) => order);
    const isDone = orders.every((order) => pool.store.has(order));
    if (!isDone) this.#threads ??= new KeptThreads(pool.workers);
    const ended = await runAll(orders, (one) => one, {
      ...pool,
      ...(this.#threads === null ? {} : { executor: this.#threads }),
      onProgress: (progress) => onProgress?.(what, progress),
    });
    for (const [key, planned] of missing) {
      const one = ended.get(pool.store.key(planned.order));
      if (one === undefined) throw new Error(`there is no run ${key}`);
      this.#runs.set(key, { planned, ended: one });
    }
  }

  /** No further runs. */
  async close(): Promise<void> {
    await this.#threads?.close();
    this.#threads = null;
  }

  /** @throws UserError if it could not be built, or its guests got nowhere */
  summary(run: { readonly order: RunOrder }): RunSummary {
    const { ended } = this.#entry(run);
    if ("problem" in ended) throw new UserError(ended.problem);
    return ended.summary;
  }

  /** Null if it could not be built. */
  summaryOrNull(run: { readonly order: RunOrder }): RunSummary | null {
    const { ended } = this.#entry(run);
    return "problem" in ended ? null : ended.summary;
  }

  /** Why it could not be built, or got nowhere; null if it was run. */
  problem(run: { readonly order: RunOrder }): string | null {
    const { ended } = this.#entry(run);
    return "problem" in ended ? ended.problem : null;
  }

  /** Identities to cite, in the order of the runs, each once. */
  ids(runs: readonly { readonly order: RunOrder }[]): string[] {
    const length = this.#idLength();
    return [...new Set(runs.map((run) => this.#key(run).slice(0, length)))];
  }

  /** All that were done, in that order. */
  all(): CitedRun[] {
    const length = this.#idLength();
    return [...this.#runs].map(([key, { planned }]) => ({
      ...planned,
      id: key.slice(0, length),
    }));
  }

  /** Long enough that no two begin alike. */
  #idLength(): number {
    const keys = [...this.#runs.keys()].sort();
    let length = ID_LENGTH;
    for (const [n, key] of keys.entries()) {
      while (n > 0 && keys[n - 1]?.slice(0, length) === key.slice(0, length)) length++;
    }
    return length;
  }

  /** The same for every version of the program: a command that an advice shows stays right. */
  #key({ order }: { readonly order: RunOrder }): string {
    return this.#identity.of(order);
  }

  #entry(run: { readonly order: RunOrder }) {
    const entry = this.#runs.get(this.#key(run));
    if (entry === undefined) throw new Error(`the run ${this.#key(run)} was not done`);
    return entry;
  }
}
