/** What is to be said of each type of message, but for the types themselves (messages.ts). */
import type { Fields } from "./fields.ts";

/** What messages are for, in colours and in filters; "operator" is what a person says. */
export const MESSAGE_KINDS = [
  "run",
  "exit",
  "log",
  "interrupt",
  "flush",
  "track",
  "schedule",
  "operation",
  "operator",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/**
 * Who sends and takes messages: a kind of actor (src/system/roles.ts), what a helper is called, or "system", which is
 * whoever gives commands. An operation that another one hosts is a toolstack, too.
 */
export const PARTIES = [
  "system",
  "operator",
  "toolstack",
  "scheduler",
  "dispatcher",
  "mmu",
  "vcpu",
  "logUnit",
  "tracker",
  "pvmCpu",
  "pager",
  "balloon",
  "throttle",
  "sampler",
  "sender",
  "receiver",
  "estimator",
  "runState",
  "ioDevice",
] as const;
export type Party = (typeof PARTIES)[number];

/** All that is to be said of a type of message. */
export interface MessageRow {
  readonly from: Party | readonly Party[];
  /** itself: a timer of its sender's. Who is named may also send it to itself, as what it puts off. */
  readonly to: "itself" | Party | readonly Party[];
  /** But for its type. */
  readonly fields: Fields;
  readonly kind: Exclude<MessageKind, "operator">;
  /**
   * Of page logging (VEE21 fig. 1): 1 the CPU logs, 2 the log is full, 3 the handler copies it and sets the index
   * back, 4 the operation uses what was collected, 5 the log is switched off.
   */
  readonly step?: 1 | 2 | 3 | 4 | 5;
  /**
   * Of a message to oneself. atWill: it stands for somebody's choice, or for what nobody waits for, and may also never
   * come. inOrder: it comes in the order of sending, as a disk writes one request after the other (disk.ts); others
   * come in any order.
   */
  readonly timer?: "atWill" | "inOrder";
  /**
   * Sent twice before it is taken it is as good as once. interrupt: one is pending or none; a remote reload reads memory
   * when it is executed. report: told for people alone. turn: a timer that carries the number of a turn, of which the
   * receiver takes only that of the present one; whoever begins a turn sends its timer, so none of them is missed.
   */
  readonly twice?: "interrupt" | "report" | "turn";
  /**
   * Why it keeps no order with what is sent to the same receiver meanwhile. work: how much comes before it is a
   * statistic. delay: the same where it is sent with a delay, as at the end of a handler. endOfWork: a tracker that serves an exit of a CPU may ask that CPU for an INVEPT before it is done.
   */
  readonly after?: "work" | "delay" | "endOfWork";
  /** A timer that goes round for ever, and by itself moves nobody. */
  readonly idle?: true;
}

/** Whether the table says that one party sends another, or itself, messages of this type. */
export function goesBetween({ from, to }: MessageRow, sender: Party, receiver: Party): boolean {
  const isAmong = (parties: Party | readonly Party[], one: Party): boolean =>
    parties === one || parties.includes(one);
  if (!isAmong(from, sender)) return false;
  return to === "itself" ? sender === receiver : isAmong(to, receiver);
}
