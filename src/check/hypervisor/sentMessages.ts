/**
 * What a step has sent, as messages in channels. A delay says nothing about order, but for one thing: what is told
 * inside a processor when some work is done, or an MMU's burst is over, is told before what the same step has sent
 * for the same moment after it (the handler resets the index, then the guest may go on). Such a message carries what
 * follows, which is sent when it has been delivered.
 */
import type { AnyEventObject } from "xstate";
import { ANY_SYSTEM } from "../../interconnect/fields.ts";
import { type Message, messages } from "../../interconnect/messages.ts";
import type { Posted } from "../audit/steps.ts";
import { FOLLOWED_BY, shownMessage } from "../engine/model.ts";
import { channelName, isInside, type Party } from "./channels.ts";

/** A message on its way: who to whom, and after how many cycles. */
export interface Sent {
  readonly from: Party;
  readonly to: Party;
  readonly delay: number;
  readonly message: AnyEventObject;
}

/** @param sent in the order in which it arrives if nothing else happens */
export function postedBy(sent: readonly Sent[]): Posted[] {
  const posted: Posted[] = [];
  let followed = 0;
  for (const [at, one] of sent.entries()) {
    if (at < followed) continue;
    const { from, to, delay, message } = one;
    const channel = channelName(from, to, message.type, delay);
    const followers = sent.slice(at + 1).filter((later) => later.delay === delay);
    if (!isFirst(one) || followers.length === 0) posted.push([channel, message]);
    else {
      posted.push([channel, { ...message, [FOLLOWED_BY]: postedBy(followers) }]);
      followed = at + 1 + followers.length;
    }
  }
  return posted;
}

/** Whether what is sent for the same moment must wait for it. */
function isFirst({ from, to, delay }: Sent): boolean {
  if (delay === 0 || from.name === to.name) return false;
  return from.role?.kind === "mmu" || isInside(from, to);
}

/** A message without what follows it, and that. */
export function partsOf(message: AnyEventObject): {
  readonly event: AnyEventObject;
  readonly followers: readonly Posted[];
} {
  const followers: unknown = message[FOLLOWED_BY];
  return { event: shownMessage(message), followers: Array.isArray(followers) ? followers : [] };
}

/** An event of a model of the system, as the message that it is. @throws if it is none */
export function messageOf(event: AnyEventObject): Message {
  const message: unknown = event;
  messages.accept(message, ANY_SYSTEM, (problem) => new Error(`it is no message: ${problem}`));
  return message;
}
