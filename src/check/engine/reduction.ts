/** Partial-order reduction of a breadth-first search: which steps of a state are taken (see ampleSets.ts). */
import { UserError } from "../../errors.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { Predicate, Property } from "../properties/property.ts";
import { AmpleSets, COMPONENTS_MOST } from "./ampleSets.ts";
import type { Found } from "./checks.ts";
import type { Expander } from "./expander.ts";
import { loadIds } from "./explored.ts";
import type { Model } from "./model.ts";

export class Reduction {
  /** Searches begun: all but the last learnt what the ones before could not know. */
  passes = 0;
  /** States, of the search that goes on, at which steps were left out. */
  reduced = 0;
  readonly #properties: readonly Property[];
  readonly #channels: Model["channels"];
  readonly #ample: AmpleSets;
  /** What was known when steps were first left out; -1 if none were. */
  #knewFirst = -1;
  #watched = "";
  #count = 0;
  #steps = new Int32Array(0);

  /** @throws UserError if the model has more components than a set has room for */
  constructor(model: Model) {
    if (model.components.length > COMPONENTS_MOST) {
      throw new UserError(`--por: at most ${COMPONENTS_MOST} actors, ${model.name} has more`);
    }
    // A message that is taken makes room: whether another step is possible depends on it.
    if (model.channels.some((one) => one !== null && Number.isFinite(one.capacity))) {
      throw new UserError(
        `--por does not go with channels of limited capacity, and ${model.name} has some`,
      );
    }
    this.#properties = model.properties;
    this.#channels = model.channels;
    this.#ample = new AmpleSets(model);
  }

  /** A search begins, perhaps anew. */
  begin(): void {
    this.passes++;
    this.reduced = 0;
    this.#knewFirst = -1;
  }

  get remarks(): readonly string[] {
    const live = this.#properties.some(({ kind }) => kind === "eventually" || kind === "leadsTo");
    return [
      `partial-order reduction: at ${this.reduced} states steps were left out; searched ${this.passes} times, until nothing new was learnt`,
      ...(live ? ["liveness is not judged with --por"] : []),
    ];
  }

  /** Whether all that was left out was left out with all that is known now. */
  get isSettled(): boolean {
    return this.#knewFirst < 0 || this.#knewFirst === this.#ample.effects.version;
  }

  /** Predicates that are still to be decided must stay as they are in steps that stand for others. */
  look(found: readonly Found[]): void {
    const watched = this.#properties.flatMap((property, i) =>
      predicatesOf(property, itemAt(found, i)),
    );
    const names = watched.map(({ name }) => name).join("\n");
    if (names === this.#watched) return;
    this.#watched = names;
    this.#ample.watch(watched.map(({ predicate }) => predicate));
  }

  /**
   * Leaves steps out of the state that the expander has expanded, if some are enough.
   * @param isLater whether a state, as numbers of all slots, is still to be expanded
   */
  restrict(expander: Expander, isLater: (ids: Int32Array) => boolean): void {
    const { count, transitions } = expander;
    this.#count = count;
    if (expander.isImmediate || count < 2) {
      this.#ample.effects.note(expander);
      return;
    }
    const all = expander.step.slice(0, count);
    const candidates = this.#ample.candidates(expander).map((set) => {
      return all.filter((one) => (set & (1 << wordAt(transitions.component, one))) !== 0);
    });
    candidates.sort((one, other) => one.length - other.length);
    const best = candidates.find((kept) => this.#goesOn(expander, kept, isLater));
    if (best === undefined) return;
    if (this.#knewFirst < 0) this.#knewFirst = this.#ample.effects.version;
    this.reduced++;
    this.#steps = all;
    expander.step.set(best);
    expander.count = best.length;
  }

  /** C3: whether one of the transitions, with all that follows at once, may end in a state that is expanded later. */
  #goesOn(expander: Expander, kept: Int32Array, isLater: (ids: Int32Array) => boolean): boolean {
    const ids = expander.ids.slice();
    const open = Array.from(expander.step.subarray(0, expander.count).keys())
      .filter((step) => kept.includes(wordAt(expander.step, step)))
      .map((step) => nextOf(expander, step));
    const met = new Set<string>();
    let found = false;
    for (let next = open.pop(); next !== undefined && !found; next = open.pop()) {
      if (!this.#isBusy(next)) found = isLater(next);
      else if (!met.has(next.join())) {
        met.add(next.join());
        loadIds(expander, next);
        for (let step = 0; step < expander.count; step++) open.push(nextOf(expander, step));
      }
    }
    if (met.size > 0) loadIds(expander, ids);
    return found;
  }

  /** Whether something waits on a wire without latency. */
  #isBusy(ids: Int32Array): boolean {
    return this.#channels.some(
      (channel, slot) => channel?.immediate === true && (ids[slot] ?? 0) !== 0,
    );
  }

  /** Puts the steps back that were left out: properties are judged on all. */
  restore(expander: Expander): void {
    if (expander.count === this.#count) return;
    expander.step.set(this.#steps);
    expander.count = this.#count;
  }
}

/** The state after a step, in which channels that were made by it are empty or not. */
function nextOf(expander: Expander, step: number): Int32Array {
  const next = new Int32Array(expander.model.slots.length);
  expander.apply(step, next);
  return next;
}

interface Named {
  readonly name: string;
  readonly predicate: Predicate;
}

function predicatesOf(property: Property, { finding, applied }: Found): readonly Named[] {
  const { name } = property;
  if (finding !== null) return [];
  switch (property.kind) {
    case "always": {
      const { when, that } = property;
      return [when, that].flatMap((predicate) =>
        predicate === undefined ? [] : [{ name, predicate }],
      );
    }
    case "sometimes":
      return [{ name, predicate: property.that }];
    case "step":
      return applied || property.seen === undefined ? [] : [{ name, predicate: property.seen }];
    // Deadlocks remain in any case; what is to come to pass is not judged.
    default:
      return [];
  }
}
