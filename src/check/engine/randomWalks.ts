/**
 * Random walks from the initial state, for what is too large to be searched. All states that are met are
 * kept, with the state that each was first met from: so a counterexample is a run, mostly shorter than
 * the walk that found it.
 *
 * Either each step is drawn evenly, or by probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi
 * and Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010):
 * channels, and actors that decide by themselves, are its threads. Each has a random priority, the highest
 * one that can go on does, and at d - 1 random steps the one that would go on gets the lowest priority so
 * far. A mistake that needs d orderings is then met by a walk with probability 1 / (n k^(d-1)) or more,
 * for n threads and k steps, where the choices besides the order (a guest's next access) are the right ones.
 */
import { Random } from "../../../workloads/random.ts";
import { itemAt, valueUnder, wordAt } from "../../lookup.ts";
import { Checks, type Found } from "./checks.ts";
import { Expander } from "./expander.ts";
import { type Ending, loadPacked, type Search } from "./explored.ts";
import type { Model } from "./model.ts";
import { Packing } from "./packing.ts";
import { packedHash, StateTable } from "./stateTable.ts";
import { BY_ITSELF } from "./transitions.ts";

export interface WalkOptions {
  readonly seed: number;
  readonly walks: number;
  /** Of one walk, at most. */
  readonly steps: number;
  /** Orderings that a mistake may need; 0 = each step is drawn evenly. */
  readonly depth?: number;
  readonly keepGoing?: boolean;
}

export class RandomWalks implements Search {
  readonly model: Model;
  readonly expander: Expander;
  readonly states: StateTable;
  readonly symmetry = null;
  /** No state's steps are all taken on purpose. */
  readonly expanded = 0;
  readonly levelEnds: readonly number[] = [];
  generated = 1;
  /** Steps of the longest walk. */
  depth = 0;
  ending: Ending | null = null;
  /** Walks that have ended. */
  walks = 0;
  readonly #options: WalkOptions;
  readonly #checks: Checks;
  readonly #packing: Packing;
  readonly #random: Random;
  #state = 0;
  #steps = 0;
  /** By thread: its priority in this walk. */
  readonly #priorities = new Map<number, number>();
  /** All threads that were ever able to go on. */
  readonly #threads = new Set<number>();
  #changes: readonly number[] = [];

  constructor(model: Model, options: WalkOptions) {
    this.model = model;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.expander = new Expander(model);
    this.#packing = new Packing(this.expander);
    this.#checks = new Checks(model, this.expander);
    this.states = new StateTable(this.#packing.layout);
    const { layout } = this.#packing;
    const initial = new Int32Array(layout.words);
    layout.pack(model.initial, initial, 0);
    this.#add(initial, StateTable.NO_PARENT);
    this.#begin();
  }

  get distinct(): number {
    return this.states.count;
  }

  get lookups(): number {
    return this.expander.lookups;
  }

  get findings(): readonly Found[] {
    return this.#checks.found;
  }

  /** The least probability with which one walk meets a mistake of that many orderings. */
  get bound(): number {
    const { depth = 0, steps } = this.#options;
    return depth === 0 ? 0 : 1 / (Math.max(1, this.#threads.size) * steps ** (depth - 1));
  }

  get remarks(): readonly string[] {
    const { depth = 0, seed, steps } = this.#options;
    const how = depth === 0 ? "each step drawn evenly" : `priorities, depth ${depth}`;
    const walked = `${this.walks} walks of at most ${steps} steps, ${how}, seed ${seed}: nothing is proved`;
    if (depth === 0) return [walked];
    const bound = `${this.#threads.size} threads: a walk meets a mistake of ${depth} orderings with probability ${this.bound.toExponential(1)} or more`;
    return [walked, bound];
  }

  run(goOn: () => boolean = () => true): Ending {
    this.ending = null;
    const { walks, keepGoing } = this.#options;
    while (this.ending === null) {
      if (this.#checks.isBroken && keepGoing !== true) this.ending = "violation";
      else if (this.walks === walks) this.ending = "bound";
      else if (this.#walk()) this.depth = Math.max(this.depth, this.#steps);
      else {
        this.walks++;
        this.#begin();
        if (!goOn()) this.ending = "stopped";
      }
    }
    return this.ending;
  }

  #begin(): void {
    this.#state = 0;
    this.#steps = 0;
    this.#priorities.clear();
    const { depth = 0, steps } = this.#options;
    this.#changes = Array.from({ length: Math.max(0, depth - 1) }, () => this.#random.below(steps));
  }

  /** One step. Returns false if there is none, or enough were taken. */
  #walk(): boolean {
    const { expander, states } = this;
    this.#expand();
    const { layout } = this.#packing;
    this.#checks.look(this.#state, layout, states.words, this.#state * layout.words);
    if (expander.count === 0 || this.#steps === this.#options.steps) return false;
    if (this.#checks.isBroken && this.#options.keepGoing !== true) return false;
    const step = this.#choose();
    const packed = new Int32Array(layout.words);
    expander.applyPacked(step, layout, states.words, this.#state * layout.words, packed, 0);
    this.#state = this.#add(packed, this.#state);
    this.#steps++;
    this.generated++;
    return true;
  }

  /** Expands the state, and works all its next states out: so the layout has room for each of them. */
  #expand(): void {
    const packing = this.#packing;
    const { expander, states } = this;
    for (;;) {
      const { layout } = packing;
      const packed = new Int32Array(layout.words);
      const from = this.#state * layout.words;
      loadPacked(expander, layout, states.words, from);
      for (let step = 0; step < expander.count && !packing.isOutgrown; step++) {
        expander.applyPacked(step, layout, states.words, from, packed, 0);
      }
      if (!packing.isOutgrown) return;
      states.relayout(packing.renew());
    }
  }

  #add(packed: Int32Array, parent: number): number {
    const hash = packedHash(packed, 0, packed.length);
    this.states.addBatch(packed, Int32Array.of(hash), Int32Array.of(parent), 1);
    return this.states.find(packed);
  }

  #choose(): number {
    const { expander } = this;
    const depth = this.#options.depth ?? 0;
    if (depth === 0) return this.#random.below(expander.count);
    const threads = Array.from({ length: expander.count }, (_, step) => this.#threadOf(step));
    for (const thread of threads) {
      this.#threads.add(thread);
      // Above all that a change gives: 0 to d - 2.
      if (!this.#priorities.has(thread))
        this.#priorities.set(thread, depth + this.#random.fraction());
    }
    this.#changes.forEach((at, i) => {
      if (at === this.#steps) this.#priorities.set(this.#highest(threads), depth - 2 - i);
    });
    const thread = this.#highest(threads);
    const steps = threads.flatMap((one, step) => (one === thread ? [step] : []));
    return itemAt(steps, this.#random.below(steps.length));
  }

  #highest(threads: readonly number[]): number {
    return threads.reduce((best, thread) =>
      valueUnder(this.#priorities, thread) > valueUnder(this.#priorities, best) ? thread : best,
    );
  }

  /** A channel, or (below zero) a component that acts by itself. */
  #threadOf(step: number): number {
    const { channel, component } = this.expander.transitions;
    const transition = wordAt(this.expander.step, step);
    const slot = wordAt(channel, transition);
    return slot === BY_ITSELF ? -1 - wordAt(component, transition) : slot;
  }
}
