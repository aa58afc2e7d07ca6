/** What a search leaves behind, however it went: for verdicts, liveness, traces and reports. */

import type { Found } from "./checks.ts";
import type { Expander } from "./expander.ts";
import type { Layout } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Symmetry } from "./symmetry.ts";

/** States that were found, by number. Number 0 is the initial state. */
export interface States {
  readonly count: number;
  readonly layout: Layout;
  /** Memory, the tables over the states included. */
  readonly bytes: number;
  /** Copies a packed state to the start of `packed`. */
  read(state: number, packed: Int32Array): void;
  /** The state that it was first reached from, -1 for the initial one. */
  parentOf(state: number): number;
  /** The number of a packed state, -1 if it was not found. `hash`: see Expander. */
  find(packed: Int32Array, hash: number): number;
}

/** States, and what finds the steps between them. */
export interface Searched {
  readonly model: Model;
  readonly expander: Expander;
  readonly states: States;
}

/** Why a search ended. */
export type Ending = "complete" | "violation" | "bound" | "stopped";

export interface Explored extends Searched {
  readonly symmetry: Symmetry | null;
  readonly distinct: number;
  readonly generated: number;
  /** Local steps looked up. */
  readonly lookups: number;
  /** States whose steps are all known. */
  readonly expanded: number;
  /** Steps from the initial state to the farthest state found. */
  readonly depth: number;
  /** By depth: states found so far; empty if the search does not go by levels. */
  readonly levelEnds: readonly number[];
  /** Null while it goes on. */
  readonly ending: Ending | null;
  /** What was found of each property, in the model's order. */
  readonly findings: readonly Found[];
  /** States or steps were left out for others that stand for them: runs that go on for ever are not all there. */
  readonly isReduced?: boolean;
}

/** A search that can be run in slices. */
export interface Search extends Explored {
  /**
   * Goes on until all is found, a property is broken, a bound is met, or `goOn` says false. May be called
   * again to go on from there.
   */
  run(goOn?: () => boolean): Ending;
  /** Memory, where it is not that of the states. */
  readonly bytes?: number;
  /** What a reader must know of a search that is not exact, in sentences. */
  readonly remarks?: readonly string[];
}

/** Puts a state's numbers into expander.ids, and finds its steps. */
export function loadPacked(
  expander: Expander,
  layout: Layout,
  words: Int32Array,
  from: number,
): void {
  do {
    if (expander.isOutdated) expander.adapt();
    layout.unpack(words, from, expander.ids);
    expander.expand();
  } while (expander.isOutdated);
}

/** The same for a state of a search. Returns it packed. */
export function load({ expander, states }: Searched, state: number): Int32Array {
  const packed = new Int32Array(states.layout.words);
  states.read(state, packed);
  loadPacked(expander, states.layout, packed, 0);
  return packed;
}

/** The same for a state given by the numbers of its slots; slots that it does not have are empty. */
export function loadIds(expander: Expander, ids: Int32Array): void {
  do {
    if (expander.isOutdated) expander.adapt();
    expander.ids.fill(0);
    expander.ids.set(ids);
    expander.expand();
  } while (expander.isOutdated);
}
