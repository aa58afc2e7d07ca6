/** Small overcommitted hosts for property tests, and the laws of memory that hold on them at any moment. */
import fc from "fast-check";
import { expect } from "vitest";
import { Problems } from "../../src/errors.ts";
import { forEachLeaf } from "../../src/hardware/ept.ts";
import { DATA_FRAME_BASE } from "../../src/hardware/memory.ts";
import type { Part } from "../../src/hardware/part.ts";
import { pageOfWords } from "../../src/hardware/words.ts";
import type { HostFrames } from "../../src/hypervisor/overcommit/hostFrames.ts";
import { PageState, stateBefore, type VmMemory } from "../../src/hypervisor/overcommit/vmMemory.ts";
import type { OperationFactory, OperationFault } from "../../src/system/operation.ts";
import { operationIn } from "../../src/system/operations/all.ts";
import { overcommitSchema } from "../../src/system/operations/overcommit/overcommitSchema.ts";
import { initialSizes, minimumOf } from "../../src/system/operations/overcommit/sizes.ts";
import { System } from "../../src/system/system.ts";
import { configOf, type Recipe } from "./smallSystems.ts";

/** What of a recipe's system makes it an overcommitted one. */
export interface Overcommitted {
  readonly recipe: Recipe;
  /** Frames: 0 the least that is allowed, 1 enough for all. */
  readonly roominess: number;
  /** The operation's fields beside its memory. */
  readonly fields: object;
  readonly seed: number;
}

const estimator = fc.constantFrom(
  { kind: "truth", interval: "20us" },
  { kind: "prl", mu: "20us", omega: "40us", tau: 1, follow: "restart" },
  { kind: "pml", interval: "20us", clean: true },
  { kind: "pml", interval: "20us" },
  { kind: "vmware", samples: 2, period: "20us" },
  { kind: "accessedBits", interval: "20us" },
);

export const anyFields = fc.record({
  estimator,
  scale: fc.constantFrom(0.3, 1, 2),
  interval: fc.constantFrom("10us", "40us"),
  policy: fc.constantFrom(
    { kind: "idleTax" },
    { kind: "idleTax", tax: 0 },
    { kind: "workingSet", headroom: 0 },
  ),
  balloon: fc.record({ chunk: fc.constantFrom(1, 4), limit: fc.constantFrom(0.3, 1) }),
  guest: fc.constantFrom({}, { victims: "random" }),
  swap: fc.record({
    victims: fc.constantFrom("random", "coldest"),
    batch: fc.constantFrom(1, 3),
    latency: fc.constantFrom("0us", "0.5us", "3us"),
  }),
});

export interface OvercommittedSystem {
  readonly system: System;
  readonly memories: readonly VmMemory[];
  readonly frames: HostFrames;
}

/** @param main takes the place of the controller: then the VMs keep the sizes that they begin with */
export function buildOvercommitted(
  { recipe, roominess, fields, seed }: Overcommitted,
  main?: OperationFactory,
  faults: readonly OperationFault[] = [],
): OvercommittedSystem {
  const config = configOf(recipe);
  const { world } = config;
  const schema = overcommitSchema().parse({ kind: "overcommit", memory: "4KiB", ...fields });
  const vms = world.vms.map((vm) => ({ ...vm, keepVersions: true }));
  const least = vms.reduce((sum, vm) => sum + minimumOf(schema, vm), 0);
  const most = vms.reduce((sum, { pages }) => sum + pages, 0);
  const memory = Math.floor(least + roominess * (most - least));
  const operation = { ...schema, memory };
  const sizes = initialSizes(operation, vms, world.geometry.indexBits, new Problems());
  const parts: Part[] = [];
  const system = new System({
    ...config,
    world: {
      ...world,
      vms: vms.map((vm, number) => ({ ...vm, initialPages: sizes[number]! })),
    },
    operation: (own, host) => {
      const controlled = operationIn(operation, { faults, seed })(own, host);
      parts.push(...controlled.parts);
      if (main === undefined) return controlled;
      const { helpers, parts: memory } = controlled;
      return { ...main(own, host), helpers, pager: "pager", parts: memory };
    },
  });
  const named = (suffix: string): Part[] => parts.filter(({ name }) => name.endsWith(suffix));
  return {
    system,
    memories: named("/memory") as VmMemory[],
    frames: named("hostFrames")[0] as HostFrames,
  };
}

/**
 * No frame belongs to two VMs or to none that maps it, and none is used beyond the host's. What the hypervisor takes
 * is written to the disk: it cannot know whether the page there is still the same.
 */
export function checkFrames({ system, memories, frames }: OvercommittedSystem): void {
  for (let i = 0; i < frames.leavingFrames; i++) {
    const at = (frames.state[1] + i) % frames.frames;
    const state = memories[frames.leavingVm[at]!]!.states[frames.leavingPage[at]!]!;
    if (stateBefore(state) === PageState.hostSwapped) expect(frames.mustWrite[at]).toBe(1);
  }
  const used = new Set<number>();
  system.world.vms.forEach(({ ept, config }, vm) => {
    forEachLeaf(ept, (word, level, first) => {
      if (first >= config.pages) return;
      const { words } = ept.memory;
      const frame = pageOfWords(words[word]!, words[word + 1]!) - DATA_FRAME_BASE;
      for (let i = 0; i < 2 ** ((level - 1) * ept.geometry.indexBits); i++) {
        expect(used.has(frame + i)).toBe(false);
        used.add(frame + i);
        expect(frames.owner[frame + i]).toBe(vm + 1);
        expect(memories[vm]!.states[first + i]).toBe(PageState.resident);
      }
    });
  });
  expect(used.size + frames.freeFrames + frames.leavingFrames).toBeLessThanOrEqual(frames.frames);
}

/** What a page holds, wherever it is: the number of writes to it. */
export function contentOf(memory: VmMemory, page: number): number {
  const { vm, states, contents } = memory;
  const state = states[page]!;
  // Until every CPU has executed INVEPT the frame that it lost holds what it is.
  if (state === PageState.resident || memory.unflushed[page] !== 0) return vm.guest.versions[page]!;
  const before = state >= PageState.coming ? state - PageState.coming : state;
  return before === PageState.empty ? 0 : contents[page]!;
}
