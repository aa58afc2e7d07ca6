/**
 * A machine run by XState's own `transition()`, step by step from saved states: nested and parallel states,
 * history, final states, eventless transitions, delays, invoked actors by their outcomes. XState says what
 * is to be done as a list of actions; those that change the model are carried out here, others are refused.
 */
import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createActor,
  fromTransition,
  initialTransition,
  transition,
} from "xstate";
import { UserError } from "../../errors.ts";
import { itemAt, valueUnder } from "../../lookup.ts";
import { isEvent } from "../engine/model.ts";
import { stateName } from "./describe.ts";
import type { MachineShape } from "./machineShape.ts";
import type { ActorState, Ends } from "./spec.ts";
import type { PureMachine, Stepped } from "./steps.ts";
import { Timers } from "./timers.ts";

export interface InterpreterOptions {
  readonly invoked: Readonly<Record<string, Ends>>;
  readonly ignoredActions: readonly string[];
}

type Executable = ReturnType<typeof transition>[1][number];

/** Transitions in one step; more are a circle. */
const MICROSTEPS_MOST = 10_000;

/** In place of what a machine invokes: its outcomes come from the model. */
const STAND_IN = fromTransition((state: null) => state, null);

export function interpretedMachine(
  original: AnyStateMachine,
  shape: MachineShape,
  options: InterpreterOptions,
): PureMachine {
  return new InterpretedMachine(original, shape, options);
}

class InterpretedMachine implements PureMachine {
  readonly #machine: AnyStateMachine;
  readonly #nodes: ReadonlyMap<string, AnyStateNode>;
  readonly #options: InterpreterOptions;

  constructor(original: AnyStateMachine, shape: MachineShape, options: InterpreterOptions) {
    this.#machine = prepared(original, shape, options);
    this.#nodes = nodesById(this.#machine);
    this.#options = options;
  }

