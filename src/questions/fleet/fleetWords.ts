/** Words and numbers of a fleet's sentences and tables. */

import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { formatClock } from "./clock.ts";
import type { FleetDay } from "./fleetFormat.ts";

/** Of a row: where its sizes are from. In brackets what is no tracker of the file. */
export function sizesText({ sizes, tracker }: FleetDay): string {
  return sizes === "tracker" ? (tracker ?? "") : `(${sizes})`;
}

/** The same within a sentence: "by ...". */
export function spokenText({ sizes, tracker }: FleetDay): string {
  if (sizes === "tracker") return tracker ?? "";
  return sizes === "declared" ? "what VMs have" : "exact estimates";
}

/** Whole numbers with their thousands apart, the same in every locale. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** "12.3 %"; "less than 0.01 %" of what is not nothing. */
export function partText(part: number): string {
  const value = 100 * part;
  if (value === 0) return "0 %";
  if (value < 0.01) return "<0.01 %";
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} %`;
}

/** "313 hosts", or "57.6 hosts on average (31 to 96)". */
export function hostsText({ hosts: { least, mean, most } }: FleetDay): string {
  const text = mean.toFixed(1);
  if (text !== least.toFixed(1)) {
    return `${text} hosts on average (${grouped(least)} to ${grouped(most)})`;
  }
  const atMost = most > least ? `, ${grouped(most)} at most` : "";
  return `${grouped(least)} ${least === 1 ? "host" : "hosts"}${atMost}`;
}

/** "10 min", "1.5 s", "20 ms". */
export function durationText(cycles: number): string {
  const s = cycles / CYCLES_PER_SECOND;
  const [value, unit] =
    s >= 60 ? [s / 60, "min"] : s >= 1 ? [s, "s"] : s >= 1e-3 ? [1e3 * s, "ms"] : [1e6 * s, "us"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** "08:30" of seconds since midnight. */
export function clockText(seconds: number): string {
  return formatClock(seconds * CYCLES_PER_SECOND);
}

/** "a", "a and b", "a, b and c". */
export function listText(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** Accesses that are not made, as a part of those offered. */
export function lostPart({ accesses }: FleetDay): number {
  return accesses.lostToMemory + accesses.lostToTracking + accesses.lostToDowntime;
}
