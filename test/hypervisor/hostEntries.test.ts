/** What userfaultfd, soft-dirty bits and mincore find in the host's page tables, and how often a guest exits for it. */
import { describe, expect, it } from "vitest";
import { isMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

const PAGES = 4;

/** One access a round, half-way. Which pages each round reports, how many violations there were, and what failed. */
function rounds(tracker: object, script: readonly string[], harvest = "1ms") {
  const scenario = scenarioSchema.parse({
    name: "one access a round",
    vms: [{ paging: "off", workload: { kind: "script", script, pages: PAGES, gap: 2_400_000 } }],
    tracker,
    operation: { kind: "measure", harvest },
    until: `${script.length + 1}ms`,
  });
  const system = buildSystem(scenario);
  const { handedOver } = system.world.vms[0]!.tracked;
  const found: number[][] = [];
  system.interconnect.delivered.subscribe(({ message }) => {
    if (message.type !== "harvested") return;
    found.push(
      Array.from({ length: PAGES }, (_, page) => page).filter((p) => isMarked(handedOver, p)),
    );
  });
  system.run();
  const { exits, failures } = summarize(system);
  return { found, violations: exits["48"] ?? 0, failures };
}

const FINDING_WRITES = {
  "userfaultfd, sync": { technique: "userfaultfd" },
  "userfaultfd, WP_ASYNC": { technique: "userfaultfd", userfaultfd: { mode: "WP_ASYNC" } },
  "soft-dirty bits": { technique: "softDirty" },
} as const;

describe.each(Object.entries(FINDING_WRITES))("%s", (_, tracker) => {
  it("report a page once for each round in which it is written (case 288)", () => {
    const { found, failures } = rounds(tracker, ["write 1", "read 2", "write 1"]);
    expect(found.filter((pages) => pages.length > 0)).toEqual([[1], [1]]);
    expect(failures).toEqual([]);
  });

  it("cost a violation at a read, and another at the write that follows", () => {
    expect(rounds(tracker, ["write 1"]).violations).toBe(1);
    const both = rounds(tracker, ["read 1", "write 1"]).violations;
    // clear_refs takes all pages again, so that the read's round has nothing to do with the write's.
    expect(both).toBe(2);
  });
});

it("clear_refs takes pages that nobody has written, userfaultfd those that were", () => {
  const reads = ["read 1", "read 1", "read 1"];
  expect(rounds({ technique: "softDirty" }, reads).violations).toBe(3);
  expect(rounds({ technique: "userfaultfd" }, reads).violations).toBe(1);
});

describe("mincore", () => {
  const script = ["write 1", "read 2", "read 2"];

  it("reports what is in memory: also what was read, and what earlier rounds wrote", () => {
    const { found, failures } = rounds({ technique: "mincore" }, script);
    expect(found.at(-1)).toEqual([1, 2]);
    expect(failures).toEqual([]);
  });

  it("misses what was written and swapped out, and the run says so (case 286)", () => {
    const { failures } = rounds({ technique: "mincore", mincore: { limit: 1 } }, script, "3ms");
    expect(failures.join()).toMatch(/lost 1 touched page/);
  });
});
