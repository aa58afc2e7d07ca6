/** What the explorer explores: components that exchange messages, and share slots. */
import type { AnyEventObject, AnyStateMachine } from "xstate";
import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import { isRecord, itemAt } from "../../lookup.ts";
import type { Property, SeenStep } from "../properties/property.ts";
import type { Channel, Fairness } from "./channel.ts";
import type { Slot } from "./slot.ts";

/** What one step of a component does. */
export interface Outcome {
  /** Which of several possible steps it is: a guest's next access, for instance. Empty if there is no choice. */
  readonly choice: string;
  /** New values of slots of the footprint, as numbers of the slot. */
  readonly writes: readonly (readonly [slot: number, id: number])[];
  /** Messages, as numbers of a channel and of a message, in the order of sending. */
  readonly sends: readonly (readonly [channel: number, message: number])[];
  /** Names of the step properties that this step breaks. */
  readonly broken: readonly string[];
}

/** An actor with the memory that it works on. Its step depends on its footprint and the event alone. */
export interface Component {
  readonly name: string;
  readonly machine: AnyStateMachine;
  /** Number of the slot that holds its own state. */
  readonly slot: number;
  /** Further slots that a step reads or writes, from a state and for an event. */
  footprint(state: number, event: AnyEventObject): readonly number[];
  /** Events that the component, in this state, may have at any moment without a message. */
  choices(state: number): readonly AnyEventObject[];
  /**
   * All possible steps, or null if the component does not take the event. `ids`: the numbers of all
   * slots, of which only the footprint may be looked at.
   */
  step(ids: Int32Array, event: AnyEventObject): readonly Outcome[] | null;
  /** What is owed to a choice; null: it may also never be made. Absent: nothing is owed to any. */
  fairness?(event: AnyEventObject): Fairness | null;
  /** Branches of its machine that its steps have taken so far (branches.ts); absent: steps do not tell. */
  readonly taken?: ReadonlySet<string>;
  /** Strong fairness is owed to some choice. */
  readonly hasStrongChoices?: boolean;
}

/** A step property that can be asked of each step. */
export interface StepRule {
  readonly property: string;
  holds(step: SeenStep): boolean;
}

/** In an event that a component has by itself: which step of its own it is, such as a timer that ends. */
export const OWN_STEP = "trackvisor";

/** In a message: what is sent when it has been delivered, as its sender sent it for the same moment. */
export const FOLLOWED_BY = "trackvisor.then";

/** Whether it is an object with a type. */
export function isEvent(value: unknown): value is AnyEventObject {
  return isRecord(value) && typeof value["type"] === "string";
}

/** A message as people, properties and machines see it. */
export function shownMessage(message: AnyEventObject): AnyEventObject {
  if (!(OWN_STEP in message) && !(FOLLOWED_BY in message)) return message;
  const { [OWN_STEP]: _own, [FOLLOWED_BY]: _followers, ...event } = message;
  return event;
}

/** Actors that differ by their number alone. */
export interface MemberSpec {
  /** Names of the members, by number. */
  readonly members: readonly string[];
  /** Context fields of other actors that are lists with an entry for each member. */
  readonly indexed: Readonly<Record<string, readonly string[]>>;
  /** Field names, in contexts and messages, that hold a member's number: its own. */
  readonly references: readonly string[];
}

/** One way to give what is alike other numbers: an element of a model's symmetry group. */
export interface Renaming {
  /** In words: "exchanging pages 0 and 1 of VM 0". */
  readonly what: string;
  /** The slot that a slot becomes, by name. */
  slot(name: string): string;
  /** The value that a value of a slot (no channel) becomes. @throws if it is not known what a part of it is */
  value(slot: string, value: unknown): unknown;
  /** The message that a message in a channel becomes. @throws if it is not known what a part of it is */
  message(channel: string, message: AnyEventObject): AnyEventObject;
  /** The property that one becomes, by name: that of another vCPU, for instance. */
  property(name: string): string;
}

/** What of a model is alike: all renamings after which it does the same. */
export interface RenamingGroup {
  /** What may be exchanged, and what may not and why, in sentences without a full stop. */
  readonly alike: readonly string[];
  readonly differs: readonly string[];
  /** All of them but the one that changes nothing. */
  readonly renamings: readonly Renaming[];
  /** The slot of this name; a channel that nothing has been sent into yet is made. */
  slotNamed(name: string): number;
}

export interface Model {
  readonly name: string;
  /** Every slot; the channels among them. A slot's number is its position. */
  readonly slots: readonly Slot[];
  /** Channels by slot number, null for other slots. */
  readonly channels: readonly (Channel | null)[];
  /** Messages and choices by number. */
  readonly messages: Slot<AnyEventObject>;
  readonly components: readonly Component[];
  readonly initial: Int32Array;
  readonly properties: readonly Property[];
  /** Step properties that are asked of each step; others are what components report. */
  readonly stepRules?: readonly StepRule[];
  /** What is alike, if anything is. */
  readonly symmetry?: MemberSpec | RenamingGroup;
  /** Whether a state without a next step is an end, not a deadlock. */
  isFinal(ids: Int32Array): boolean;
  /**
   * What makes the model say less than it seems to, in sentences: a choice that nobody takes.
   * @param isComplete all steps have been seen
   */
  problems?(isComplete: boolean): readonly string[];
  /** What a reader of the verdicts must know of what was explored, in sentences. */
  remarks?(): readonly string[];
  /** @throws UserError if a value has changed since it was met: somebody has written into it */
  verify?(): void;
}

/**
 * The number of the slot with this name.
 * @param where who asks, for the error
 * @throws UserError, with the nearest name, if there is none
 */
export function slotNamed(
  { slots, name: model }: Pick<Model, "slots" | "name">,
  name: string,
  where = "",
): number {
  const slot = slots.findIndex((one) => one.name === name);
  if (slot >= 0) return slot;
  const names = slots.map((one) => one.name);
  const asked = where === "" ? "" : `${where}: `;
  throw new UserError(
    `model ${model}: ${asked}there is no actor, channel or memory "${name}"${nearest(name, names)}`,
  );
}

/** A slot's value as properties see it: a channel as the list of its messages. */
export function slotValue(model: Model, slot: number, id: number): unknown {
  const channel = model.channels[slot] ?? null;
  if (channel === null) return itemAt(model.slots, slot).values[id];
  return itemAt(channel.values, id).map((message) =>
    shownMessage(itemAt(model.messages.values, message)),
  );
}
