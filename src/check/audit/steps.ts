/** Steps of actors that work on memory, as what checks them needs to know of them. */
import type { AnyEventObject } from "xstate";
import type { NormalForm, Words } from "../../hardware/normalForm.ts";
import type { Fields } from "../../interconnect/fields.ts";
import type { MachineState } from "../../interconnect/normalFields.ts";
import type { Slot } from "../engine/slot.ts";

/** What an actor asks of its device. */
export interface Request {
  readonly op: string;
}

/** A step to be worked out. */
export interface Step<Asked extends Request = Request> {
  readonly actor: number;
  /** Of the global state, the numbers of slots: of actors, then of memory. */
  readonly ids: Int32Array;
  readonly event: AnyEventObject;
  readonly requests: readonly Asked[];
  /** Numbers of the memory slots that it depends on. */
  readonly footprint: readonly number[];
  /** Which of the choices is made, if the step asks for one. */
  readonly choice: number;
}

/** What is done between putting the state there and taking the step. */
export interface Variation {
  /** What time it is; default 0. */
  readonly now?: number;
  readonly event?: AnyEventObject;
  state?(state: MachineState): MachineState;
  /** Changes memory, the actor's own and others'. */
  memory?(): void;
}

/** No variation. */
export const AS_IT_IS: Variation = {};

/** A message, and the name of the channel that it waits in. */
export type Posted = readonly [channel: string, message: AnyEventObject];

/** What came of a step, before it gets numbers. */
export interface Effects {
  /** What was chosen, in words, and out of how many; empty, out of one, if the step did not ask. */
  readonly choice: string;
  readonly choices: number;
  /** The actor's state, without what is no state; null if the step was not taken to its end. */
  readonly state: MachineState | null;
  /** Of each slot of the footprint. */
  readonly memory: readonly Words[];
  /** Messages with the names of their channels, those of one channel in their order. */
  readonly posted: readonly Posted[];
  readonly broken: readonly string[];
}

/** Those who take steps, and the memory that they work on. */
export interface Stage {
  readonly actors: readonly {
    readonly name: string;
    /** As it is now, for a look. */
    readonly live: MachineState;
  }[];
  /** What the context of each holds. */
  readonly fields: readonly Fields[];
  readonly memory: readonly Pick<NormalForm, "scramble">[];
  /** By actor, and by memory slot. */
  readonly actorSlots: readonly Slot<MachineState>[];
  readonly memorySlots: readonly Slot<Words>[];
}

/** Works steps out. */
export interface Steps<Asked extends Request> {
  /** @param begin called when all is in place. @throws ModelError */
  perform(step: Step<Asked>, variation: Variation, begin: () => void): Effects;
  /** Puts a memory slot into the state with this number. */
  restore(memory: number, id: number): void;
}
