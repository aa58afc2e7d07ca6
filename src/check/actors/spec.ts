/** What a model of XState machines is made from, and what its properties see (docs/check-library.md). */
import type { AnyEventObject, AnyStateMachine, StateValue } from "xstate";
import type { ChannelKind, Fairness, WhenFull } from "../engine/channel.ts";
import type { MemberSpec } from "../engine/model.ts";
import type { Property, SeenStep } from "../properties/property.ts";

/** A delayed event: `after`, `raise` or `sendTo` to itself with a delay. */
export interface Timer {
  readonly event: AnyEventObject;
  /** In the machine's own unit, mostly milliseconds. */
  readonly delay: number;
  /** What `cancel` finds it by; null if it has no name. */
  readonly id: string | null;
  /** `cancel` does not find it any more: another timer of this name was started, or has ended. */
  readonly isLost?: true;
}

/** An actor's state, as properties see it. */
export interface ActorState<Context extends object = object> {
  /** As in XState; CRASHED after a crash. */
  readonly value: StateValue;
  readonly context: Context;
  readonly status: "active" | "done" | "crashed";
  /** Of a machine that is done. */
  readonly output?: unknown;
  /** Timers that run, in the order of their start; absent if none does. */
  readonly timers?: readonly Timer[];
  /** By the identifier of a history state: the states that it leads to. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
  /** Invoked actors that have not ended: the source of each by its identifier. */
  readonly invoked?: Readonly<Record<string, string>>;
  /** How often it has crashed, where that is limited. */
  readonly crashes?: number;
  /** Of a crashed actor: the input that it starts again with. */
  readonly input?: unknown;
}

/** The value of a crashed actor's state. */
export const CRASHED = "(crashed)";

/** How an invoked actor may end. Each outcome may come at any moment while it is invoked; none must. */
export interface Ends {
  readonly done?: readonly unknown[];
  readonly error?: readonly unknown[];
}

/** An actor that may stop at any moment and lose what it knows. Messages that reach it while it is down are lost. */
export interface CrashSpec {
  /** Crashes in one run; default: any number. */
  readonly most?: number;
  /** Whether it may start again; default true. */
  readonly restarts?: boolean;
  /** What it starts again with, from its context at the crash: what is durable. Default: the actor's input. */
  input?(context: object): unknown;
}

interface StateChoices {
  /** A method, as TypeScript lets one be written for the context of its machine. */
  choices(state: ActorState): readonly AnyEventObject[];
}

export interface ActorSpec {
  readonly machine: AnyStateMachine;
  readonly input?: unknown;
  /** Events that the actor may have at any moment, if its machine takes them then: its own decisions, its environment. */
  readonly choices?: readonly AnyEventObject[] | StateChoices["choices"];
  /** By the type of an event that it has by itself (a choice, "crash", "restart"): what is owed to it. Default: nothing. */
  readonly fairness?: Readonly<Record<string, Fairness>>;
  /**
   * ordered (default): of an actor's timers, one that was started no later and has no longer delay ends first;
   * otherwise, and beside messages and other actors' timers, in any order. any: in any order.
   */
  readonly timers?: "ordered" | "any";
  /** By source, or identifier, of what the machine invokes or spawns: how that may end. */
  readonly invoked?: Readonly<Record<string, Ends>>;
  readonly crash?: CrashSpec;
  /** Names of states in which it may remain for ever, besides final ones: for noDeadlock. */
  readonly rests?: readonly string[];
  /** Types of emitted events that leave the model: no wire carries them. */
  readonly outside?: readonly string[];
  /** Names of custom actions that change nothing in the model: they are not performed. */
  readonly ignoredActions?: readonly string[];
}

/** Who receives the events of some type that an actor emits. All wires of a pair of actors share a channel. */
export interface Wire {
  readonly from: string;
  readonly event: string;
  readonly to: readonly string[];
  /** Default: fifo. A bag reorders; a board ("shared") also delivers again and again. */
  readonly kind?: ChannelKind;
  /** What may come next may also be lost. */
  readonly lossy?: boolean;
  /** What may come next may come again. */
  readonly duplicating?: boolean;
  /** Messages that have room in the channel; default: any number. */
  readonly capacity?: number;
  /** Of a full channel: the sender's step waits (default), or what it sends is lost. */
  readonly whenFull?: WhenFull;
  /** What is owed to messages; false: nothing. Default: weak. */
  readonly fair?: Fairness | false;
  /** A field of the event that gets the sender's name. */
  readonly sender?: string;
  /** A field of the event that names who of `to` receives it: a name, or a list of names. */
  readonly address?: string;
}

/** A value beside the actors that sees steps and influences none: a history, for properties over it. */
export interface ObserverSpec {
  /** Default: "history". */
  readonly name?: string;
  readonly initial: unknown;
  /** Types of received events that it looks at; default: all. */
  readonly events?: readonly string[];
  /** Its value after a step. The sender is not told: it may be in the event. */
  record(value: unknown, step: Omit<SeenStep<ActorState>, "sender">): unknown;
}

export interface ActorModelSpec {
  readonly name: string;
  readonly actors: Readonly<Record<string, ActorSpec>>;
  readonly wires: readonly Wire[];
  readonly properties: readonly Property[];
  readonly observer?: ObserverSpec;
  /** Actors that differ by their number alone: their states can be explored once for all orders of them. */
  readonly symmetry?: MemberSpec;
  /** Whether a state without a next step is an end; default: each actor is done, crashed, or where it `rests`. */
  readonly isFinal?: (states: Readonly<Record<string, ActorState>>) => boolean;
}
