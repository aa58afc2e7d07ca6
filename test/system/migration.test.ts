/** Live migration in small systems: what arrives is what was there, and nothing else is disturbed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MigrationContext } from "../../machines/migrationContext.ts";
import type { TrackerContext } from "../../machines/trackerContext.ts";
import type { Destination } from "../../src/hypervisor/migration/destination.ts";
import type { System } from "../../src/system/system.ts";
import {
  type AnyFault,
  anyMigration,
  buildMigration,
  type MigrationRecipe,
  resultOf,
  TO_THE_END,
  versionsOf,
  writesOf,
} from "./migrationSystems.ts";
import { drive, SIMPLE, stepper } from "./smallSystems.ts";

const RUNS = 400;

function run(migration: MigrationRecipe, fault: AnyFault | null = null): System {
  const system = buildMigration(migration, fault);
  drive(system, () => {});
  return system;
}

function destinationOf(system: System): Destination {
  return system.parts().find(({ name }) => name === "migration/destination") as Destination;
}

/** Each VM's programs have made all their writes, once each. */
function expectWorkDone(system: System, { recipe }: MigrationRecipe): void {
  recipe.vms.forEach((_, vm) => {
    expect(versionsOf(system, vm)).toEqual(writesOf(recipe, vm));
  });
}

