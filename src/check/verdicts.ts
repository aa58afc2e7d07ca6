/** From an exploration to verdicts: what each property came to, and the run that shows it. */
import type { Finding } from "./engine/checks.ts";
import { type Explored, load } from "./engine/explored.ts";
import { type Edge, findFairRunWithout, type Lasso, type Run } from "./properties/liveness.ts";
import type { Property, PropertyKind, Verdict } from "./properties/property.ts";
import { shorterLasso } from "./properties/shorterLasso.ts";

export interface PropertyResult {
  readonly name: string;
  readonly kind: PropertyKind;
  readonly verdict: Verdict;
  /** A counterexample, or a witness; null if there is none to show. */
  readonly run: Run | null;
}

/** Judges every property. Liveness is judged on complete spaces alone. */
export function verdictsOf(exploration: Explored): readonly PropertyResult[] {
  return exploration.model.properties.map((property, i) => {
    const { finding, applied } = exploration.findings[i]!;
    const { verdict, run } = judge(exploration, property, finding, applied);
    return { name: property.name, kind: property.kind, verdict, run };
  });
}

function judge(
  exploration: Explored,
  property: Property,
  finding: Finding | null,
  applied: boolean,
): { readonly verdict: Verdict; readonly run: Run | null } {
  // Between representatives there are no steps to show.
  const shows = finding !== null && exploration.symmetry === null;
  const run = shows ? { edges: runTo(exploration, finding), cycle: [] } : null;
  if (property.kind === "sometimes") {
    if (finding !== null) return { verdict: "holds", run };
    return { verdict: exploration.ending === "complete" ? "violated" : "open", run };
  }
  if (finding !== null) return { verdict: "violated", run };
  if (exploration.ending !== "complete") return { verdict: "open", run };
  if (property.kind !== "eventually" && property.kind !== "leadsTo") {
    return { verdict: applied ? "holds" : "vacuous", run };
  }
  if (exploration.isReduced === true) return { verdict: "open", run };
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
  const values = that.over.map((name) => {
    const slot = model.slots.findIndex((one) => one.name === name);
    return model.slots[slot]!.values[model.initial[slot]!];
  });
  return that.holds(...(values as never[]));
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
