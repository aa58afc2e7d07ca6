/**
 * Which message has caused which: a message is posted while another one is handled, and a log says how
 * many were posted by then. An actor's earlier messages are causes, too: they made its state.
 */
import { itemAt } from "../lookup.ts";
import type { LogEntry, MessageEntry } from "./decoder.ts";

/** Finds the position of the message that caused another, by sequence numbers. */
export class CauseFinder {
  /** By position: messages posted when that one had been handled. Ascending. */
  readonly #posted: number[] = [];

  /** Takes the messages of a log in order. */
  add({ posted }: MessageEntry): void {
    this.#posted.push(posted);
  }

  /**
   * Position of the message whose handling posted the one with this sequence number; null if nothing
   * did: it was posted at the start or from outside.
   */
  causeOf(sequence: number, from: number): number | null {
    if (from === 0) return null;
    let [low, high] = [0, this.#posted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (itemAt(this.#posted, middle) >= sequence) high = middle;
      else low = middle + 1;
    }
    return low < this.#posted.length ? low : null;
  }
}

/**
 * The causal past of a message: positions of all messages without which it might not have been, itself
 * included. What the happened-before relation of vector clocks gives, walked backwards.
 */
export function causalPast(entries: readonly LogEntry[], position: number): ReadonlySet<number> {
  const messages = entries.filter((entry) => entry.kind === "message").slice(0, position + 1);
  const causes = new CauseFinder();
  for (const message of messages) causes.add(message);
  const past = new Set<number>([position]);
  /** By actor: whether what it has received is in the past, up to the message being looked at. */
  const receivers = new Set<number>();
  for (let at = messages.length - 1; at >= 0; at--) {
    const { delivery } = itemAt(messages, at);
    if (!past.has(at) && !receivers.has(delivery.to)) continue;
    past.add(at);
    receivers.add(delivery.to);
    const cause = causes.causeOf(delivery.sequence, delivery.from);
    if (cause !== null) past.add(cause);
  }
  return past;
}
