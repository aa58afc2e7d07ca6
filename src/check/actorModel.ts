/**
 * A model of any XState machines and the wires between them. A machine says what it sends by emitting
 * events (`emit` in its actions); a wire says who receives an emitted event. Nothing else leaves a machine.
 *
 * Machines run with XState's own `transition()`, or from a compiled table where they are in its subset
 * (src/interconnect/compiledLogic.ts), which gives the same and is faster.
 */
import {
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  initialTransition,
  transition,
} from "xstate";
import { compileLogic, UnsupportedMachineError } from "../interconnect/compiledLogic.ts";
import { Channel, type ChannelKind } from "./engine/channel.ts";
import type { Component, MemberSpec, Model, Outcome } from "./engine/model.ts";
import { canonical, Slot } from "./engine/slot.ts";
import type { Property } from "./properties/property.ts";

/** An actor's state, as properties see it. */
export interface ActorState {
  readonly value: unknown;
  readonly context: object;
}

export interface ActorSpec {
  readonly machine: AnyStateMachine;
  readonly input?: object;
  /** Events that the actor may have at any moment, if its machine takes them then: its own decisions, its environment. */
  readonly choices?: readonly AnyEventObject[];
}

/** Who receives the events of some type that an actor emits. */
export interface Wire {
  readonly from: string;
  readonly event: string;
  readonly to: readonly string[];
  /** Default: fifo. A bag reorders; a board ("shared") also delivers again and again. */
  readonly kind?: ChannelKind;
}

export interface ActorModelSpec {
  readonly name: string;
  readonly actors: Readonly<Record<string, ActorSpec>>;
  readonly wires: readonly Wire[];
  readonly properties: readonly Property[];
  /** Actors that differ by their number alone: their states can be explored once for all orders of them. */
  readonly symmetry?: MemberSpec;
  /** Whether a state without a next step is an end; by default it is. */
  readonly isFinal?: (states: Readonly<Record<string, ActorState>>) => boolean;
}

interface Stepped {
  readonly state: ActorState;
  readonly emitted: readonly AnyEventObject[];
}

/** A machine as two pure functions. `step`: null if the machine does not take the event. */
interface PureMachine {
  readonly initial: (input: object | undefined) => Stepped;
  readonly step: (state: ActorState, event: AnyEventObject) => Stepped | null;
}

