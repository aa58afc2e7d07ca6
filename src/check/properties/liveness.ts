/**
 * Liveness on the whole state graph: a run that never reaches what it should stays, from some time on,
 * in one strongly connected component of the states where it has not, and a fair run can stay there
 * exactly if each weakly fair class is either taken inside or not enabled in some state of it, and each
 * strongly fair one is taken inside or enabled nowhere in it. Where the latter fails, what is left without
 * the states that enable the class is looked at in the same way (Emerson and Lei, "Modalities for model
 * checking", 1987). Every component is looked at, joins and cycles included, so that the answer is exact.
 */

import { itemAt, valueUnder, wordAt } from "../../lookup.ts";
import { type Explored, load } from "../engine/explored.ts";
import { componentsOf, type Graph, subgraph } from "./components.ts";
import { Evaluator } from "./evaluate.ts";
import { FairClasses, hasStrongFairness, UNFAIR } from "./fairness.ts";
import type { Predicate } from "./property.ts";

/** A step by number: from a state, the position among its steps, to a state. */
export interface Edge {
  readonly from: number;
  readonly step: number;
  readonly to: number;
}

/** A run by numbers of states and steps. `cycle`: what repeats for ever, for liveness. */
export interface Run {
  readonly edges: readonly Edge[];
  readonly cycle: readonly Edge[];
}

/** A run that goes round for ever. An empty cycle: it stops at the end of the way. */
export interface Lasso {
  readonly start: number;
  /** From the state where the obligation begins to the first of the cycle. */
  readonly way: readonly Edge[];
  readonly cycle: readonly Edge[];
}

export interface LivenessResult {
  /** Whether the obligation ever begins. */
  readonly applied: boolean;
  readonly lasso: Lasso | null;
}

/** States between two pauses: some milliseconds. */
const PAUSE_STATES = 1 << 12;

/** Work in pieces: between two of them the one for whom it is done may do something else, or give it up. */
export type InPieces<Result> = Generator<void, Result>;

/**
 * Looks for a fair run on which `that` never holds, from the initial state or from one where `when` does.
 * The exploration must be complete. Between two pieces the expander may be loaded with another state.
 */
export function findFairRunWithout(
  exploration: Explored,
  that: Predicate,
  when: Predicate | null,
): InPieces<LivenessResult> {
  return new LivenessSearch(exploration, that, when).run();
}

class LivenessSearch {
  readonly #exploration: Explored;
  readonly #classes = new FairClasses();
  /** By state: its node, -1 where `that` holds. Nodes are numbered in the order of states. */
  readonly #nodes: Int32Array;
  readonly #states: number[] = [];
  readonly #starts: number[] = [];
  #applied = false;
  readonly #goal: Evaluator;
  readonly #trigger: Evaluator | null;
  #first = new Int32Array(0);
  #targets = new Int32Array(1024);
  #steps = new Int32Array(1024);
  #edges = 0;
  readonly #packed: Int32Array;
  readonly #hasStrong: boolean;

  constructor(exploration: Explored, that: Predicate, when: Predicate | null) {
    this.#exploration = exploration;
    const { states, model } = exploration;
    this.#nodes = new Int32Array(states.count).fill(-1);
    const { layout } = states;
    this.#packed = new Int32Array(layout.words);
    this.#goal = new Evaluator(model, that);
    this.#trigger = when === null ? null : new Evaluator(model, when);
    this.#hasStrong = hasStrongFairness(model);
  }

