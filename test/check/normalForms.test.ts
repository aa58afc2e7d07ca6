/** Normal forms of memory: what each says of itself keeps these laws, in every state that a search has met. */
import { describe, expect, it } from "vitest";
import { Exploration } from "../../src/check/engine/exploration.ts";
import {
  cpuSlot,
  type MemorySlot,
  pagingSlot,
  ringsSlot,
  trackedSlot,
  vcpuSlot,
} from "../../src/check/hypervisor/memorySlots.ts";
import { systemModel } from "../../src/check/hypervisor/systemModel.ts";
import { type SmallSystemOptions, smallSystem } from "../../src/check/models/smallSystem.ts";
import type { Renumbering, Words } from "../../src/hardware/normalForm.ts";

const SMALL = { vcpus: [2], pages: 3, logEntries: 1, eptLevels: 1, harvests: false } as const;
const SYSTEMS: readonly (readonly [string, SmallSystemOptions])[] = [
  ["PML", { ...SMALL, technique: "pml" }],
  ["PRL", { ...SMALL, technique: "prl", pages: 2, logEntries: 2 }],
  ["two levels of tables", { ...SMALL, technique: "pml", vcpus: [1], eptLevels: 2 }],
  [
    "large leaves",
    { ...SMALL, technique: "pml", vcpus: [1], pages: 4, eptLevels: 2, leafLevel: 2 },
  ],
  ["a dirty ring", { ...SMALL, technique: "dirtyRing", pages: 2, ringEntries: 4, ringReserved: 1 }],
  ["write protection", { ...SMALL, technique: "writeProtect", pages: 2 }],
];
const STATES = 1500;

/** The first two pages have each other's numbers, and so have the first two vCPUs. */
const swapped = (n: number): number => (n < 2 ? 1 - n : n);

describe.each(SYSTEMS)("%s", (_, options) => {
  const system = smallSystem(options);
  const { world } = system;
  const model = systemModel(system, { name: "normal forms", properties: [], stepChecks: [] });
  new Exploration(model, { keepGoing: true, bounds: { states: STATES } }).run();
  const slots: readonly MemorySlot[] = [
    ...world.vms.flatMap((vm, number) => [
      pagingSlot(world, number),
      trackedSlot(vm, number, 1),
      ringsSlot(vm, number),
    ]),
    ...world.vcpus.map((_, vcpu) => vcpuSlot(world, vcpu)),
    ...world.mmus.map((_, pcpu) => cpuSlot(world, pcpu)),
  ];
  const valuesOf = ({ name }: MemorySlot) =>
    model.slots.find((one) => one.name === name)!.values as readonly Words[];
  const vcpus = world.vcpus.length > 1;
  const swap: Renumbering = {
    movesPages: true,
    page: (_, page) => swapped(page),
    vcpu: (vcpu) => (vcpus ? swapped(vcpu) : vcpu),
  };
  const same: Renumbering = { movesPages: false, page: (_, page) => page, vcpu: (vcpu) => vcpu };
  const counterpart = ({ name }: MemorySlot): MemorySlot => {
    const other = name.replace(/^(vcpu)(\d)/, (_, kind, n) => `${kind}${swap.vcpu(Number(n))}`);
    return slots.find((one) => one.name === other)!;
  };

  it.each(slots.map((slot) => [slot.name, slot] as const))("%s", (_, slot) => {
    const values = valuesOf(slot);
    expect(values.length).toBeGreaterThan(0);
    for (const words of values) {
      expect(Object.keys(words).filter((list) => !slot.lists.includes(list))).toEqual([]);
      expect(slot.renumber(words, same)).toEqual(words);
      const other = slot.renumber(words, swap);
      expect(counterpart(slot).renumber(other, swap)).toEqual(words);
      slot.restore(words);
      expect(slot.save()).toEqual(words);
      slot.scramble();
      expect(slot.save()).toEqual(words);
    }
  });
});
