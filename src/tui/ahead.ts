/** How it is said that something belongs to a later time than the one shown. */
import type { BurstFrame } from "../session/frame.ts";
import { clock } from "./text.ts";
import type { Glyphs } from "./themes.ts";

/** "»28.862us": as it will be then, of several bursts the last; "" = all belongs to the time shown. */
export function aheadText(bursts: readonly BurstFrame[], { ahead }: Glyphs): string {
  if (bursts.length === 0) return "";
  return `${ahead}${clock(Math.max(...bursts.map(({ until }) => until)))}`;
}

/** The same in a sentence, if it has to be said. */
export function aheadSentences(bursts: readonly BurstFrame[]): string[] {
  return bursts.map(
    ({ vcpu, until }) => `Of vcpu${vcpu} what is shown is as it will be at ${clock(until)}.`,
  );
}

/** Remarks of a title, one behind the other. */
export function remarks(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("  ");
}
