/**
 * A planted fault: one rule of a protocol broken, off by default. It takes the place of a named action or
 * guard of the real machine, or stands around its real device, so that the program itself knows nothing of it.
 */
import { type AnyEventObject, type AnyStateMachine, assign, createMachine } from "xstate";
import type { Part } from "../../hardware/part.ts";
import type { TrackerFault } from "../../hypervisor/trackedVm.ts";
import type { Device } from "../../interconnect/emissions.ts";
import type { OperationFault } from "../../system/operation.ts";
import { type ActorKind, type ActorRole, isMeant, type RolePattern } from "../../system/roles.ts";
import type { ActorParts } from "../../system/system.ts";
import type { World } from "../../system/world.ts";

export interface Mutation {
  readonly name: string;
  /** The mistake, in one line. */
  readonly mistake: string;
  /** The model that shows it, with parameters other than its defaults. */
  readonly model: string;
  readonly set?: Readonly<Record<string, number>>;
  /** The beginning of the name of the property that breaks. */
  readonly breaks: string;
  /** Faults that scenarios can plant too (src/hypervisor/trackedVm.ts). */
  readonly trackerFault?: TrackerFault;
  readonly operationFault?: OperationFault;
  /** A fault of the place that checkpoints are written to (src/check/models/failingStorage.ts). */
  readonly storageFault?: "writesInPlace";
  /** A fault of the calls that a model without a system explores (src/check/callModels.ts). */
  readonly callFault?: string;
  readonly replace?: Replacement;
}

/**
 * Other parts for the actor with this role, or the same. What it is given can be asked for once the system
 * is built: the world, and the memory of the operation's devices.
 */
export type Replacement = (
  role: ActorRole,
  parts: ActorParts,
  world: () => World,
  operation: () => readonly Part[],
) => ActorParts;

/** Actors of a kind, or as their roles say. */
export type Whose = ActorKind | RolePattern;

type AnyDevice = Device<never, AnyEventObject>;
/** What a device is asked, as far as mutations look. */
export interface Asked {
  readonly op: string;
  readonly vm?: number;
  readonly vcpu?: number;
  readonly page?: number;
  /** Said by a planted fault's own action: it is this request that goes wrong. */
  readonly wrong?: boolean;
}

/** Stands around a device: `around` performs the request, or not. */
export function wrapDevice(
  device: Device<Asked, AnyEventObject> | null,
  around: (asked: Asked, perform: () => AnyEventObject) => AnyEventObject,
): AnyDevice | null {
  if (device === null) return null;
  return {
    perform: (request: Asked) => around(request, () => device.perform(request)),
    touches: (request: Asked) => device.touches(request),
  };
}

/** A replacement for some actors. */
export function replaceIn(
  whose: Whose,
  change: (parts: ActorParts, world: () => World, operation: () => readonly Part[]) => ActorParts,
): Replacement {
  const pattern = typeof whose === "string" ? { kind: whose } : whose;
  return (role, parts, world, operation) =>
    isMeant(role, pattern) ? change(parts, world, operation) : parts;
}

/** Around the devices of some actors. */
export function around(
  whose: Whose,
  what: (asked: Asked, perform: () => AnyEventObject, world: World) => AnyEventObject,
): Replacement {
  return replaceIn(whose, ({ machine, device }, world) => ({
    machine,
    device: wrapDevice(device, (asked, perform) => what(asked, perform, world())),
  }));
}

/** A harvest reports its pages, and leaves their entries as they were: none is armed again. */
export const rearmsNothing: Replacement = around("tracker", ({ op }, perform, { memory }) => {
  const before = memory.words.slice();
  const reply = perform();
  if (op === "harvest") memory.words.set(before);
  return reply;
});

/** Tracking ends, and the entries that it has changed stay as they are. */
export const leavesEntriesArmed: Replacement = around("tracker", ({ op }, perform, { memory }) => {
  const before = memory.words.slice();
  const reply = perform();
  if (op === "disarm") memory.words.set(before);
  return reply;
});

/** The machines of some actors, without what an action does. */
export function without(whose: Whose, action: string): Replacement {
  return replaceIn(whose, ({ machine, device }) => ({
    device,
    machine: machine.provide({ actions: { [action]: assign({}) } }),
  }));
}

/** The machine with another transition for an event in one of its states. */
export function withTransition(
  machine: AnyStateMachine,
  state: string,
  event: string,
  transition: object,
): AnyStateMachine {
  const { config, implementations } = machine;
  const { states = {} } = config;
  const before = states[state];
  if (before === undefined) throw new Error(`machine "${machine.id}" has no state "${state}"`);
  const on = { ...before.on, [event]: transition };
  return createMachine(
    { ...config, states: { ...states, [state]: { ...before, on } } },
    implementations,
  );
}
