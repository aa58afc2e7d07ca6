/** Whether pre-copy converges, where the answer can be computed by hand. */
import { describe, expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../../src/config/units.ts";
import { parseFields } from "../../../src/config/yamlFile.ts";
import { judge, ratesText, together } from "../../../src/questions/advise/convergence.ts";
import { runToEnd } from "../../../src/runs/runOrder.ts";
import type { MigrateResult } from "../../../src/system/operations/migration/migrateResult.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";

const MILLISECOND = CYCLES_PER_SECOND / 1000;
/** A page and its header on the wire (QEMU ram.c, save_page_header). */
const GBIT = 125e6;

function migrated(workload: object, policy: object, more: object = {}) {
  const fields = {
    name: "by hand",
    vms: [{ memory: "32MiB", paging: "off", workload }],
    operation: { kind: "migrate", link: { bandwidth: "1Gbit/s" }, policy },
    until: "30s",
    ...more,
  };
  const { value: scenario } = parseFields("by hand", fields, scenarioSchema, []);
  const { summary } = runToEnd({ scenario, directory: "." });
  if (summary.operation.kind !== "migrate") throw new Error("no migration");
  return { summary, result: summary.operation };
}

const judged = (
  { summary, result }: ReturnType<typeof migrated>,
  limitMs: number,
  throttles = false,
) => judge(summary, result, { limitCycles: limitMs * MILLISECOND, throttles });

const QEMU = { kind: "qemu", downtimeLimit: "50ms" };
const READER = { kind: "uniform", pages: 8192, writeFraction: 0, gap: 20_000 };
/** Writes each page of 32 MiB in turn, 100,000 pages a second; 1 Gbit/s carries 30,000. */
const WRITER = { kind: "sequential", pages: 8192, writeFraction: 1, gap: 23_996 };
/** All pages of a hot set, over and over: each is dirty again long before a round ends. */
const HOT = { kind: "sequential", pages: 2000, writeFraction: 1, gap: 2396 };

describe("a migration", () => {
  it("of a guest that writes nothing converges in one live round, under either policy", () => {
    for (const policy of [QEMU, { kind: "libxc" }]) {
      const run = migrated(READER, policy);
      expect(judged(run, 50)).toEqual({ verdict: "meets", why: "" });
      expect(run.result.rounds.filter(({ live }) => live)).toHaveLength(1);
      expect(run.result.pagesSent).toBe(8192);
    }
  });

  it("of a guest that writes all its pages faster than the link carries them does not converge", () => {
    const run = migrated(WRITER, { ...QEMU, maxRounds: 6 });
    expect(judged(run, 50)).toMatchObject({ verdict: "endless" });
    // 8,192 pages at 1 Gbit/s are 269 ms: all are dirty again.
    const text = ratesText(run.result);
    expect(text).toContain("8,192 pages in round 1 of 2");
    expect(text).toMatch(/the link carried 11\d MiB\/s/);
  });

  it("that ends with its time tells as much, if its rounds get no better", () => {
    const cut = migrated(WRITER, QEMU, { until: "3s" });
    expect(cut.result.outcome).toBe("aborted");
    expect(judged(cut, 50)).toMatchObject({ verdict: "endless" });
    // A throttle may yet be turned up.
    expect(judged(cut, 50, true)).toMatchObject({ verdict: "unknown" });
    const early = migrated(WRITER, QEMU, { until: "400ms" });
    expect(judged(early, 50).verdict).toBe("unknown");
    expect(judged(early, 50).why).toContain("--horizon");
  });

  it("of a hot set of N pages is down for as long as N pages take on the link", () => {
    const { result, ...run } = migrated(HOT, { kind: "libxc" });
    const seconds = (2000 * 4096) / GBIT;
    const downtime = (result.downtime ?? 0) / CYCLES_PER_SECOND;
    expect(downtime).toBeGreaterThan(seconds);
    expect(downtime).toBeLessThan(1.05 * seconds);
    // 65.5 ms and what the batches and the last harvest take.
    expect(judged({ result, ...run }, 70).verdict).toBe("meets");
    expect(judged({ result, ...run }, 65).verdict).toBe("late");
    expect(result.rounds.filter(({ live }) => live)).toHaveLength(5);
  });

  it("of a guest whose work was over says nothing of one that runs", () => {
    const run = migrated({ ...READER, accesses: 10 }, QEMU);
    expect(run.result.outcome).toBe("completed");
    expect(judged(run, 50)).toMatchObject({ verdict: "unknown" });
    expect(judged(run, 50).why).toContain("had ended its work");
  });

  it("that was given up with little left, because the link was not measured yet, tells nothing", () => {
    const small = { kind: "sequential", pages: 200, writeFraction: 1, gap: 2396 };
    const vms = [{ memory: "1MiB", paging: "off", workload: small }];
    const run = migrated(small, { ...QEMU, maxRounds: 3 }, { vms });
    expect(run.result.outcome).toBe("did-not-converge");
    expect(judged(run, 50)).toMatchObject({ verdict: "unknown" });
  });

  it("that failed for another reason tells nothing, with the reason", () => {
    const link = { bandwidth: "1Gbit/s", failAfter: "10ms" };
    const operation = { kind: "migrate", link, policy: QEMU };
    const run = migrated(READER, QEMU, { operation, until: "100ms" });
    const { verdict, why } = judged(run, 50);
    expect(verdict).toBe("unknown");
    expect(why).toContain("The link failed");
  });
});

describe("rounds that a run's end has cut off", () => {
  const cut = (dirty: readonly number[]): MigrateResult => {
    const { result } = migrated(READER, QEMU, { until: "10ms" });
    const round = { iteration: 1, live: true, pagesSent: 1, bytes: 1, startTime: 0, duration: 1 };
    const rounds = dirty.map((dirtyAfter) => ({ ...round, dirtyAfter, dirtyRate: 1 }));
    // 1,000 pages fit into 50 ms.
    return { ...result, outcome: "aborted", rounds, transferRate: 20_000 * 4096 };
  };
  const verdictOf = (dirty: readonly number[]) => {
    const { summary } = migrated(READER, QEMU, { until: "10ms" });
    return judge(summary, cut(dirty), { limitCycles: 50 * MILLISECOND, throttles: false }).verdict;
  };

  it("tell that there is no end if the later ones leave no fewer pages, and too many", () => {
    expect(verdictOf([5000, 4000, 4000, 3900])).toBe("endless");
    expect(verdictOf([5000, 4000, 3000, 2000])).toBe("unknown");
    expect(verdictOf([5000, 4000, 4000, 999])).toBe("unknown");
    expect(verdictOf([4000, 4000, 4000])).toBe("unknown");
  });
});

describe("several seeds", () => {
  it("give one verdict where they agree", () => {
    const meets = { verdict: "meets", why: "" } as const;
    const late = { verdict: "late", why: "" } as const;
    expect(together([meets, meets])).toBe("meets");
    expect(together([meets, late])).toBe("mixed");
    expect(together([])).toBe("unknown");
  });
});
