/**
 * Breadth-first search of a model's states: each is expanded once, in the order of finding, so that the
 * first state found to break a property is one of the nearest.
 */
import { UserError } from "../../errors.ts";
import { Checks, type Found } from "./checks.ts";
import { Expander } from "./expander.ts";
import { type Layout, layoutFor } from "./layout.ts";
import type { Model } from "./model.ts";
import { hashOf, StateTable } from "./stateTable.ts";
import { Successors } from "./successors.ts";
import { MemberSymmetry } from "./symmetry.ts";

/** States between two calls of the caller's watch. */
const WATCH_STATES = 4096;

export interface Bounds {
  /** Distinct states. */
  readonly states?: number;
  /** Steps from the initial state. */
  readonly depth?: number;
}

export interface ExplorationOptions {
  readonly bounds?: Bounds;
  /** Goes on after a property was found broken. */
  readonly keepGoing?: boolean;
  /** One representative for all states that differ by the order of the model's members. */
  readonly symmetry?: boolean;
}

/** Why a search ended. */
export type Ending = "complete" | "violation" | "bound" | "stopped";

export class Exploration {
  readonly model: Model;
  readonly expander: Expander;
  readonly states: StateTable;
  generated = 1;
  /** By depth: states with at most that many steps from the initial one. */
  readonly levelEnds: number[] = [1];
  ending: Ending | null = null;
  readonly symmetry: MemberSymmetry | null;
  readonly #options: ExplorationOptions;
  readonly #checks: Checks;
  /** Next state to expand. */
  #head = 0;
  #layout: Layout;
  #successors: Successors;
  readonly #watch = { overflowed: false };
  /** Told of every expanded state, when set: its number; the expander holds its steps. */
  onExpand: ((state: number) => void) | null = null;

  /** @throws if symmetry is asked for where it is not known, or not sound */
  constructor(model: Model, options: ExplorationOptions = {}) {
    this.model = model;
    this.symmetry = options.symmetry === true ? symmetryOf(model) : null;
    this.#options = options;
    this.expander = new Expander(model);
    this.#layout = this.#newLayout();
    this.states = new StateTable(this.#layout);
    this.#checks = new Checks(model, this.expander);
    const initial = new Int32Array(this.#layout.words);
    this.#layout.pack(model.initial, initial, 0);
    const hash = hashOf(initial, 0, initial.length);
    this.states.addBatch(initial, Int32Array.of(hash), Int32Array.of(StateTable.NO_PARENT), 1);
    this.#successors = new Successors(this.#layout, initial);
  }

  get distinct(): number {
    return this.states.count;
  }

  /** States whose steps are known. */
  get expanded(): number {
    return this.#head;
  }

  /** Steps from the initial state to the farthest state found. */
  get depth(): number {
    return this.depthOf(this.states.count - 1);
  }

  /** What was found of each property, in the model's order. */
  get findings(): readonly Found[] {
    return this.#checks.found;
  }

  depthOf(state: number): number {
    const depth = this.levelEnds.findIndex((end) => state < end);
    return depth < 0 ? this.levelEnds.length : depth;
  }

  /**
   * Searches until all is found, a property is broken, a bound is met, or `goOn` says false. May be
   * called again to go on from there.
   */
  run(goOn: () => boolean = () => true): Ending {
    this.ending = null;
    const most = this.#options.bounds?.states ?? Number.POSITIVE_INFINITY;
    let untilWatch = WATCH_STATES;
    while (this.ending === null) {
      if (this.#head === this.states.count) this.#flush();
      if (this.#head === this.states.count) this.ending = "complete";
      else if (this.#head === this.levelEnds.at(-1)) this.#endLevel();
      else if (this.states.count >= most) this.ending = "bound";
      else if (--untilWatch === 0) {
        untilWatch = WATCH_STATES;
        if (!goOn()) this.ending = "stopped";
      } else this.#expandNext();
      if (this.#checks.isBroken && this.#options.keepGoing !== true) this.ending = "violation";
    }
    this.#flush();
    return this.ending;
  }

  /** Puts a state's numbers into expander.ids, and finds its steps. */
  load(state: number): void {
    const { expander, states } = this;
    const { layout } = states;
    do {
      if (expander.isOutdated) expander.adapt();
      layout.unpack(states.words, state * layout.words, expander.ids);
      expander.expand();
    } while (expander.isOutdated);
  }

  #endLevel(): void {
    this.#flush();
    if (this.levelEnds.length > (this.#options.bounds?.depth ?? Number.POSITIVE_INFINITY)) {
      this.ending = "bound";
    } else this.levelEnds.push(this.states.count);
  }

  #expandNext(): void {
    const { expander } = this;
    const state = this.#head;
    this.load(state);
    if (expander.ids.length !== this.#layout.slots) {
      this.#flush();
      this.#relayout();
      return;
    }
    const successors = this.#successors;
    const from = state * this.#layout.words;
    const end =
      this.symmetry === null
        ? successors.collect(expander, this.states.words, from, state)
        : this.#collectOrbits(this.symmetry, state);
    if (this.#watch.overflowed) {
      // What is buffered already is right; this state comes again in the new layout.
      this.#flush();
      this.#relayout();
      return;
    }
    successors.count = end;
    this.generated += expander.count;
    this.#head++;
    this.#checks.look(state, this.#layout, this.states.words, from);
    this.onExpand?.(state);
    if (successors.isFull) this.#flush();
  }

  /** As Successors.collect, with representatives in the place of states. */
  #collectOrbits(symmetry: MemberSymmetry, state: number): number {
    const { expander } = this;
    const { words, hashes, parents, count } = this.#successors;
    const width = this.#layout.words;
    for (let step = 0; step < expander.count; step++) {
      const next = expander.ids.slice();
      expander.apply(step, next);
      symmetry.canonicalize(next);
      const at = count + step;
      this.#layout.pack(next, words, at * width);
      hashes[at] = hashOf(words, at * width, width);
      parents[at] = state;
    }
    return count + expander.count;
  }

  #flush(): void {
    const { words, hashes, parents, count } = this.#successors;
    this.states.addBatch(words, hashes, parents, count);
    this.#successors.count = 0;
  }

  #relayout(): void {
    this.#layout = this.#newLayout();
    this.states.relayout(this.#layout);
    const found = this.states.words.slice(0, this.#layout.words);
    this.#successors = new Successors(this.#layout, found);
  }

  #newLayout(): Layout {
    const { slots } = this.model;
    const layout = layoutFor(slots);
    this.#watch.overflowed = false;
    slots.forEach((slot, number) => {
      slot.room = 2 ** layout.bits[number]!;
      slot.watch = this.#watch;
    });
    this.expander.transitions.use(layout);
    return layout;
  }
}

/** With liveness, or what tells members apart, symmetry would be unsound (tlaplus issues 59 and 644). */
function symmetryOf(model: Model): MemberSymmetry {
  if (model.symmetry === undefined) {
    throw new UserError(`model ${model.name} declares no symmetric actors`);
  }
  const live = model.properties.find(({ kind }) => kind === "eventually" || kind === "leadsTo");
  if (live !== undefined) {
    throw new UserError(`"${live.name}" is a liveness property: it cannot be judged with symmetry`);
  }
  return new MemberSymmetry(model, model.symmetry);
}
