/** A vCPU's stream of accesses: the workload, and the block of it that the vCPU is working on. */

import type { Workload } from "../../workloads/workload.ts";
import type { Part, WordArray } from "../hardware/part.ts";

const BLOCK_ACCESSES = 4096;

export class AccessStream implements Part {
  readonly name: string;
  readonly workload: Workload;
  readonly block: Int32Array;
  /** [0]: position of the next access; [1]: accesses in the block. */
  readonly state = new Int32Array(2);

  constructor(name: string, workload: Workload, blockAccesses = BLOCK_ACCESSES) {
    this.name = name;
    this.workload = workload;
    this.block = new Int32Array(blockAccesses);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state, block: this.block };
  }
}

/** Makes sure that an access is ready; false when the workload has ended. */
export function refill(stream: AccessStream): boolean {
  const { state } = stream;
  if (state[0]! < state[1]!) return true;
  state[0] = 0;
  state[1] = stream.workload.fill(stream.block);
  return state[1]! > 0;
}

/** Whether one more access can be put before those that are ready. */
export function hasRoom({ block, state }: AccessStream): boolean {
  return state[0]! > 0 || state[1]! < block.length;
}

/** Puts one access before those that are ready; there must be room. */
export function prependAccess({ block, state }: AccessStream, word: number): void {
  if (state[0] === 0) {
    block.copyWithin(1, 0, state[1]);
    state[0] = 1;
    state[1] = state[1]! + 1;
  }
  state[0] = state[0]! - 1;
  block[state[0]] = word;
}
