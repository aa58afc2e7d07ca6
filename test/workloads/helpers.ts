/** What the tests of workloads share. */

import type { Workload } from "../../workloads/workload.ts";
import {
  createWorkload,
  type WorkloadConfig,
  workloadSchema,
} from "../../workloads/workloadKinds.ts";

export interface Access {
  readonly page: number;
  readonly kind: number;
}

/** A configuration as a scenario file gives it, and the workload of it. */
export function make(input: Readonly<Record<string, unknown>>, name = "guest"): Workload {
  const config: WorkloadConfig = workloadSchema.parse(input);
  return createWorkload(config, name);
}

/** The next accesses, at most `count`. */
export function take(workload: Workload, count: number, blockSize = 997): Access[] {
  const accesses: Access[] = [];
  const block = new Int32Array(blockSize);
  while (accesses.length < count) {
    const wanted = block.subarray(0, Math.min(blockSize, count - accesses.length));
    const got = workload.fill(wanted);
    for (const word of wanted.subarray(0, got)) {
      accesses.push({ page: word >>> 2, kind: word & 3 });
    }
    if (got < wanted.length) break;
  }
  return accesses;
}

/**
 * Whether a count is what a probability says, to five standard deviations of a binomial: a right
 * generator fails once in two million seeds, and the seeds are fixed.
 */
export function binomial(count: number, of: number, probability: number): boolean {
  const deviation = Math.sqrt(of * probability * (1 - probability));
  return Math.abs(count - of * probability) <= 5 * deviation;
}
