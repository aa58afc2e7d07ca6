/** From an exploration to verdicts: what each property came to, and the run that shows it. */
import type { Finding } from "./engine/checks.ts";
import { type Explored, load, type Searched } from "./engine/explored.ts";
import type { Symmetry } from "./engine/symmetry.ts";
import { LiftedRuns } from "./liftedRuns.ts";
import { holdsAt } from "./properties/evaluate.ts";
import { type Edge, findFairRunWithout, type Lasso, type Run } from "./properties/liveness.ts";
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
  const { symmetry, model } = exploration;
  const results =
    symmetry === null ? verdictsOfStates(exploration) : verdictsOfOrbits(exploration, symmetry);
  model.verify?.();
  const problems = model.problems?.(exploration.ending === "complete") ?? [];
  return [
    ...results,
    ...problems.map((name): PropertyResult => {
      return { name, kind: "model", verdict: "vacuous", run: null, of: exploration };
    }),
  ];
}

function verdictsOfStates(exploration: Explored): readonly PropertyResult[] {
  const { model, findings } = exploration;
  return model.properties.map((property, i) => {
    const { finding, applied } = findings[i]!;
    const shown = finding === null ? null : { edges: runTo(exploration, finding), cycle: [] };
    const { verdict, run } = judge(exploration, property, shown, applied);
    return { name: property.name, kind: property.kind, verdict, run, of: exploration };
  });
}

/**
 * Of properties that a renaming takes to each other ("no vCPU is lost (vCPU 0)", and vCPU 1) representatives
 * tell whether any is broken, but not which. That one is whose run can be shown; the others are open.
 */
function verdictsOfOrbits(exploration: Explored, symmetry: Symmetry): readonly PropertyResult[] {
  const { model, findings } = exploration;
  const lifting = new LiftedRuns(exploration, symmetry);
  const lifted = findings.flatMap(({ finding }) => (finding === null ? [] : lifting.lift(finding)));
  const of = lifting.searched;
  return model.properties.map((property, i) => {
    const { name, kind } = property;
    const shown = lifted.find((one) => one.property === name)?.run ?? null;
    const others = model.properties.flatMap((one, at) =>
      at !== i && symmetry.alike(name).includes(one.name) ? [findings[at]!] : [],
    );
    const { applied } = findings[i]!;
    const isUnclear = others.some((one) => one.finding !== null || (one.applied && !applied));
    const isFound = findings[i]!.finding !== null;
    if (shown === null && (isFound || isUnclear))
      return { name, kind, verdict: "open", run: null, of };
    return { name, kind, ...judge(exploration, property, shown, applied), of };
  });
}

/** @param found a run that breaks the property or, of "sometimes", is a witness */
function judge(
  exploration: Explored,
  property: Property,
  found: Run | null,
  applied: boolean,
): { readonly verdict: Verdict; readonly run: Run | null } {
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
  const result = findFairRunWithout(exploration, property.that, when);
  if (result.lasso !== null) {
    const run = lassoRun(exploration, result.lasso);
    return { verdict: "violated", run: shorterLasso(exploration, run, property.that, when) };
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
  const edges = path.slice(1).map((to, i) => edgeBetween(exploration, path[i]!, to));
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
