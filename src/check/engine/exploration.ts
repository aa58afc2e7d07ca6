/**
 * Breadth-first search of a model's states: each is expanded once, in the order of finding, so that the
 * first state found to break a property is one of the nearest.
 */
import { UserError } from "../../errors.ts";
import { Evaluator } from "../properties/evaluate.ts";
import type { Predicate, Property } from "../properties/property.ts";
import { Expander } from "./expander.ts";
import { type Layout, layoutFor } from "./layout.ts";
import type { Model } from "./model.ts";
import { StateTable } from "./stateTable.ts";
import { MemberSymmetry } from "./symmetry.ts";

/** Successors that are looked up together. */
const BATCH = 1024;
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

/** Where a property was decided: a state, or a step from it. */
export interface Finding {
  readonly property: string;
  readonly state: number;
  /** Position among the state's steps; -1 if it is the state itself. */
  readonly step: number;
}

/** Why a search ended. */
export type Ending = "complete" | "violation" | "bound" | "stopped";

interface Check {
  readonly property: Property;
  readonly when: Evaluator | null;
  readonly that: Evaluator | null;
  applied: boolean;
  finding: Finding | null;
}

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
  readonly #checks: readonly Check[];
  /** Next state to expand. */
  #head = 0;
  #layout: Layout;
  #batch: Int32Array;
  readonly #parents = new Int32Array(BATCH + (1 << 16));
  #buffered = 0;
  readonly #watch = { overflowed: false };
  #broken = false;
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
    this.#batch = new Int32Array(this.#parents.length * this.#layout.words);
    this.#checks = model.properties.map((property) => this.#checkOf(property));
    this.#layout.pack(model.initial, this.#batch, 0);
    this.#parents[0] = StateTable.NO_PARENT;
    this.states.addBatch(this.#batch, this.#parents, 1);
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

  /** What was found of each property, in the model's order. `applied`: `when` held, or `seen` was. */
  get findings(): readonly { readonly finding: Finding | null; readonly applied: boolean }[] {
    return this.#checks.map(({ finding, applied }) => ({ finding, applied }));
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
      if (this.#broken && this.#options.keepGoing !== true) this.ending = "violation";
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
    const { count } = expander;
    const { words } = this.#layout;
    const base = state * words;
    if (this.#buffered + count > this.#parents.length) this.#flush();
    const batch = this.#batch;
    let at = this.#buffered;
    for (let step = 0; step < count; step++) {
      if (!this.#applyTo(step, base, batch, at * words)) continue;
      this.#parents[at++] = state;
    }
    if (this.#watch.overflowed) {
      // What is buffered already is right; this state comes again in the new layout.
      this.#flush();
      this.#relayout();
      return;
    }
    this.#buffered = at;
    this.generated += count;
    this.#head++;
    if (this.#checks.length > 0) this.#check(state);
    this.onExpand?.(state);
    if (at >= BATCH) this.#flush();
  }

  /** Writes the state after a step into the batch. Returns whether it is another than the one before. */
  #applyTo(step: number, base: number, batch: Int32Array, to: number): boolean {
    const { expander, states } = this;
    if (this.symmetry === null) {
      return expander.applyPacked(step, this.#layout, states.words, base, batch, to);
    }
    const next = expander.ids.slice();
    expander.apply(step, next);
    this.symmetry.canonicalize(next);
    this.#layout.pack(next, batch, to);
    return true;
  }

  #flush(): void {
    this.states.addBatch(this.#batch, this.#parents, this.#buffered);
    this.#buffered = 0;
  }

  #relayout(): void {
    this.#layout = this.#newLayout(this.#layout);
    this.states.relayout(this.#layout);
    this.#batch = new Int32Array(this.#parents.length * this.#layout.words);
  }

  #newLayout(before?: Layout): Layout {
    const { slots } = this.model;
    const layout = layoutFor(slots, before);
    this.#watch.overflowed = false;
    slots.forEach((slot, number) => {
      slot.room = 2 ** layout.bits[number]!;
      slot.watch = this.#watch;
    });
    return layout;
  }

  #checkOf(property: Property): Check {
    const evaluator = (predicate: Predicate | undefined): Evaluator | null =>
      predicate === undefined ? null : new Evaluator(this.model, predicate);
    const check = { property, finding: null };
    switch (property.kind) {
      case "always": {
        const when = evaluator(property.when);
        return { ...check, when, that: evaluator(property.that), applied: when === null };
      }
      case "step": {
        const when = evaluator(property.seen);
        return { ...check, when, that: null, applied: when === null };
      }
      case "sometimes":
        return { ...check, when: null, that: evaluator(property.that), applied: true };
      case "noDeadlock":
        return { ...check, when: null, that: null, applied: true };
      case "leadsTo":
        return { ...check, when: evaluator(property.when), that: null, applied: false };
      case "eventually":
        return { ...check, when: null, that: null, applied: true };
    }
  }

  #check(state: number): void {
    const { ids, count } = this.expander;
    let broken = 0;
    for (let step = 0; step < count; step++) broken |= this.expander.brokenBits(step);
    for (let i = 0; i < this.#checks.length; i++) {
      const check = this.#checks[i]!;
      const { property } = check;
      if (check.finding !== null) continue;
      // A step property, and one that leads to another, need `when` to hold once.
      const asks = check.when !== null && (property.kind === "always" || !check.applied);
      const applies = asks ? check.when!.holds(ids) : true;
      if (applies && asks) check.applied = true;
      switch (property.kind) {
        case "always":
          if (applies && !check.that!.holds(ids)) this.#found(check, state, -1);
          break;
        case "sometimes":
          if (check.that!.holds(ids)) check.finding = { property: property.name, state, step: -1 };
          break;
        case "noDeadlock":
          if (count === 0 && !this.model.isFinal(ids)) this.#found(check, state, -1);
          break;
        case "step":
          for (let step = 0; broken !== 0 && step < count; step++) {
            const bits = this.expander.brokenBits(step);
            if (bits === 0 || check.finding !== null) continue;
            const names = this.expander.steps.brokenBy(bits);
            if (names.includes(property.name)) this.#found(check, state, step);
          }
          break;
        default:
      }
    }
  }

  #found(check: Check, state: number, step: number): void {
    check.finding = { property: check.property.name, state, step };
    this.#broken = true;
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