  *run(): InPieces<LivenessResult> {
    yield* this.#findNodes();
    if (this.#starts.length === 0) return { applied: this.#applied, lasso: null };
    yield* this.#findEdges();
    const graph: Graph = { first: this.#first, targets: this.#targets.subarray(0, this.#edges) };
    const { order, from } = this.#reach(graph);
    yield;
    const reached = new Uint8Array(this.#states.length);
    for (const node of order) reached[node] = 1;
    let best: readonly number[] | null = null;
    const rank = new Int32Array(this.#states.length);
    order.forEach((node, position) => {
      rank[node] = position;
    });
    let nearest = this.#states.length;
    for (const members of componentsOf(graph)) {
      if (members === null) yield;
      else if (reached[itemAt(members, 0)] === 1 && nearestOf(members, rank) < nearest) {
        const part = yield* this.#fairPart(graph, members, rank);
        if (part !== null && nearestOf(part, rank) < nearest) {
          [best, nearest] = [part, nearestOf(part, rank)];
        }
      }
    }
    if (best === null) return { applied: true, lasso: null };
    const entry = itemAt(order, nearest);
    const way = this.#wayTo(entry, from);
    const start = way[0]?.from ?? itemAt(this.#states, entry);
    return { applied: true, lasso: { start, way, cycle: this.#cycle(best, entry) } };
  }

  *#findNodes(): InPieces<void> {
    const { states } = this.#exploration;
    const { layout } = states;
    for (let state = 0; state < states.count; state++) {
      if (state % PAUSE_STATES === 0) yield;
      states.read(state, this.#packed);
      const begins =
        this.#trigger === null ? state === 0 : this.#trigger.holds(layout, this.#packed, 0);
      if (begins) this.#applied = true;
      if (this.#goal.holds(layout, this.#packed, 0)) continue;
      this.#nodes[state] = this.#states.length;
      this.#states.push(state);
      if (begins) this.#starts.push(state);
    }
    this.#first = new Int32Array(this.#states.length + 1);
  }

  *#findEdges(): InPieces<void> {
    const { expander, states } = this.#exploration;
    for (let node = 0; node < this.#states.length; node++) {
      if (node % PAUSE_STATES === 0) yield;
      this.#first[node] = this.#edges;
      const base = load(this.#exploration, itemAt(this.#states, node));
      for (let step = 0; step < expander.count; step++) {
        expander.applyPacked(step, states.layout, base, 0, this.#packed, 0);
        const target = wordAt(this.#nodes, states.find(this.#packed, expander.hash));
        if (target >= 0) this.#addEdge(target, step);
      }
    }
    this.#first[this.#states.length] = this.#edges;
  }

  #addEdge(target: number, step: number): void {
    if (this.#edges === this.#targets.length) {
      const grow = (array: Int32Array): Int32Array<ArrayBuffer> => {
        const grown = new Int32Array(2 * array.length);
        grown.set(array);
        return grown;
      };
      this.#targets = grow(this.#targets);
      this.#steps = grow(this.#steps);
    }
    this.#targets[this.#edges] = target;
    this.#steps[this.#edges++] = step;
  }

  /** Breadth first from all starts: nodes in that order, and by node the edge it was reached by. */
  #reach({ first, targets }: Graph): { readonly order: number[]; readonly from: Int32Array } {
    const from = new Int32Array(this.#states.length).fill(-2);
    const order: number[] = [];
    for (const state of this.#starts) {
      const node = wordAt(this.#nodes, state);
      from[node] = -1;
      order.push(node);
    }
    for (let head = 0; head < order.length; head++) {
      const node = itemAt(order, head);
      for (let edge = wordAt(first, node); edge < wordAt(first, node + 1); edge++) {
        const target = wordAt(targets, edge);
        if (from[target] !== -2) continue;
        from[target] = edge;
        order.push(target);
      }
    }
    return { order, from };
  }

  #sourceOf(edge: number): number {
    let low = 0;
    let high = this.#states.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (wordAt(this.#first, middle) <= edge) low = middle;
      else high = middle;
    }
    return low;
  }

  #edge(edge: number): Edge {
    const from = itemAt(this.#states, this.#sourceOf(edge));
    return {
      from,
      step: wordAt(this.#steps, edge),
      to: itemAt(this.#states, wordAt(this.#targets, edge)),
    };
  }

  #wayTo(node: number, from: Int32Array): Edge[] {
    const way: Edge[] = [];
    for (let at = node; wordAt(from, at) >= 0; at = this.#sourceOf(wordAt(from, at))) {
      way.unshift(this.#edge(wordAt(from, at)));
    }
    return way;
  }

  /** Fair classes enabled in a state; null if a wire without latency is busy: it holds up nothing for long. */
  #enabled(node: number): Set<number> | null {
    const { expander } = this.#exploration;
    load(this.#exploration, itemAt(this.#states, node));
    if (expander.isImmediate) return null;
    const classes = new Set<number>();
    for (let step = 0; step < expander.count; step++) {
      const number = this.#classes.of(expander, step);
      if (number !== UNFAIR) classes.add(number);
    }
    return classes;
  }

  /** Whether anything obliges the run to leave a state. */
  #isObliged(node: number): boolean {
    const { expander } = this.#exploration;
    load(this.#exploration, itemAt(this.#states, node));
    for (let step = 0; step < expander.count; step++) {
      if (this.#classes.of(expander, step) !== UNFAIR) return true;
    }
    return false;
  }

  /** What of a component a fair run can stay in for ever, the nearest of several; null if nothing. */
  *#fairPart(
    graph: Graph,
    members: readonly number[],
    rank: Int32Array,
  ): InPieces<readonly number[] | null> {
    const [first] = members;
    const inside = new Set(members);
    // A state that is left at once, and never met again: most are.
    const goesRound = members.length > 1 || this.#inner(first!, inside).length > 0;
    if (!goesRound) return this.#isObliged(first!) ? null : members;
    const unmet = yield* this.#unmet(members, inside);
    if (unmet === null) return null;
    if (unmet.size === 0) return members;
    const kept = members.filter((node) => {
      const enabled = this.#enabled(node);
      return enabled === null || [...enabled].every((one) => !unmet.has(one));
    });
    let best: readonly number[] | null = null;
    for (const numbers of componentsOf(subgraph(graph, kept))) {
      if (numbers === null) continue;
      const part: readonly number[] | null = yield* this.#fairPart(
        graph,
        numbers.map((number) => itemAt(kept, number)),
        rank,
      );
      if (part === null) continue;
      if (best === null || nearestOf(part, rank) < nearestOf(best, rank)) best = part;
    }
    return best;
  }

  /**
   * Strongly fair classes that are enabled inside and not taken; null if a class that is enabled
   * everywhere is not taken, so that no part is fair either.
   */
  *#unmet(
    members: readonly number[],
    inside: ReadonlySet<number>,
  ): InPieces<ReadonlySet<number> | null> {
    let always: ReadonlySet<number> | undefined;
    const taken = new Set<number>();
    const strong = new Set<number>();
    for (const [number, node] of members.entries()) {
      if (number % PAUSE_STATES === PAUSE_STATES - 1) yield;
      const enabled = this.#enabled(node);
      if (enabled !== null) {
        always = new Set([...(always ?? enabled)].filter((one) => enabled.has(one)));
        for (const one of enabled) if (this.#classes.isStrong(one)) strong.add(one);
      }
      for (const edge of this.#inner(node, inside)) {
        taken.add(this.#classes.of(this.#exploration.expander, wordAt(this.#steps, edge)));
      }
      if (always?.size === 0 && !this.#hasStrong) return strong;
    }
    if ([...(always ?? [])].some((one) => !taken.has(one))) return null;
    return new Set([...strong].filter((one) => !taken.has(one)));
  }

  #inner(node: number, inside: ReadonlySet<number>): number[] {
    const edges: number[] = [];
    for (let edge = wordAt(this.#first, node); edge < wordAt(this.#first, node + 1); edge++) {
      if (inside.has(wordAt(this.#targets, edge))) edges.push(edge);
    }
    return edges;
  }

  /** A way round inside a component that meets every obligation of fairness, from `entry` back to it. */
  #cycle(members: readonly number[], entry: number): Edge[] {
    const inside = new Set(members);
    const cycle: Edge[] = [];
    let at = entry;
    const go = (edges: readonly number[]): void => {
      for (const edge of edges) {
        cycle.push(this.#edge(edge));
        at = wordAt(this.#targets, edge);
      }
    };
    const sets = members.flatMap((node) => this.#enabled(node) ?? []);
    const owed = new Set(sets.flatMap((set) => [...set]));
    for (const one of owed) {
      const idle = members.find((node) => this.#enabled(node)?.has(one) === false);
      if (idle !== undefined && !this.#classes.isStrong(one)) {
        go(this.#inside(at, (node) => node === idle, inside));
        continue;
      }
      for (const node of members) {
        this.#enabled(node);
        const { expander } = this.#exploration;
        const edge = this.#inner(node, inside).find((candidate) => {
          return this.#classes.of(expander, wordAt(this.#steps, candidate)) === one;
        });
        if (edge === undefined) continue;
        go([...this.#inside(at, (other) => other === node, inside), edge]);
        break;
      }
    }
    if (at !== entry) go(this.#inside(at, (node) => node === entry, inside));
    return cycle;
  }

  /** The shortest way inside a component to a node. */
  #inside(
    start: number,
    isThere: (node: number) => boolean,
    inside: ReadonlySet<number>,
  ): number[] {
    if (isThere(start)) return [];
    const from = new Map<number, number>([[start, -1]]);
    const queue = [start];
    for (const node of queue) {
      for (const edge of this.#inner(node, inside)) {
        const target = wordAt(this.#targets, edge);
        if (from.has(target)) continue;
        from.set(target, edge);
        queue.push(target);
        if (!isThere(target)) continue;
        const edges: number[] = [];
        for (let at = target; at !== start; at = this.#sourceOf(valueUnder(from, at))) {
          edges.unshift(valueUnder(from, at));
        }
        return edges;
      }
    }
    throw new Error("a strongly connected component is not connected");
  }
}

/** The least rank of some nodes. */
function nearestOf(nodes: readonly number[], rank: Int32Array): number {
  return nodes.reduce((least, node) => Math.min(least, wordAt(rank, node)), rank.length);
}
