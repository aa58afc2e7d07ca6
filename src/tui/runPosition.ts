/** Places of a run as people write them. */
import { parseDuration } from "../config/units.ts";

/** Behind a message, or behind the last one up to a virtual time in cycles. */
export type RunPosition =
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "time"; readonly time: number };

/** "#120", "1,200", "1.5ms"; null if it is none. */
export function parseRunPosition(text: string): RunPosition | null {
  const match = /^#?(\d[\d,]*)$/.exec(text);
  if (match !== null) {
    return { kind: "position", position: Number(match[1]!.replaceAll(",", "")) };
  }
  const time = parseDuration(text);
  return time === null ? null : { kind: "time", time };
}