describe("a migration that completes", () => {
  it("leaves at the destination what the source had when it was suspended (case 99)", () => {
    let resent = 0;
    fc.assert(
      fc.property(anyMigration, (migration) => {
        const system = run({ ...migration, settle: 0 });
        const result = resultOf(system);
        if (result.outcome === "did-not-converge") return;
        expect(result.outcome).toBe("completed");
        expect(result.verified).toBe(true);
        expect(result.failures).toEqual([]);
        // The run has ended with the VM suspended: the source is still what it was.
        const { config } = system.world.vms[0]!;
        const arrived = destinationOf(system).versions.subarray(0, config.pages);
        expect([...arrived]).toEqual(versionsOf(system, 0));
        resent += result.rounds.slice(1).reduce((sum, { pagesSent }) => sum + pagesSent, 0);
      }),
      { numRuns: RUNS },
    );
    // Otherwise nothing was ever written behind the migration's back.
    expect(resent).toBeGreaterThan(RUNS);
  });

  it("disturbs no program: after it all have done what they would have done", () => {
    fc.assert(
      fc.property(anyMigration, (migration) => {
        const settled = { ...migration, settle: TO_THE_END };
        const system = run(settled);
        expectWorkDone(system, settled);
        expect(system.actor("vm0/tracker").value).toBe("off");
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it("keeps libxc's limits, and counts every page it sends", () => {
    fc.assert(
      fc.property(anyMigration, (migration) => {
        const system = run({ ...migration, policy: "libxc" });
        const { outcome, rounds, pagesSent, bytes, downtime, totalTime } = resultOf(system);
        expect(outcome).toBe("completed");
        const live = rounds.filter((round) => round.live);
        expect(live.length).toBeGreaterThanOrEqual(1);
        expect(live.length).toBeLessThanOrEqual(5);
        expect(rounds.length).toBe(live.length + 1);
        const { tables, config } = system.world.vms[0]!;
        expect(rounds[0]!.pagesSent).toBe(config.pages + (tables?.count ?? 0));
        expect(rounds.reduce((sum, round) => sum + round.pagesSent, 0)).toBe(pagesSent);
        expect(rounds.reduce((sum, round) => sum + round.bytes, 0)).toBe(bytes);
        // What a harvest found is what the next round sent.
        rounds.slice(1).forEach((round, n) => {
          expect(round.pagesSent).toBe(rounds[n]!.dirtyAfter);
        });
        expect(downtime).toBeLessThanOrEqual(totalTime);
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it("harvests, arms and disarms only while no vCPU of the VM runs", () => {
    fc.assert(
      fc.property(anyMigration, (migration) => {
        const system = buildMigration(migration);
        const tracker = system.actor("vm0/tracker").id;
        const names = system.world.vms[0]!.vcpus.map((vcpu) => `vcpu${vcpu}`);
        drive(system, ({ to, message: { type } }) => {
          if (to !== tracker || !["arm", "harvest", "disarm"].includes(type)) return;
          for (const name of names) expect(["ready", "halted"]).toContain(system.actor(name).value);
        });
      }),
      { numRuns: RUNS / 4 },
    );
  });
});

describe("a migration that is repeated", () => {
  const repeat = fc.record({
    times: fc.integer({ min: 1, max: 3 }),
    after: fc.constantFrom(0, 1, 20_000),
  });

  it("is each time a whole one, to an empty host, and disturbs no program", () => {
    let repeated = 0;
    fc.assert(
      fc.property(anyMigration, repeat, (migration, again) => {
        const all = { ...migration, repeat: again, settle: TO_THE_END };
        const system = run(all);
        expectWorkDone(system, all);
        expect(system.actor("vm0/tracker").value).toBe("off");
        const result = resultOf(system);
        if (result.outcome !== "completed") return;
        expect(result.verified).toBe(true);
        const { earlier } = result;
        expect(earlier.length).toBeLessThanOrEqual(again.times);
        repeated += earlier.length;
        const whole = [...earlier, result];
        const { tables, config } = system.world.vms[0]!;
        for (const { rounds, pagesSent } of whole) {
          expect(rounds[0]!.pagesSent).toBe(config.pages + (tables?.count ?? 0));
          expect(rounds.reduce((sum, round) => sum + round.pagesSent, 0)).toBe(pagesSent);
        }
        // One begins when the one before has ended and the VM has been disarmed.
        whole.slice(1).forEach(({ startTime }, i) => {
          const before = whole[i]!;
          expect(startTime).toBeGreaterThanOrEqual(
            before.startTime! + before.totalTime + again.after,
          );
        });
      }),
      { numRuns: RUNS / 4 },
    );
    expect(repeated).toBeGreaterThan(RUNS / 20);
  });
});

describe("planted faults", () => {
  /** Whether any of many migrations with the fault is found to have lost a page. */
  function isCaught(
    fault: AnyFault,
    shape: (migration: MigrationRecipe) => MigrationRecipe,
  ): boolean {
    const { failed, errorInstance } = fc.check(
      fc.property(anyMigration, (migration) => {
        const { verified } = resultOf(run(shape(migration), fault));
        return verified !== false;
      }),
      { numRuns: 600, seed: 5, endOnFailure: true },
    );
    // A property that threw has not caught anything.
    if (errorInstance !== null && errorInstance !== undefined) {
      expect(String(errorInstance)).toContain("returning false");
    }
    return failed;
  }

  it("catches a CLEANed bitmap that is not sent", () => {
    expect(isCaught("cleanedBitmapNotSent", (migration) => migration)).toBe(true);
  });

  it("catches a harvest without INVEPT", () => {
    expect(isCaught("skipInvept", (migration) => migration)).toBe(true);
  });

  const withPml = (migration: MigrationRecipe): MigrationRecipe => ({
    ...migration,
    recipe: { ...migration.recipe, technique: "pml" },
  });

  it("catches logs that are drained after the bitmap was read", () => {
    expect(isCaught("harvestBeforeDrain", withPml)).toBe(true);
  });

  it("catches PML that is on for some vCPUs only", () => {
    expect(isCaught("pmlOnSomeVcpus", withPml)).toBe(true);
  });

  it("finds nothing where the fault is not planted", () => {
    fc.assert(
      fc.property(anyMigration, (migration) => {
        expect(resultOf(run(withPml(migration))).verified).not.toBe(false);
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it("says which page was lost", () => {
    // The second page is written in the first round, and few are dirty after it: libxc's rule stops.
    const script = [...Array(400).keys()].map((n) => [n % 2, 1] as const);
    const vm = { pages: 3, paging: "off", leafLevel: 1, vcpus: [{ gap: 50, script }] } as const;
    const migration: MigrationRecipe = {
      recipe: { ...SIMPLE, technique: "writeProtect", vms: [vm] },
      policy: "libxc",
      pageCycles: 2000,
      latency: 0,
      batch: 1,
      start: 1000,
      abortAfter: null,
      failAfter: null,
      settle: 0,
    };
    expect(resultOf(run(migration)).verified).toBe(true);
    const result = resultOf(run(migration, "cleanedBitmapNotSent"));
    expect(result).toMatchObject({ outcome: "completed", verified: false, firstDifference: 0 });
    expect(result.failures).toEqual([
      "migration of vm0: page 0 differs between the destination and the source at suspend",
    ]);
  });
});

describe("a migration that is aborted, or whose link fails", () => {
  const cut = fc.oneof(fc.nat(3000), fc.nat(100_000));

  it("leaves the VM running at the source, untracked, to the end of its work", () => {
    const outcomes = new Set<string>();
    const stages = new Set<boolean>();
    fc.assert(
      fc.property(anyMigration, cut, fc.boolean(), (migration, after, link) => {
        const cancelled = {
          ...migration,
          settle: TO_THE_END,
          ...(link ? { failAfter: after } : { abortAfter: after }),
        };
        const system = run(cancelled);
        const { outcome, verified, why } = resultOf(system);
        outcomes.add(outcome);
        expectWorkDone(system, cancelled);
        expect(system.actor("vm0/tracker").value).toBe("off");
        expect((system.actor("vm0/tracker").snapshot.context as TrackerContext).technique).toBe(
          "none",
        );
        if (outcome === "completed") {
          expect(verified).toBe(true);
          return;
        }
        // QEMU's rounds may be used up before: in so short a time it has not measured the link yet.
        if (outcome === "did-not-converge") {
          expect(cancelled.policy).toBe("qemu");
          return;
        }
        expect(outcome).toBe(link ? "failed" : "aborted");
        expect(why).toContain(link ? "The link failed" : "Aborted by the operator");
        const { progress } = system.actor("toolstack").snapshot.context as MigrationContext;
        stages.add(progress.suspendTime >= 0);
        expect(progress.endTime - progress.startTime).toBeGreaterThanOrEqual(after);
      }),
      { numRuns: RUNS },
    );
    outcomes.delete("did-not-converge");
    expect([...outcomes].sort()).toEqual(["aborted", "completed", "failed"]);
    // Some were cancelled while the VM was suspended, some before.
    expect(stages.size).toBe(2);
  });
});

describe("a snapshot in the middle of a migration", () => {
  it("continues to the same result", () => {
    fc.assert(
      fc.property(anyMigration, fc.double({ min: 0, max: 1, noNaN: true }), (migration, part) => {
        const whole = buildMigration(migration);
        let messages = 0;
        const step = stepper(whole, () => {
          messages++;
        });
        while (step());
        const first = buildMigration(migration);
        first.run(Math.floor(part * messages));
        const second = buildMigration(migration);
        second.restore(first.save());
        expect(second.digests()).toEqual(first.digests());
        while (second.step());
        expect(second.digests()).toEqual(whole.digests());
        expect(second.result()).toEqual(whole.result());
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it("has the same course under XState's interpreter", () => {
    fc.assert(
      fc.property(anyMigration, (migration) => {
        const compiled = buildMigration(migration);
        drive(compiled, () => {});
        const interpreted = buildMigration(migration, null, "interpreted");
        drive(interpreted, () => {});
        expect(interpreted.digests()).toEqual(compiled.digests());
        expect(interpreted.result()).toEqual(compiled.result());
      }),
      { numRuns: RUNS / 10 },
    );
  });
});
