/**
 * The statecharts of page-logging units: what each does when its log is full, and how it is told. A unit whose full log
 * nobody is told of has none.
 */
import type { AnyStateMachine } from "xstate";
import type { Fields } from "../../src/interconnect/fields.ts";
import type { ActorId } from "../../src/interconnect/messages.ts";
import { pmlUnitFields, pmlUnitInput, pmlUnitMachine } from "./pmlUnit.ts";
import {
  type PrlUnitReply,
  type PrlUnitRequest,
  prlUnitFields,
  prlUnitInput,
  prlUnitMachine,
} from "./prlUnit.ts";

/** What a unit that interrupts a CPU asks of its device, and is answered. */
export type UnitRequest = PrlUnitRequest;
export type UnitReply = PrlUnitReply;

/** Whom a unit of a vCPU has to do with. */
export interface UnitSurroundings {
  readonly number: number;
  readonly vcpu: ActorId;
  /** The pVM CPU that its full log interrupts, with this vector, and how long that takes. */
  readonly handlerCpu: ActorId | undefined;
  readonly vector: number;
  readonly ipiCycles: number;
}

export interface UnitStatechart {
  readonly machine: AnyStateMachine;
  readonly fields: Fields;
  /** States in which it may stay for ever without anybody missing anything. */
  readonly atRest: readonly string[];
  input(surroundings: UnitSurroundings): object;
}

/** By unit's name. */
const STATECHARTS: Readonly<Record<string, UnitStatechart>> = {
  pml: {
    machine: pmlUnitMachine,
    fields: { ...pmlUnitInput, ...pmlUnitFields },
    atRest: ["off", "logging"],
    input: ({ vcpu }) => ({ vcpu }),
  },
  prl: {
    machine: prlUnitMachine,
    fields: { ...prlUnitInput, ...prlUnitFields },
    atRest: ["off", "logging"],
    input: ({ number, handlerCpu, vector, ipiCycles }) => ({
      vcpu: number,
      handlerCpu,
      vector,
      ipiCycles,
    }),
  },
};

/** That of a unit; null if it has none. */
export function statechartOf(unit: string): UnitStatechart | null {
  return Object.hasOwn(STATECHARTS, unit) ? (STATECHARTS[unit] ?? null) : null;
}

export const UNIT_STATECHARTS: readonly UnitStatechart[] = Object.values(STATECHARTS);