  initial(input: unknown): Stepped {
    const [snapshot, actions] = initialTransition(this.#machine, input);
    return this.#stepped(snapshot, actions, new Timers([]), {});
  }

  step(state: ActorState, event: AnyEventObject): Stepped | null {
    return this.#step(state, event, new Timers(state.timers ?? []));
  }

  endTimer(state: ActorState, position: number): Stepped {
    const running = state.timers ?? [];
    const timers = new Timers(running);
    timers.end(position);
    return this.#step(state, itemAt(running, position).event, timers) ?? idle(state, timers);
  }

  endInvoked(state: ActorState, id: string, event: AnyEventObject): Stepped {
    const { [id]: _ended, ...invoked } = state.invoked ?? {};
    const timers = new Timers(state.timers ?? []);
    const rest = { ...state, invoked };
    return this.#step(rest, event, timers) ?? idle(rest, timers);
  }

  #step(state: ActorState, event: AnyEventObject, timers: Timers): Stepped | null {
    const { invoked = {} } = state;
    const before = this.#restored(state);
    const isTaken = before.can(event);
    const [after, actions] = transition(this.#machine, before, event);
    // An eventless transition may follow on an event that nothing else takes.
    if (!isTaken && after === before && actions.length === 0) return null;
    return this.#stepped(after, actions, timers, invoked);
  }

  #restored({ value, context, history = {}, invoked = {} }: ActorState): AnyMachineSnapshot {
    const historyValue = Object.fromEntries(
      Object.entries(history).map(([id, targets]) => [
        id,
        targets.map((one) => valueUnder(this.#nodes, one)),
      ]),
    );
    const children = Object.fromEntries(
      Object.keys(invoked).map((id): [string, AnyActorRef] => [id, createActor(STAND_IN, { id })]),
    );
    const snapshot = this.#machine.resolveState({ value, context, historyValue });
    return Object.assign(snapshot, { children });
  }

  #stepped(
    snapshot: AnyMachineSnapshot,
    actions: readonly Executable[],
    timers: Timers,
    sources: Readonly<Record<string, string>>,
  ): Stepped {
    if (snapshot.status === "error") throw snapshot.error;
    const work = new StepWork(timers, sources, this.#options);
    for (const action of actions) work.perform(action);
    return { state: savedState(snapshot, work), emitted: work.emitted, toItself: work.toItself };
  }
}

/** What ended changes nothing else. */
function idle({ timers: _before, ...state }: ActorState, { all }: Timers): Stepped {
  const { invoked: children, ...rest } = state;
  const invoked = children === undefined || isEmpty(children) ? {} : { invoked: children };
  const running = all.length === 0 ? {} : { timers: all };
  return { state: { ...rest, ...invoked, ...running }, emitted: [], toItself: [] };
}

/** Own copy of the machine, which ends where it would go round for ever, and starts no invoked actor. */
function prepared(
  from: AnyStateMachine,
  { invokes }: MachineShape,
  { invoked }: InterpreterOptions,
): AnyStateMachine {
  const named = [...Object.keys(invoked), ...invokes.map(({ src }) => src)];
  const own: AnyStateMachine = from.provide({
    actors: Object.fromEntries(named.map((src) => [src, STAND_IN])),
  });
  own.options = {
    ...own.options,
    maxIterations: Math.min(own.options.maxIterations ?? MICROSTEPS_MOST, MICROSTEPS_MOST),
  };
  return own;
}

function nodesById(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  const nodes = new Map<string, AnyStateNode>();
  const visit = (node: AnyStateNode): void => {
    nodes.set(node.id, node);
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return nodes;
}

/** What a step does besides its transition. */
class StepWork {
  readonly emitted: AnyEventObject[] = [];
  readonly toItself: AnyEventObject[] = [];
  readonly timers: Timers;
  /** By identifier of an invoked actor: its source. */
  readonly sources: Record<string, string>;
  readonly #options: InterpreterOptions;

  constructor(
    timers: Timers,
    sources: Readonly<Record<string, string>>,
    options: InterpreterOptions,
  ) {
    this.timers = timers;
    this.sources = { ...sources };
    this.#options = options;
  }

  perform({ type, params, info }: Executable): void {
    const details: Readonly<Record<string, unknown>> = { ...params };
    switch (type) {
      case "xstate.emit":
        this.emitted.push(eventOf(details));
        return;
      case "xstate.raise":
        this.#delay(details);
        return;
      case "xstate.cancel":
        this.timers.cancel(String(details["sendId"]));
        return;
      case "xstate.sendTo":
        if (details["to"] !== info.self) throw notToOthers(targetOf(details["targetId"]));
        if (!this.#delay(details)) this.toItself.push(eventOf(details));
        return;
      case "xstate.spawnChild":
        this.#spawn(details);
        return;
      case "xstate.stopChild":
      case "xstate.log":
        return;
      default:
        if (!this.#options.ignoredActions.includes(type)) throw notPerformed(type);
    }
  }

  /** Whether it is delayed. */
  #delay(details: Readonly<Record<string, unknown>>): boolean {
    const { delay, id } = details;
    if (typeof delay !== "number") return false;
    this.timers.start(eventOf(details), delay, typeof id === "string" ? id : null);
    return true;
  }

  #spawn({ id, src, actorRef }: Readonly<Record<string, unknown>>): void {
    const made = typeof actorRef === "object" && actorRef !== null && "id" in actorRef;
    const name = String(made ? actorRef.id : id);
    const source = typeof src === "string" ? src : "(in place)";
    const { invoked } = this.#options;
    if (invoked[source] === undefined && invoked[name] === undefined) {
      throw notInvoked(source, name);
    }
    this.sources[name] = source;
  }
}

/** The event of an action that XState says is to be done. */
function eventOf({ event }: Readonly<Record<string, unknown>>): AnyEventObject {
  if (isEvent(event)) return event;
  throw new Error("XState has an action to be done, and no event in it");
}

function savedState(snapshot: AnyMachineSnapshot, { timers, sources }: StepWork): ActorState {
  const { value, context, status, output } = snapshot;
  if (status !== "active") {
    // A machine that is done has no timers and no children.
    return { value, context, status: "done", ...(output === undefined ? {} : { output }) };
  }
  const running = timers.all;
  const histories = Object.entries(snapshot.historyValue);
  const history = histories.map(([id, nodes]) => [id, nodes.map((one) => one.id).sort()] as const);
  const invoked = Object.keys(snapshot.children).map((id) => [id, sources[id] ?? ""] as const);
  return {
    value,
    context,
    status: "active",
    ...(running.length === 0 ? {} : { timers: running }),
    ...(history.length === 0 ? {} : { history: Object.fromEntries(history) }),
    ...(invoked.length === 0 ? {} : { invoked: Object.fromEntries(invoked) }),
  };
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

export function notPerformed(name: string, state = ""): UserError {
  return new UserError(
    `${stateName(state)}the custom action "${name}" is not performed by the checker; if it changes nothing in the model, name it in ignoredActions`,
  );
}

function targetOf(id: unknown): string {
  return typeof id === "string" ? `"${id}"` : "another actor";
}

export function notToOthers(target: string, state = ""): UserError {
  return new UserError(
    `${stateName(state)}it sends to ${target} by sendTo; between actors of a model only emitted events and wires are explored`,
  );
}

export function notInvoked(src: string, id: string, state = ""): UserError {
  return new UserError(
    `${stateName(state)}it invokes "${src}" (as "${id}"), which is not explored; say how it may end in invoked ({ ${JSON.stringify(src === "(in place)" ? id : src)}: { done: [...], error: [...] } }), or make it an actor with wires`,
  );
}
