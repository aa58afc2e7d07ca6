/** One check: builds a model, explores it, judges its properties, and says what was covered. */

import { UserError } from "../errors.ts";
import { buildModel, type CheckTarget } from "./catalogue.ts";
import { Coverage, type MachineCoverage } from "./coverage.ts";
import { BitstateSearch } from "./engine/bitstate.ts";
import { type Bounds, Exploration } from "./engine/exploration.ts";
import type { Ending, Search } from "./engine/explored.ts";
import type { Model } from "./engine/model.ts";
import { RandomWalks } from "./engine/randomWalks.ts";
import type { PropertyKind, Verdict } from "./properties/property.ts";
import type { SavedSearch } from "./savedSearch.ts";
import { type Trace, traceOf } from "./trace.ts";
import { Judging, type PropertyResult } from "./verdicts.ts";
import { ParallelSearch } from "./workers/parallelSearch.ts";

export interface CheckBounds extends Bounds {
  /** Of random walks: how many, and steps of each. */
  readonly walks?: number;
  readonly steps?: number;
}

export type SearchOrder = "breadth" | "depth" | "random" | "pct";

export interface CheckOptions {
  /** Where the search ends at the latest. */
  readonly bounds?: CheckBounds;
  /** Whether the search goes on after a property was broken. */
  readonly keepGoing?: boolean;
  /** Counts states that differ by the numbers of what is alike once; liveness stays open. */
  readonly symmetry?: boolean;
  /** Leaves out steps that only commute with others: the same verdicts on safety; liveness stays open. */
  readonly partialOrder?: boolean;
  /** Threads, for shipped models and for models in files; default 1. */
  readonly workers?: number;
  /** Default: breadth, which finds shortest counterexamples. "random" walks; "pct" walks by priorities, which need `pctDepth`. */
  readonly order?: SearchOrder;
  readonly pctDepth?: number;
  /** Of random walks. */
  readonly seed?: number;
  /** Bits of a bitstate search, as a power of two. */
  readonly bitstate?: number;
  /** A clock in milliseconds, for the times of the report alone; without one they are 0. */
  readonly clock?: () => number;
}

/** What a check came to, as plain data. */
export interface CheckReport {
  readonly model: string;
  readonly set: Readonly<Record<string, number>>;
  readonly fault: string | null;
  readonly distinct: number;
  readonly generated: number;
  /** Steps to the farthest state. */
  readonly depth: number;
  readonly seconds: number;
  /** Of these, judging liveness. */
  readonly livenessSeconds: number;
  /** Every reachable state was found, and all its steps. */
  readonly complete: boolean;
  readonly ending: Ending;
  /** States found whose steps are not known: 0 if complete. */
  readonly unexpanded: number;
  /** By depth: states first met there; empty if the search does not go by levels. */
  readonly levels: readonly number[];
  /** What a reader must know of a search that is not exact. */
  readonly remarks: readonly string[];
  readonly bytesPerState: number;
  /** Steps worked out by the real actors, and looked up. */
  readonly localSteps: number;
  readonly lookups: number;
  readonly properties: readonly {
    readonly name: string;
    /** "model": what makes the model say less than it seems to. */
    readonly kind: PropertyKind | "model";
    readonly verdict: Verdict;
    /** Messages of the counterexample or witness; null if there is none. */
    readonly messages: number | null;
  }[];
  readonly coverage: readonly MachineCoverage[];
  /** Slots with the most values, which make the space large. */
  readonly largest: readonly { readonly slot: string; readonly values: number }[];
}

const LARGEST_SHOWN = 6;
const GIVEN_UP = "interrupted while liveness was judged: what was not judged yet is open";

export class CheckRun {
  readonly target: CheckTarget;
  readonly model: Model;
  readonly exploration: Search;
  readonly #coverage: Coverage;
  readonly #options: CheckOptions;
  readonly #clock: () => number;
  #seconds = 0;
  #livenessSeconds = 0;
  #judging: Judging | null = null;
  /** Somebody wants no more than what is known. */
  #isGivenUp = false;

  /** @throws UserError if the target names what is not there */
  constructor(target: CheckTarget, options: CheckOptions = {}) {
    this.target = target;
    this.#options = options;
    this.#clock = options.clock ?? (() => 0);
    this.exploration = searchOf(target, options);
    this.model = this.exploration.model;
    this.#coverage = new Coverage(this.model, this.exploration.expander.steps);
  }

