/** Types of pages that change where they are touched, as Xen's do: operations 262 to 265, and the same pages as at once. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Access, Bench, type LeafLevel, PAGES } from "./trackerBench.ts";

const LAZY = { lazyTypes: true };
/** Pages of one table of leaves, here; 2 MiB on a real machine. */
const REGION = 4;
const FIRST_OF_EACH = [0, REGION, 2 * REGION];

function readEach(bench: Bench, pages: readonly number[]): void {
  for (const page of pages) bench.access("read", page);
}

describe.each(["writeProtect", "pml"] as const)("%s", (technique) => {
  it("one misconfiguration a region that is touched, by a read too, and none reports a page (262)", () => {
    const bench = new Bench(technique, 1, LAZY);
    readEach(bench, FIRST_OF_EACH);
    expect(bench.misconfigurations).toBe(3);
    readEach(bench, [1, REGION + 1, 2 * REGION + 3]);
    expect([bench.misconfigurations, bench.exits]).toEqual([3, 3]);
    expect(bench.harvest("peek").size).toBe(0);
  });

  it("each CLEAN begins anew, and a PEEK does not (263)", () => {
    const bench = new Bench(technique, 1, LAZY);
    readEach(bench, FIRST_OF_EACH);
    bench.harvest("peek");
    readEach(bench, FIRST_OF_EACH);
    expect(bench.misconfigurations).toBe(3);
    bench.harvest("clean");
    readEach(bench, FIRST_OF_EACH);
    expect(bench.misconfigurations).toBe(6);
  });

  it("a large leaf stays when it is resolved, and is split by its first write (264)", () => {
    const bench = new Bench(technique, 2, LAZY);
    bench.access("read", 1);
    expect([bench.misconfigurations, bench.exits]).toEqual([1, 1]);
    expect([...bench.leaves().keys()]).toEqual([0, REGION, 2 * REGION, 3 * REGION]);
    bench.access("write", 2);
    expect([bench.misconfigurations, bench.exits]).toEqual([1, 2]);
    expect([...bench.leaves().keys()].slice(0, 5)).toEqual([0, 1, 2, 3, REGION]);
    expect([...bench.harvest("clean")]).toEqual([2]);
  });

  it("what it finds is what is found when all entries are written at once", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("read", "write"), page: fc.nat(PAGES - 1) }),
      fc.constantFrom("clean" as const, "peek" as const, "again" as const),
    );
    const level = fc.constantFrom<LeafLevel>(1, 2, 3);
    const act = (bench: Bench, one: Access | "clean" | "peek" | "again"): number[] => {
      if (one === "again") {
        bench.disarm();
        bench.arm(technique);
      } else if (typeof one === "string") return [...bench.harvest(one)];
      else bench.access(one.kind, one.page);
      return [];
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), level, (steps, leafLevel) => {
        const [lazy, atOnce] = [
          new Bench(technique, leafLevel, LAZY),
          new Bench(technique, leafLevel),
        ];
        for (const one of steps) {
          expect(act(lazy, one as Access)).toEqual(act(atOnce, one as Access));
        }
      }),
    );
  });
});

it("a technique that looks at entries itself finds them resolved", () => {
  const bench = new Bench("writeProtect", 1, LAZY);
  bench.access("write", 5);
  bench.disarm();
  bench.arm("accessedDirtyScan");
  bench.access("read", 9);
  bench.access("write", 6);
  expect(bench.misconfigurations).toBe(1);
  expect([...bench.harvest("clean")]).toEqual([6]);
});

it("tracking that has ended lets each region be resolved once more, and then exits no more", () => {
  const bench = new Bench("pml", 1, LAZY);
  bench.access("write", 5);
  bench.disarm();
  for (let page = 0; page < PAGES; page++) bench.access("write", page);
  expect(bench.misconfigurations).toBe(1 + PAGES / REGION);
  expect(bench.exits).toBe(bench.misconfigurations);
});
