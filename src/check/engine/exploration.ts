/**
 * A search of all of a model's states on one thread: each is expanded once. Breadth first, in the order of
 * finding, the first state found to break a property is one of the nearest; depth first, any.
 */
import { UserError } from "../../errors.ts";
import { wordAt } from "../../lookup.ts";
import { Checks, type Found } from "./checks.ts";
import { Expander } from "./expander.ts";
import { type Ending, loadPacked, type Search } from "./explored.ts";
import type { Layout } from "./layout.ts";
import type { Model } from "./model.ts";
import { Packing } from "./packing.ts";
import { Reduction } from "./reduction.ts";
import { packedHash, StateTable } from "./stateTable.ts";
import { Successors } from "./successors.ts";
import type { Symmetry } from "./symmetry.ts";
import { symmetryOf } from "./symmetryOf.ts";

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
  /** One representative for all states that differ by the numbers of what is alike; judges no liveness. */
  readonly symmetry?: boolean;
  /** Leaves out steps that only commute with others, and judges no liveness; breadth first. */
  readonly partialOrder?: boolean;
  /** Which state comes next: the first found (default), or the last. */
  readonly order?: "breadth" | "depth";
}

/** Where a search stands: enough to go on with a newly built model. */
export interface SearchState {
  readonly layout: Layout;
  readonly words: Int32Array;
  readonly parent: Int32Array;
  /** States whose expansion worked out a local step, or gave slots new values: in order. */
  readonly history: readonly number[];
  /** Values of each slot, and messages: to see that the model is the same. */
  readonly values: readonly number[];
  readonly generated: number;
  readonly expanded: number;
  readonly levelEnds: readonly number[];
  readonly stack: Int32Array;
  readonly findings: readonly Found[];
}

export class Exploration implements Search {
  readonly model: Model;
  readonly expander: Expander;
  states: StateTable;
  readonly symmetry: Symmetry | null;
  generated = 1;
  expanded = 0;
  ending: Ending | null = null;
  readonly #levelEnds: number[] = [];
  readonly #options: ExplorationOptions;
  /** With symmetry, the representative of the model's. */
  readonly #initial: Int32Array;
  #checks: Checks;
  readonly #packing: Packing;
  #successors: Successors;
  readonly #reduction: Reduction | null;
  /** Of a depth-first search: states to be expanded, the next one last. */
  readonly #stack: number[] = [];
  readonly #history: number[] = [];
  /** What was learnt when the last of these was expanded. */
  #noted = 0;

