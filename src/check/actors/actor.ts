/** One actor of a model as a component of the explorer. */
import type { AnyEventObject } from "xstate";
import { UserError } from "../../errors.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { Fairness } from "../engine/channel.ts";
import { canonical } from "../engine/encoding.ts";
import { reordered } from "../engine/keyOrder.ts";
import { type Component, type Outcome, OWN_STEP, shownMessage } from "../engine/model.ts";
import type { Slot } from "../engine/slot.ts";
import type { SeenStep } from "../properties/property.ts";
import { valueName } from "./describe.ts";
import type { MachineShape } from "./machineShape.ts";
import { actorStep, isTimersEnd, ownEvents } from "./ownSteps.ts";
import { machineFailed, pureMachine } from "./pureMachine.ts";
import type { ActorSpec, ActorState, ObserverSpec } from "./spec.ts";
import type { PureMachine, Stepped } from "./steps.ts";
import type { Usage } from "./usage.ts";
import { validateEvent } from "./validate.ts";
import type { Send, Wiring } from "./wiring.ts";

/** The observer, with the slot that holds its value. */
export interface Observation {
  readonly spec: ObserverSpec;
  readonly slot: Slot;
  readonly number: number;
}

interface Surroundings {
  readonly model: string;
  readonly wiring: Wiring;
  readonly usage: Usage;
  readonly observation: Observation | null;
  /** What a message is, as it was met first. */
  readonly messages: Slot<AnyEventObject>;
  readonly channelReceivers: (channel: number) => readonly string[];
}

export class Actor {
  readonly component: Component;
  readonly #name: string;
  readonly #number: number;
  readonly #spec: ActorSpec;
  readonly #slot: Slot<ActorState>;
  readonly #machine: PureMachine;
  readonly #around: Surroundings;
  /** What events were when they were met first. */
  readonly #eventKeys = new WeakMap<AnyEventObject, string>();

