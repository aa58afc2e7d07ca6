/** Migrations of scenarios: throttling, what does not converge, what fails, what is refused. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { Counter } from "../../src/hardware/counters.ts";
import { forEachLeaf } from "../../src/hardware/ept.ts";
import { convergeFrom } from "../../src/hypervisor/migration/autoConverge.ts";
import { NO_PROGRESS } from "../../src/hypervisor/migration/progress.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { MigrateResult } from "../../src/system/operations/migration/migrateResult.ts";
import { formatMigration } from "../../src/system/operations/migration/migrationReport.ts";
import { remedyFor } from "../../src/system/operations/migration/remedy.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { stepper } from "./smallSystems.ts";

const SECOND = 2.4e9;

/** 16 MiB, of which 8 MiB are in use; 24,000 accesses a second, most of them writes. The link carries 3,000 pages. */
function scenario(operation: object, more: object = {}) {
  const workload = {
    kind: "hotCold",
    pages: 2048,
    hotPages: 1500,
    hotProbability: 0.9,
    writeFraction: 0.6,
    gap: 100_000,
  };
  return scenarioSchema.parse({
    name: "test",
    vms: [{ memory: "16MiB", workload }],
    operation: { kind: "migrate", link: { bandwidth: "100Mbit/s" }, ...operation },
    ...more,
  });
}

function run(parsed: ReturnType<typeof scenario>): { system: System; result: MigrateResult } {
  const system = buildSystem(parsed);
  system.run(20_000_000);
  expect(system.done).toBe(true);
  return { system, result: system.result() as MigrateResult };
}

/** The EPT's leaves of the VM's data, with their bits. */
function leavesOf({ world }: System): number[] {
  const leaves: number[] = [];
  const { ept, config } = world.vms[0]!;
  forEachLeaf(ept, (word, _level, page) => {
    if (page < config.pages) leaves.push(world.memory.words[word]!);
  });
  return leaves;
}

const autoConverge = { period: "100ms" };
const noThrottle = { kind: "qemu", downtimeLimit: "300ms", maxRounds: 12 };

describe("auto-converge", () => {
  it("slows the guest down until the rest fits, and lets it go afterwards", () => {
    const policy = { kind: "qemu", autoConverge };
    const { system, result } = run(scenario({ policy, settle: "1s" }));
    expect(result.outcome).toBe("completed");
    expect(result.verified).toBe(true);
    const percents = result.throttle.map(({ percent }) => percent);
    expect(percents.slice(0, 3)).toEqual([20, 30, 40]);
    for (let i = 1; i < result.throttle.length; i++) {
      // Two periods are looked at for each step.
      expect(result.throttle[i]!.time - result.throttle[i - 1]!.time).toBeGreaterThan(0.2 * SECOND);
    }
    expect(result.downtime! / SECOND).toBeGreaterThan(0.05);
    expect(result.downtime! / SECOND).toBeLessThan(0.35);
    expect(system.actor("throttle").value).toBe("off");
    const { accesses } = result.throughput;
    expect(Math.min(...accesses)).toBeLessThan(0.5 * accesses[0]!);
    expect(accesses.at(-1)).toBeGreaterThan(0.9 * accesses[0]!);
    expect(result.why).toBe(
      "What was pending could be sent within the downtime limit of 300.000 ms.",
    );
  });

  it("makes the guest run the share of time that the percentage says", () => {
    const fixed = { ...autoConverge, initial: 75, max: 75 };
    const policy = { kind: "qemu", downtimeLimit: "1ms", maxRounds: 12, autoConverge: fixed };
    const system = buildSystem(scenario({ policy }));
    const accesses = (): number => system.world.vcpus[0]!.counters.values[Counter.accesses]!;
    const rateUntil = (end: () => boolean): number => {
      const [time, before] = [system.interconnect.now, accesses()];
      while (!end() && system.step());
      return ((accesses() - before) * SECOND) / (system.interconnect.now - time);
    };
    const throttle = system.actor("throttle");
    const free = rateUntil(() => throttle.value !== "off");
    const limited = rateUntil(() => throttle.value === "off");
    expect(limited / free).toBeGreaterThan(0.23);
    expect(limited / free).toBeLessThan(0.27);
  });

  it("never lets a sleep end in the middle of a harvest", () => {
    const policy = { kind: "qemu", autoConverge: { ...autoConverge, initial: 60 } };
    // Harvests that take longer than a slice: the throttle's pauses begin and end inside them.
    const costs = { hypervisor: { protectPage: 200_000 } };
    const parsed = scenario(
      { policy },
      { machine: { cpus: 2, costs }, tracker: { technique: "accessedDirtyScan" } },
    );
    const vms = parsed.vms.map((vm) => ({ ...vm, vcpus: 2 }));
    const system = buildSystem({ ...parsed, vms });
    const toolstack = system.actor("toolstack");
    let overlaps = 0;
    const step = stepper(system, ({ to }) => {
      if (!["harvesting", "harvestingLast", "sendingLast"].includes(toolstack.value)) return;
      for (const vcpu of ["vcpu0", "vcpu1"]) expect(system.actor(vcpu).value).toBe("ready");
      if (system.nameOf(to) === "throttle") overlaps++;
    });
    for (let n = 0; n < 5_000_000 && step(); n++);
    expect(system.done).toBe(true);
    expect((system.result() as MigrateResult).verified).toBe(true);
    expect(overlaps).toBeGreaterThan(0);
  });
});

