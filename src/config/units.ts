/** Quantities with units, as people write them in scenarios and on the command line. */
import * as z from "zod";

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
  const [, value, unit] = match;
  const scale = unit === "cycles" ? 1 : SECONDS[unit!]! * CYCLES_PER_SECOND;
  const cycles = Math.round(Number(value) * scale);
  return Number.isSafeInteger(cycles) ? cycles : null;
}

/** Pages of "400MiB" or "1 GiB"; null if it is not a whole number of pages. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)$/.exec(text.trim());
  if (match === null) return null;
  const pages = (Number(match[1]) * BYTES[match[2]!]!) / PAGE;
  return Number.isSafeInteger(pages) && pages > 0 ? pages : null;
}

export const DURATION_HELP = 'a time such as "250us", "1.5s" or "100000 cycles"';
export const SIZE_HELP = 'a size such as "400MiB" or "1GiB", a whole number of 4 KiB pages';

/** A duration in a file; cycles after parsing. */
export const duration = z
  .string({ error: `expected ${DURATION_HELP}` })
  .refine((text) => parseDuration(text) !== null, { error: `expected ${DURATION_HELP}` })
  .transform((text) => parseDuration(text) ?? 0)
  .describe("time with a unit: ns, us, ms, s, min or cycles (2.4 GHz)");

/** A size in a file; 4 KiB pages after parsing. */
export const size = z
  .string({ error: `expected ${SIZE_HELP}` })
  .refine((text) => parseSize(text) !== null, { error: `expected ${SIZE_HELP}` })
  .transform((text) => parseSize(text) ?? 0)
  .describe("size with a unit: KiB, MiB, GiB or TiB");

/** Virtual time for people: "1.250 ms". */
export function formatCycles(cycles: number): string {
  const seconds = cycles / CYCLES_PER_SECOND;
  if (seconds >= 1) return `${seconds.toFixed(3)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(3)} ms`;
  return `${(seconds * 1e6).toFixed(3)} us`;
}
