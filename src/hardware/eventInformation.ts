/**
 * Interruption information: the word that names an event, in one format for VM entry, VM exit and IDT
 * vectoring (SDM vol. 3C tables 24-14, 24-16 and 24-17).
 */

/** Event types: bits 10:8. */
export const EventType = { externalInterrupt: 0, nmi: 2, exception: 3 } as const;
export type EventTypeName = keyof typeof EventType;
const EVENT_TYPES: readonly EventTypeName[] = namesOf(EventType);

const TYPE_SHIFT = 8;
/** Bit 11: an error code is pushed. */
export const ERROR_CODE_VALID = 1 << 11;
/** Bit 31. */
export const EVENT_VALID = 1 << 31;

/** The word for an event. */
export function eventInformation(type: EventTypeName, vector: number, errorCode = false): number {
  const bits = (EventType[type] << TYPE_SHIFT) | (vector & 0xff);
  return EVENT_VALID | bits | (errorCode ? ERROR_CODE_VALID : 0);
}

/** Bits 10:8: one of EventType, or a type that is not emulated. */
export function eventTypeOf(information: number): number {
  return (information >>> TYPE_SHIFT) & 7;
}

/** Vector and type that interruption information names; null if it is not valid. */
export function describeEvent(
  information: number,
): { readonly type: EventTypeName | null; readonly vector: number } | null {
  if ((information & EVENT_VALID) === 0) return null;
  const number = eventTypeOf(information);
  const type = EVENT_TYPES.find((name) => EventType[name] === number) ?? null;
  return { type, vector: information & 0xff };
}

/** #DB, #DF and #MC: a trap or fault by its cause, and two aborts. #BP and #OF are of another type. */
const NOT_FAULTS: readonly number[] = [1, 8, 18];

/** Whether an event is a fault-class exception other than #DB: what has RF pushed as 1 (SDM vol. 3B 17.3.1.1; KVM exception_type). */
export function setsResumeFlag(information: number): boolean {
  return (
    eventTypeOf(information) === EventType.exception && !NOT_FAULTS.includes(information & 0xff)
  );
}

import { namesOf } from "../lookup.ts";
