/** A vCPU's stream of accesses: the workload, and the block of it that the vCPU is working on. */

import type { Workload } from "../../workloads/workload.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../hardware/accessLoop.ts";
import type { NormalForm } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { numbers, wordAt, words } from "../lookup.ts";

const ACCESS_KIND_MASK = (1 << ACCESS_PAGE_SHIFT) - 1;

/** Words of a stream's state. */
export const StreamAt = {
  /** Place of the next access in the block. */
  next: 0,
  /** Accesses in the block. */
  end: 1,
  /** Cycles of other work that are left before the next access. */
  work: 2,
} as const;

/** Of the time of the first access. */
const NOT_BEGUN = -1;

/** Words of a stream's intensity. */
const IntensityAt = {
  /** 1 + the percentage of writes that the operator wants; 0: as the workload has it. */
  wanted: 0,
  /** What is left over of the percentages so far. */
  rest: 1,
} as const;

export class AccessStream implements Part {
  readonly name: string;
  /** How a guest is to be slowed. */
  readonly settings = ["state", "intensity"];
  readonly workload: Workload;
  readonly block: Int32Array;
  readonly state = words(3);
  readonly intensity = words(2);
  /** Whether the workload's gaps are waits: each access is due one gap after the one before, whenever that was. */
  readonly waits: boolean;
  /** The time at which the next access is due, then; negative before the guest's first entry. */
  readonly due = numbers(1);

  constructor(name: string, workload: Workload, blockAccesses: number, waits = false) {
    this.name = name;
    this.workload = workload;
    this.block = new Int32Array(blockAccesses);
    this.state[StreamAt.work] = workload.gap;
    this.waits = waits;
    this.due[0] = NOT_BEGUN;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { state, block, intensity, due } = this;
    return this.waits ? { state, block, intensity, due } : { state, block, intensity };
  }
}

/** Cycles from now to the next access of a guest that waits. */
export function cyclesToDue({ due, workload }: AccessStream, now: number): number {
  if (due[0] === NOT_BEGUN) due[0] = now + workload.gap;
  return Math.max(0, due[0] - now);
}

/** An access is done. The next one is due a gap after this one was, however late it came. */
export function doneAt({ due, workload }: AccessStream): void {
  due[0] = due[0] + workload.gap;
}

/** The access that a vCPU is at is done by somebody else, such as the emulator of a device. */
export function retireAccess(stream: AccessStream): void {
  const { state, workload } = stream;
  state[StreamAt.next] = state[StreamAt.next] + 1;
  if (stream.waits) doneAt(stream);
  else state[StreamAt.work] = workload.gap;
}

/** Makes sure that an access is ready; false when the workload has ended. */
export function refill(stream: AccessStream): boolean {
  const { state } = stream;
  if (state[StreamAt.next] < state[StreamAt.end]) return true;
  state[StreamAt.next] = 0;
  state[StreamAt.end] = stream.workload.fill(stream.block);
  const { lead } = stream.workload;
  if (lead !== undefined) state[StreamAt.work] = state[StreamAt.work] + lead;
  if (stream.intensity[IntensityAt.wanted] !== 0) applyIntensity(stream);
  return state[StreamAt.end] > 0;
}

/** Accesses done that were those of the guest's kernel. */
export function kernelAccesses({ workload, state }: AccessStream): number {
  if (workload.kernelAccesses === undefined) return 0;
  const end = state[StreamAt.end];
  return workload.kernelAccesses(end === 0 ? 1 : state[StreamAt.next] / end);
}

/** From now on so many percent of the accesses write, evenly spread; negative: as the workload has it. */
export function setWriteIntensity(stream: AccessStream, percent: number): void {
  stream.intensity[IntensityAt.wanted] = percent < 0 ? 0 : 1 + Math.min(100, Math.round(percent));
  stream.intensity[IntensityAt.rest] = 0;
  if (percent >= 0) applyIntensity(stream);
}

/** Makes the accesses that are ready reads or writes. What is fetched stays a fetch. */
function applyIntensity({ block, state, intensity }: AccessStream): void {
  const percent = intensity[IntensityAt.wanted] - 1;
  let rest = intensity[IntensityAt.rest];
  for (let i = state[StreamAt.next]; i < state[StreamAt.end]; i++) {
    const word = wordAt(block, i);
    const page = word & ~ACCESS_KIND_MASK;
    if (word - page === AccessKind.fetch) continue;
    rest += percent;
    const writes = rest >= 100;
    if (writes) rest -= 100;
    block[i] = page | (writes ? AccessKind.write : AccessKind.read);
  }
  intensity[IntensityAt.rest] = rest;
}

/** Whether one more access can be put before those that are ready. */
export function hasRoom({ block, state }: AccessStream): boolean {
  return state[StreamAt.next] > 0 || state[StreamAt.end] < block.length;
}

/** Puts one access before those that are ready; there must be room. */
export function prependAccess({ block, state }: AccessStream, word: number): void {
  if (state[StreamAt.next] === 0) {
    block.copyWithin(1, 0, state[StreamAt.end]);
    state[StreamAt.next] = 1;
    state[StreamAt.end] = state[StreamAt.end] + 1;
  }
  state[StreamAt.next] = state[StreamAt.next] - 1;
  block[state[StreamAt.next]] = word;
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
    save: () => ({
      access:
        stream.state[StreamAt.next] < stream.state[StreamAt.end] ? [wordAt(stream.block, 0)] : [],
    }),
    restore({ access = [] }) {
      stream.state[StreamAt.next] = 0;
      stream.state[StreamAt.end] = access.length;
      stream.block[0] = access[0] ?? 0;
    },
    scramble() {},
    renumber: ({ access = [] }, { page }) => ({
      access: access.map((word) => {
        const to = page(vm, word >>> ACCESS_PAGE_SHIFT);
        return (to << ACCESS_PAGE_SHIFT) | (word & ACCESS_KIND_MASK);
      }),
    }),
  };
}
