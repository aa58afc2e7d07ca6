/** What kinds of workloads that run a real program have in common: its files, its seed, and how it came to its end. */
import { z } from "zod";

/** Where a guest is asked for. */
export interface GuestPlace {
  /** Where relative file names start. */
  readonly directory?: string;
  /** Of the scenario. */
  readonly seed?: number;
  /** Whether its machine is to be looked at. */
  readonly showsBytes?: boolean;
}

/** The seed of a guest that is told none. */
const DEFAULT_SEED = 1;

/** @param where the guest finds them, in words */
export function filesField(where: string) {
  return z
    .array(z.string().min(1))
    .max(1000)
    .default([])
    .describe(`files that ${where}, relative to the scenario file`);
}

/** What is asked of a guest: its fields, with a seed in any case. */
export function withSeed<Config extends { readonly seed?: number | undefined }>(
  config: Config,
  seed: number = DEFAULT_SEED,
): Config & { readonly seed: number } {
  return { ...config, seed: config.seed ?? seed };
}

/** The note for the user if a guest has failed; undefined if it has not, or a limit has ended it. */
export function failureNote(who: string, exitCode: number | undefined): string | undefined {
  if (exitCode === undefined || exitCode === 0) return undefined;
  return `${who} has ended with exit code ${exitCode}`;
}
