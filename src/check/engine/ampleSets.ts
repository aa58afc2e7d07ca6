/**
 * Partial-order reduction: which of a state's steps are enough, as the others only commute with them.
 *
 * A candidate is a set of components that are held still, and all their next steps (each with what follows
 * at once on wires without latency). It is ample (Clarke, Grumberg and Peled, Model Checking, ch. 10) if
 * C1: whatever the other components can do meanwhile is independent of these steps. What they can do is
 *     found from what they are and what waits for them, by the local steps that were seen, with any
 *     memory and in any order. Who is in the way joins the set (Godefroid 1996, ch. 4: persistent sets by
 *     conflicting transitions).
 * C2: no step of it changes a predicate. Steps that break a property commute like others: they need no such rule.
 * C3: some step of it leads to a state that is expanded later (Bosnacki and Holzmann, SPIN 2005).
 * C0 and C3 are the search's part (reduction.ts).
 *
 * What steps write and send is learnt while searching. A first unknown step of a run commutes too (its
 * footprint is known, and nobody writes it), so the reduced search meets it, and learns. A search that has
 * learnt anything is done again: one that learns nothing more has seen every step of the full one.
 */

import { itemAt, wordAt } from "../../lookup.ts";
import type { Predicate } from "../properties/property.ts";
import { channelAt } from "./channel.ts";
import type { Expander } from "./expander.ts";
import { type Effect, LocalEffects } from "./localEffects.ts";
import { type Model, slotNamed } from "./model.ts";

/** Sets of components are words of bits. */
export const COMPONENTS_MOST = 30;

/** What the steps of a candidate do, together with what follows at once. */
interface Move {
  readonly reads: Set<number>;
  readonly writes: Set<number>;
  readonly sends: Map<number, Set<number>>;
}

/** A predicate over the slot alone: whether it holds, by the slot's value. */
interface Watched {
  readonly predicate: Predicate;
  readonly slot: number;
  readonly isAlone: boolean;
}

export class AmpleSets {
  readonly effects: LocalEffects;
  readonly #model: Model;
  readonly #control: readonly number[];
  /** Slots of channels by component that receives. */
  #inputs: readonly (readonly number[])[] = [];
  #slots = 0;
  #watched: readonly Watched[] = [];
  #knownAt = -1;
  readonly #known = new Map<string, readonly number[]>();

  constructor(model: Model) {
    this.#model = model;
    this.effects = new LocalEffects(model);
    this.#control = model.components.map(({ slot }) => slot);
  }

  /** The predicates that no ample step may change. */
  watch(predicates: readonly Predicate[]): void {
    this.#known.clear();
    this.#watched = predicates.flatMap((predicate) =>
      predicate.over.map((name) => {
        const slot = slotNamed(this.#model, name);
        return { predicate, slot, isAlone: predicate.over.length === 1 };
      }),
    );
  }

  /** Candidates for the state that the expander has expanded: sets of components, as bits. */
  candidates(expander: Expander): readonly number[] {
    this.effects.note(expander);
    if (this.#knownAt !== this.effects.version || this.#slots !== this.#model.slots.length)
      this.#adapt();
    const { ids } = expander;
    let key = "";
    for (const slot of this.#control) key += `${ids[slot]},`;
    for (const inputs of this.#inputs) for (const slot of inputs) key += `${ids[slot]},`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#findCandidates(expander);
    // Looking may have met messages, or channels, that were not there.
    this.#known.set(key, found);
    return found;
  }

  #adapt(): void {
    const { components, channels, slots } = this.#model;
    this.#known.clear();
    this.#knownAt = this.effects.version;
    this.#slots = slots.length;
    this.#inputs = components.map((_, component) =>
      channels.flatMap((channel, slot) => (channel?.receivers.includes(component) ? [slot] : [])),
    );
  }

  #findCandidates({ ids, step, count, transitions }: Expander): readonly number[] {
    let all = 0;
    for (let i = 0; i < count; i++) all |= 1 << wordAt(transitions.component, wordAt(step, i));
    const found = new Set<number>();
    for (let component = 0; component < this.#model.components.length; component++) {
      if ((all & (1 << component)) === 0) continue;
      const set = this.#close(1 << component, all, ids);
      if (set !== 0) found.add(set);
    }
    return [...found];
  }

