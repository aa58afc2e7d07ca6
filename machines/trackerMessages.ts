/** What a tracker sends to several at once: the messages of machines/tracker.ts. */
import { type SendEmission, send } from "../src/interconnect/emissions.ts";
import type { EventOf } from "../src/interconnect/machineTypes.ts";
import type { ActorId } from "../src/interconnect/messages.ts";
import { unitNumber } from "../src/units/all.ts";
import { STOPPING_UNITS } from "../src/units/messages.ts";
import type { TrackerContext, TrackerEvent } from "./trackerContext.ts";

/** The address of a unit that the processors have not got. */
const NOBODY = 0;

/** The units of this VM's vCPUs that take part in the change. */
export function units(
  context: TrackerContext,
  { unit }: EventOf<TrackerEvent, "tablesChanged" | "pieceDone">,
): readonly ActorId[] {
  return (context.units[unitNumber(unit)] ?? []).filter((id) => id !== NOBODY);
}

export function inveptRequests(context: TrackerContext, delay: number): SendEmission[] {
  const message = { type: "inveptRequest", vm: context.vm, tracker: context.self } as const;
  return context.dispatchers.map((dispatcher) => send(dispatcher, message, delay));
}

/** The index of a vCPU's log is back: whichever of its units has stopped the guest for it hears so. */
export function indexReset({ units }: TrackerContext, vcpu: number, delay: number): SendEmission[] {
  return STOPPING_UNITS.flatMap(({ number, emptied }) => {
    const unit = units[number]?.[vcpu];
    return unit === undefined || unit === NOBODY ? [] : [send(unit, emptied, delay)];
  });
}
