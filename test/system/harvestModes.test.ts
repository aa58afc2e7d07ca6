/**
 * Harvests that only look (Xen's PEEK; KVM's GET with manual protection, whose CLEAR is our CLEAN): the
 * tracker's device and a guest alone, without messages.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Technique } from "../../src/interconnect/messages.ts";
import { planScenario } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { type Access, Bench, type LeafLevel, PAGES } from "./trackerBench.ts";

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
