/** The channels between the actors of a system: what each is called, and how it works. */
import { rowOf } from "../../interconnect/messages.ts";
import { isInsideProcessor } from "../../system/wires.ts";
import type { ChannelOptions } from "../engine/channel.ts";

/** In the name of a channel: what waits in it may wait for ever. */
const AT_WILL = ", at will";
/** In the name of a channel: what waits in it comes in the order of sending, though it is a timer. */
const IN_ORDER = ", in order";
/** In the name of a channel: what waits in it takes its time, and comes in no order with what is sent meanwhile. */
const LATER = ", later";
/** The channel by which an actor sends another, or itself, a message of a type, to be there after a delay. */
export function channelName(from: string, to: string, type: string, delay: number): string {
  const { after, timer } = rowOf(type) ?? {};
  const isLater = delay > 0 || after === "work";
  if (isLater && isInsideProcessor(from, to)) return `${from} -> ${to}${LATER}`;
  if (after === "endOfWork") return `${from} -> ${to}${LATER}`;
  if (from === to && timer === "inOrder") return `${from} -> ${to}${IN_ORDER}`;
  // What must come at last is kept apart from what need not.
  return `${from} -> ${to}${from === to && timer === "atWill" ? AT_WILL : ""}`;
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
    // Numbers of turns are no state (abstraction.ts): one waiting timer stands for that of the present turn, and all
    // older ones, which mean nothing, are left out.
    coalesces: (message) => rowOf(typeOf(message))?.twice !== undefined,
    immediate: isInsideProcessor(from, to) && !name.endsWith(LATER),
    // Whether the operator ever asks for a harvest, or an end, is his choice: nothing may depend on it.
    fair: !name.endsWith(AT_WILL),
  };
}