describe("a migration that does not converge", () => {
  it("is given up, and says why and what would have been enough", () => {
    const { system, result } = run(scenario({ policy: noThrottle }));
    expect(result.outcome).toBe("did-not-converge");
    expect(result.verified).toBe(null);
    expect(result.rounds.length).toBe(12);
    expect(result.impliedDowntime).toBeGreaterThan(0.3);
    expect(result.why).toMatch(
      /^Does not converge: after 12 live rounds the guest dirties [\d.]+ MiB/,
    );
    expect(result.why).toMatch(/implied downtime of \d+\.\d+ m?s; the limit is 300\.000 ms\./);
    expect(result.why).toMatch(/A link that carries [\d.]+ MiB\/s would have been enough/);
    expect(system.actor("vm0/tracker").value).toBe("off");
    const summary = summarize(system);
    expect(summary.failures).toEqual([
      "migration of vm0: did-not-converge; it runs on at the source",
    ]);
  });

  /** The same with even writes, as the remedy for the throttle supposes. */
  function even(operation: object) {
    const parsed = scenario(operation);
    const workload = { kind: "uniform", pages: 2048, writeFraction: 0.6, gap: 100_000 } as const;
    return run({ ...parsed, vms: parsed.vms.map((vm) => ({ ...vm, workload })) });
  }

  it("converges with the bandwidth that it asks for, and not with much less", () => {
    const { result } = run(scenario({ policy: noThrottle }));
    const { bandwidth } = result.remedy!;
    const withRate = (rate: number) =>
      run(scenario({ policy: noThrottle, link: { bandwidth: `${rate / 2 ** 20}MiB/s` } }));
    expect(withRate(1.02 * bandwidth).result.outcome).toBe("completed");
    expect(withRate(bandwidth / 4).result.outcome).toBe("did-not-converge");
  });

  it.each([
    [0, null],
    [1, 4096 / 0.3],
    [100, 409_600 / 0.3],
  ])("asks for a link that carries the %i pages written in one downtime", (written, bandwidth) => {
    const policy = { kind: "libxc", downtimeLimit: 0.3 } as const;
    const remedy = remedyFor({ policy, progress: NO_PROGRESS, converge: convergeFrom(0) }, written);
    expect(remedy?.bandwidth ?? null).toBe(bandwidth);
    // Without a round nothing is known of a throttle.
    expect(remedy?.throttle ?? null).toBeNull();
  });

  it("converges with about the throttle that it asks for, and not with much less", () => {
    const { result } = even({ policy: noThrottle });
    const wanted = result.remedy!.throttle!;
    expect(wanted).toBeGreaterThan(30);
    expect(wanted).toBeLessThan(90);
    const at = (percent: number) => {
      const fixed = { ...autoConverge, initial: percent, max: percent };
      return even({ policy: { ...noThrottle, maxRounds: 20, autoConverge: fixed } }).result;
    };
    expect(at(Math.min(99, wanted + 8)).outcome).toBe("completed");
    const less = at(wanted - 20);
    expect(less.outcome).toBe("did-not-converge");
    expect(less.why).toContain(`under a throttle of ${wanted - 20} %`);
  });

  it("completes under libxc with a long downtime, or is aborted if told to", () => {
    const { result } = run(scenario({ policy: { kind: "libxc" } }));
    expect(result.outcome).toBe("completed");
    expect(result.downtime! / SECOND).toBeGreaterThan(0.3);
    expect(result.why).toContain("after 5 live rounds, libxc's limit");
    const limited = run(scenario({ policy: { kind: "libxc", downtimeLimit: "300ms" } }));
    expect(limited.result.outcome).toBe("did-not-converge");
    expect(limited.result.rounds.length).toBe(4);
  });
});

