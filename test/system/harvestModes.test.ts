/**
 * Harvests that only look (Xen's PEEK; KVM's GET with manual protection, whose CLEAR is our CLEAN): the
 * tracker's device and a guest alone, without messages.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACCESS_PAGE_SHIFT, AccessKind, runAccesses, Stop } from "../../src/hardware/accessLoop.ts";
import { forEachLeaf } from "../../src/hardware/ept.ts";
import { loadControls } from "../../src/hardware/mmu.ts";
import { flushEpt } from "../../src/hardware/tlb.ts";
import { Field, readField, readField64 } from "../../src/hardware/vmcs.ts";
import { forEachMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import type { HarvestMode, Technique } from "../../src/interconnect/messages.ts";
import { planScenario } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { TrackerDevice } from "../../src/system/trackerDevice.ts";
import { World } from "../../src/system/world.ts";
import type { TrackingPlan } from "../../src/system/worldPlan.ts";
import { configOf, SIMPLE } from "./smallSystems.ts";

const PAGES = 16;
type LeafLevel = 1 | 2 | 3;
interface Access {
  readonly kind: "read" | "write";
  readonly page: number;
}

class Bench {
  readonly #world: World;
  readonly #device: TrackerDevice;
  exits = 0;

  constructor(technique: Technique, leafLevel: LeafLevel, options: Partial<TrackingPlan> = {}) {
    const vcpus = [{ gap: 0, script: [] }];
    const vms = [{ pages: PAGES, paging: "off" as const, leafLevel: 1 as const, vcpus }];
    const { world } = configOf({ ...SIMPLE, indexBits: 2, technique, vms });
    this.#world = new World({
      ...world,
      vms: world.vms.map((vm) => ({ ...vm, leafLevel })),
      tracking: { ...world.tracking, ...options },
    });
    this.#device = new TrackerDevice(this.#world, 0);
    this.arm(technique);
  }

  arm(technique: Technique): void {
    if (technique === "none") return;
    this.#device.perform({ op: "arm", technique, pages: null });
    this.#invept();
  }

  disarm(): void {
    this.#device.perform({ op: "disarm" });
    this.#invept();
  }

  /** Level, rights and frame of each leaf, by its first page. */
  leaves(): Map<number, string> {
    const { ept } = this.#world.vms[0]!;
    const { words } = ept.memory;
    const leaves = new Map<number, string>();
    forEachLeaf(ept, (word, level, page) => {
      leaves.set(page, `${level} ${words[word]} ${words[word + 1]}`);
    });
    return leaves;
  }

  #invept(): void {
    for (const { tlb } of this.#world.mmus) flushEpt(tlb, this.#world.vms[0]!.ept.root);
  }

  access(kind: keyof typeof AccessKind, page: number): void {
    const mmu = this.#world.mmus[0]!;
    const { vmcs, counters } = this.#world.vcpus[0]!;
    const block = Int32Array.of((page << ACCESS_PAGE_SHIFT) | AccessKind[kind]);
    for (let tries = 0; tries < 5; tries++) {
      loadControls(mmu, vmcs, this.#world.vms[0]!.guest, counters.values);
      if (runAccesses(mmu, block, 0, 1, 1e6, 0, 0) === 1) return;
      this.exits++;
      const exit = { vcpu: 0, dispatcher: 0 };
      if (mmu.stop === Stop.logFull) this.#device.perform({ op: "serveLogFull", ...exit });
      else {
        const page = Number(readField64(vmcs, Field.guestPhysicalAddress) >> 12n);
        const qualification = readField(vmcs, Field.exitQualification);
        this.#device.perform({ op: "serveViolation", ...exit, page, qualification });
      }
    }
    expect.fail("the access never completes");
  }

  harvest(mode: HarvestMode): Set<number> {
    const { type } = this.#device.perform({ op: "harvest", mode, pages: null });
    // What takes a right or a flag away is followed by INVEPT; a look takes nothing away.
    expect(type).toBe(mode === "peek" ? "harvestPeeked" : "tablesChanged");
    if (mode === "clean") this.#invept();
    const pages = new Set<number>();
    forEachMarked(this.#world.vms[0]!.tracked.handedOver, (page) => pages.add(page));
    return pages;
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("write" as const), page: fc.nat(PAGES - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("read" as const), page: fc.nat(PAGES - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("harvest" as const),
      mode: fc.constantFrom("peek" as const, "clean" as const),
    }),
  },
);

const someAccesses: fc.Arbitrary<Access[]> = fc.array(
  fc.record({ kind: fc.constantFrom("read" as const, "write" as const), page: fc.nat(PAGES - 1) }),
  { maxLength: 30 },
);
const everyPage = new Set(Array.from({ length: PAGES }, (_, page) => page));

describe.each(["writeProtect", "pml"] as const)("initially set, under %s", (technique) => {
  it("every page is dirty at first, and none is protected before the first CLEAN (case 84)", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1 as const, 2 as const),
        someAccesses,
        someAccesses,
        (level, before, after) => {
          const bench = new Bench(technique, level, { initiallySet: true });
          const armed = bench.leaves();
          for (const { kind, page } of before) bench.access(kind, page);
          expect(bench.exits).toBe(0);
          expect(bench.harvest("peek")).toEqual(everyPage);
          expect(bench.leaves()).toEqual(armed);
          expect(bench.harvest("clean")).toEqual(everyPage);
          for (const { kind, page } of after) bench.access(kind, page);
          const written = after.filter(({ kind }) => kind === "write").map(({ page }) => page);
          expect(bench.harvest("clean")).toEqual(new Set(written));
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Rounds of tracking, twice, each time with the same accesses again after its end, which must not exit. */
function trackTwice(bench: Bench, technique: Technique, rounds: readonly Access[][]): void {
  for (const last of [false, true]) {
    for (const accesses of rounds) {
      for (const { kind, page } of accesses) bench.access(kind, page);
      bench.harvest("clean");
    }
    bench.disarm();
    const { exits } = bench;
    for (const { kind, page } of rounds.flat()) bench.access(kind, page);
    expect(bench.exits).toBe(exits);
    if (!last) bench.arm(technique);
  }
}

describe.each(["writeProtect", "pml", "accessedDirtyScan", "presentBit", "dirtyRing"] as const)(
  "large pages under %s",
  (technique) => {
    it("come back when tracking ends, as in KVM; in Xen they stay split (case 85)", () => {
      const splits = technique === "accessedDirtyScan" || technique === "presentBit";
      fc.assert(
        fc.property(
          fc.constantFrom<LeafLevel>(1, 2, 3),
          fc.array(someAccesses, { maxLength: 3 }),
          fc.boolean(),
          (level, rounds, largePagesReturn) => {
            const before = new Bench("none", level).leaves();
            const bench = new Bench(technique, level, { largePagesReturn });
            trackTwice(bench, technique, rounds);
            const after = bench.leaves();
            if (largePagesReturn || level === 1) expect(after).toEqual(before);
            else {
              const wrote = rounds.flat().some(({ kind }) => kind === "write");
              expect(after.size > before.size).toBe(splits || wrote);
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  },
);

describe.each(["writeProtect", "pml", "dirtyRing"] as const)(
  "large pages that are split when they are armed, under %s",
  (technique) => {
    it("are found written as those are that the first write splits, and no write splits any", () => {
      fc.assert(
        fc.property(
          fc.constantFrom<LeafLevel>(2, 3),
          fc.array(someAccesses, { minLength: 1, maxLength: 4 }),
          fc.boolean(),
          (level, rounds, initially) => {
            const initiallySet = initially && technique !== "dirtyRing";
            const eager = new Bench(technique, level, { splitEagerly: true, initiallySet });
            const lazy = new Bench(technique, level, { initiallySet });
            // With all bits set nothing is split before the first CLEAR.
            expect(eager.leaves().size).toBe(initiallySet ? lazy.leaves().size : PAGES);
            for (const accesses of rounds) {
              for (const { kind, page } of accesses)
                for (const one of [eager, lazy]) one.access(kind, page);
              expect(eager.harvest("clean")).toEqual(lazy.harvest("clean"));
              expect(eager.leaves().size).toBe(PAGES);
            }
            expect(eager.exits).toBeLessThanOrEqual(lazy.exits);
            const wrote = rounds.flat().some(({ kind }) => kind === "write");
            if (!wrote) expect(lazy.leaves().size).toBeLessThan(PAGES);
          },
        ),
        { numRuns: 60 },
      );
    });
  },
);

it("only techniques that leave large pages whole can be told to split them first", () => {
  const parse = (technique: string) => () =>
    planScenario(
      scenarioSchema.parse({
        name: "split",
        vms: [{ workload: { kind: "uniform", pages: 8 } }],
        until: "1ms",
        tracker: { technique, splitEagerly: true },
      }),
      ".",
    );
  expect(parse("pml")).not.toThrow();
  for (const technique of ["prl", "none", "presentBit"])
    expect(parse(technique)).toThrow(
      /tracker\.splitEagerly: expected technique "amdPml" or "dirtyRing"/,
    );
});

describe.each(["writeProtect", "pml", "accessedDirtyScan"] as const)("under %s", (technique) => {
  it("a look gives the pages since the last CLEAN, however often, and causes no further exit (case 82)", () => {
    const leafLevel = fc.constantFrom(1 as const, 2 as const);
    fc.assert(
      fc.property(leafLevel, fc.array(step, { maxLength: 60 }), (level, steps) => {
        const bench = new Bench(technique, level);
        let written = new Set<number>();
        for (const one of steps) {
          if (one.do === "harvest") {
            expect(bench.harvest(one.mode)).toEqual(written);
            if (one.mode === "clean") written = new Set();
            continue;
          }
          const { exits } = bench;
          bench.access(one.do, one.page);
          // Known dirty: the page is written without an exit, also after a look.
          if (one.do === "write" && written.has(one.page)) expect(bench.exits).toBe(exits);
          if (one.do === "write") written.add(one.page);
        }
      }),
      { numRuns: 300 },
    );
  });
});