  /** @throws UserError if the machine uses what cannot be explored */
  constructor(
    number: number,
    slot: Slot<ActorState>,
    spec: ActorSpec,
    shape: MachineShape,
    around: Surroundings,
  ) {
    this.#number = number;
    this.#name = slot.name;
    this.#slot = slot;
    this.#spec = spec;
    this.#around = around;
    const { invoked = {}, ignoredActions = [] } = spec;
    this.#machine = this.#guarded("", () =>
      pureMachine(spec.machine, shape, { invoked, ignoredActions }),
    );
    const { observation } = around;
    this.component = {
      name: slot.name,
      machine: spec.machine,
      slot: number,
      footprint: (_state, event) =>
        observation !== null && observes(observation, event) ? [observation.number] : [],
      choices: (state) => this.#choices(state),
      step: (ids, event) => this.#step(ids, event),
      fairness: (event) => this.#fairness(event),
      hasStrongChoices: Object.values(spec.fairness ?? {}).includes("strong"),
    };
  }

  /** The first state, and what it sends. */
  begin(): { readonly state: number; readonly sends: readonly Send[] } {
    const stepped = this.#guarded(", at its start", () => this.#machine.initial(this.#spec.input));
    return { state: this.#slot.intern(stepped.state), sends: this.#sends(stepped) };
  }

  #choices(state: number): readonly AnyEventObject[] {
    const value = itemAt(this.#slot.values, state);
    const [found, others] = this.#guarded(this.#at(state, null), () => [
      ownEvents(this.#spec, value),
      ownEvents(this.#spec, reordered(value)),
    ]);
    this.#requireSame(state, null, "what it may choose", found, others);
    for (const event of found) {
      if (!(OWN_STEP in event)) validateEvent(event, `${this.#name}: a choice`);
    }
    return found;
  }

  #step(ids: Int32Array, event: AnyEventObject): readonly Outcome[] | null {
    const own = wordAt(ids, this.#number);
    const state = itemAt(this.#slot.values, own);
    const eventKey = this.#keyOf(event);
    const stepped = this.#guarded(this.#at(own, event), () =>
      actorStep(this.#spec, this.#machine, state, event),
    );
    this.#compare(own, event, "its state", this.#slot.keyOf(own), state);
    this.#compare(own, event, "the event", eventKey, event);
    this.#around.usage.noteStep(this.#name, event, stepped !== null);
    if (stepped === null) {
      this.#requireNoOrder(own, event, stepped);
      return null;
    }
    const id = this.#guarded(this.#at(own, event), () => this.#slot.intern(stepped.state));
    const sends = this.#guarded(this.#at(own, event), () => this.#sends(stepped));
    this.#requireNoOrder(own, event, stepped);
    const writes = [[this.#number, id] as const, ...this.#observe(ids, event, stepped, sends)];
    return [{ choice: "", writes, sends, broken: [] }];
  }

  #sends({ emitted, toItself }: Stepped): readonly Send[] {
    const { wiring, usage } = this.#around;
    return [
      ...emitted.flatMap((event) => {
        const sends = wiring.sends(this.#number, event);
        usage.noteEmission(this.#name, event.type);
        return sends;
      }),
      ...toItself.map((event) => wiring.sendToItself(this.#number, event)),
    ];
  }

  #observe(
    ids: Int32Array,
    event: AnyEventObject,
    { state }: Stepped,
    sends: readonly Send[],
  ): readonly (readonly [number, number])[] {
    const { observation, messages, channelReceivers } = this.#around;
    if (observation === null || !observes(observation, event)) return [];
    const { spec, slot, number } = observation;
    const own = wordAt(ids, this.#number);
    const before = slot.values[wordAt(ids, number)];
    const step: Omit<SeenStep<ActorState>, "sender"> = {
      event: shownMessage(event),
      receiver: this.#name,
      before: itemAt(this.#slot.values, own),
      after: state,
      sent: sends.map(([channel, message]) => {
        return { to: channelReceivers(channel), event: itemAt(messages.values, message) };
      }),
      taken: true,
      lost: false,
    };
    const at = this.#at(own, event);
    const record = (value: unknown, seen: typeof step): unknown =>
      this.#guarded(at, () => spec.record(value, seen));
    const after = record(before, step);
    this.#compare(
      own,
      event,
      `${slot.name}, which is observed,`,
      slot.keyOf(wordAt(ids, number)),
      before,
    );
    const other = record(reordered(before), reordered(step));
    this.#requireSame(own, event, `what ${slot.name} records`, after, other);
    return [[number, this.#guarded(at, () => slot.intern(after))]];
  }

  #fairness(event: AnyEventObject): Fairness | null {
    const named = this.#spec.fairness?.[event.type];
    if (named !== undefined) return named;
    // A clock does not stop.
    return isTimersEnd(event) ? "weak" : null;
  }

  #keyOf(event: AnyEventObject): string {
    const known = this.#eventKeys.get(event);
    if (known !== undefined) return known;
    const key = canonical(event, "an event");
    this.#eventKeys.set(event, key);
    return key;
  }

  /** @throws UserError if the step goes by the order in which the keys of an object were set */
  #requireNoOrder(own: number, event: AnyEventObject, stepped: Stepped | null): void {
    const state = itemAt(this.#slot.values, own);
    const [otherState, otherEvent] = [reordered(state), reordered(event)];
    if (otherState === state && otherEvent === event) return;
    const step = (from: ActorState, on: AnyEventObject): Stepped | null =>
      this.#guarded(this.#at(own, event), () => actorStep(this.#spec, this.#machine, from, on));
    const other = step(otherState, otherEvent);
    const [first, second, again] = [stepped, other, step(state, event)].map((one) =>
      canonical(one, this.#name),
    );
    if (first === second) return;
    if (first !== again) {
      throw new UserError(
        `model ${this.#around.model}: ${this.#name} on "${event.type}" depends on what is not its state: worked out twice, the step differs`,
      );
    }
    this.#requireSame(own, event, "what it does", stepped, other);
  }

  /** @throws UserError if the two are not the same but for the order of keys */
  #requireSame(
    own: number,
    event: AnyEventObject | null,
    what: string,
    one: unknown,
    other: unknown,
  ): void {
    const first = canonical(one, this.#name);
    const second = canonical(other, this.#name);
    if (first === second) return;
    throw new UserError(
      `${this.#around.model}: ${this.#name}${this.#at(own, event)}: ${what} depends on the order in which an object's keys were set: ${difference(first, second, "or")}; states that differ in that alone are one state: use a Map or a list, or sort the keys`,
    );
  }

  /** @throws UserError if somebody has written into it */
  #compare(own: number, event: AnyEventObject, what: string, key: string, value: unknown): void {
    const now = canonical(value, this.#name);
    if (now === key) return;
    throw new UserError(
      `${this.#around.model}: ${this.#name}${this.#at(own, event)}: ${what} was changed in place: ${difference(key, now)}; return a new value instead`,
    );
  }

  #at(own: number, event: AnyEventObject | null): string {
    const { value } = itemAt(this.#slot.values, own);
    const on = event === null ? "" : `, on "${event.type}"`;
    return `, in state "${valueName(value)}"${on}`;
  }

  /** @throws UserError that says where it happened */
  #guarded<Result>(at: string, work: () => Result): Result {
    const actor = `model ${this.#around.model}: ${this.#name}`;
    try {
      return work();
    } catch (error) {
      throw machineFailed(actor, at, error);
    }
  }
}

function observes({ spec: { events } }: Observation, { type }: AnyEventObject): boolean {
  return events === undefined || events.includes(type);
}

const SHOWN = 60;

/** Where two texts part, and how each goes on. */
function difference(before: string, after: string, between = "became"): string {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  const from = Math.max(0, at - SHOWN / 2);
  const part = (text: string): string => {
    const end = Math.min(text.length, from + SHOWN);
    return `${from > 0 ? "..." : ""}${text.slice(from, end)}${end < text.length ? "..." : ""}`;
  };
  return `${part(before)} ${between} ${part(after)}`;
}
