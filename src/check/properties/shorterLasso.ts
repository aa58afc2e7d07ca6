/**
 * Leaves out of a run that goes round for ever what it does not need: a message of its beginning, with all
 * that only it leads to, if the run without them still is one that breaks the property. Each candidate is
 * run again on the explored graph and judged anew (the property, and fairness of the cycle): nothing is
 * concluded from causality alone, which only says what to try.
 */

import { wordAt } from "../../lookup.ts";
import { type Explored, load } from "../engine/explored.ts";
import { Evaluator } from "./evaluate.ts";
import { FairClasses, UNFAIR } from "./fairness.ts";
import type { Edge, InPieces, Run } from "./liveness.ts";
import type { Predicate } from "./property.ts";

/** A step without its state: which message somebody takes, and what he chooses. */
interface Label {
  readonly component: number;
  readonly channel: number;
  readonly message: number;
  readonly choice: string;
}

/**
 * In pieces: it may be given up between two of them, and then the run is the one that was given.
 * @param when null: the obligation begins at the start
 */
export function shorterLasso(
  exploration: Explored,
  run: Run,
  that: Predicate,
  when: Predicate | null,
): InPieces<Run> {
  return new Shortening(exploration, that, when).shorten(run);
}

class Shortening {
  readonly #exploration: Explored;
  readonly #that: Evaluator;
  readonly #when: Evaluator | null;
  readonly #classes = new FairClasses();
  readonly #packed: Int32Array;

  constructor(exploration: Explored, that: Predicate, when: Predicate | null) {
    const { model, states } = exploration;
    this.#exploration = exploration;
    this.#that = new Evaluator(model, that);
    this.#when = when === null ? null : new Evaluator(model, when);
    this.#packed = new Int32Array(states.layout.words);
  }

  *shorten(run: Run): InPieces<Run> {
    const cycle = run.cycle.map((edge) => this.#label(edge));
    let best = run;
    // From the end: what comes late has the fewest consequences.
    for (let at = run.edges.length - 1; at >= 0; at = Math.min(at, best.edges.length) - 1) {
      yield;
      const stem = best.edges.toSpliced(at, 1).map((edge) => this.#label(edge));
      const tried = this.#replay(stem, cycle);
      if (tried !== null && this.#breaks(tried)) best = tried;
    }
    return best;
  }

  #label({ from, step }: Edge): Label {
    load(this.#exploration, from);
    return this.#labelHere(step);
  }

  /** Of a step of the state in the expander. */
  #labelHere(step: number): Label {
    const { transitions, steps, step: numbers } = this.#exploration.expander;
    const transition = wordAt(numbers, step);
    return {
      component: wordAt(transitions.component, transition),
      channel: wordAt(transitions.channel, transition),
      message: wordAt(transitions.message, transition),
      choice: steps.choiceAt(wordAt(transitions.outcome, transition)),
    };
  }

  /** The stem without what cannot happen now, and the whole cycle; null if that cannot happen, or does not close. */
  #replay(stem: readonly Label[], cycle: readonly Label[]): Run | null {
    const edges: Edge[] = [];
    const round: Edge[] = [];
    let at = 0;
    for (const label of stem) {
      const edge = this.#take(at, label);
      if (edge === null) continue;
      edges.push(edge);
      at = edge.to;
    }
    const entry = at;
    for (const label of cycle) {
      const edge = this.#take(at, label);
      if (edge === null) return null;
      round.push(edge);
      at = edge.to;
    }
    return at === entry ? { edges, cycle: round } : null;
  }

  #take(from: number, wanted: Label): Edge | null {
    const { expander, states } = this.#exploration;
    const base = load(this.#exploration, from);
    for (let step = 0; step < expander.count; step++) {
      const { component, channel, message, choice } = this.#labelHere(step);
      if (component !== wanted.component || channel !== wanted.channel) continue;
      if (message !== wanted.message || choice !== wanted.choice) continue;
      expander.applyPacked(step, states.layout, base, 0, this.#packed, 0);
      return { from, step, to: states.find(this.#packed, expander.hash) };
    }
    return null;
  }

  /** Whether an obligation begins on the run that nothing on it meets, and the run may go on so for ever. */
  #breaks({ edges, cycle }: Run): boolean {
    const way = [0, ...[...edges, ...cycle].map(({ to }) => to)];
    const met = way.findLastIndex((state) => this.#holds(this.#that, state));
    // What is met on the cycle is met again and again.
    if (met >= edges.length) return false;
    const rest = way.slice(met + 1);
    const begins =
      this.#when === null ? met < 0 : rest.some((state) => this.#holds(this.#when!, state));
    return begins && this.#isFair(way.at(-1)!, cycle);
  }

  #holds(predicate: Evaluator, state: number): boolean {
    const { states } = this.#exploration;
    states.read(state, this.#packed);
    return predicate.holds(states.layout, this.#packed, 0);
  }

  /**
   * What is enabled all the way round is taken in it, and what is owed strong fairness also if it is enabled
   * anywhere. Without a cycle nothing is owed at the end.
   */
  #isFair(end: number, cycle: readonly Edge[]): boolean {
    if (cycle.length === 0) return this.#enabled(end).size === 0;
    const { expander } = this.#exploration;
    let always: ReadonlySet<number> | null = null;
    const taken = new Set<number>();
    const strong = new Set<number>();
    for (const { from, step } of cycle) {
      const enabled: ReadonlySet<number> = this.#enabled(from);
      taken.add(this.#classes.of(expander, step));
      // While a wire without latency is busy everything else waits: that is no refusal.
      if (expander.isImmediate) continue;
      for (const one of enabled) if (this.#classes.isStrong(one)) strong.add(one);
      always = new Set([...(always ?? enabled)].filter((one) => enabled.has(one)));
    }
    return [...(always ?? []), ...strong].every((one) => taken.has(one));
  }

  /** Fair classes of a state's steps; the state is in the expander afterwards. */
  #enabled(state: number): Set<number> {
    const { expander } = this.#exploration;
    load(this.#exploration, state);
    const classes = new Set<number>();
    for (let step = 0; step < expander.count; step++) classes.add(this.#classes.of(expander, step));
    classes.delete(UNFAIR);
    return classes;
  }
}
