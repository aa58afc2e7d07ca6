/** The channels between the actors of a system: what each is called, and how it works. */
import { isEndOfWork } from "../../interconnect/messages.ts";
import { isInsideProcessor } from "../../system/wires.ts";
import type { ChannelOptions } from "../engine/channel.ts";

/** Timers that stand for somebody's choice, or for what nobody waits for: they may also never end. */
const NOT_OWED = [
  "harvestDue",
  "deadline",
  "migrationDue",
  "abortDue",
  "linkDown",
  "checkpointDue",
  "settled",
  "sampleDue",
  "loadDue",
];
/** In the name of a channel: what waits in it may wait for ever. */
const AT_WILL = ", at will";
/** Timers that end in the order in which they were set: a disk writes one request after the other (disk.ts). */
const ORDERED = ["pagesWritten"];
/** In the name of a channel: what waits in it comes in the order of sending, though it is a timer. */
const IN_ORDER = ", in order";
/** In the name of a channel: what waits in it takes its time, and comes in no order with what is sent meanwhile. */
const LATER = ", later";
/** Whether these are there at once is no state: how much work comes before them is a statistic. */
const AFTER_STATISTICS = ["resume", "deschedule"];
/** Messages that are interrupts: sent twice before they are taken, they are one. A remote reload reads memory when it is executed. */
const INTERRUPTS = ["ipi", "kick", "remoteReload"];
/**
 * Timers that carry the number of a turn, of which the receiver takes only that of the present one. The numbers are
 * no state (abstraction.ts), so one waiting timer stands for that of the present turn, and all older ones, which
 * mean nothing, are left out. Whoever begins a turn sends its timer: none of them is missed.
 */
const OF_TURNS = ["timesliceEnd", "throttleSliceEnd", "throttleWake"];
/** What is told for the report alone: said twice before it is heard, it is as good as once. */
const REPORTS = ["loadQuery", "loadReport", "estimate"];

/** The channel by which an actor sends another, or itself, a message of a type, to be there after a delay. */
export function channelName(from: string, to: string, type: string, delay: number): string {
  const isLater = delay > 0 || AFTER_STATISTICS.includes(type);
  if (isLater && isInsideProcessor(from, to)) return `${from} -> ${to}${LATER}`;
  if (isEndOfWork(type)) return `${from} -> ${to}${LATER}`;
  if (from === to && ORDERED.includes(type)) return `${from} -> ${to}${IN_ORDER}`;
  // What must come at last is kept apart from what need not.
  const isOwed = from !== to || !NOT_OWED.includes(type);
  return `${from} -> ${to}${isOwed ? "" : AT_WILL}`;
}

/** Names of the actors at both ends of a channel. */
export function endsOf(name: string): { readonly from: string; readonly to: string } {
  const [from = "", to = ""] = name
    .replace(AT_WILL, "")
    .replace(LATER, "")
    .replace(IN_ORDER, "")
    .split(" -> ");
  return { from, to };
}

/** @param typeOf the type of a message, by its number */
export function channelOptions(
  name: string,
  receiver: number,
  typeOf: (message: number) => string,
): ChannelOptions {
  const { from, to } = endsOf(name);
  return {
    // Timers end in any order.
    kind: from === to && !name.endsWith(IN_ORDER) ? "bag" : "fifo",
    receivers: [receiver],
    coalesces: (message) => [...INTERRUPTS, ...REPORTS, ...OF_TURNS].includes(typeOf(message)),
    immediate: isInsideProcessor(from, to) && !name.endsWith(LATER),
    // Whether the operator ever asks for a harvest, or an end, is his choice: nothing may depend on it.
    fair: !name.endsWith(AT_WILL),
  };
}
