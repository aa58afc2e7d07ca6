/** The channels between the actors of a system: what each is called, and how it works. */
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
/** In the name of a channel: what waits in it takes its time, though the wire has no latency. */
const LATER = ", later";
/** Messages that are interrupts: sent twice before they are taken, they are one. A remote reload reads memory when it is executed. */
const INTERRUPTS = ["ipi", "kick", "remoteReload"];
/** What is told for the report alone: said twice before it is heard, it is as good as once. */
const REPORTS = ["loadQuery", "loadReport", "estimate"];

/** A message that a step has sent: who to whom, of what type, and its delay. */
export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly delay: number;
}

/**
 * The channel by which an actor sends another, or itself, a message.
 * @param step all that is sent in the same step. What a logging unit is told after a time is told without
 * latency only if all of the step comes at that time, and so in the order of sending. If not, it may be
 * overtaken: how long a handler takes depends on how much there is to do, and here that is little.
 */
export function channelName({ from, to, type, delay }: Sent, step: readonly Sent[]): string {
  if (isToldUnit(from, to) && delay > 0 && step.some((other) => other.delay !== delay)) {
    return `${from} -> ${to}${LATER}`;
  }
  // A bag is the sum of two bags: what must come at last is kept apart from what need not.
  const isOwed = from !== to || !NOT_OWED.includes(type);
  return `${from} -> ${to}${isOwed ? "" : AT_WILL}`;
}

/** Names of the actors at both ends of a channel. */
export function endsOf(name: string): { readonly from: string; readonly to: string } {
  const [from = "", to = ""] = name.replace(AT_WILL, "").replace(LATER, "").split(" -> ");
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
    kind: from === to ? "bag" : "fifo",
    receivers: [receiver],
    coalesces: (message) => [...INTERRUPTS, ...REPORTS].includes(typeOf(message)),
    immediate: isInsideProcessor(from, to) && !name.endsWith(LATER),
    // Whether the operator ever asks for a harvest, or an end, is his choice: nothing may depend on it.
    fair: !name.endsWith(AT_WILL),
  };
}

/**
 * Whether a channel is a wire inside a processor, or stands for an instruction on it: what a logging unit is
 * told (VMWRITE) takes effect before the next instruction, and that a guest has stopped, or shall go on
 * (VMRESUME), is known to its vCPU at once. The exits and entries that follow take their time, and so do
 * interrupts and remote reloads.
 */
function isInsideProcessor(from: string, to: string): boolean {
  const isVcpu = /^vcpu\d+$/.test(to);
  return isVcpu || isToldUnit(from, to) || (isUnit(from) && !to.startsWith("pvm"));
}

function isToldUnit(from: string, to: string): boolean {
  return isUnit(to) && !from.startsWith("pvm");
}

function isUnit(actor: string): boolean {
  return /^vcpu\d+\/(pml|prl)$/.test(actor);
}
