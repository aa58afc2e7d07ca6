/**
 * Runs an XState machine definition as table-driven actor logic. The definition stays an ordinary
 * `setup().createMachine()`, usable in every XState tool; this compiles the flat subset that
 * Trackvisor's machines use into a table from (state, event type) to candidate transitions. XState's
 * own interpreter builds arrays, sets and scopes for each event; the table needs none of it.
 *
 * A feature outside the subset is refused when the machine is compiled. test/interconnect compares
 * the result with XState's interpreter on random event sequences. One thing XState does not do: with a
 * host, an event that no transition is for is an error, unless the definition says that it is ignored
 * there, and why (ignored.ts).
 *
 * It reads two semi-public shapes of XState 5: `machine.implementations`, and the `assignment` and
 * `event` properties of `assign()` and `emit()` actions. Hence the pinned version and the test.
 */

import type { ActorLogic, AnyEventObject, AnyStateMachine, EventObject, Snapshot } from "xstate";
import { present } from "../lookup.ts";
import { isIgnored } from "./ignored.ts";
import { findMisreading, propertiesOf } from "./misreadings.ts";

/** State of a compiled machine: what an XState snapshot has that Trackvisor uses. */
export type CompiledSnapshot = Snapshot<undefined> & {
  value: string;
  context: object;
};

/** A context as actions see it: fields by name. */
type Context = Record<string, unknown>;
type Args = { readonly context: Context; readonly event: EventObject };
type Assigner = (args: Args) => Context;
/** An action, ready to run: it changes `args.context`, or emits. */
type Action = (args: Args, emit: EmissionSink) => void;

/** Takes what a machine emits. */
type EmissionSink = (emission: AnyEventObject) => void;

/**
 * What surrounds an actor that runs compiled logic. XState's own ways cost more than a transition: it
 * looks up and copies listeners for each emission, and queues each event.
 */
export interface LogicHost {
  readonly emit: EmissionSink;
  /** The event that the actor handles next, before it is quiet, such as the reply of its device; or null. */
  next(): AnyEventObject | null;
  /** Takes what an action, a guard or the host itself has thrown; or that an event was not taken. */
  fail(error: unknown): void;
  /** Is told of each transition that is taken; absent in ordinary runs, where nobody pays for it. */
  readonly taken?: TransitionWatch;
}

/**
 * Of a transition: the state that it leaves, its event, and its number among the state's transitions for that event,
 * the machine's own for every state included; what is taken without an event has ALWAYS in place of one.
 */
export type TransitionWatch = (state: string, event: string, number: number) => void;

/** In place of the event of a transition that needs none. */
export const ALWAYS = "always";

interface Candidate {
  readonly guard: ((args: Args) => boolean) | null;
  /** Null: stay, without exit and entry actions. */
  readonly target: StateTable | null;
  readonly actions: readonly Action[];
}

interface StateTable {
  readonly name: string;
  readonly entry: Action[];
  readonly exit: Action[];
  readonly on: Map<string, Candidate[]>;
  /** Of a transient state: left as soon as it is entered. Empty for others. */
  readonly always: Candidate[];
}

const NO_CANDIDATES: readonly Candidate[] = [];

/** Of an actor's scope a compiled machine uses this alone. */
export interface EmittingScope {
  readonly emit: EmissionSink;
}

export interface CompiledLogic extends ActorLogic<CompiledSnapshot, AnyEventObject, unknown> {
  transition(
    snapshot: CompiledSnapshot,
    event: AnyEventObject,
    scope: EmittingScope,
  ): CompiledSnapshot;
  getInitialSnapshot(scope: EmittingScope, input: unknown): CompiledSnapshot;
}

/** Raised when a definition uses something the compiler does not know. */
export class UnsupportedMachineError extends Error {}

/** An event came in a state that has no transition for it, and does not say that it ignores it. */
export class UnhandledEventError extends Error {
  constructor(machine: string, state: string, event: string) {
    super(`machine "${machine}" in state "${state}" does not take "${event}"`);
  }
}

/** A step that goes on and on: a machine and its device ask each other for ever, or states go round in a circle. */
export class EndlessStepError extends Error {}

function circleOf(machine: string, state: string): string {
  return `machine "${machine}" goes round in a circle of states that are left at once, "${state}" among them: the step never ends`;
}

