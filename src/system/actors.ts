/**
 * One actor of a running system: a real XState actor behind a port of the interconnect, and its
 * device. A delivery is one step: the event, then each device reply, until the actor is quiet.
 */
import {
  type Actor,
  type AnyActorLogic,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
} from "xstate";
import {
  compileLogic,
  EndlessStepError,
  type LogicHost,
  type TransitionWatch,
  UnhandledEventError,
} from "../interconnect/compiledLogic.ts";
import type { Device, SendEmission } from "../interconnect/emissions.ts";
import type { Interconnect } from "../interconnect/interconnect.ts";
import type { ActorId } from "../interconnect/messages.ts";
import { propertiesOf } from "../interconnect/misreadings.ts";
import { type ActorRole, actorName } from "./roles.ts";

/** How machines are run: from the compiled table, or by XState's own interpreter (for comparison). */
export type LogicKind = "compiled" | "interpreted";

/** A machine's state, as plain data. */
export interface ActorSnapshot {
  readonly value: string;
  readonly context: object;
}

type Emission =
  | SendEmission
  | { readonly type: "sendAll"; readonly sends: readonly SendEmission[] }
  | { readonly type: "device"; readonly request: unknown };

/** Of one step; machines ask for a few things. */
const REQUESTS_MOST = 10_000;

export class SystemActor {
  readonly id: ActorId;
  /** Who it is. */
  readonly role: ActorRole;
  readonly name: string;
  /** Its behaviour. */
  readonly machine: AnyStateMachine;
  /** Its first state. */
  readonly initial: ActorSnapshot;
  /** Fields of its context that are its machine's input: they stay as they are. */
  readonly inputFields: readonly string[];
  #logic: AnyActorLogic;
  readonly #kind: LogicKind;
  readonly #interconnect: Interconnect;
  readonly #device: Device<unknown, AnyEventObject> | null;
  /** Requests of the delivery being handled: #requested of them, #performed already. */
  readonly #requests: unknown[] = [];
  #requested = 0;
  #performed = 0;
  #actor: Actor<AnyActorLogic>;
  #fault: { readonly error: unknown } | null = null;

  constructor(
    id: ActorId,
    role: ActorRole,
    { machine, device }: { machine: AnyStateMachine; device: Device<never, AnyEventObject> | null },
    input: object,
    interconnect: Interconnect,
    kind: LogicKind,
  ) {
    this.id = id;
    this.role = role;
    this.name = actorName(role);
    this.machine = machine;
    this.inputFields = Object.keys(input);
    this.#kind = kind;
    this.#logic = kind === "compiled" ? compileLogic(machine, true, this.#host) : machine;
    this.#device = device;
    this.#interconnect = interconnect;
    this.#actor = this.#start(createActor(this.#logic, { id: this.name, input }));
    this.initial = this.snapshot;
  }

  /** State and context now. The context is a copy: a running actor changes its own in place. */
  get snapshot(): ActorSnapshot {
    const { value, context } = this.live;
    return { value, context: { ...context } };
  }

  /** State and context as they are, for a look: neither to be kept nor changed. */
  get live(): ActorSnapshot {
    return this.#actor.getSnapshot();
  }

  /** The context as it is, for a look: read it as its machine's by `contextOf`. */
  get context(): object {
    return this.live.context;
  }

  /** The state alone. */
  get value(): string {
    return this.live.value;
  }

  /**
   * Lets the actor handle one message. Throws what the machine or its device threw, and an
   * UnhandledEventError for a message, or a reply of the device, that its machine does not take now.
   */
  handle(event: AnyEventObject): void {
    if (this.#kind === "interpreted") this.#refuseUnhandled(event);
    this.#actor.send(event);
    if (this.#kind === "interpreted") this.#sendReplies();
    if (this.#fault !== null) throw this.#fault.error;
  }

  /** Names of the memory that its device works on for a request. */
  touches(request: unknown): readonly string[] {
    if (this.#device === null) throw new Error(`actor ${this.name} has no device`);
    return this.#device.touches(request);
  }

  /** Also after a failure: what it had begun is forgotten. */
  restore({ value, context }: ActorSnapshot): void {
    this.#actor.stop();
    this.#fault = null;
    this.#requested = 0;
    this.#performed = 0;
    const base = { status: "active", output: undefined, error: undefined } as const;
    const snapshot =
      this.#kind === "compiled"
        ? { ...base, value, context: { ...context } }
        : this.machine.resolveState({ value, context });
    this.#actor = this.#start(createActor(this.#logic, { id: this.name, snapshot, input: {} }));
  }

  /**
   * From now on tells of each transition that it takes, replies of its device included.
   * @throws Error if it is run by XState's own interpreter
   */
  watch(taken: TransitionWatch): void {
    if (this.#kind !== "compiled") throw new Error(`actor ${this.name} is not compiled`);
    const before = this.snapshot;
    this.#logic = compileLogic(this.machine, true, { ...this.#host, taken });
    this.restore(before);
  }

  /** Under XState's interpreter each reply is a send of its own; compiled logic takes them in one. */
  #sendReplies(): void {
    while (this.#fault === null) {
      const reply = this.#nextReply();
      if (reply === null) return;
      this.#refuseUnhandled(reply);
      this.#actor.send(reply);
    }
  }

  /** What compiled logic refuses by itself, XState would drop. */
  #refuseUnhandled(event: AnyEventObject): void {
    const snapshot: AnyMachineSnapshot = this.#actor.getSnapshot();
    if (this.machine.getTransitionData(snapshot, event).length > 0) return;
    throw new UnhandledEventError(this.machine.id, String(snapshot.value), event.type);
  }

  /** Performs the next request of this delivery; null if there is none. */
  #nextReply(): AnyEventObject | null {
    if (this.#performed < this.#requested) {
      if (this.#performed === REQUESTS_MOST) throw this.#endless();
      return this.#device!.perform(this.#requests[this.#performed++]);
    }
    this.#requested = 0;
    this.#performed = 0;
    return null;
  }

  #endless(): EndlessStepError {
    const { op } = propertiesOf(this.#requests[this.#performed]);
    return new EndlessStepError(
      `${this.name} has asked its device ${REQUESTS_MOST} times in one step, at last for "${op}": the step never ends`,
    );
  }

  readonly #host: LogicHost = {
    emit: (emission) => this.#accept(emission as Emission),
    next: () => this.#nextReply(),
    fail: (error) => {
      this.#fault = { error };
    },
  };

  #start(actor: Actor<AnyActorLogic>): Actor<AnyActorLogic> {
    if (this.#kind === "compiled") return actor.start();
    // XState reports an error in a transition or a listener asynchronously; a run must stop at once.
    actor.subscribe({ error: this.#host.fail });
    actor.on("*", (emission) => {
      try {
        this.#host.emit(emission);
      } catch (error) {
        this.#host.fail(error);
      }
    });
    return actor.start();
  }

  #accept(emission: Emission): void {
    switch (emission.type) {
      case "send":
        this.#interconnect.post(this.id, emission.to, emission.delay, emission.message);
        break;
      case "sendAll":
        for (const { to, delay, message } of emission.sends) {
          this.#interconnect.post(this.id, to, delay, message);
        }
        break;
      case "device":
        if (this.#device === null) throw new Error(`actor ${this.name} has no device`);
        this.#requests[this.#requested++] = emission.request;
        break;
    }
  }
}
