/**
 * Checks, while a search goes on, that members are alike. Each local step that is worked out is worked out
 * again for each exchange of two neighbours, and what it does must be the same, renamed; so are the steps that
 * come about by that, until nothing new does: then it holds for all orders of the members, as exchanges of
 * neighbours make all of them. And each property is asked again of what it was asked of, with members exchanged.
 */

import type { AnyEventObject } from "xstate";
import { UserError } from "../../errors.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import {
  type Predicate,
  type Property,
  predicatesOf,
  type SeenStep,
} from "../properties/property.ts";
import { channelAt } from "./channel.ts";
import { canonical } from "./encoding.ts";
import type { Expander } from "./expander.ts";
import type { LocalSteps } from "./localSteps.ts";
import { NOT_TAKEN } from "./localSteps.ts";
import { type Model, type StepRule, slotNamed, slotValue } from "./model.ts";
import type { StateRenaming } from "./stateRenaming.ts";

/** States of a predicate's slots that are looked at in all orders of the members; beyond, with neighbours exchanged. */
const ASKED_MOST = 100_000;

/** Orders of the members in which a step is put before a step property. */
const ORDERS_MOST = 1000;

interface WorkedOut {
  readonly component: number;
  readonly ids: Int32Array;
  readonly message: number;
}

interface Watched {
  readonly property: string;
  readonly predicate: Predicate;
  readonly slots: readonly number[];
  /** What was asked, as text. */
  readonly asked: Set<string>;
}

export class MemberCheck {
  readonly #model: Model;
  readonly #exchanges: readonly StateRenaming[];
  readonly #open: WorkedOut[] = [];
  readonly #watched: readonly Watched[];
  readonly #seenOwn = new Set<string>();
  readonly #seenRules = new Set<number>();
  /** Properties that were not asked in all orders. */
  readonly #untried = new Set<string>();

