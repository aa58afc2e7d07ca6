/** The blocks of accesses that the page-access loop is measured on; half of the accesses write. */
import { createWorkload, workloadSchema } from "../../workloads/workloadKinds.ts";
import { GIB_PAGES } from "./guest.ts";

const ACCESSES = 1 << 22;

const PATTERNS = {
  uniform: { kind: "uniform", pages: GIB_PAGES },
  sequential: { kind: "sequential", pages: GIB_PAGES, accessesPerPage: 64 },
  hot: { kind: "uniform", pages: 1024 },
  zipf: { kind: "zipf", pages: GIB_PAGES },
} as const;
export type PatternName = keyof typeof PATTERNS;

/** What each pattern is, for people. */
export const PATTERN_NAMES: Readonly<Record<PatternName, string>> = {
  uniform: "uniform over 1 GiB",
  sequential: "sequential, 64 accesses a page",
  hot: "1,024 hot pages",
  zipf: "Zipf over 1 GiB",
};

export function makeBlock(name: PatternName): Int32Array {
  const config = workloadSchema.parse({ ...PATTERNS[name], writeFraction: 0.5, seed: 1 });
  const block = new Int32Array(ACCESSES);
  createWorkload(config, name).fill(block);
  return block;
}