describe("a migration that is repeated", () => {
  it("goes on so often, so long after each, and reports all of them", () => {
    const { result } = run(
      scenario({ link: { bandwidth: "1Gbit/s" }, repeat: { times: 2, after: "50ms" } }),
    );
    const { earlier } = result;
    expect(earlier).toHaveLength(2);
    const [first, second] = earlier as [(typeof earlier)[0], (typeof earlier)[0]];
    const between = second.startTime - first.startTime - first.totalTime;
    expect(between).toBeGreaterThanOrEqual(0.05 * SECOND);
    // Disarming takes its time.
    expect(between).toBeLessThan(0.06 * SECOND);
    const lines = formatMigration(result).filter((line) => /^ {2}\d\. migration/.test(line));
    expect(lines).toHaveLength(2);
  });

  it("is repeated if it did not complete, too", () => {
    const { result } = run(
      scenario(
        { link: { bandwidth: "100Mbit/s", failAfter: "20ms" }, repeat: { times: 2 } },
        { until: "300ms" },
      ),
    );
    // The link holds the second time; the run is too short for what it sends.
    expect(result).toMatchObject({ outcome: "aborted", earlier: [{ outcome: "failed" }] });
  });

  it("can fail at a later time only", () => {
    const { result } = run(
      scenario({
        link: { bandwidth: "1Gbit/s", failAfter: "600ms" },
        repeat: { times: 100, after: "1ms" },
      }),
    );
    const outcomes = result.earlier.map(({ outcome }) => outcome);
    expect(outcomes[0]).toBe("completed");
    expect(outcomes.filter((outcome) => outcome === "failed")).toHaveLength(1);
    expect(result.outcome).toBe("completed");
  });
});

describe("a link that fails", () => {
  it("leaves the VM running at the source until the run ends", () => {
    const link = { bandwidth: "100Mbit/s", failAfter: "500ms" };
    const { system, result } = run(scenario({ link }, { until: "2s" }));
    expect(result.outcome).toBe("failed");
    expect(result.totalTime).toBe(0.5 * SECOND);
    expect(result.why).toMatch(
      /^The link failed 500\.000 ms after the start, with [\d,]+ pages sent;/,
    );
    expect(system.interconnect.now).toBe(2 * SECOND);
    const { interval, accesses } = result.throughput;
    const last = accesses.at(-1)! / interval;
    expect(last).toBeGreaterThan((0.99 * accesses[0]!) / interval);
    // Nothing of the tracking is left: the entries are those of a VM that was never tracked.
    const untracked = buildSystem(scenario({ start: "1s" }));
    expect(leavesOf(system)).toEqual(leavesOf(untracked));
  });

  it("goes on for a second if the scenario has no end", () => {
    const { system, result } = run(scenario({ link: { failAfter: "1ms" } }));
    expect(result.outcome).toBe("failed");
    expect(system.interconnect.now / SECOND).toBeCloseTo(1.001, 2);
  });
});

