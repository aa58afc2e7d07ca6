/** A vCPU's stream of accesses: the workload, and the block of it that the vCPU is working on. */

import type { Workload } from "../../workloads/workload.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../hardware/accessLoop.ts";
import type { NormalForm } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";

const ACCESS_KIND_MASK = (1 << ACCESS_PAGE_SHIFT) - 1;

export class AccessStream implements Part {
  readonly name: string;
  readonly workload: Workload;
  readonly block: Int32Array;
  /**
   * [0]: position of the next access; [1]: accesses in the block; [2]: cycles of other work that are left
   * before the next access.
   */
  readonly state = new Int32Array(3);
  /** [0]: 1 + the percentage of writes that the operator wants, 0 = as the workload has it; [1]: the rest. */
  readonly intensity = new Int32Array(2);

  constructor(name: string, workload: Workload, blockAccesses: number) {
    this.name = name;
    this.workload = workload;
    this.block = new Int32Array(blockAccesses);
    this.state[2] = workload.gap;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { state: this.state, block: this.block, intensity: this.intensity };
  }
}

/** Makes sure that an access is ready; false when the workload has ended. */
export function refill(stream: AccessStream): boolean {
  const { state } = stream;
  if (state[0]! < state[1]!) return true;
  state[0] = 0;
  state[1] = stream.workload.fill(stream.block);
  const { lead } = stream.workload;
  if (lead !== undefined) state[2] = state[2]! + lead;
  if (stream.intensity[0] !== 0) applyIntensity(stream);
  return state[1] > 0;
}

/** From now on so many percent of the accesses write, evenly spread; negative: as the workload has it. */
export function setWriteIntensity(stream: AccessStream, percent: number): void {
  stream.intensity[0] = percent < 0 ? 0 : 1 + Math.min(100, Math.round(percent));
  stream.intensity[1] = 0;
  if (percent >= 0) applyIntensity(stream);
}

/** Makes the accesses that are ready reads or writes. What is fetched stays a fetch. */
function applyIntensity({ block, state, intensity }: AccessStream): void {
  const percent = intensity[0]! - 1;
  let rest = intensity[1]!;
  for (let i = state[0]!; i < state[1]!; i++) {
    const word = block[i]!;
    const page = word & ~ACCESS_KIND_MASK;
    if (word - page === AccessKind.fetch) continue;
    rest += percent;
    const writes = rest >= 100;
    if (writes) rest -= 100;
    block[i] = page | (writes ? AccessKind.write : AccessKind.read);
  }
  intensity[1] = rest;
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

/** The access that a vCPU is at: of a workload that gives one at a time. */
export function accessForm(stream: AccessStream, vcpu: number, vm: number): NormalForm {
  const nameOf = () => `the next access of vCPU ${vcpu}`;
  return {
    extents: [
      { part: stream, array: "state", end: 2, nameOf },
      { part: stream, array: "block", nameOf },
    ],
    lists: ["access"],
    save: () => ({ access: stream.state[0]! < stream.state[1]! ? [stream.block[0]!] : [] }),
    restore({ access }) {
      stream.state[0] = 0;
      stream.state[1] = access!.length;
      stream.block[0] = access![0] ?? 0;
    },
    scramble() {},
    renumber: ({ access }, { page }) => ({
      access: access!.map((word) => {
        const to = page(vm, word >>> ACCESS_PAGE_SHIFT);
        return (to << ACCESS_PAGE_SHIFT) | (word & ACCESS_KIND_MASK);
      }),
    }),
  };
}