/** Builds a model. Throws if a wire names an actor that is not there. */
export function actorModel(spec: ActorModelSpec): Model {
  const names = Object.keys(spec.actors);
  const number = (name: string): number => {
    const found = names.indexOf(name);
    if (found < 0) throw new Error(`model ${spec.name}: a wire names "${name}", which is no actor`);
    return found;
  };
  const messages = new Slot<AnyEventObject>("messages");
  const machines = names.map((name) => pureMachine(spec.actors[name]!.machine));
  const actorSlots = names.map((name) => new Slot<ActorState>(name));
  const slots: Slot[] = [...actorSlots];
  const channels: (Channel | null)[] = names.map(() => null);
  const routes = new Map<string, number[]>();
  for (const { from, event, to, kind = "fifo" } of spec.wires) {
    // A board has all its receivers; other channels have one each.
    const groups = kind === "shared" ? [to] : to.map((one) => [one]);
    const key = `${number(from)} ${event}`;
    const route = routes.get(key) ?? [];
    for (const group of groups) {
      const name = `${from} -> ${group.length === names.length - 1 ? "all" : group.join(", ")}`;
      let slot = slots.findIndex((one) => one.name === name);
      if (slot < 0) {
        slot = slots.length;
        const channel = new Channel(name, { kind, receivers: group.map(number) });
        slots.push(channel);
        channels.push(channel);
      }
      route.push(slot);
    }
    routes.set(key, route);
  }
  const sendsOf = (actor: number, emitted: readonly AnyEventObject[]) =>
    emitted.flatMap((event) =>
      (routes.get(`${actor} ${event.type}`) ?? []).map(
        (channel) => [channel, messages.intern(event)] as const,
      ),
    );
  const components = names.map((name, actor): Component => {
    const slot = actorSlots[actor]!;
    const choices = spec.actors[name]!.choices ?? [];
    return {
      name,
      machine: spec.actors[name]!.machine,
      slot: actor,
      footprint: () => [],
      choices: () => choices,
      step(ids, event): readonly Outcome[] | null {
        const stepped = machines[actor]!.step(slot.values[ids[actor]!]!, event);
        if (stepped === null) return null;
        const id = slot.intern(stepped.state);
        const sends = sendsOf(actor, stepped.emitted);
        return [{ choice: "", writes: [[actor, id]], sends, broken: [] }];
      },
    };
  });
  const initial = new Int32Array(slots.length);
  names.forEach((name, actor) => {
    const { state, emitted } = machines[actor]!.initial(spec.actors[name]!.input);
    initial[actor] = actorSlots[actor]!.intern(state);
    for (const [channel, message] of sendsOf(actor, emitted)) {
      initial[channel] = channels[channel]!.append(initial[channel]!, message);
    }
  });
  return {
    name: spec.name,
    slots,
    channels,
    messages,
    components,
    initial,
    properties: spec.properties,
    ...(spec.symmetry === undefined ? {} : { symmetry: spec.symmetry }),
    isFinal(ids) {
      if (spec.isFinal === undefined) return true;
      const states = names.map((name, i) => [name, actorSlots[i]!.values[ids[i]!]!] as const);
      return spec.isFinal(Object.fromEntries(states));
    },
  };
}

function pureMachine(machine: AnyStateMachine): PureMachine {
  try {
    return compiledMachine(machine);
  } catch (error) {
    if (error instanceof UnsupportedMachineError) return interpretedMachine(machine);
    throw error;
  }
}

function compiledMachine(machine: AnyStateMachine): PureMachine {
  let emitted: AnyEventObject[] = [];
  const logic = compileLogic(machine);
  const emit = (event: AnyEventObject): void => {
    emitted.push(event);
  };
  const scope = { emit } as Partial<AnyActorScope> as AnyActorScope;
  const snapshotOf = ({ value, context }: ActorState) =>
    ({
      status: "active",
      output: undefined,
      error: undefined,
      value: String(value),
      context,
    }) as const;
  return {
    initial(input) {
      emitted = [];
      const { value, context } = logic.getInitialSnapshot(scope, input);
      return { state: { value, context }, emitted };
    },
    step(state, event) {
      emitted = [];
      const before = snapshotOf(state);
      const after = logic.transition(before, event, scope);
      if (after === before) return null;
      return { state: { value: after.value, context: after.context }, emitted };
    },
  };
}

function interpretedMachine(machine: AnyStateMachine): PureMachine {
  const stepped = (
    snapshot: AnyMachineSnapshot,
    actions: readonly { readonly type: string; readonly params?: unknown }[],
  ): Stepped => {
    const emitted = actions.flatMap((action): AnyEventObject[] => {
      if (action.type !== "xstate.emit") return [];
      return [(action.params as { event: AnyEventObject }).event];
    });
    return { state: { value: snapshot.value, context: snapshot.context as object }, emitted };
  };
  return {
    initial(input) {
      const [snapshot, actions] = initialTransition(machine, input as never);
      return stepped(snapshot, actions);
    },
    step({ value, context }, event) {
      const snapshot = machine.resolveState({ value: value as string, context });
      if (!snapshot.can(event)) return null;
      const [next, actions] = transition(machine, snapshot, event);
      return stepped(next, actions);
    },
  };
}

/** The name of a state value, for people: "a", or "a.b" for nested states. */
export function stateName(value: unknown): string {
  return typeof value === "string" ? value : canonical(value);
}