/**
 * Compiles a machine. Throws UnsupportedMachineError naming machine, state and feature.
 * @param inPlace Whether a transition may write into the snapshot it is given instead of making a new
 * one. For an actor that nobody else holds snapshots of: several times faster, and no garbage.
 * @param host Gets emissions and errors at once, and may have further events handled in the same step;
 * without one, the actor's listeners get them, and an event that is not taken changes nothing, as with any
 * XState logic.
 */
export function compileLogic(
  machine: AnyStateMachine,
  inPlace = false,
  host: LogicHost | null = null,
): CompiledLogic {
  const { states, initial } = compileStates(machine);
  const misreading = findMisreading(machine);
  if (misreading !== undefined) {
    throw new UnsupportedMachineError(`machine "${machine.id}", ${misreading}`);
  }
  if (host?.taken !== undefined) watchTransitions(states, host.taken);
  if (host !== null) refuseUnreasoned(machine);
  const unhandled = (state: string, event: string): void => {
    // XState tells an actor by an event that it is stopped.
    if (host === null || event.startsWith("xstate.")) return;
    throw new UnhandledEventError(machine.id, state, event);
  };
  const initialState = stateNamed(states, initial);
  const initialContext: unknown = machine.config.context;

  // Mostly the state of the last transition, which spares the look-up by name.
  let last = initialState;
  const transition = (
    snapshot: CompiledSnapshot,
    event: AnyEventObject,
    emit: EmissionSink,
  ): CompiledSnapshot => {
    const state = snapshot.value === last.name ? last : stateNamed(states, snapshot.value);
    const candidates = state.on.get(event.type) ?? NO_CANDIDATES;
    const args = { context: snapshot.context as Context, event };
    for (const { guard, target, actions } of candidates) {
      if (guard !== null && !guard(args)) continue;
      if (!inPlace) args.context = { ...args.context };
      let at = state;
      if (target !== null) runActions(state.exit, args, emit);
      runActions(actions, args, emit);
      if (target !== null) {
        at = target;
        runActions(target.entry, args, emit);
      }
      for (let left = 0; at.always.length > 0; left++) {
        if (left === states.size) throw new EndlessStepError(circleOf(machine.id, at.name));
        at = leaveTransient(at, args, emit);
      }
      last = at;
      if (!inPlace) return snapshotOf(at, args.context);
      snapshot.value = at.name;
      return snapshot;
    }
    unhandled(state.name, event.type);
    return snapshot;
  };

  return {
    transition(snapshot, event, scope) {
      if (host === null) return transition(snapshot, event, scope.emit);
      let at = snapshot;
      try {
        let next: AnyEventObject | null = event;
        for (; next !== null; next = host.next()) at = transition(at, next, host.emit);
      } catch (error) {
        host.fail(error);
      }
      return at;
    },

    getInitialSnapshot(scope, input) {
      const event = { type: "xstate.init", input };
      const isMade = typeof initialContext === "function";
      const context = { ...propertiesOf(isMade ? initialContext({ input }) : initialContext) };
      runActions(initialState.entry, { context, event }, host?.emit ?? scope.emit);
      return snapshotOf(initialState, context);
    },

    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => snapshot as CompiledSnapshot,
  };
}

/** Each transition says that it is taken before anything else is done. */
function watchTransitions(states: ReadonlyMap<string, StateTable>, taken: TransitionWatch): void {
  const watched = (state: string, event: string, list: Candidate[]): Candidate[] =>
    list.map((candidate, number) => {
      const tell: Action = () => taken(state, event, number);
      return { ...candidate, actions: [tell, ...candidate.actions] };
    });
  for (const { name, on, always } of states.values()) {
    for (const [event, list] of on) on.set(event, watched(name, event, list));
    always.splice(0, always.length, ...watched(name, ALWAYS, always));
  }
}

function stateNamed(states: ReadonlyMap<string, StateTable>, name: string): StateTable {
  return present(states.get(name), `the state "${name}"`);
}

function snapshotOf(state: StateTable, context: Context): CompiledSnapshot {
  return { status: "active", output: undefined, error: undefined, value: state.name, context };
}

