/**
 * Runs of the model along what a search with symmetry has found. Between representatives there are no
 * steps to show; but from the initial state itself some step leads into the orbit of each representative
 * on the way to a finding, and so on from there: states of an orbit do the same (symmetryCheck.ts).
 */
import type { Finding } from "./engine/checks.ts";
import { type Explored, loadIds, type Searched } from "./engine/explored.ts";
import { layoutFor } from "./engine/layout.ts";
import { packedHash, StateTable } from "./engine/stateTable.ts";
import type { Symmetry } from "./engine/symmetry.ts";
import { holdsAt } from "./properties/evaluate.ts";
import type { Edge, Run } from "./properties/liveness.ts";
import type { Property } from "./properties/property.ts";

/** A run, with the property that it shows: one alike to that of the finding. */
export interface LiftedRun {
  readonly property: string;
  readonly run: Run;
}

export class LiftedRuns {
  readonly #exploration: Explored;
  readonly #symmetry: Symmetry;
  /** States of all runs, each once. */
  readonly #states: Int32Array[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(exploration: Explored, symmetry: Symmetry) {
    this.#exploration = exploration;
    this.#symmetry = symmetry;
    this.#number(exploration.model.initial);
  }

  /** @throws if there is no such run: then the model is not symmetric */
  lift({ property, state, step }: Finding): LiftedRun {
    const { model, expander, states } = this.#exploration;
    const way: number[] = [];
    for (let at = state; at !== 0; at = states.parentOf(at)) way.unshift(at);
    const edges: Edge[] = [];
    let ids = model.initial;
    for (const representative of way) {
      const wanted = this.#representative(representative);
      ids = this.#step(ids, edges, (next) => this.#isIn(next, wanted));
    }
    if (step < 0) return { property: this.#shown(property, ids), run: { edges, cycle: [] } };
    this.#step(ids, edges, (_, number) => {
      return expander.steps.brokenBy(expander.brokenBits(number)).includes(property);
    });
    return { property, run: { edges, cycle: [] } };
  }

  /** Where the runs can be looked at. They are all here: `lift` first. */
  get searched(): Searched {
    const { model, expander } = this.#exploration;
    const layout = layoutFor(model.slots);
    const states = new StateTable(layout);
    for (const ids of this.#states) {
      const packed = new Int32Array(layout.words);
      layout.pack(ids, packed, 0);
      const hash = packedHash(packed, 0, layout.words);
      states.addBatch(packed, Int32Array.of(hash), Int32Array.of(StateTable.NO_PARENT), 1);
    }
    return { model, expander, states };
  }

  /** Takes the first step of a state to one that is right, and notes it. */
  #step(
    ids: Int32Array,
    edges: Edge[],
    isRight: (next: Int32Array, step: number) => boolean,
  ): Int32Array {
    const { expander } = this.#exploration;
    loadIds(expander, ids);
    for (let step = 0; step < expander.count; step++) {
      const next = expander.ids.slice();
      expander.apply(step, next);
      if (!isRight(next, step)) continue;
      edges.push({ from: this.#number(ids), step, to: this.#number(next) });
      return next;
    }
    throw new Error("a state of an orbit does not do what its representative does");
  }

  #representative(state: number): Int32Array {
    const { layout } = this.#exploration.states;
    const packed = new Int32Array(layout.words);
    this.#exploration.states.read(state, packed);
    const ids = new Int32Array(layout.slots);
    layout.unpack(packed, 0, ids);
    return ids;
  }

  #isIn(state: Int32Array, representative: Int32Array): boolean {
    this.#symmetry.adapt();
    const least = new Int32Array(this.#exploration.model.slots.length);
    least.set(state);
    this.#symmetry.canonicalize(least);
    return least.every((id, slot) => id === (representative[slot] ?? 0));
  }

  /** Of the properties alike, the one that this state decides. */
  #shown(property: string, ids: Int32Array): string {
    const { model } = this.#exploration;
    const alike = this.#symmetry.alike(property);
    if (alike.length === 1) return property;
    const found = model.properties.find((one) => alike.includes(one.name) && decides(one, ids));
    if (found === undefined) throw new Error(`no property like "${property}" is decided here`);
    return found.name;

    function decides(one: Property, ids: Int32Array): boolean {
      if (one.kind === "sometimes") return holdsAt(model, one.that, ids);
      if (one.kind !== "always") return false;
      if (one.when !== undefined && !holdsAt(model, one.when, ids)) return false;
      return !holdsAt(model, one.that, ids);
    }
  }

  #number(ids: Int32Array): number {
    // Slots that come to be later are empty before.
    const key = ids.join(" ").replace(/( 0)+$/, "");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#states.push(ids.slice()) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}
