/**
 * T_h as an axis (slide 10: T = T_PTW + N (T_x + T_e + T_h)). What a program pays is a line in it: two handler times are run,
 * and the line goes through both. For each bar the times that give it, and the times that give all bars at once.
 */
import { DEFAULT_HYPERVISOR_COSTS } from "../hypervisor/costs.ts";
import { itemAt } from "../lookup.ts";
import { FOUR_MS, inSeconds } from "./common.ts";

const ENTRIES = 512;
const { drainHandler, drainEntry } = DEFAULT_HYPERVISOR_COSTS;

const microseconds = (cycles: number): number => 1e6 * inSeconds(cycles);

/** The two handler times that are run, in microseconds: DW19's 257 us, and the 4 ms of the authors' Xen tree. */
export const RUN_TIMES = [
  microseconds(drainHandler + ENTRIES * drainEntry),
  microseconds(FOUR_MS.hypervisor.drainHandler),
] as const;

/** Overheads in percent at the two, and the published one. */
export interface Bar {
  readonly atShort: number;
  readonly atLong: number;
  readonly published: number;
}

/** Percent at a handler time. */
export function overheadAt({ atShort, atLong }: Bar, time: number): number {
  const [short, long] = RUN_TIMES;
  return atShort + ((atLong - atShort) / (long - short)) * (time - short);
}

/** An interval of handler times in microseconds; null: none. */
export type Times = readonly [least: number, most: number] | null;

/** The times at which a bar comes out within a factor. */
export function timesOf(bar: Bar, factor: number): Times {
  const [short, long] = RUN_TIMES;
  const slope = (bar.atLong - bar.atShort) / (long - short);
  if (slope <= 0) return null;
  const at = (percent: number): number => short + (percent - bar.atShort) / slope;
  const most = at(bar.published * factor);
  return most < 0 ? null : [Math.max(0, at(bar.published / factor)), most];
}

/** The times at which all of them do. */
export function commonTimes(bars: readonly Bar[], factor: number): Times {
  const each = bars.flatMap((bar) => {
    const times = timesOf(bar, factor);
    return times === null ? [] : [times];
  });
  if (each.length < bars.length || bars.length === 0) return null;
  const least = Math.max(...each.map((times) => itemAt(times, 0)));
  const most = Math.min(...each.map((times) => itemAt(times, 1)));
  return least <= most ? [least, most] : null;
}

/** The least factor within which one handler time gives all bars, by bisection; null: there is none. */
export function leastFactor(bars: readonly Bar[]): number | null {
  if (commonTimes(bars, FACTOR_MAX) === null) return null;
  let [no, yes] = [1, FACTOR_MAX];
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.sqrt(no * yes);
    if (commonTimes(bars, middle) === null) no = middle;
    else yes = middle;
  }
  return yes;
}

const FACTOR_MAX = 1000;
const STEPS = 60;

/** "240 to 292 us". */
export function timesText(times: Times): string {
  if (times === null) return "none";
  const [least, most] = times.map((time) => time.toFixed(0));
  return `${least} to ${most} us`;
}
