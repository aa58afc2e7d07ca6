/**
 * States of actors as a file may hold them: what each machine declares beside its input, which stays as the
 * system was built with it.
 */
import { checkpointLiveFields } from "../../machines/checkpointLive.ts";
import { checkpointStopFields } from "../../machines/checkpointStop.ts";
import { dispatcherFields } from "../../machines/dispatcher.ts";
import { mmuFields } from "../../machines/mmu.ts";
import { operatorFields } from "../../machines/operator.ts";
import { pagerFields } from "../../machines/pager.ts";
import { pmlUnitFields } from "../../machines/pmlUnit.ts";
import { prlUnitFields } from "../../machines/prlUnit.ts";
import { pvmCpuFields } from "../../machines/pvmCpu.ts";
import { schedulerFields } from "../../machines/scheduler.ts";
import { trackerFields } from "../../machines/trackerContext.ts";
import { vcpuFields } from "../../machines/vcpu.ts";
import { excerpt } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";
import {
  anything,
  byName,
  type Census,
  type Fields,
  problemOf,
  record,
  text,
  type Values,
} from "../interconnect/fields.ts";
import type { SystemActor } from "./actors.ts";

/** A state as a file holds it, before anybody has looked at it. */
export const storedState = {
  value: text,
  context: byName(anything),
} as const satisfies Fields;
export type StoredState = Values<typeof storedState>;

/** By machine: those of systems that can be put back from a file. */
const FIELDS: Readonly<Record<string, Fields>> = {
  checkpointLive: checkpointLiveFields,
  checkpointStop: checkpointStopFields,
  dispatcher: dispatcherFields,
  mmu: mmuFields,
  operator: operatorFields,
  pager: pagerFields,
  pmlUnit: pmlUnitFields,
  prlUnit: prlUnitFields,
  pvmCpu: pvmCpuFields,
  scheduler: schedulerFields,
  tracker: trackerFields,
  vcpu: vcpuFields,
};

/** What is wrong with an actor's state; undefined if it is one that this actor can have. */
export function actorProblem(
  { machine, initial, inputFields }: SystemActor,
  { value, context }: StoredState,
  census: Census,
): string | undefined {
  const fields = FIELDS[machine.id];
  if (fields === undefined) return `what the machine "${machine.id}" remembers is in no file`;
  const states = Object.keys(machine.states);
  if (!states.includes(value)) {
    return `value: there is no state "${excerpt(value)}"${nearest(value, states)}`;
  }
  const built: Readonly<Record<string, unknown>> = { ...initial.context };
  const other = inputFields.find(
    (name) => JSON.stringify(context[name]) !== JSON.stringify(built[name]),
  );
  if (other !== undefined) return `context.${other}: is not as this system was built`;
  const own = Object.entries(context).filter(([name]) => !inputFields.includes(name));
  return problemOf(
    record({ context: record(fields) }),
    { context: Object.fromEntries(own) },
    census,
  );
}

/** Whether the machine of an actor says what its state holds. */
export function isDeclared({ machine }: SystemActor): boolean {
  return Object.hasOwn(FIELDS, machine.id);
}
