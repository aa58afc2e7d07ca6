/** Normal forms of memory: what each says of itself keeps these laws, in every state that a search has met. */

import { describe, expect, it } from "vitest";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { Due } from "../../src/check/hypervisor/due.ts";
import { systemModel } from "../../src/check/hypervisor/systemModel.ts";
import { type SmallSystemOptions, smallSystem } from "../../src/check/models/smallSystem.ts";
import { ACCESS_PAGE_SHIFT } from "../../src/hardware/accessLoop.ts";
import { findLeaf } from "../../src/hardware/ept.ts";
import { WRITTEN } from "../../src/hardware/guestForm.ts";
import { truthOf } from "../../src/hardware/guestPages.ts";
import type { Renumbering, Words } from "../../src/hardware/normalForm.ts";
import { occurrencesOf } from "../../src/hypervisor/cumulativeBuffer.ts";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { logWords } from "../../src/hypervisor/logPages.ts";
import { type MemoryPiece, memoryPieces } from "../../src/system/memoryPieces.ts";
import type { World } from "../../src/system/world.ts";

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

/** What memory says of a page, read as those read it who use it, by the kind of piece. */
type Look = (world: World, number: number, page: number) => readonly (number | boolean)[];
const LOOKS: Readonly<Record<string, Look>> = {
  paging: ({ vms }, vm, page) => {
    const { ept } = vms[vm]!;
    const leaf = findLeaf(ept, page);
    return leaf === null ? [] : [leaf.level, ept.memory.words[leaf.word]! & 0xfff];
  },
  truth: ({ vms }, vm, page) => [truthOf(vms[vm]!.guest, page)],
  tracked: ({ vms }, vm, page) => {
    const { dirty, touched, handedOver, buffer } = vms[vm]!.tracked;
    const marks = [dirty, touched, handedOver].map((bitmap) => isMarked(bitmap, page));
    return [...marks, occurrencesOf(buffer, page)];
  },
  rings: ({ vms }, vm, page) =>
    vms[vm]!.tracked.vcpus.map(({ ring: { pages, flags } }) => {
      return pages.some((one, at) => flags[at] !== 0 && one === page);
    }),
  vmcs: ({ memory, logs, vcpus }, vcpu, page) => {
    const first = logs.frame[vcpu]! * memory.frameWords;
    const words = memory.words.subarray(first, first + 2 * logWords(logs));
    // An entry is an address, of which a slot that is not in use has none.
    const entries = words.filter((word, at) => at % 2 === 0 && (word & 0xfff) === 0);
    const { state, block } = vcpus[vcpu]!.stream;
    const isNext = state[0] < state[1] && block[0]! >>> ACCESS_PAGE_SHIFT === page;
    return [isNext, entries.filter((word) => word >>> 12 === page).length];
  },
  tlb: ({ mmus }, pcpu, page) => {
    const { meta, page: pages } = mmus[pcpu]!.tlb.l1;
    return [...meta].filter((word, at) => word !== 0 && pages[at] === page);
  },
};
/** Kinds of pieces in which something was said of the one page and not of the other. */
const moved = new Set<string>();

describe.each(SYSTEMS)("%s", (_, options) => {
  const system = smallSystem(options);
  const { world } = system;
  const model = systemModel(system, { name: "normal forms", properties: [], stepChecks: [] });
  new Exploration(model, { keepGoing: true, bounds: { states: STATES } }).run();
  const slots = memoryPieces(world, {
    truth: WRITTEN,
    countsTo: 1,
    besides: (vm) => [new Due(world.vms[vm]!.guest).form(vm, WRITTEN)],
  });
  const valuesOf = ({ name }: MemoryPiece) =>
    model.slots.find((one) => one.name === name)!.values as readonly Words[];
  const vcpus = world.vcpus.length > 1;
  const none = { page: (_: number, page: number) => page, pcpu: (pcpu: number) => pcpu };
  const same: Renumbering = { ...none, movesPages: false, vcpu: (vcpu) => vcpu };
  const swapPages: Renumbering = { ...same, movesPages: true, page: (_, page) => swapped(page) };
  const swap: Renumbering = { ...swapPages, vcpu: (vcpu) => (vcpus ? swapped(vcpu) : vcpu) };
  const counterpart = ({ name }: MemoryPiece): MemoryPiece => {
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

  it.each(slots.map((slot) => [slot.name, slot] as const))("%s moves its pages", (name, slot) => {
    const [, number = "", kind = ""] = /^\w+?(\d+)\/(\w+)$/.exec(name)!;
    const looks = (words: Words) => {
      slot.restore(words);
      const pages = Array.from({ length: options.pages }, (_, page) => page);
      return pages.map((page) => LOOKS[kind]!(world, Number(number), page));
    };
    for (const words of valuesOf(slot)) {
      const before = looks(words);
      const after = looks(slot.renumber(words, swapPages));
      expect(before.map((_, page) => after[swapped(page)])).toEqual(before);
      if (JSON.stringify(before[0]) !== JSON.stringify(before[1])) moved.add(kind);
    }
  });
});

it("of every kind of piece some said something of one page that it did not say of the other", () => {
  expect([...moved].sort()).toEqual(Object.keys(LOOKS).sort());
});
