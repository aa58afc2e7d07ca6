/** Whom an overcommitted host takes a page from, and which; and what is stored to a page that is just losing its frame. */
import { describe, expect, it } from "vitest";
import { findLeaf } from "../../src/hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY } from "../../src/hardware/formats/ept.ts";
import { addOccurrence } from "../../src/hypervisor/cumulativeBuffer.ts";
import { isMarked, markDirty } from "../../src/hypervisor/dirtyBitmap.ts";
import { furthestAbove, hostVictim } from "../../src/hypervisor/overcommit/hostVictims.ts";
import {
  fillPage,
  keepContent,
  PageState,
  Tally,
  unmapPage,
  type VmMemory,
} from "../../src/hypervisor/overcommit/vmMemory.ts";
import { techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
import { createPaging } from "../../src/system/operations/overcommit/createPaging.ts";
import { overcommitSchema } from "../../src/system/operations/overcommit/overcommitSchema.ts";
import { Random } from "../../workloads/random.ts";
import { buildOvercommitted, type OvercommittedSystem } from "../system/overcommitSystems.ts";
import { SIMPLE } from "../system/smallSystems.ts";

const PAGES = 8;
const ACCESSED_DIRTY = [
  [0, false, false],
  [EPT_ACCESSED, true, false],
  [EPT_ACCESSED | EPT_DIRTY, true, true],
] as const;
const FIELDS = { estimator: { kind: "truth", interval: "20us" } };

/** VMs that have all their pages, and have not run. */
function hostOf(vms: number): OvercommittedSystem {
  const vm = {
    pages: PAGES,
    paging: "off",
    leafLevel: 1,
    vcpus: [{ gap: 0, script: [] }],
  } as const;
  const recipe = { ...SIMPLE, vms: new Array<typeof vm>(vms).fill(vm) };
  return buildOvercommitted({ recipe, roominess: 1, fields: FIELDS, seed: 1 });
}

function memoryOf({ memories }: OvercommittedSystem = hostOf(1)): VmMemory {
  const [memory] = memories;
  if (memory === undefined) throw new Error("there is no VM");
  return memory;
}

describe("the VM that loses a page", () => {
  it.each([
    [
      "is not the largest, if that is below its target",
      [
        [100, 120],
        [30, 20],
        [10, 9],
      ],
      1,
    ],
    [
      "is the one that is least below its target, if all are",
      [
        [100, 120],
        [30, 35],
        [10, 20],
      ],
      1,
    ],
    [
      "is the first of those that are as far above",
      [
        [10, 5],
        [20, 15],
      ],
      0,
    ],
  ] as const)("%s", (_what, sizes, expected) => {
    const { memories } = hostOf(sizes.length);
    memories.forEach(({ tallies }, vm) => {
      [tallies[Tally.resident], tallies[Tally.target]] = sizes[vm]!;
    });
    expect(furthestAbove(memories, () => true)).toBe(expected);
  });

  it("is none that has no page to give", () => {
    const { memories } = hostOf(2);
    expect(furthestAbove(memories, (vm) => vm === 1)).toBe(1);
    expect(furthestAbove(memories, () => false)).toBe(-1);
  });
});

describe("the page that it loses", () => {
  const COLD = 5;
  const victim = (memory: VmMemory, pinned: (page: number) => boolean = () => false): number =>
    hostVictim(memory, "coldest", new Random(3), pinned);

  it("is the coldest by PRL's counts", () => {
    const host = hostOf(1);
    host.system.world.vms[0]!.armed.technique = techniqueNamed("prl");
    const memory = memoryOf(host);
    for (let page = 0; page < PAGES; page++) {
      for (let i = 0; i < (page === COLD ? 2 : 3); i++)
        addOccurrence(memory.vm.tracked.buffer, page);
    }
    expect(victim(memory)).toBe(COLD);
  });

  it.each(["touched", "dirty"] as const)(
    "is one that is not marked as %s in this round",
    (marks) => {
      const memory = memoryOf();
      for (let page = 0; page < PAGES; page++) {
        if (page !== COLD) markDirty(memory.vm.tracked[marks], page);
      }
      expect(victim(memory)).toBe(COLD);
    },
  );

  it("is the first that was drawn, if that was not used at all: no other could be colder", () => {
    const memory = memoryOf();
    const random = new Random(3);
    const first = hostVictim(memory, "random", new Random(3), () => false);
    expect(hostVictim(memory, "coldest", random, () => false)).toBe(first);
    // And none is drawn after it.
    const once = new Random(3);
    hostVictim(memory, "random", once, () => false);
    expect(random.below(1 << 30)).toBe(once.below(1 << 30));
  });

  it.each(ACCESSED_DIRTY)("takes its flags along: %j", (bits, touched, dirty) => {
    const memory = memoryOf();
    const { tracked, ept } = memory.vm;
    const technique = techniqueNamed("accessedDirtyScan");
    technique?.pageTaken(tracked, COLD, bits);
    expect([isMarked(tracked.touched, COLD), isMarked(tracked.dirty, COLD)]).toEqual([
      touched,
      dirty,
    ]);
    expect(findLeaf(ept, COLD)).not.toBeNull();
  });

  it("has a frame, and no vCPU waits for it", () => {
    const memory = memoryOf();
    memory.states.fill(PageState.hostSwapped);
    memory.states[COLD] = PageState.resident;
    expect(victim(memory)).toBe(COLD);
    expect(victim(memory, (page) => page === COLD)).toBe(-1);
  });
});

describe("a page that its guest has given up as free", () => {
  it("keeps what is stored to it through an old translation, until every CPU has executed INVEPT", () => {
    const memory = memoryOf();
    const { guest } = memory.vm;
    const { frame } = unmapPage(memory, 2);
    memory.states[2] = PageState.empty;
    // A store by a CPU that still has a translation of a large page, of which this one is a part.
    guest.versions[2] = 1;
    guest.recent[0] = guest.recent[0]! | (2 << 4);
    keepContent(memory, 2);
    expect(memory.states[2]).toBe(PageState.guestSwapped);
    fillPage(memory, 2, frame);
    expect(guest.versions[2]).toBe(1);
  });

  it("is empty when nobody has, and comes back so", () => {
    const memory = memoryOf();
    const { frame } = unmapPage(memory, 2);
    memory.states[2] = PageState.empty;
    keepContent(memory, 2);
    expect(memory.states[2]).toBe(PageState.empty);
    fillPage(memory, 2, frame);
    expect(memory.vm.guest.versions[2]).toBe(0);
  });
});

it("a fault on a page that has come meanwhile waits for nothing, and takes no frame", () => {
  const { system } = hostOf(1);
  const { world } = system;
  const config = overcommitSchema().parse({ kind: "overcommit", memory: "64KiB", ...FIELDS });
  const paging = createPaging(config, ["clock"], world, { seed: 1, swapsUnflushed: false });
  const [memory] = paging.memories;
  if (memory === undefined) throw new Error("there is no VM");
  const seen = () => [memory.states[3], memory.tallies[Tally.held], paging.frames.freeFrames];
  const before = seen();
  expect(before[0]).toBe(PageState.resident);
  expect(paging.fault(0, 0, 3, 1000)).toMatchObject({ waits: false, arrivals: [] });
  expect(seen()).toEqual(before);
});
