/** New random choices for a guest from now on. */

import { deriveSeed, Random } from "../../workloads/random.ts";
import type { WordArray } from "../hardware/part.ts";
import { type AccessStream, StreamAt } from "./accessStream.ts";

/** Arrays of a generator whose next access depends on nothing else than these (workloads/generators). */
const PLAIN_GENERATOR = ["made", "random"];

/**
 * Restarts a workload's generator from a seed; the same seed gives each workload its own stream. Where
 * the workload can go back, the accesses already drawn but not performed are drawn again, too. One that
 * draws nothing, such as a trace, goes on as it was.
 */
export function reseedStream(stream: AccessStream, seed: number): void {
  const { workload, state } = stream;
  const { random, made }: Readonly<Record<string, WordArray | undefined>> = workload.arrays();
  if (random === undefined) return;
  random.set(new Random(deriveSeed(seed, workload.name)).state);
  if (made === undefined) return;
  const plain = Object.keys(workload.arrays()).every((key) => PLAIN_GENERATOR.includes(key));
  if (!plain) return;
  made[0] = made[0]! - (state[StreamAt.end] - state[StreamAt.next]);
  state[StreamAt.next] = state[StreamAt.end];
}
