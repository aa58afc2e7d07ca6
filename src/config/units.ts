/** Quantities with units, as people write them in scenarios and on the command line. */

import * as z from "zod";
import { fieldOf } from "../lookup.ts";

/** The emulated processor's clock: 2.4 GHz, the machine of the published costs. */
export const CYCLES_PER_SECOND = 2.4e9;

const SECONDS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, min: 60 };
const BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const PAGE = 4096;

/** Cycles of "250us", "1.5 s" or "100000 cycles"; null if it is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|cycles)$/.exec(text.trim());
  if (match === null) return null;
  const [, value, unit = ""] = match;
  const scale = unit === "cycles" ? 1 : fieldOf(SECONDS, unit) * CYCLES_PER_SECOND;
  const cycles = Math.round(Number(value) * scale);
  return Number.isSafeInteger(cycles) ? cycles : null;
}

/** Pages of "400MiB" or "1 GiB"; null if it is not a whole number of pages. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)$/.exec(text.trim());
  if (match === null) return null;
  const [, value, unit = ""] = match;
  const pages = (Number(value) * fieldOf(BYTES, unit)) / PAGE;
  return Number.isSafeInteger(pages) && pages > 0 ? pages : null;
}

const RATES: Readonly<Record<string, number>> = {
  "Mbit/s": 125e3,
  "Gbit/s": 125e6,
  "MiB/s": 2 ** 20,
  "GiB/s": 2 ** 30,
};

/** Bytes per second of "10Gbit/s" or "120 MiB/s"; null if it is neither. */
export function parseRate(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([MG](?:bit|iB)\/s)$/.exec(text.trim());
  if (match === null) return null;
  const [, value, unit = ""] = match;
  const rate = Number(value) * fieldOf(RATES, unit);
  return Number.isFinite(rate) && rate > 0 ? rate : null;
}

/** How many of one unit another is: 1024 for "KiB" in "MiB"; null if they measure different things. */
export function unitsIn(unit: string, other: string): number | null {
  if (unit === other) return 1;
  for (const scale of [SECONDS, BYTES, RATES]) {
    const [one, many] = [scale[unit], scale[other]];
    if (one !== undefined && many !== undefined) return many / one;
  }
  return null;
}

export const DURATION_HELP = 'a time such as "250us", "1.5s" or "100000 cycles"';
export const SIZE_HELP = 'a size such as "400MiB" or "1GiB", a whole number of 4 KiB pages';

export const RATE_HELP = 'a transfer rate such as "10Gbit/s" or "120MiB/s"';

/**
 * A quantity with a unit. Encoding gives a text that means exactly the same again, so that what was
 * parsed can be written into a file and read with the same schema.
 */
function quantity(
  parse: (text: string) => number | null,
  format: (value: number) => string,
  help: string,
  examples: readonly string[],
) {
  const error = `expected ${help}`;
  const text = z
    .string({ error })
    .refine((text) => parse(text) !== null, { error })
    .meta({ examples: [...examples] });
  return z.codec(text, z.number(), { decode: (text) => parse(text) ?? 0, encode: format });
}

/** A duration in a file; cycles after parsing. */
export const duration = quantity(parseDuration, (cycles) => `${cycles} cycles`, DURATION_HELP, [
  "250us",
  "1.5s",
]).describe("time with a unit: ns, us, ms, s, min or cycles (2.4 GHz)");

/** A duration that may not be zero. */
export const positiveDuration = duration.refine((cycles) => cycles > 0, {
  error: `expected ${DURATION_HELP}, above 0`,
});

/** A size in a file; 4 KiB pages after parsing. */
export const size = quantity(
  parseSize,
  (pages) => `${(pages * PAGE) / fieldOf(BYTES, "KiB")} KiB`,
  SIZE_HELP,
  ["400MiB", "1GiB"],
).describe("size with a unit: KiB, MiB, GiB or TiB");

const nothing = z.codec(z.literal("0"), z.literal(0), {
  decode: () => 0 as const,
  encode: () => "0" as const,
});
/** A size, or an address, that may be 0. */
export const sizeOrNothing = z
  .union([nothing, size], { error: `expected 0, or ${SIZE_HELP}` })
  .describe("0, or size with a unit: KiB, MiB, GiB or TiB");

/** A transfer rate in a file; bytes per second after parsing. */
export const rate = quantity(
  parseRate,
  // A division by a power of two is exact.
  (bytes) => `${bytes / fieldOf(RATES, "MiB/s")} MiB/s`,
  RATE_HELP,
  ["10Gbit/s", "120MiB/s"],
).describe("transfer rate with a unit: Mbit/s, Gbit/s, MiB/s or GiB/s");

/** Virtual time for people: "1.250 ms". */
export function formatCycles(cycles: number): string {
  const seconds = cycles / CYCLES_PER_SECOND;
  if (seconds >= 1) return `${seconds.toFixed(3)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(3)} ms`;
  return `${(seconds * 1e6).toFixed(3)} us`;
}
