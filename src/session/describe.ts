/** Messages for people: their kind, their step of the workflow, their payload in short. */
import { exitReasonName } from "../hardware/exit.ts";
import type { Delivery, Message, MessageType } from "../interconnect/messages.ts";
import type { MessageKind, StreamEntry } from "./frame.ts";

const KINDS: Partial<Record<MessageType, MessageKind>> = {
  enterGuest: "run",
  continueGuest: "run",
  resume: "run",
  guestStopped: "exit",
  entryFailed: "exit",
  vmExit: "exit",
  eptViolation: "exit",
  handled: "exit",
  pmlIndexOutOfRange: "log",
  prlLogFilled: "log",
  logFullExit: "log",
  pmlIndexReset: "log",
  logsCopied: "log",
  handlerDue: "log",
  remoteReload: "log",
  enableLog: "log",
  disableLog: "log",
  ipi: "interrupt",
  kick: "interrupt",
  inveptRequest: "flush",
  inveptDone: "flush",
  arm: "track",
  armed: "track",
  armRefused: "track",
  harvest: "track",
  harvested: "track",
  disarm: "track",
  disarmed: "track",
  schedule: "schedule",
  deschedule: "schedule",
  descheduled: "schedule",
  preempt: "schedule",
  timesliceEnd: "schedule",
  startVm: "schedule",
  pauseVm: "schedule",
  vmPaused: "schedule",
  unpauseVm: "schedule",
  pauseVcpu: "schedule",
  unpauseVcpu: "schedule",
  vmHalted: "schedule",
};

/**
 * The five steps of page logging (VEE21 fig. 1): 1 the CPU logs, 2 the log is full, 3 the handler copies
 * it and sets the index back, 4 the operation uses what was collected, 5 the log is switched off.
 */
const STEPS: Partial<Record<MessageType, number>> = {
  enableLog: 1,
  pmlIndexOutOfRange: 2,
  prlLogFilled: 2,
  ipi: 2,
  logFullExit: 3,
  pmlIndexReset: 3,
  logsCopied: 3,
  handlerDue: 3,
  remoteReload: 3,
  harvest: 4,
  harvested: 4,
  estimate: 4,
  batchArrived: 4,
  checkpointCopied: 4,
  checkpointWritten: 4,
  disarm: 5,
  disableLog: 5,
  disarmed: 5,
};

/** Payload fields that are addresses of actors. */
const ADDRESSES = ["requester", "dispatcher", "mmu", "tracker", "cpu"];

export type Names = (id: number) => string;

export function entryOf(delivery: Delivery, position: number, nameOf: Names): StreamEntry {
  const { sequence, time, from, to, message } = delivery;
  return Object.freeze({
    position,
    sequence,
    time,
    from: from === 0 ? "you" : nameOf(from),
    to: nameOf(to),
    type: message.type,
    kind: kindOf(delivery),
    step: STEPS[message.type] ?? 0,
    text: payloadOf(message, nameOf)
      .map(([field, value]) => `${field} ${value}`)
      .join(", "),
  });
}

function kindOf({ from, message }: Delivery): MessageKind {
  if (from === 0 && message.type !== "begin") return "operator";
  return KINDS[message.type] ?? "operation";
}

/** Field by field, in the order of the message. */
export function payloadOf(message: Message, nameOf: Names): [string, string][] {
  const fields = Object.entries(message).filter(([field]) => field !== "type");
  return fields.map(([field, value]) => [field, fieldText(field, value, nameOf)]);
}

function fieldText(field: string, value: unknown, nameOf: Names): string {
  if (typeof value !== "number") return textOf(value);
  if (ADDRESSES.includes(field)) return value === 0 ? "nobody" : nameOf(value);
  if (field === "reason") return `${value} ${exitReasonName(value)}`;
  if (field === "page") return `0x${value.toString(16)}`;
  return String(value);
}

/** Any plain value in one line, long lists cut. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && "length" in value) {
    const list = Array.from(value as ArrayLike<unknown>);
    const shown = list.slice(0, 12).map(textOf).join(" ");
    return list.length > 12 ? `[${shown} ... ${list.length} in all]` : `[${shown}]`;
  }
  return JSON.stringify(value) ?? "-";
}
