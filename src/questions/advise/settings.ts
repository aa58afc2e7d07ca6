/** Fields of a scenario as the command line gives them: what a run changes is what its command says. */
import { stringify } from "yaml";
import { type Override, parsePath } from "../../config/override.ts";
import { CYCLES_PER_SECOND } from "../../config/units.ts";

/** What needs no quotes in a shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;
const MICROSECOND = CYCLES_PER_SECOND / 1e6;
const BYTES_PER_MBIT = 125e3;

/** @param field a path as `--set` has it; @param value what YAML can say; null takes the field out */
export function setting(field: string, value: unknown, origin = "advise"): Override {
  const path = parsePath(field);
  if (path === null) throw new Error(`"${field}" is not a path of fields`);
  return { path, value, origin };
}

/** Such as "tracker.technique=pml": `parseOverride` reads the same from it. */
export function textOf({ path, value }: Override): string {
  const options = { collectionStyle: "flow", lineWidth: 0 } as const;
  return `${path.join(".")}=${stringify(value, options).trim()}`;
}

/** Without those that a later one replaces, with all that they have set. */
export function lastOfEach(overrides: readonly Override[]): Override[] {
  return overrides.filter(
    ({ path }, n) => !overrides.slice(n + 1).some((later) => isPrefix(later.path, path)),
  );
}

function isPrefix(one: Override["path"], of: Override["path"]): boolean {
  return one.every((part, n) => part === of[n]);
}

/** A command line that a POSIX shell takes apart into these words again. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** A duration as a field has it, of whole microseconds where it is some. */
export function durationText(cycles: number): string {
  const us = cycles / MICROSECOND;
  if (!Number.isInteger(us)) return `${Math.round(cycles)} cycles`;
  if (us % 1000 !== 0) return `${us}us`;
  return us % 1e6 === 0 ? `${us / 1e6}s` : `${us / 1000}ms`;
}

/** A duration of two significant digits, in whole microseconds: the longest such that is no longer. */
export function roundDuration(cycles: number): number {
  const us = Math.floor(cycles / MICROSECOND);
  if (us < 1) return Math.max(1, Math.floor(cycles));
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(us)) - 1);
  return Math.floor(us / scale) * scale * MICROSECOND;
}

/** A transfer rate as a field has it. @param bytes a second */
export function rateText(bytes: number): string {
  const mbit = Number((bytes / BYTES_PER_MBIT).toPrecision(6));
  return mbit >= 1000 && Number.isInteger(mbit) && mbit % 100 === 0
    ? `${mbit / 1000}Gbit/s`
    : `${mbit}Mbit/s`;
}
