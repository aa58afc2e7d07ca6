/** From an exploration to verdicts: what each property came to, and the run that shows it. */

import { itemAt } from "../lookup.ts";
import type { Finding } from "./engine/checks.ts";
import { type Explored, load, type Searched } from "./engine/explored.ts";
import type { Symmetry } from "./engine/symmetry.ts";
import { type LiftedRun, LiftedRuns } from "./liftedRuns.ts";
import { holdsAt } from "./properties/evaluate.ts";
import {
  type Edge,
  findFairRunWithout,
  type InPieces,
  type Lasso,
  type Run,
} from "./properties/liveness.ts";
import type { Property, PropertyKind, Verdict } from "./properties/property.ts";
import { shorterLasso } from "./properties/shorterLasso.ts";

export interface PropertyResult {
  readonly name: string;
  /** "model": no property, but what makes the model say less than it seems to; its verdict is "vacuous". */
  readonly kind: PropertyKind | "model";
  readonly verdict: Verdict;
  /** A counterexample, or a witness; null if there is none to show. */
  readonly run: Run | null;
  /** Where the run's states are. */
  readonly of: Searched;
}

/** Judges every property. Liveness is judged on complete spaces alone. */
export function verdictsOf(exploration: Explored): readonly PropertyResult[] {
  const judging = new Judging(exploration);
  judging.run(() => true);
  return judging.results;
}

/** The verdicts as far as they are known: judging liveness takes as long as the search. */
export class Judging {
  readonly #exploration: Explored;
  /** By property; those that are not judged yet are open. */
  readonly #results: PropertyResult[];
  readonly #problems: PropertyResult[] = [];
  readonly #work: InPieces<void>;
  /** Every property is judged. */
  isDone = false;