  /** The set with all who are in its way; 0 if that is everybody who can move, or a step of it shows. */
  #close(first: number, all: number, ids: Int32Array): number {
    let set = first;
    while ((set & all) !== all) {
      const move: Move = { reads: new Set(), writes: new Set(), sends: new Map() };
      const reached = this.#gather(set, ids, move);
      if (reached < 0) return 0;
      let wider = set | reached;
      if (wider === set) wider |= this.#takersOf(move, ids);
      if (wider === set) wider |= this.#inTheWay(set, ids, move);
      if (wider === set) return set;
      set = wider;
    }
    return 0;
  }

  /**
   * Gathers what the set's next steps do, and what follows at once. Returns who else takes part in that,
   * as bits; -1 if a step changes a predicate.
   */
  #gather(set: number, ids: Int32Array, move: Move): number {
    const { components, channels } = this.#model;
    const reach = new Reach(components.length);
    for (let component = 0; component < components.length; component++) {
      if ((set & (1 << component)) === 0) continue;
      const own = wordAt(ids, itemAt(components, component).slot);
      reach.addState(component, own);
      for (const message of this.effects.choicesOf(component, own)) {
        reach.attempt(component, own, message);
      }
      for (const channel of itemAt(this.#inputs, component)) {
        const waiting = channelAt(channels, channel).deliverable(wordAt(ids, channel));
        if (waiting.length > 0 && this.#isWatched(channel)) return -1;
        for (let i = 0; i < waiting.length; i += 2)
          reach.attempt(component, own, wordAt(waiting, i));
      }
    }
    let joined = 0;
    while (reach.next()) {
      const { component, own, message } = reach;
      const effect = this.effects.of(component, own, message);
      if (this.#shows(component, own, effect)) return -1;
      for (const slot of effect.footprint) move.reads.add(slot);
      for (const slot of effect.writes) move.writes.add(slot);
      for (const state of effect.nexts) reach.addState(component, state);
      for (const [slot, messages] of effect.sends) {
        const channel = channelAt(channels, slot);
        if (!channel.immediate) addTo(move.sends, slot, messages);
        else
          for (const receiver of channel.receivers) {
            joined |= 1 << receiver;
            for (const one of messages) reach.addMessage(receiver, one);
          }
      }
    }
    return joined;
  }

  #isWatched(slot: number): boolean {
    return this.#watched.some((one) => one.slot === slot);
  }

  /** Whether a step may change a predicate. */
  #shows(component: number, own: number, { writes, nexts, sends }: Effect): boolean {
    const { components, slots } = this.#model;
    const ownSlot = itemAt(components, component).slot;
    return this.#watched.some(({ slot, isAlone, predicate }) => {
      if (sends.has(slot)) return true;
      if (!writes.has(slot)) return false;
      if (!isAlone || slot !== ownSlot) return true;
      const holds = (id: number) => predicate.holds(itemAt(slots, slot).values[id]);
      return [...nexts].some((next) => holds(next) !== holds(own));
    });
  }

  /** Who may take a pending bit that is set again: before it and after it are not the same. */
  #takersOf({ sends }: Move, ids: Int32Array): number {
    let takers = 0;
    for (const [slot, messages] of sends) {
      const { kind, values, receivers, coalesces } = channelAt(this.#model.channels, slot);
      if (kind === "shared") continue;
      const waiting = itemAt(values, wordAt(ids, slot));
      if (![...messages].some((one) => coalesces(one) && waiting.includes(one))) continue;
      for (const receiver of receivers) takers |= 1 << receiver;
    }
    return takers;
  }

  /** Somebody outside the set who may come to do what does not commute with its steps; 0 if nobody may. */
  #inTheWay(set: number, ids: Int32Array, move: Move): number {
    const { components, channels } = this.#model;
    const reach = new Reach(components.length);
    const addState = (component: number, own: number): void => {
      reach.addState(component, own);
      for (const message of this.effects.choicesOf(component, own)) {
        reach.attempt(component, own, message);
      }
    };
    for (let component = 0; component < components.length; component++) {
      if ((set & (1 << component)) !== 0) continue;
      addState(component, wordAt(ids, itemAt(components, component).slot));
      for (const slot of itemAt(this.#inputs, component)) {
        for (const message of itemAt(channelAt(channels, slot).values, wordAt(ids, slot))) {
          reach.addMessage(component, message);
        }
      }
    }
    while (reach.next()) {
      const { component } = reach;
      const effect = this.effects.of(component, reach.own, reach.message);
      if (collides(effect, move)) return 1 << component;
      for (const [slot, messages] of effect.sends) {
        if (this.#disturbs(slot, messages, set, ids, move)) return 1 << component;
        for (const receiver of channelAt(channels, slot).receivers) {
          if ((set & (1 << receiver)) !== 0) continue;
          for (const one of messages) reach.addMessage(receiver, one);
        }
      }
      for (const state of effect.nexts) addState(component, state);
    }
    return 0;
  }

  /** Whether sending gives the set a new step, or changes what its steps leave in a channel. */
  #disturbs(
    slot: number,
    messages: Set<number>,
    set: number,
    ids: Int32Array,
    { sends }: Move,
  ): boolean {
    const { kind, values, receivers, coalesces } = channelAt(this.#model.channels, slot);
    const waiting = itemAt(values, wordAt(ids, slot));
    const isPending = [...messages].some((one) => coalesces(one));
    // What is on a board already changes nothing there.
    const isNews = kind !== "shared" || [...messages].some((one) => !waiting.includes(one));
    if (isNews && receivers.some((receiver) => (set & (1 << receiver)) !== 0)) {
      // Behind the first message of a queue nothing is deliverable.
      if (kind !== "fifo" || waiting.length === 0 || isPending) return true;
    }
    return kind !== "shared" && sends.has(slot) && (kind === "fifo" || isPending);
  }
}

