/** Values of options that several commands take. */
import { type Command, InvalidArgumentError } from "commander";
import { type Override, parseOverride } from "../config/override.ts";
import { DURATION_HELP, parseDuration } from "../config/units.ts";

/** Seeds are 32-bit numbers. */
export const SEED_MAX = 0xffffffff;

/** Of every command that writes a file that was named. */
export const FORCE = ["--force", "replace files that exist"] as const;

const NO_OVERRIDES: readonly Override[] = [];
const NO_FILES: readonly string[] = [];

/** Of every command that takes a scenario. */
export const SET = [
  "--set <field=value>",
  "give a field of the scenario another value (docs/scenario.md); may be repeated",
  (text: string, before: readonly Override[]): readonly Override[] => [
    ...before,
    parseOverride(text),
  ],
  NO_OVERRIDES,
] as const;

/** Of every command that takes a scenario, with `importModules` as its hook. */
export const IMPORT = [
  "--import <file>",
  "a module with kinds of your own (docs/library.md); may be repeated",
  (file: string, before: readonly string[]): readonly string[] => [...before, file],
  NO_FILES,
] as const;

/** Before a scenario is read: it may name what is registered. @throws UserError */
export async function importModules(_: Command, called: Command): Promise<void> {
  const files = called.opts<{ import: readonly string[] }>().import;
  if (files.length === 0) return;
  const { importModule } = await import("../runs/userModules.ts");
  for (const file of files) await importModule(file);
}

/** Of every command that runs one: the text as it was given, for the scenario's schema. */
export const UNTIL = [
  "--until <time>",
  "end after this virtual time",
  (text: string): string => {
    longerThanZero(text);
    return text;
  },
] as const;

/** Parses a whole number, bounds included. */
export function wholeNumber(min = 0, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number${range}.`);
    }
    return value;
  };
}

/** Parses a duration, 0 included. @returns cycles */
export function duration(text: string): number {
  const cycles = parseDuration(text);
  if (cycles === null) throw new InvalidArgumentError(`expected ${DURATION_HELP}.`);
  return cycles;
}

/** Parses a duration longer than 0. @returns cycles */
export function longerThanZero(text: string): number {
  const cycles = duration(text);
  if (cycles === 0) throw new InvalidArgumentError(`expected ${DURATION_HELP}, above 0.`);
  return cycles;
}

/** Seeds at most, of one command. */
const SEEDS_MAX = 10_000;

/** Parses seeds: "1..20", "3", "1,5,9", or several of these. */
export function seedList(text: string): readonly number[] {
  const seeds = text.split(",").flatMap((part) => {
    const [, first, last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(part.trim()) ?? [];
    const [from, to] = [Number(first ?? Number.NaN), Number(last ?? Number.NaN)];
    if (!(from <= to && to <= SEED_MAX)) {
      throw new InvalidArgumentError("expected seeds such as 1..20 or 1,5,9.");
    }
    if (to - from >= SEEDS_MAX) {
      throw new InvalidArgumentError(`expected at most ${SEEDS_MAX} seeds.`);
    }
    return Array.from({ length: to - from + 1 }, (_, n) => from + n);
  });
  if (new Set(seeds).size < seeds.length) {
    throw new InvalidArgumentError("expected each seed once.");
  }
  return seeds;
}