function leaveTransient(state: StateTable, args: Args, emit: EmissionSink): StateTable {
  for (const { guard, target, actions } of state.always) {
    if (guard !== null && !guard(args)) continue;
    runActions(state.exit, args, emit);
    runActions(actions, args, emit);
    runActions(target!.entry, args, emit);
    return target!;
  }
  throw new Error(`state "${state.name}" has no way out`);
}

/** Runs actions in order on a context that belongs to this transition. */
function runActions(actions: readonly Action[], args: Args, emit: EmissionSink): void {
  for (let i = 0; i < actions.length; i++) actions[i]!(args, emit);
}

/** `assign((args) => changes)`. */
function assignAll(changesOf: Assigner): Action {
  return (args) => {
    const { context } = args;
    const changes = changesOf(args);
    for (const key in changes) context[key] = changes[key];
  };
}

/** `assign({ key: value or function })`: every function sees the context as it was before this action. */
function assignEach(keys: readonly (readonly [string, unknown])[]): Action {
  const [first] = keys;
  if (keys.length === 1 && first !== undefined) return assignOne(...first);
  return (args) => {
    const { context } = args;
    const values = keys.map(([, value]) => (typeof value === "function" ? value(args) : value));
    for (let i = 0; i < keys.length; i++) context[keys[i]![0]] = values[i];
  };
}

function assignOne(key: string, value: unknown): Action {
  if (typeof value !== "function") {
    return ({ context }) => {
      context[key] = value;
    };
  }
  return (args) => {
    args.context[key] = value(args);
  };
}

/** `emit(event or function)`. */
function emitEvent(event: unknown): Action {
  return (args, emit) => {
    const emission: AnyEventObject = typeof event === "function" ? event(args) : event;
    emit(emission);
  };
}

const MACHINE_KEYS = [
  "id",
  "context",
  "initial",
  "states",
  "on",
  "schemas",
  "types",
  "description",
];
const STATE_KEYS = ["on", "always", "entry", "exit", "description"];
const TRANSITION_KEYS = ["target", "guard", "actions", "description"];

function compileStates(machine: AnyStateMachine): {
  readonly states: Map<string, StateTable>;
  readonly initial: string;
} {
  const config = propertiesOf(machine.config);
  const where = `machine "${machine.id}"`;
  refuseUnknown(config, MACHINE_KEYS, where);
  const stateConfigs = new Map(
    Object.entries(propertiesOf(config["states"])).map(([name, state]) => [
      name,
      propertiesOf(state),
    ]),
  );
  const initial = config["initial"];
  if (
    typeof initial !== "string" ||
    !stateConfigs.has(initial) ||
    stateConfigs.get(initial)?.["always"] !== undefined
  ) {
    throw new UnsupportedMachineError(
      `${where}: "initial" must name one of its states, not a transient one`,
    );
  }
  const states = new Map<string, StateTable>();
  for (const name of stateConfigs.keys()) {
    states.set(name, { name, entry: [], exit: [], on: new Map(), always: [] });
  }
  for (const [name, stateConfig] of stateConfigs) {
    const at = `${where}, state "${name}"`;
    refuseUnknown(stateConfig, STATE_KEYS, at);
    const state = stateNamed(states, name);
    state.entry.push(...compileActions(machine, stateConfig["entry"], at));
    state.exit.push(...compileActions(machine, stateConfig["exit"], at));
    addAlways(machine, state, stateConfig, states, at);
    addTransitions(machine, state, stateConfig["on"], states, at);
    // The root's transitions come after the state's own (SCXML: the deepest handler wins).
    addTransitions(machine, state, config["on"], states, where);
  }
  return { states, initial };
}

function addTransitions(
  machine: AnyStateMachine,
  state: StateTable,
  on: unknown,
  states: ReadonlyMap<string, StateTable>,
  at: string,
): void {
  for (const [type, value] of Object.entries(propertiesOf(on))) {
    if (type.includes("*") || type === "") {
      throw new UnsupportedMachineError(`${at}: wildcard event "${type}" is not supported`);
    }
    const list = state.on.get(type) ?? [];
    for (const transition of Array.isArray(value) ? value : [value]) {
      list.push(compileTransition(machine, state, transition, states, `${at}, on "${type}"`));
    }
    state.on.set(type, list);
  }
}