/** Whether one reads what the other writes. */
function collides({ footprint, writes }: Effect, move: Move): boolean {
  for (const slot of footprint) if (move.writes.has(slot)) return true;
  for (const slot of writes) if (move.reads.has(slot)) return true;
  return false;
}

function addTo(map: Map<number, Set<number>>, key: number, values: Set<number>): void {
  const known = map.get(key) ?? new Set<number>();
  for (const value of values) known.add(value);
  map.set(key, known);
}

/** Steps that may come about: every state that a component may be in with every message that it may get. */
class Reach {
  component = 0;
  own = 0;
  message = 0;
  readonly #states: Set<number>[];
  readonly #messages: Set<number>[];
  /** Steps to be looked at: component, state and message of each. */
  readonly #steps: number[] = [];
  readonly #met = new Set<string>();

  constructor(components: number) {
    this.#states = Array.from({ length: components }, () => new Set());
    this.#messages = Array.from({ length: components }, () => new Set());
  }

  addState(component: number, own: number): void {
    const states = itemAt(this.#states, component);
    if (states.has(own)) return;
    states.add(own);
    for (const message of itemAt(this.#messages, component)) this.attempt(component, own, message);
  }

  addMessage(component: number, message: number): void {
    const messages = itemAt(this.#messages, component);
    if (messages.has(message)) return;
    messages.add(message);
    for (const own of itemAt(this.#states, component)) this.attempt(component, own, message);
  }

  attempt(component: number, own: number, message: number): void {
    const name = `${component} ${own} ${message}`;
    if (this.#met.has(name)) return;
    this.#met.add(name);
    this.#steps.push(message, own, component);
  }

  /** Takes the next step; false if there is none. */
  next(): boolean {
    if (this.#steps.length === 0) return false;
    this.component = this.#steps.pop()!;
    this.own = this.#steps.pop()!;
    this.message = this.#steps.pop()!;
    return true;
  }
}
