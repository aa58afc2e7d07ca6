/** What a counterexample shows: which message breaks the property, and which repeat for ever. */
import type { CounterexampleFrame } from "../session/frame.ts";
import { type Piece, piece } from "./canvas.ts";
import type { Glyphs } from "./themes.ts";

/** In a sentence; "" = the log does not say where. */
export function brokenText({ property, at, loop }: CounterexampleFrame): string {
  if (loop !== null && loop.first === loop.last) {
    return `message ${loop.first} repeats for ever: that breaks "${property}"`;
  }
  if (loop !== null) {
    return `messages ${loop.first} to ${loop.last} repeat for ever: that breaks "${property}"`;
  }
  return at === null ? "" : `message ${at} breaks "${property}"`;
}

/** The same where it is to be seen: behind the message that breaks it, or a message of the loop. */
export function brokenHere(found: CounterexampleFrame | null, position: number): string {
  if (found === null) return "";
  const first = found.at ?? found.loop?.first ?? Number.POSITIVE_INFINITY;
  return position >= first ? brokenText(found) : "";
}

/** For a title: "breaks at 12", "loop 8 to 15"; "" = nothing. */
export function brokenRemark(counterexample: CounterexampleFrame | null): string {
  const { at = null, loop = null } = counterexample ?? {};
  if (loop !== null) return `loop ${loop.first} to ${loop.last}`;
  return at === null ? "" : `breaks at ${at}`;
}

/** Of some messages that are one row, a mark of one cell; null: there is nothing to mark. */
export function brokenMark(
  counterexample: CounterexampleFrame | null,
  { first, last }: { readonly first: number; readonly last: number },
  { broken, loop: again }: Glyphs,
): Piece | null {
  const { at = null, loop = null } = counterexample ?? {};
  if (at !== null && at >= first && at <= last) return piece(broken, "bad");
  return loop !== null && last >= loop.first && first <= loop.last ? piece(again, "warn") : null;
}
