/** Times of a day, as a fleet file says them. */
import * as z from "zod";
import { CYCLES_PER_SECOND } from "../../config/units.ts";

const CYCLES_PER_MINUTE = 60 * CYCLES_PER_SECOND;
const PATTERN = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;
const HELP = 'expected a time of day such as "08:30", up to "24:00"';

/** Cycles since midnight of "08:30"; null if it is none. */
export function parseClock(text: string): number | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [, hours, minutes] = match;
  if (hours === undefined || minutes === undefined) return 24 * 60 * CYCLES_PER_MINUTE;
  return (Number(hours) * 60 + Number(minutes)) * CYCLES_PER_MINUTE;
}

/** "08:30" of cycles since midnight; beyond a day the hours go on. */
export function formatClock(cycles: number): string {
  const minutes = Math.floor(cycles / CYCLES_PER_MINUTE);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A time of day in a file; cycles since midnight after parsing. */
export const timeOfDay = z
  .codec(
    z
      .string({ error: HELP })
      .regex(PATTERN, HELP)
      .meta({ examples: ["08:30"] }),
    z.number(),
    {
      decode: (text) => parseClock(text) ?? 0,
      encode: formatClock,
    },
  )
  .describe("time of day, hours and minutes");