  constructor(exploration: Explored) {
    const { symmetry, model } = exploration;
    this.#exploration = exploration;
    this.#results = model.properties.map(({ name, kind }) => {
      return { name, kind, verdict: "open", run: null, of: exploration };
    });
    this.#work = symmetry === null ? this.#judgeStates() : this.#judgeOrbits(symmetry);
  }

  /** What is known, in the model's order. */
  get results(): readonly PropertyResult[] {
    return [...this.#results, ...this.#problems];
  }

  /** Judges for as long as `goOn` says. Returns whether every property is judged. */
  run(goOn: () => boolean): boolean {
    while (!this.isDone) {
      if (this.#work.next().done === true) this.#end();
      else if (!goOn()) break;
    }
    return this.isDone;
  }

  #end(): void {
    const { model, ending } = this.#exploration;
    this.isDone = true;
    model.verify?.();
    for (const name of model.problems?.(ending === "complete") ?? []) {
      const of = this.#exploration;
      this.#problems.push({ name, kind: "model", verdict: "vacuous", run: null, of });
    }
  }

  /** What takes no time comes first: all but liveness. */
  *#judgeStates(): InPieces<void> {
    const exploration = this.#exploration;
    const { model, findings } = exploration;
    for (const isLive of [false, true]) {
      for (const [i, property] of model.properties.entries()) {
        if (isLiveness(property) !== isLive) continue;
        const { finding, applied } = itemAt(findings, i);
        const shown = finding === null ? null : { edges: runTo(exploration, finding), cycle: [] };
        yield* this.#judge(i, shown, applied, exploration);
        yield;
      }
    }
  }

  /**
   * Of properties that a renaming takes to each other ("no vCPU is lost (vCPU 0)", and vCPU 1) representatives
   * tell whether any is broken, but not which. That one is whose run can be shown; the others are open.
   */
  *#judgeOrbits(symmetry: Symmetry): InPieces<void> {
    const exploration = this.#exploration;
    const { model, findings } = exploration;
    const lifting = new LiftedRuns(exploration, symmetry);
    const lifted: LiftedRun[] = [];
    for (const { finding } of findings) {
      if (finding !== null) lifted.push(lifting.lift(finding));
      yield;
    }
    const of = lifting.searched;
    for (const [i, { name, kind }] of model.properties.entries()) {
      const shown = lifted.find((one) => one.property === name)?.run ?? null;
      const others = model.properties.flatMap((one, at) =>
        at !== i && symmetry.alike(name).includes(one.name) ? [itemAt(findings, at)] : [],
      );
      const { applied } = itemAt(findings, i);
      const isUnclear = others.some((one) => one.finding !== null || (one.applied && !applied));
      const isFound = itemAt(findings, i).finding !== null;
      const isOpen = shown === null && (isFound || isUnclear);
      if (isOpen) this.#results[i] = { name, kind, verdict: "open", run: null, of };
      else yield* this.#judge(i, shown, applied, of);
    }
  }

  *#judge(i: number, shown: Run | null, applied: boolean, of: Searched): InPieces<void> {
    const property = itemAt(this.#exploration.model.properties, i);
    const { name, kind } = property;
    const note = ({ verdict, run }: Judged): void => {
      this.#results[i] = { name, kind, verdict, run, of };
    };
    note(yield* judge(this.#exploration, property, shown, applied, note));
  }
}

interface Judged {
  readonly verdict: Verdict;
  readonly run: Run | null;
}

function isLiveness({ kind }: Property): boolean {
  return kind === "eventually" || kind === "leadsTo";
}

/**
 * @param found a run that breaks the property or, of "sometimes", is a witness
 * @param note is told of a verdict that stands, while a shorter run is looked for
 */
function* judge(
  exploration: Explored,
  property: Property,
  found: Run | null,
  applied: boolean,
  note: (judged: Judged) => void,
): InPieces<Judged> {
  if (property.kind === "sometimes") {
    if (found !== null) return { verdict: "holds", run: found };
    return { verdict: exploration.ending === "complete" ? "violated" : "open", run: null };
  }
  if (found !== null) return { verdict: "violated", run: found };
  if (exploration.ending !== "complete") return { verdict: "open", run: null };
  if (property.kind !== "eventually" && property.kind !== "leadsTo") {
    return { verdict: applied ? "holds" : "vacuous", run: null };
  }
  if (exploration.isReduced === true) return { verdict: "open", run: null };
  const when = property.kind === "leadsTo" ? property.when : null;
  const result = yield* findFairRunWithout(exploration, property.that, when);
  if (result.lasso !== null) {
    const run = lassoRun(exploration, result.lasso);
    note({ verdict: "violated", run });
    const shorter = yield* shorterLasso(exploration, run, property.that, when);
    return { verdict: "violated", run: shorter };
  }
  // "eventually" what holds from the start says nothing.
  const says = property.kind === "leadsTo" ? result.applied : !holdsAtStart(exploration, property);
  return { verdict: says ? "holds" : "vacuous", run: null };
}

function holdsAtStart(
  { model }: Explored,
  { that }: Extract<Property, { that: unknown }>,
): boolean {
  return holdsAt(model, that, model.initial);
}

function lassoRun(exploration: Explored, { start, way, cycle }: Lasso): Run {
  const prefix = runTo(exploration, { property: "", state: start, step: -1 });
  return { edges: [...prefix, ...way], cycle };
}

/** The steps from the initial state to a finding, by the parents that the search noted. */
export function runTo(exploration: Explored, { state, step }: Finding): Edge[] {
  const { states } = exploration;
  const path = [state];
  for (let at = state; at !== 0; path.unshift(at)) at = states.parentOf(at);
  const edges = path.slice(1).map((to, i) => edgeBetween(exploration, itemAt(path, i), to));
  if (step >= 0) edges.push({ from: state, step, to: targetOf(exploration, state, step) });
  return edges;
}

function targetOf(exploration: Explored, from: number, step: number): number {
  const { states, expander } = exploration;
  const { layout } = states;
  const base = load(exploration, from);
  const packed = new Int32Array(layout.words);
  expander.applyPacked(step, layout, base, 0, packed, 0);
  return states.find(packed, expander.hash);
}

function edgeBetween(exploration: Explored, from: number, to: number): Edge {
  const { states, expander } = exploration;
  const { layout } = states;
  const base = load(exploration, from);
  const packed = new Int32Array(layout.words);
  for (let step = 0; step < expander.count; step++) {
    expander.applyPacked(step, layout, base, 0, packed, 0);
    if (states.find(packed, expander.hash) === to) return { from, step, to };
  }
  throw new Error(`no step leads from state ${from} to state ${to}`);
}
