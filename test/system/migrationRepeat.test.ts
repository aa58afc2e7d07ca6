/** A migration that was given up is tried again, if it is to be repeated; what was on its way does not disturb it. */
import { describe, expect, it } from "vitest";
import type { MigrationContext } from "../../machines/migrationContext.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { formatMigration } from "../../src/system/operations/migration/migrationReport.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

const workload = { kind: "uniform", pages: 1024, writeFraction: 0.5, gap: 400 };

function migrated(operation: object, until = "60ms") {
  const scenario = scenarioSchema.parse({
    name: "again",
    vms: [{ memory: "4MiB", paging: "off", contents: true, workload }],
    operation: { kind: "migrate", ...operation },
    until,
  });
  const system = buildSystem(scenario);
  system.run();
  const summary = summarize(system);
  return { system, summary, result: summary.operation as MigrateResult };
}

describe("a second attempt, complete", () => {
  it.each([
    ["the operator has aborted the first", "aborted", { abortAfter: "1ms" }],
    ["the link has failed in the first", "failed", { link: { failAfter: "1ms" } }],
  ])("follows where %s", (_what, outcome, operation) => {
    const { system, summary, result } = migrated({ ...operation, repeat: { after: "2ms" } });
    expect(result).toMatchObject({ outcome: "completed", verified: true });
    expect(result.earlier).toMatchObject([{ outcome, downtime: null }]);
    const [{ startTime, totalTime, pagesSent }] = result.earlier as [MigrateResult];
    expect(result.startTime! - startTime! - totalTime).toBeGreaterThanOrEqual(2 * 2_400_000);
    // What was sent in vain is sent again.
    expect(pagesSent).toBeGreaterThan(0);
    expect(result.rounds[0]!.pagesSent).toBe(1024);
    expect(summary.failures).toEqual([]);
    expect(system.actor("vm0/tracker").value).toBe("off");
    const line = formatMigration(result).find((one) => one.includes("1. migration"));
    expect(line).toContain(`, ${outcome}, `);
  });

  it("is not followed by more than were asked for, and none without repeat", () => {
    const twice = migrated({ abortAfter: "1ms", repeat: { times: 2 } }).result;
    expect(twice.earlier.map(({ outcome }) => outcome)).toEqual(["aborted", "completed"]);
    const once = migrated({ abortAfter: "1ms" }).result;
    expect(once).toMatchObject({ outcome: "aborted", earlier: [] });
  });

  it("takes no batch for its own that was on its way when the first was given up", () => {
    // A batch takes longer than the pause between the attempts; so does the word that the VM is there.
    const link = { bandwidth: "400Mbit/s", latency: "5ms" };
    for (const abortAfter of ["1ms", "80ms", "170ms"]) {
      const { system, summary, result } = migrated(
        { abortAfter, batch: 512, link, repeat: { after: "100us" } },
        "2s",
      );
      expect(system.stuck).toBeNull();
      expect(summary.failures).toEqual([]);
      const { outcome, verified, bytes, rounds } = result;
      expect([outcome, verified]).toEqual(["completed", true]);
      // The link carried what was sent, in the time that it takes.
      const seconds = rounds.reduce((sum, { duration }) => sum + duration, 0) / 2.4e9;
      expect(bytes / seconds).toBeLessThanOrEqual(50e6);
    }
  });
});

it("goes to a host that has nothing of the first attempt (case 239)", () => {
  const scenario = scenarioSchema.parse({
    name: "again",
    vms: [{ memory: "4MiB", paging: "off", contents: true, workload }],
    operation: { kind: "migrate", batch: 64, repeat: { after: "1ms" } },
    until: "60ms",
  });
  const system = buildSystem(scenario);
  const destination = system.parts().find(({ name }) => name === "migration/destination");
  const present = () => {
    const words = destination?.arrays()["present"] ?? [];
    return Array.from(words, (word) => word !== 0).filter(Boolean).length;
  };
  const context = () => system.actor("toolstack").snapshot.context as MigrationContext;
  while (context().earlier.length === 0) expect(system.step()).toBe(true);
  while (context().progress.armedTime < 0) {
    expect(system.step()).toBe(true);
  }
  // Armed again, and nothing is sent yet: the first attempt had sent all.
  expect(context().earlier[0]?.progress.armedTime).toBeGreaterThan(0);
  expect(present()).toBeLessThanOrEqual(2);
});