describe("the end of the run", () => {
  it("ends a migration that is not over", () => {
    const { result } = run(scenario({}, { until: "300ms" }));
    expect(result).toMatchObject({ outcome: "aborted", verified: null, downtime: null });
    expect(result.why).toBe("The run ended before the migration did.");
    expect(result.totalTime).toBe(0.3 * SECOND);
  });

  it("can come before the migration begins", () => {
    const { result } = run(scenario({ start: "1s" }, { until: "300ms" }));
    expect(result).toMatchObject({ outcome: "aborted", startTime: null, totalTime: 0 });
    expect(result.why).toBe("The run ended before the migration began.");
    expect(result.rounds).toEqual([]);
  });
});

describe("a scenario", () => {
  it.each(["none", "prl", "presentBit"])(
    "is refused with %s, which finds no written pages",
    (technique) => {
      const build = () => buildSystem(scenario({}, { tracker: { technique } }));
      expect(build).toThrow(UserError);
      expect(build).toThrow(/"(none|prl|presentBit)" cannot tell which pages were written/);
    },
  );

  it("is refused if the VM to migrate does not exist", () => {
    expect(() => buildSystem(scenario({ vm: "vm7" }))).toThrow(
      'operation.vm: there is no VM "vm7" (VMs: vm0)',
    );
  });

  it("may plant faults of trackers and of operations", () => {
    const faults = ["skipInvept", "cleanedBitmapNotSent"];
    expect(scenario({}, { faults }).faults).toEqual(faults);
    expect(() => scenario({}, { faults: ["cleanedBitmapSent"] })).toThrow();
  });

  it("may name the VM that migrates; the others just run", () => {
    const parsed = scenario({ vm: "b", link: { bandwidth: "1Gbit/s" } }, { machine: { cpus: 2 } });
    const [vm] = parsed.vms;
    const system = buildSystem({ ...parsed, vms: [vm!, { ...vm!, name: "b" }] });
    system.run();
    expect(system.result()).toMatchObject({ vm: "b", outcome: "completed", verified: true });
    expect(system.actor("vm0/tracker").value).toBe("off");
    expect(system.world.vcpus[0]!.counters.values[Counter.accesses]).toBeGreaterThan(1000);
  });

  it("may name the first VM, which is the one that migrates if none is named", () => {
    const link = { bandwidth: "1Gbit/s" };
    const [named, unnamed] = [scenario({ vm: "vm0", link }), scenario({ link })].map(
      (one) => run(one).result,
    );
    expect(named).toEqual(unnamed);
    expect(named?.vm).toBe("vm0");
  });
});

describe("the report", () => {
  it("has the outcome, the reason, the verdict and the rounds", () => {
    const { result } = run(scenario({ link: { bandwidth: "1Gbit/s" } }));
    const text = formatMigration(result).join("\n");
    expect(text).toContain("migration of vm0 by libxc's rules: completed");
    expect(text).toContain("equals the source at suspend");
    expect(text).toMatch(/\n {2}6 \(down\) /);
    expect(text).toContain("guest throughput, a sample each");
    const broken = { ...result, verified: false, firstDifference: 77 };
    expect(formatMigration(broken).join("\n")).toContain(
      "DIFFERS from the source at suspend, first in page 77",
    );
  });

  it("leaves out rounds in the middle if there are many", () => {
    const { result } = run(scenario({ policy: { ...noThrottle, maxRounds: 20 } }));
    const lines = formatMigration(result);
    expect(lines).toContain("  ... 4 more rounds ...");
    expect(lines.filter((line) => /^ {2}\d+ /.test(line)).length).toBe(16);
  });
});