  /** Where the search stands, to be written to a file. @throws UserError if it is not of a kind that can go on */
  save(): SavedSearch {
    const { exploration, target } = this;
    if (!(exploration instanceof Exploration)) {
      throw new UserError("--save goes with one worker, breadth-first or depth-first");
    }
    refuse("--save does not go with --por", this.#options.partialOrder);
    const { order, symmetry = false, keepGoing = false } = this.#options;
    const options = {
      order: order === "depth" ? order : ("breadth" as const),
      symmetry,
      keepGoing,
    };
    return { target, options, seconds: this.#seconds, state: exploration.save() };
  }

  /** Goes on where a saved search stands. @throws UserError if the model has changed since */
  static from({ target, options, seconds, state }: SavedSearch, more: CheckOptions = {}): CheckRun {
    const run = new CheckRun(target, { ...more, ...options });
    if (run.exploration instanceof Exploration) run.exploration.restore(state);
    else throw new Error("a saved search goes on with one worker");
    run.#seconds = seconds;
    return run;
  }

  /** Explores for about so many seconds; false when there is nothing more to do. */
  explore(seconds = Number.POSITIVE_INFINITY): boolean {
    const start = this.#clock();
    const end = start + 1000 * seconds;
    const ending = this.exploration.run(() => this.#clock() < end);
    this.#seconds += (this.#clock() - start) / 1000;
    return ending === "stopped";
  }

  /** Judges properties for about so many seconds, when the search is over; false when all are judged. */
  judge(seconds = Number.POSITIVE_INFINITY): boolean {
    const start = this.#clock();
    const end = start + 1000 * seconds;
    this.#judging ??= new Judging(this.exploration);
    const isDone = this.#judging.run(() => this.#clock() < end);
    this.#livenessSeconds += (this.#clock() - start) / 1000;
    return !isDone;
  }

  /** From now on what is not judged yet is open. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** Verdicts as far as they are known while properties are judged; null: none is yet. */
  get judged(): readonly PropertyResult[] | null {
    return this.#judging?.results ?? null;
  }

  /** Verdicts, in the model's order. */
  get results(): readonly PropertyResult[] {
    // Of a search that did not come to its end, this takes no time.
    if (this.#judging === null || !this.#isGivenUp) this.judge();
    return this.#judging!.results;
  }

  /** The run that shows what became of a property; null if there is none. */
  traceOf({ name, run, of }: PropertyResult): Trace | null {
    return run === null ? null : traceOf(of, name, run);
  }

  report(): CheckReport {
    const { exploration, model, results, target } = this;
    const { states, expander } = exploration;
    const largest = model.slots
      .map(({ name, values }) => ({ slot: name, values: values.length }))
      .sort((a, b) => b.values - a.values);
    return {
      model: target.model,
      set: target.set,
      fault: target.mutation,
      distinct: exploration.distinct,
      generated: exploration.generated,
      depth: exploration.depth,
      seconds: this.#seconds + this.#livenessSeconds,
      livenessSeconds: this.#livenessSeconds,
      complete: exploration.ending === "complete",
      ending: exploration.ending ?? "stopped",
      unexpanded: exploration.distinct - exploration.expanded,
      levels: exploration.levelEnds.map((end, i, ends) => end - (ends[i - 1] ?? 0)),
      remarks: [
        ...(exploration.remarks ?? []),
        ...(model.remarks?.() ?? []),
        ...(this.#judging?.isDone === false ? [GIVEN_UP] : []),
      ],
      bytesPerState: (exploration.bytes ?? states.bytes) / exploration.distinct,
      localSteps: expander.steps.misses,
      lookups: exploration.lookups,
      properties: results.map(({ name, kind, verdict, run }) => {
        const messages = run === null ? null : run.edges.length + run.cycle.length;
        return { name, kind, verdict, messages };
      }),
      coverage: this.#coverage.report(),
      largest: largest.slice(0, LARGEST_SHOWN),
    };
  }
}

export const WALKS_DEFAULT = 1000;
export const STEPS_DEFAULT = 500;
const SEED_DEFAULT = 1;

/** The search that the options ask for. @throws UserError where they do not go together */
function searchOf(target: CheckTarget, options: CheckOptions): Search {
  const { workers = 1, order = "breadth", bitstate, bounds, keepGoing = false } = options;
  const isExact = order === "breadth" && bitstate === undefined;
  if (options.partialOrder === true) {
    refuse("--por goes with an exact breadth-first search", !isExact);
    refuse("--por goes with one worker", workers > 1);
    refuse("--por and --symmetry do not go together", options.symmetry);
  }
  if (workers > 1) {
    refuse("--workers goes with an exact breadth-first search", !isExact);
    refuse("--symmetry goes with one worker", options.symmetry);
    return new ParallelSearch(target, workers, { bounds, keepGoing });
  }
  const model = buildModel(target);
  refuse("--bound depth goes with a breadth-first search", !isExact && bounds?.depth !== undefined);
  if (bitstate !== undefined || order === "random" || order === "pct") {
    refuse("--symmetry goes with an exact search", options.symmetry);
  }
  if (bitstate !== undefined) {
    refuse("--bitstate is a search of its own", order !== "breadth");
    return new BitstateSearch(model, { bits: bitstate, keepGoing });
  }
  if (order === "random" || order === "pct") {
    const { walks = WALKS_DEFAULT, steps = STEPS_DEFAULT } = bounds ?? {};
    const depth = order === "pct" ? (options.pctDepth ?? 2) : 0;
    const seed = options.seed ?? SEED_DEFAULT;
    return new RandomWalks(model, { seed, walks, steps, depth, keepGoing });
  }
  return new Exploration(model, { ...options, order });
}

function refuse(message: string, isWrong: boolean | undefined): void {
  if (isWrong === true) throw new UserError(message);
}
