/**
 * Steps of components, each worked out once: (own state, event, footprint) to the new values and the
 * messages sent. Models run real actors and devices here, and only here.
 *
 * A step's result is a run of words in one pool: the number of outcomes, then each outcome as
 * [words in all, step properties broken, writes, (slot, id)..., channels, (channel, messages, message...)...].
 */
import type { AnyEventObject } from "xstate";
import { itemAt, wordAt } from "../../lookup.ts";
import type { Component, Model, Outcome } from "./model.ts";
import { ModelError } from "./modelError.ts";
import { watched } from "./stepWatch.ts";
import { TupleTable } from "./tupleTable.ts";

/** Answers of `find` that are no position in the pool. */
export const NOT_TAKEN = -1;

/** Steps with one footprint: where the results are, by the footprint's values. */
interface Site {
  readonly footprint: Int32Array;
  readonly results: TupleTable;
}

/** What rows hold: 0 unknown; 1 not taken; a site as an odd number; a result as an even one. */
const UNKNOWN = 0;
const REFUSED = 1;
const NO_SLOTS = new Int32Array(0);
/** In place of the number of a value that a step does not declare. */
const HIDDEN = -1;

type StepWatcher = (component: number, ids: Int32Array, message: number) => void;

export class LocalSteps {
  readonly model: Model;
  pool = new Int32Array(1024);
  #used = 2;
  /** By component, own state and message. */
  readonly #rows: Int32Array[][];
  readonly #sites: Site[] = [];
  /** Whether any step worked out so far breaks a property. */
  isAnyBroken = false;
  /** By component and own state: numbers of the events that it may have by itself. */
  readonly #choices: Int32Array[][];
  readonly #ownSlots: Int32Array;
  readonly #properties: string[] = [];
  readonly #choiceNames = new Map<number, string>();
  /** Steps worked out by the real actors. */
  misses = 0;
  /** Told of each step worked out. */
  onMiss: StepWatcher | null = null;
  /** The same, for who must know of all of them. */
  readonly watchers: StepWatcher[] = [];

  constructor(model: Model) {
    this.model = model;
    this.#ownSlots = Int32Array.from(model.components, ({ slot }) => slot);
    this.#rows = model.components.map(() => []);
    this.#choices = model.components.map(() => []);
  }

  /** Where in the pool the result is of a component taking a message; NOT_TAKEN if it does not. */
  find(component: number, ids: Int32Array, message: number): number {
    const row = itemAt(this.#rows, component)[wordAt(ids, wordAt(this.#ownSlots, component))];
    const known = row === undefined || message >= row.length ? UNKNOWN : wordAt(row, message);
    if (known === REFUSED) return NOT_TAKEN;
    if (known !== UNKNOWN && (known & 1) === 0) return known >>> 1;
    return this.#findAt(component, ids, message, known);
  }

  #findAt(component: number, ids: Int32Array, message: number, known: number): number {
    let site = this.#sites[(known >>> 1) - 1];
    if (site === undefined) {
      const made = this.#makeSite(component, ids, message);
      if (made === null) return this.#simple(component, ids, message);
      site = made;
    }
    const result = site.results.find(ids, site.footprint);
    if (result >= 0) return result - 1;
    const worked = this.#workOut(component, ids, message, site.footprint);
    site.results.add(ids, site.footprint, worked + 1);
    return worked;
  }