  /** @throws UserError if a property speaks of some members and not of others */
  constructor(model: Model, exchanges: readonly StateRenaming[]) {
    this.#model = model;
    this.#exchanges = exchanges;
    this.#watched = model.properties.flatMap((property) =>
      askedOfStates(property).map((predicate): Watched => {
        const slots = predicate.over.map((name) => slotNamed(model, name));
        this.#requireAll(property.name, slots);
        return { property: property.name, predicate, slots, asked: new Set() };
      }),
    );
  }

  get untried(): readonly string[] {
    return [...this.#untried];
  }

  #requireAll(property: string, slots: readonly number[]): void {
    for (const exchange of this.#exchanges) {
      for (const slot of slots) {
        if (slots.includes(wordAt(exchange.image, slot))) continue;
        const [one, other] = [slot, wordAt(exchange.image, slot)].map(
          (at) => itemAt(this.#model.slots, at).name,
        );
        throw this.#error(
          `property "${property}" speaks of "${one}" and not of "${other}": say it of all members`,
        );
      }
    }
  }

  #error(what: string): UserError {
    return new UserError(
      `model ${this.#model.name} is not symmetric: ${what}; or search without --symmetry`,
    );
  }

  attach({ steps }: Expander): void {
    steps.watchers.push((component, ids, message) => {
      this.#open.push({ component, ids: ids.slice(), message });
    });
  }

  /** @param expander has just expanded a state @throws UserError if members are not alike */
  look(expander: Expander): void {
    for (let one = this.#open.pop(); one !== undefined; one = this.#open.pop()) {
      for (const exchange of this.#exchanges) this.#compare(expander.steps, one, exchange);
    }
    for (const watched of this.#watched) this.#ask(watched, expander.ids);
    if (expander.count === 0) this.#askFinal(expander.ids);
    if ((this.#model.stepRules ?? []).length > 0) this.#askRules(expander);
  }

  #compare(
    steps: LocalSteps,
    { component, ids, message }: WorkedOut,
    exchange: StateRenaming,
  ): void {
    const { components, messages } = this.#model;
    const { slot, footprint, name } = itemAt(components, component);
    const event = itemAt(messages.values, message);
    const image = new Int32Array(ids.length);
    for (const part of [slot, ...footprint(wordAt(ids, slot), event)]) {
      image[wordAt(exchange.image, part)] = exchange.idOf(part, wordAt(ids, part));
    }
    const other = components.findIndex((one) => one.slot === exchange.image[slot]);
    const renamed = exchange.messageOf(slot, message);
    const own = this.#effect(steps, steps.find(component, ids, message), exchange);
    const theirs = this.#effect(steps, steps.find(other, image, renamed), null);
    if (own !== theirs) {
      throw this.#error(
        `what ${name} does on "${event.type}" is not what ${itemAt(components, other).name} does after ${exchange.renaming.what}: members must be alike, and every field that holds a member's number or name must be in references or indexed`,
      );
    }
    this.#compareChoices(steps, component, other, ids, image, exchange);
  }

  #compareChoices(
    steps: LocalSteps,
    component: number,
    other: number,
    ids: Int32Array,
    image: Int32Array,
    exchange: StateRenaming,
  ): void {
    const { components, messages } = this.#model;
    const { slot, name } = itemAt(components, component);
    const key = `${component} ${ids[slot]} ${exchange.renaming.what}`;
    if (this.#seenOwn.has(key)) return;
    this.#seenOwn.add(key);
    const own = Array.from(steps.choicesOf(component, ids), (one) => exchange.messageOf(slot, one));
    const theirs = Array.from(steps.choicesOf(other, image));
    const alone = [
      ...own.filter((one) => !theirs.includes(one)),
      ...theirs.filter((one) => !own.includes(one)),
    ];
    if (alone.length === 0) return;
    const { type } = itemAt(messages.values, itemAt(alone, 0));
    throw this.#error(
      `of ${name} and ${itemAt(components, other).name} one has the choice "${type}" where the other has not`,
    );
  }

  /** What a local step does, as text that is equal for the same; renamed, unless `exchange` is null. */
  #effect(steps: LocalSteps, result: number, exchange: StateRenaming | null): string {
    if (result === NOT_TAKEN) return "not taken";
    const { pool } = steps;
    const effects: string[] = [];
    let at = result + 1;
    for (let left = wordAt(pool, result); left > 0; left--) {
      effects.push(this.#outcome(pool, at, exchange));
      at += wordAt(pool, at);
    }
    return effects.sort().join("; ");
  }

  #outcome(pool: Int32Array, from: number, exchange: StateRenaming | null): string {
    const slotOf = (slot: number) => exchange?.image[slot] ?? slot;
    const parts: string[] = [`breaks ${pool[from + 1]}`];
    let at = from + 2;
    for (let writes = wordAt(pool, at++); writes > 0; writes--, at += 2) {
      const [slot, id] = [wordAt(pool, at), wordAt(pool, at + 1)];
      parts.push(`${slotOf(slot)} is ${exchange?.idOf(slot, id) ?? id}`);
    }
    for (let channels = wordAt(pool, at++); channels > 0; channels--) {
      const slot = wordAt(pool, at);
      const sent = Array.from(pool.subarray(at + 2, at + 2 + wordAt(pool, at + 1)), (message) =>
        exchange === null ? message : exchange.messageOf(slot, message),
      );
      // Where there is no order, that of numbers.
      if (channelAt(this.#model.channels, slot).kind !== "fifo") sent.sort((a, b) => a - b);
      parts.push(`${slotOf(slot)} gets ${sent.join(" ")}`);
      at += 2 + wordAt(pool, at + 1);
    }
    return parts.sort().join(", ");
  }

  /** Asks a predicate of all orders of what it is asked of in a state. */
  #ask({ property, predicate, slots, asked }: Watched, ids: Int32Array): void {
    const first = slots.map((slot) => wordAt(ids, slot));
    if (asked.has(first.join())) return;
    const holds = (part: readonly number[]): boolean =>
      predicate.holds(...part.map((id, i) => slotValue(this.#model, itemAt(slots, i), id)));
    const wanted = holds(first);
    const open = [first];
    asked.add(first.join());
    const isWhole = asked.size < ASKED_MOST;
    if (!isWhole) this.#untried.add(property);
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      for (const exchange of this.#exchanges) {
        const image: number[] = [];
        slots.forEach((slot, i) => {
          image[slots.indexOf(wordAt(exchange.image, slot))] = exchange.idOf(slot, itemAt(part, i));
        });
        const key = image.join();
        if (asked.has(key)) continue;
        if (holds(image) !== wanted) {
          throw this.#error(
            `property "${property}" tells members apart: ${exchange.renaming.what} changes whether it holds`,
          );
        }
        if (!isWhole) continue;
        asked.add(key);
        open.push(image);
      }
    }
  }

  #askFinal(ids: Int32Array): void {
    const isFinal = this.#model.isFinal(ids);
    for (const exchange of this.#exchanges) {
      const image = new Int32Array(ids.length);
      exchange.apply(ids, image);
      if (this.#model.isFinal(image) === isFinal) continue;
      throw this.#error(
        `isFinal tells members apart: ${exchange.renaming.what} changes its answer`,
      );
    }
  }

  /** Asks the step properties of the steps of a state, in all orders of the members. */
  #askRules(expander: Expander): void {
    const { step, count, transitions } = expander;
    for (let i = 0; i < count; i++) {
      const transition = wordAt(step, i);
      if (this.#seenRules.has(transition)) continue;
      this.#seenRules.add(transition);
      const { slot } = itemAt(this.#model.components, wordAt(transitions.component, transition));
      const seen = expander.rules.seen(transitions.at(transition), wordAt(expander.ids, slot));
      for (const rule of this.#model.stepRules!) this.#askRule(rule, seen);
    }
  }

  #askRule({ property, holds }: StepRule, first: SeenStep): void {
    const wanted = holds(first);
    const asked = new Set([canonical(first)]);
    const open = [first];
    for (let seen = open.pop(); seen !== undefined; seen = open.pop()) {
      for (const exchange of this.#exchanges) {
        const image = this.#exchanged(seen, exchange);
        const key = canonical(image);
        if (asked.has(key)) continue;
        if (holds(image) !== wanted) {
          throw this.#error(
            `property "${property}" tells members apart: ${exchange.renaming.what} changes whether it holds of a step`,
          );
        }
        asked.add(key);
        if (asked.size < ORDERS_MOST) open.push(image);
        else this.#untried.add(property);
      }
    }
  }

  #exchanged(seen: SeenStep, { renaming }: StateRenaming): SeenStep {
    const actor = (one: string): string => renaming.slot(one);
    const event = (one: AnyEventObject) => renaming.message("", one);
    return {
      ...seen,
      event: event(seen.event),
      sender: seen.sender === null ? null : actor(seen.sender),
      receiver: actor(seen.receiver),
      before: renaming.value(seen.receiver, seen.before),
      after: renaming.value(seen.receiver, seen.after),
      sent: seen.sent.map((one) => ({ to: one.to.map(actor), event: event(one.event) })),
    };
  }
}

/** Liveness is not judged with symmetry, and deadlocks are asked of isFinal. */
function askedOfStates(property: Property): readonly Predicate[] {
  const { kind } = property;
  return kind === "eventually" || kind === "leadsTo" ? [] : predicatesOf(property);
}