/** A state with `always` must be transient: no events of its own, and a way out in any case. */
function addAlways(
  machine: AnyStateMachine,
  state: StateTable,
  config: Readonly<Record<string, unknown>>,
  states: ReadonlyMap<string, StateTable>,
  at: string,
): void {
  if (config["always"] === undefined) return;
  const list = Array.isArray(config["always"]) ? config["always"] : [config["always"]];
  for (const transition of list) {
    state.always.push(compileTransition(machine, state, transition, states, `${at}, always`));
  }
  const last = state.always.at(-1);
  const leaves = state.always.every(({ target }) => target !== null);
  if (config["on"] !== undefined || !leaves || last === undefined || last.guard !== null) {
    throw new UnsupportedMachineError(
      `${at}: a state with "always" has no "on", and its last transition has a target and no guard`,
    );
  }
}

function compileTransition(
  machine: AnyStateMachine,
  state: StateTable,
  transition: unknown,
  states: ReadonlyMap<string, StateTable>,
  at: string,
): Candidate {
  const config: Readonly<Record<string, unknown>> =
    typeof transition === "string" ? { target: transition } : propertiesOf(transition);
  refuseUnknown(config, TRANSITION_KEYS, at);
  const targetName = config["target"];
  let target: StateTable | null = null;
  if (targetName !== undefined) {
    // A root transition writes ".name", a state's own "name": the machine is flat, both mean a state.
    const found = states.get(String(targetName).replace(/^\./, ""));
    if (found === undefined) {
      throw new UnsupportedMachineError(`${at}: target "${targetName}" is not a state`);
    }
    // XState 5: a transition of a state to itself does not exit and enter it.
    target = found === state && !String(targetName).startsWith(".") ? null : found;
  }
  return {
    guard: compileGuard(machine, config["guard"], at),
    target,
    actions: compileActions(machine, config["actions"], at),
  };
}

function compileGuard(machine: AnyStateMachine, guard: unknown, at: string): Candidate["guard"] {
  if (guard === undefined) return null;
  const predicate: unknown =
    typeof guard === "string" ? machine.implementations.guards[guard] : undefined;
  if (typeof predicate !== "function" || "check" in predicate) {
    throw new UnsupportedMachineError(`${at}: guard ${describe(guard)} must be a named predicate`);
  }
  return (args) => predicate(args);
}

function compileActions(machine: AnyStateMachine, actions: unknown, at: string): Action[] {
  if (actions === undefined) return [];
  const list = Array.isArray(actions) ? actions : [actions];
  return list.map((name) => compileAction(machine, name, at));
}

function compileAction(machine: AnyStateMachine, name: unknown, at: string): Action {
  const implementation =
    typeof name === "string" ? machine.implementations.actions[name] : undefined;
  if (implementation === undefined) {
    throw new UnsupportedMachineError(`${at}: action ${describe(name)} must be a named action`);
  }
  const creator = propertiesOf(implementation);
  if (creator["type"] === "xstate.assign") {
    const assignment = creator["assignment"];
    if (typeof assignment === "function") return assignAll(assignment as Assigner);
    return assignEach(Object.entries(propertiesOf(assignment)));
  }
  if (creator["type"] === "xstate.emit") return emitEvent(creator["event"]);
  throw new UnsupportedMachineError(`${at}: action "${name}" must be an assign() or an emit()`);
}

/** What a machine ignores it ignores for a reason: see ignored.ts. */
function refuseUnreasoned({ id, config: { on: shared, states } }: AnyStateMachine): void {
  const all = [
    ["any", shared],
    ...Object.entries(states ?? {}).map(([name, { on }]) => [name, on]),
  ];
  for (const [state, on] of all) {
    for (const [event, value] of Object.entries(on ?? {})) {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (const transition of list) {
        if (!isIgnored(transition) || hasReason(propertiesOf(transition))) continue;
        throw new UnsupportedMachineError(
          `machine "${id}", state "${state}", on "${event}": ignored without a reason`,
        );
      }
    }
  }
}

function hasReason(transition: { readonly description?: unknown }): boolean {
  return transition.description !== undefined;
}

function refuseUnknown(config: object, known: readonly string[], at: string): void {
  for (const [key, value] of Object.entries(config)) {
    if (value !== undefined && !known.includes(key)) {
      throw new UnsupportedMachineError(`${at}: "${key}" is not supported`);
    }
  }
}

function describe(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : "written in place";
}