  /** Null if the step depends on the component's own state alone. */
  #makeSite(component: number, ids: Int32Array, message: number): Site | null {
    const { components, messages } = this.model;
    const { slot } = itemAt(components, component);
    const event = itemAt(messages.values, message);
    const footprint = itemAt(components, component).footprint(wordAt(ids, slot), event);
    if (footprint.length === 0) return null;
    const site = {
      footprint: Int32Array.from(footprint),
      results: new TupleTable(footprint.length),
    };
    this.#sites.push(site);
    this.#note(component, wordAt(ids, slot), message, 2 * this.#sites.length + 1);
    return site;
  }

  #simple(component: number, ids: Int32Array, message: number): number {
    const own = wordAt(ids, itemAt(this.model.components, component).slot);
    const worked = this.#workOut(component, ids, message, NO_SLOTS);
    this.#note(component, own, message, worked === NOT_TAKEN ? REFUSED : worked << 1);
    return worked;
  }

  #note(component: number, own: number, message: number, what: number): void {
    const rows = itemAt(this.#rows, component);
    let row = rows[own];
    if (row === undefined || row.length <= message) {
      const grown = new Int32Array(Math.max(message + 1, this.model.messages.values.length));
      if (row !== undefined) grown.set(row);
      rows[own] = row = grown;
    }
    row[message] = what;
  }

  #workOut(component: number, ids: Int32Array, message: number, footprint: Int32Array): number {
    const { name, components, messages } = this.model;
    const what = () =>
      `model ${name}: ${itemAt(components, component).name}, on "${itemAt(messages.values, message).type}"`;
    return watched(what, () => this.#shownWhatIsDeclared(component, ids, message, footprint));
  }

  /**
   * The component is shown what it declares, and nothing else.
   * @throws ModelError if it writes another slot
   */
  #shownWhatIsDeclared(
    component: number,
    ids: Int32Array,
    message: number,
    footprint: Int32Array,
  ): number {
    this.misses++;
    this.onMiss?.(component, ids, message);
    for (const watcher of this.watchers) watcher(component, ids, message);
    const event = itemAt(this.model.messages.values, message);
    const actor = itemAt(this.model.components, component);
    const { name, slot: own } = actor;
    const shown = new Int32Array(ids.length).fill(HIDDEN);
    for (const slot of [own, ...footprint]) shown[slot] = wordAt(ids, slot);
    const outcomes = this.#stepOf(actor, shown, event);
    if (outcomes === null) return NOT_TAKEN;
    for (const [slot] of outcomes.flatMap(({ writes }) => writes)) {
      if (slot === own || (footprint.includes(slot) && !this.#ownSlots.includes(slot))) continue;
      const written = itemAt(this.model.slots, slot).name;
      throw new ModelError(
        `${this.model.name}: ${name}, on "${event.type}", writes "${written}", which it does not declare`,
      );
    }
    return this.#store(outcomes);
  }

  #stepOf(actor: Component, ids: Int32Array, event: AnyEventObject): readonly Outcome[] | null {
    try {
      return actor.step(ids, event);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      throw new ModelError(`${this.model.name}: ${error.message}`);
    }
  }

  #store(outcomes: readonly Outcome[]): number {
    const words: number[] = [outcomes.length];
    const start = this.#used;
    for (const { writes, sends, broken, choice } of outcomes) {
      const at = words.length;
      if (choice !== "") this.#choiceNames.set(start + at, choice);
      words.push(0, this.bitsOf(broken), writes.length, ...writes.flat());
      const channels = [...new Set(sends.map(([channel]) => channel))];
      words.push(channels.length);
      for (const channel of channels) {
        const messages = sends.flatMap(([to, message]) => (to === channel ? [message] : []));
        words.push(channel, messages.length, ...messages);
      }
      words[at] = words.length - at;
    }
    while (this.#used + words.length > this.pool.length) {
      const grown = new Int32Array(2 * this.pool.length);
      grown.set(this.pool);
      this.pool = grown;
    }
    this.pool.set(words, start);
    this.#used += words.length;
    return start;
  }

  /** A bit for each of these step properties, which some step breaks. */
  bitsOf(broken: readonly string[]): number {
    let bits = 0;
    for (const name of broken) {
      if (!this.#properties.includes(name)) this.#properties.push(name);
      const bit = this.#properties.indexOf(name);
      if (bit > 30) throw new Error("more than 31 step properties");
      bits |= 1 << bit;
      this.isAnyBroken = true;
    }
    return bits;
  }

  /** Names of the step properties in a word of bits. */
  brokenBy(bits: number): readonly string[] {
    return this.#properties.filter((_, bit) => (bits & (1 << bit)) !== 0);
  }

  /** Which of several outcomes the one at this position of the pool is; empty if there is one only. */
  choiceAt(outcome: number): string {
    return this.#choiceNames.get(outcome) ?? "";
  }

  /** Numbers of the events that a component may have without a message. */
  choicesOf(component: number, ids: Int32Array): Int32Array {
    const own = wordAt(ids, wordAt(this.#ownSlots, component));
    return itemAt(this.#choices, component)[own] ?? this.#findChoices(component, own);
  }

  #findChoices(component: number, own: number): Int32Array {
    const { name, components, messages } = this.model;
    const actor = itemAt(components, component);
    const what = () => `model ${name}: ${actor.name}, asked for its choices`;
    const events = watched(what, () => actor.choices(own));
    const found = Int32Array.from(events, (event) => messages.intern(event));
    itemAt(this.#choices, component)[own] = found;
    return found;
  }
}