  /** @throws UserError if symmetry is asked for where there is none */
  constructor(model: Model, options: ExplorationOptions = {}) {
    this.model = model;
    this.symmetry = options.symmetry === true ? symmetryOf(model) : null;
    this.#options = options;
    this.#initial = new Int32Array(model.slots.length);
    this.#initial.set(model.initial);
    this.symmetry?.canonicalize(this.#initial);
    this.expander = new Expander(model);
    this.symmetry?.attach?.(this.expander);
    this.#packing = new Packing(this.expander);
    this.#reduction = options.partialOrder === true ? new Reduction(model) : null;
    this.states = new StateTable(this.#packing.layout);
    this.#checks = new Checks(model, this.expander);
    this.#successors = this.#addInitial();
    if (options.order === "depth") this.#stack.push(0);
    else this.#levelEnds.push(1);
  }

  #addInitial(): Successors {
    const { layout } = this.#packing;
    const initial = new Int32Array(layout.words);
    layout.pack(this.#initial, initial, 0);
    const hash = packedHash(initial, 0, layout.words);
    this.states.addBatch(initial, Int32Array.of(hash), Int32Array.of(StateTable.NO_PARENT), 1);
    this.#reduction?.begin();
    this.#reduction?.look(this.findings);
    return new Successors(layout, initial);
  }

  /** A reduced search learns what steps do; with that it is done again. */
  #startAgain(): void {
    this.states = new StateTable(this.#packing.layout);
    this.#checks = new Checks(this.model, this.expander);
    this.generated = 1;
    this.expanded = 0;
    this.#levelEnds.splice(0, this.#levelEnds.length, 1);
    this.#successors = this.#addInitial();
  }

  get isReduced(): boolean {
    return this.#reduction !== null || this.symmetry !== null;
  }

  get remarks(): readonly string[] {
    if (this.symmetry === null) return this.#reduction?.remarks ?? [];
    return [this.symmetry.remark, "liveness is not judged with --symmetry"];
  }

  get distinct(): number {
    return this.states.count;
  }

  get depth(): number {
    if (this.#options.order === "depth") return depthOfTree(this.states);
    const last = this.states.count - 1;
    const depth = this.#levelEnds.findIndex((end) => last < end);
    return depth < 0 ? this.#levelEnds.length : depth;
  }

  get lookups(): number {
    return this.expander.lookups;
  }

  get levelEnds(): readonly number[] {
    return this.#levelEnds;
  }

  get findings(): readonly Found[] {
    return this.#checks.found;
  }

  run(goOn: () => boolean = () => true): Ending {
    this.ending = null;
    const most = this.#options.bounds?.states ?? Number.POSITIVE_INFINITY;
    const byDepth = this.#options.order === "depth";
    let untilWatch = WATCH_STATES;
    while (this.ending === null) {
      if (byDepth ? this.#stack.length === 0 : this.#isLevelDone()) this.#endLevel();
      else if (this.states.count >= most) this.ending = "bound";
      else if (--untilWatch === 0) {
        untilWatch = WATCH_STATES;
        if (!goOn()) this.ending = "stopped";
      } else if (byDepth) this.#descend();
      else this.#expand(this.expanded);
    }
    this.#flush();
    return this.ending;
  }

  /** New values, and local steps worked out. */
  get #learnt(): number {
    return this.#packing.added + this.expander.steps.misses;
  }

  #isLevelDone(): boolean {
    return this.expanded === this.#levelEnds.at(-1);
  }

  /** A level is finished also where a property breaks: then the counts do not depend on the order in it. */
  #endLevel(): void {
    this.#flush();
    const { bounds, keepGoing } = this.#options;
    if (this.#checks.isBroken && keepGoing !== true) this.ending = "violation";
    else if (this.expanded === this.states.count) {
      if (this.#reduction?.isSettled === false) this.#startAgain();
      else this.ending = "complete";
    } else if (this.#levelEnds.length > (bounds?.depth ?? Number.POSITIVE_INFINITY)) {
      this.ending = "bound";
    } else {
      this.#levelEnds.push(this.states.count);
      this.#reduction?.look(this.findings);
    }
  }

  /** Expands the state found last. */
  #descend(): void {
    const before = this.states.count;
    this.#expand(this.#stack.pop()!);
    this.#flush();
    // The first of its next states first.
    for (let state = this.states.count - 1; state >= before; state--) this.#stack.push(state);
    if (this.#checks.isBroken && this.#options.keepGoing !== true) this.ending = "violation";
  }

  /** Again in a new layout, if the state's next ones do not fit into this one. */
  #expand(state: number): void {
    const { expander, states } = this;
    const packing = this.#packing;
    const { layout } = packing;
    const from = state * layout.words;
    const successors = this.#successors;
    loadPacked(expander, layout, states.words, from);
    this.symmetry?.adapt();
    if (!this.#isStale) this.symmetry?.check(expander);
    let end = 0;
    if (!this.#isStale) {
      this.#reduction?.restrict(expander, (ids) => this.#isLater(ids, state));
    }
    const taken = expander.count;
    if (!this.#isStale) {
      end = successors.collect(expander, states.words, from, state, this.symmetry);
    }
    if (this.#isStale) {
      // What is buffered already is right.
      this.#flush();
      this.#relayout();
      this.#expand(state);
      return;
    }
    successors.count = end;
    this.generated += taken;
    this.#reduction?.restore(expander);
    this.expanded++;
    if (this.#learnt !== this.#noted) {
      this.#history.push(state);
      this.#noted = this.#learnt;
    }
    this.#checks.look(state, layout, states.words, from);
    if (successors.isFull) this.#flush();
  }

  /** Whether there are values, or slots, that the layout has no room for: what was worked out does not count. */
  get #isStale(): boolean {
    return this.#packing.isOutgrown || this.expander.isOutdated;
  }

  /** Whether a state is still to be expanded when this one is. */
  #isLater(ids: Int32Array, state: number): boolean {
    // The layout has no room for it: it is asked again when there is.
    if (this.#isStale) return true;
    const { layout } = this.#packing;
    const packed = new Int32Array(layout.words);
    layout.pack(ids, packed, 0);
    const found = this.states.find(packed);
    return found < 0 || found > state;
  }

  /** Where it stands, to go on later. The arrays are its own: to be written at once. */
  save(): SearchState {
    this.#flush();
    const { words, parent, count } = this.states;
    const { layout } = this.#packing;
    return {
      layout,
      words: words.subarray(0, count * layout.words),
      parent: parent.subarray(0, count),
      history: this.#history,
      values: valuesOf(this.model),
      generated: this.generated,
      expanded: this.expanded,
      levelEnds: this.#levelEnds,
      stack: Int32Array.from(this.#stack),
      findings: this.findings,
    };
  }

  /**
   * Goes on from there; this search is newly made. The states at which something was learnt are
   * expanded again in the same order, so that all numbers mean the same.
   * @throws UserError if they do not: the model has changed since
   */
  restore(saved: SearchState): void {
    for (const state of saved.history) {
      do {
        loadPacked(this.expander, saved.layout, saved.words, state * saved.layout.words);
        this.symmetry?.adapt();
        if (!this.expander.isOutdated) this.symmetry?.check(this.expander);
      } while (this.expander.isOutdated);
      for (let step = 0; step < this.expander.count; step++) this.#applyAlone(step);
    }
    if (valuesOf(this.model).join() !== saved.values.join()) {
      throw new UserError("the saved search is of another version of this model");
    }
    this.#packing.use(saved.layout);
    this.#noted = this.#learnt;
    this.states.restore(saved.layout, saved.words, saved.parent);
    this.#successors = new Successors(saved.layout, saved.words.slice(0, saved.layout.words));
    this.generated = saved.generated;
    this.expanded = saved.expanded;
    this.#levelEnds.splice(0, this.#levelEnds.length, ...saved.levelEnds);
    this.#stack.splice(0, this.#stack.length, ...saved.stack);
    this.#history.push(...saved.history);
    this.#checks.restore(saved.findings);
  }

  #applyAlone(step: number): void {
    const next = this.expander.ids.slice();
    this.expander.apply(step, next);
    this.symmetry?.canonicalize(next);
  }

  #flush(): void {
    const { words, hashes, parents, count } = this.#successors;
    this.states.addBatch(words, hashes, parents, count);
    this.#successors.count = 0;
  }

  #relayout(): void {
    const layout = this.#packing.renew();
    this.states.relayout(layout);
    this.#successors = new Successors(layout, this.states.words.slice(0, layout.words));
  }
}

function valuesOf({ slots, messages }: Model): number[] {
  return [...slots, messages].map(({ values }) => values.length);
}

/** The longest way from the initial state by first parents, which come before their children. */
function depthOfTree({ count, parent }: StateTable): number {
  const depths = new Int32Array(count);
  let deepest = 0;
  for (let state = 1; state < count; state++) {
    depths[state] = wordAt(depths, wordAt(parent, state)) + 1;
    deepest = Math.max(deepest, wordAt(depths, state));
  }
  return deepest;
}
