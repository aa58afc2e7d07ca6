/**
 * What a machine may emit: a message to another actor, or a request to its own device. A device is
 * the piece of memory and hardware behind an actor; it performs a request at once and its reply is the
 * actor's next event, within the same delivery. So a machine is a pure function of state and event.
 */
import { NotThereError } from "../lookup.ts";
import type { ActorId, Message } from "./messages.ts";

export interface SendEmission {
  readonly type: "send";
  readonly to: ActorId;
  /** Cycles until delivery. */
  readonly delay: number;
  readonly message: Message;
}

/** Several messages, posted in this order. */
export interface SendAllEmission {
  readonly type: "sendAll";
  readonly sends: readonly SendEmission[];
}

export interface DeviceEmission<Request> {
  readonly type: "device";
  readonly request: Request;
}

/** An actor by whose it is, such as that of a vCPU. Takes lists of actors alone, so that V8 inlines it. */
export function actorAt(actors: readonly ActorId[], index: number): ActorId {
  const actor = actors[index];
  if (actor === undefined)
    throw new NotThereError(`there is no actor ${index} of ${actors.length}, from 0`);
  return actor;
}

/** Sends a message, `delay` cycles from now. */
export function send(to: ActorId, message: Message, delay = 0): SendEmission {
  return { type: "send", to, delay, message };
}

/** Sends several messages in order. */
export function sendAll(sends: readonly SendEmission[]): SendAllEmission {
  return { type: "sendAll", sends };
}

/** Asks the actor's device. */
export function request<Request>(request: Request): DeviceEmission<Request> {
  return { type: "device", request };
}

/** The device of an actor: performs a request on the data plane and returns the reply event. */
export interface Device<Request, Reply> {
  perform(request: Request): Reply;
  /**
   * Names of the memory that a request works on, as far as anything is decided by it (src/system/memoryNames.ts). Who
   * explores all states asks for it, and holds the device to it.
   */
  touches(request: Request): readonly string[];
}
