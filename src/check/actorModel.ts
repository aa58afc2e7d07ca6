/**
 * A model of any XState machines and the wires between them. A machine says what it sends by emitting
 * events (`emit` in its actions); a wire says who receives an emitted event. Nothing else leaves a machine.
 */

import type { AnyEventObject } from "xstate";
import { UserError } from "../errors.ts";
import { fieldOf, itemAt, wordAt } from "../lookup.ts";
import { Actor, type Observation } from "./actors/actor.ts";
import { isInState, type MachineShape, shapeOf } from "./actors/machineShape.ts";
import type { ActorModelSpec, ActorSpec, ActorState } from "./actors/spec.ts";
import { nextTimers } from "./actors/timers.ts";
import { Usage } from "./actors/usage.ts";
import { validateSpec } from "./actors/validate.ts";
import { Wiring } from "./actors/wiring.ts";
import type { Channel } from "./engine/channel.ts";
import { channelAt } from "./engine/channel.ts";
import { canonical } from "./engine/encoding.ts";
import type { Model, StepRule } from "./engine/model.ts";
import { slotNamed } from "./engine/model.ts";
import { Slot } from "./engine/slot.ts";
import { type Property, predicatesOf } from "./properties/property.ts";

/** Builds a model. @throws UserError for what is misspelt, contradictory, or cannot be explored */
export function actorModel(spec: ActorModelSpec): Model {
  const names = Object.keys(spec.actors);
  const specs = Object.values(spec.actors);
  const shapes = Object.fromEntries(names.map((name) => [name, shapeIn(spec, name)]));
  validateSpec(spec, shapes);
  const messages = new Slot<AnyEventObject>("messages");
  const actorSlots = names.map((name) => new Slot<ActorState>(name));
  const slots: Slot[] = [...actorSlots];
  const channels: (Channel | null)[] = names.map(() => null);
  const observation = observationOf(spec, slots, channels);
  const sendsToItself = names.map((name) => maySendToItself(shapes[name]!));
  const wiring = new Wiring(
    { names, wires: spec.wires, sendsToItself, model: spec.name },
    slots,
    channels,
    messages,
  );
  const usage = new Usage(spec);
  const channelReceivers = (slot: number) =>
    channelAt(channels, slot).receivers.map((one) => itemAt(names, one));
  const around = { model: spec.name, wiring, usage, observation, messages, channelReceivers };
  const actors = names.map(
    (name, number) =>
      new Actor(
        number,
        itemAt(actorSlots, number),
        itemAt(specs, number),
        fieldOf(shapes, name),
        around,
      ),
  );
  const model: Model = {
    name: spec.name,
    slots,
    channels,
    messages,
    components: actors.map(({ component }) => component),
    initial: initialState(actors, slots, channels),
    properties: spec.properties,
    stepRules: spec.properties.flatMap(stepRuleOf),
    ...(spec.symmetry === undefined ? {} : { symmetry: spec.symmetry }),
    isFinal: (ids) => isFinal(spec, statesIn(actorSlots, ids)),
    problems: (isComplete) => usage.problems(isComplete),
    remarks: () =>
      names.flatMap((name, i) =>
        orderOfTimers(name, fieldOf(spec.actors, name), itemAt(actorSlots, i).values),
      ),
    verify: () => verifyValues([...slots.filter((_, i) => channels[i] === null), messages]),
  };
  for (const property of spec.properties) requireSlots(model, property);
  return model;
}

/** Each actor as it begins, and what it sends when it does in its channels. */
function initialState(
  actors: readonly Actor[],
  slots: readonly Slot[],
  channels: readonly (Channel | null)[],
): Int32Array {
  const initial = new Int32Array(slots.length);
  actors.forEach((actor, number) => {
    const { state, sends } = actor.begin();
    initial[number] = state;
    for (const [channel, message] of sends) {
      initial[channel] = channelAt(channels, channel).append(wordAt(initial, channel), message);
    }
  });
  return initial;
}

/** The actors' states, by their names. */
function statesIn(slots: readonly Slot<ActorState>[], ids: Int32Array): Record<string, ActorState> {
  return Object.fromEntries(
    slots.map(({ name, values }, i) => [name, itemAt(values, wordAt(ids, i))]),
  );
}

/** Where nothing is said, every actor is done, or rests. */
function isFinal(spec: ActorModelSpec, states: Readonly<Record<string, ActorState>>): boolean {
  if (spec.isFinal !== undefined) return spec.isFinal(states);
  return Object.entries(states).every(([name, state]) =>
    isAtRest(state, fieldOf(spec.actors, name).rests ?? []),
  );
}

/** Said where it made a difference: some timer was not let end before another. */
function orderOfTimers(
  name: string,
  { timers: order = "ordered" }: ActorSpec,
  states: readonly ActorState[],
): string[] {
  const isLeftOut = ({ timers = [] }: ActorState) =>
    nextTimers(timers, true).length < timers.length;
  if (order !== "ordered" || !states.some(isLeftOut)) return [];
  return [
    `timers of ${name} end in the order of their delays, and no other is explored (timers: "any" explores every order)`,
  ];
}

function shapeIn({ name: model, actors }: ActorModelSpec, name: string): MachineShape {
  const { machine } = fieldOf(actors, name);
  if (typeof machine?.transition !== "function" || machine.root === undefined) {
    throw new UserError(`model ${model}: actor "${name}": "machine": expected an XState machine`);
  }
  return shapeOf(machine);
}

function observationOf(
  { observer, actors, name }: ActorModelSpec,
  slots: Slot[],
  channels: (Channel | null)[],
): Observation | null {
  if (observer === undefined) return null;
  const slot = new Slot(observer.name ?? "history");
  if (Object.hasOwn(actors, slot.name)) {
    throw new UserError(`model ${name}: the observer and an actor are both called "${slot.name}"`);
  }
  slot.intern(observer.initial);
  slots.push(slot);
  channels.push(null);
  return { spec: observer, slot, number: slots.length - 1 };
}

/** What enqueueActions does shows only when it is done. */
function maySendToItself({ actions }: MachineShape): boolean {
  return actions.some(({ builtin }) => {
    return builtin === "xstate.sendTo" || builtin === "xstate.enqueueActions";
  });
}

function isAtRest({ status, value }: ActorState, rests: readonly string[]): boolean {
  return status !== "active" || rests.some((name) => isInState(value, name));
}

function stepRuleOf(property: Property): StepRule[] {
  if (property.kind !== "step" || property.that === undefined) return [];
  return [{ property: property.name, holds: property.that }];
}

/** @throws UserError if the property speaks of what is not there */
function requireSlots(model: Model, property: Property): void {
  for (const { over } of predicatesOf(property)) {
    for (const name of over) slotNamed(model, name, `property "${property.name}"`);
  }
}

/** @throws UserError if a value is not what it was */
function verifyValues(slots: readonly Slot[]): void {
  for (const slot of slots) {
    slot.values.forEach((value, id) => {
      if (canonical(value, slot.name) === slot.keyOf(id)) return;
      throw new UserError(
        `a value of "${slot.name}" was changed after it was met: ${slot.keyOf(id)} became ${canonical(value)}; machines, predicates and observers must return new values instead`,
      );
    });
  }
}
