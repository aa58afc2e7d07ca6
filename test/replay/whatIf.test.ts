/** Other runs made from a recorded one: branches, one actor alone, other choices, and smaller runs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wasTouched } from "../../src/hardware/guestPages.ts";
import { outlineOf, recordBranch } from "../../src/replay/branch.ts";
import { replayComponent } from "../../src/replay/component.ts";
import type { MessageEntry } from "../../src/replay/decoder.ts";
import { chances, inevitableFrom } from "../../src/replay/inevitable.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { PROPERTIES } from "../../src/replay/properties.ts";
import { shrink } from "../../src/replay/shrink.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { System } from "../../src/system/system.ts";
import { anyRecipe, build, configOf, type Recipe } from "../system/smallSystems.ts";
import { entriesOf, readerOf, recordRun, replayAll } from "./logs.ts";

function messagesOf(bytes: Buffer): MessageEntry[] {
  return entriesOf(readerOf(bytes)).filter((entry) => entry.kind === "message");
}

describe("a branch", () => {
  it("has the parent's messages up to the point, names it, and replays alike", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), fc.nat(), (recipe, cut, pick) => {
        const bytes = recordRun(build(recipe));
        const parent = outlineOf(readerOf(bytes));
        const at = cut % (parent.messages + 1);
        const there = build(recipe);
        there.run(at);
        const pending = there.interconnect.pending();
        const sequence = pending[pick % Math.max(1, pending.length)]?.sequence;
        const interventions =
          sequence === undefined || there.done
            ? []
            : pick % 2 === 0
              ? [{ kind: "skip", sequence } as const]
              : [{ kind: "postpone", sequence, cycles: 777 } as const];
        const sink = new LogBuffer();
        const branch = { at, interventions, most: 20_000, where: "test" };
        recordBranch(readerOf(bytes).header, parent, build(recipe), branch, sink);
        const reader = readerOf(sink.bytes);
        expect(reader.header.parent).toEqual({ log: parent.identity, at });
        const own = messagesOf(sink.bytes);
        expect(own.slice(0, at)).toEqual(messagesOf(bytes).slice(0, at));
        expect(own.some(({ delivery }) => delivery.sequence === sequence) && pick % 2 === 0).toBe(
          false,
        );
        expect(replayAll(sink.bytes, build(recipe))).toBeNull();
      }),
      { numRuns: 25 },
    );
  });

  it("in a timeline forgets what had followed, and can be gone through like any run", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, cut) => {
        const timeline = new Timeline(build(recipe), [], { spacing: 30 });
        const end = timeline.run();
        timeline.seek(cut % (end + 1));
        timeline.intervene({ kind: "command", to: 1, delay: 1, message: { type: "deadline" } });
        timeline.run(5000);
        const [last, digests] = [timeline.position, timeline.system.digests()];
        timeline.seek(cut % (end + 1));
        timeline.seek(last);
        expect(timeline.position).toBe(last);
        expect(timeline.system.digests()).toEqual(digests);
        const again = new Timeline(build(recipe), timeline.interventions);
        again.run(last);
        expect(again.system.digests()).toEqual(digests);
      }),
      { numRuns: 20 },
    );
  });
});

describe("component replay", () => {
  const component = (recipe: Recipe, now: System, name: string) => {
    const bytes = recordRun(build(recipe));
    return replayComponent(readerOf(bytes), messagesOf(bytes), now, name, 1000);
  };

  /** Dispatchers take so long for an INVEPT; nobody else asks for this cost. */
  const withInvept = (recipe: Recipe, cycles: number): System => {
    const config = configOf(recipe);
    const { tracking } = config.world;
    const costs = { ...tracking.costs, invept: cycles };
    return new System({
      ...config,
      world: { ...config.world, tracking: { ...tracking, costs } },
    });
  };

  it("of an unchanged machine finds nothing, in any actor", () => {
    fc.assert(
      fc.property(anyRecipe, fc.nat(), (recipe, pick) => {
        const { actors } = build(recipe);
        const { name } = actors[pick % actors.length]!;
        expect(component(recipe, build(recipe), name)).toMatchObject({
          differing: 0,
          elsewhere: null,
        });
      }),
      { numRuns: 25 },
    );
  });

  it("of a changed one finds every output that differs, and no other", () => {
    let found = 0;
    fc.assert(
      fc.property(anyRecipe, (recipe) => {
        const old = { ...recipe, costs: { ...recipe.costs, invept: 10 } };
        const changed = withInvept(old, 110);
        const { differences, elsewhere } = component(old, changed, "pcpu0/dispatcher");
        expect(elsewhere).toBeNull();
        found += differences.length;
        for (const { recorded, actual } of differences) {
          // It delays the answer, and the next entry.
          const [one, then] = [actual[0]!, recorded[0]];
          expect(["inveptDone", "resume"]).toContain(one.message.type);
          if (then == null) continue;
          expect(one.time - then.time).toBeGreaterThan(0);
          expect((one.time - then.time) % 100).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
    expect(found).toBeGreaterThan(0);
  });
});

const property = (name: string) => PROPERTIES.find((one) => one.name === name)!;

const faulty: Scenario = scenarioSchema.parse({
  name: "PML is forgotten on one of two vCPUs",
  machine: { cpus: 2 },
  vms: [
    {
      name: "bystander",
      workload: { kind: "zipf", pages: 60, exponent: 0.9, accesses: 300 },
    },
    {
      name: "victim",
      vcpus: 2,
      workload: { kind: "uniform", pages: 300, writeFraction: 0.2, accesses: 2000 },
    },
  ],
  tracker: { technique: "pml" },
  operation: { kind: "measure", harvest: "1ms" },
  faults: ["pmlOnSomeVcpus"],
});

const late: Scenario = scenarioSchema.parse({
  name: "the last harvest comes before the logs are drained",
  vms: [
    {
      // A guest with page tables writes to them even when it reads.
      paging: "off",
      workload: { kind: "uniform", pages: 200, writeFraction: 0.5, accesses: 3000 },
    },
  ],
  tracker: { technique: "pml" },
  operation: { kind: "measure" },
  faults: ["harvestBeforeDrain"],
});

describe("shrinking", () => {
  const options = { directory: ".", runs: 300, most: 20_000, unrelatedVms: [] };

  it.each([
    ["two vCPUs", faulty, 2],
    ["one vCPU, down to its accesses", late, 1],
  ] as const)("keeps the failure and takes the rest away: %s", (_, scenario, vcpus) => {
    const noLostPage = property("noLostPage");
    const { failure, before, after, result } = shrink(
      { scenario, interventions: [{ at: 3, intervention: { kind: "reseed", seed: 9 } }] },
      noLostPage,
      options,
    );
    expect(failure.property).toBe("noLostPage");
    expect(after.vms).toBe(1);
    expect(after.vcpus).toBe(vcpus);
    expect(after.interventions).toBe(0);
    expect(after.accesses).toBeLessThan(before.accesses / 20);
    const system = buildSystem(result.scenario);
    system.run();
    expect(noLostPage.check(system)).toEqual(failure);
    if (vcpus > 1) return;
    expect(result.scenario.vms[0]!.workload).toMatchObject({ kind: "script", script: ["write 0"] });
  });

  it("refuses a run that does not fail", () => {
    const scenario = { ...late, faults: [] };
    expect(() => shrink({ scenario, interventions: [] }, property("noLostPage"), options)).toThrow(
      /does not fail/,
    );
  });
});

describe("inevitability", () => {
  it("rises to certainty: what has happened cannot be drawn anew", () => {
    // The guest touches page 0 or not, early; whether it did decides everything.
    const scenario = scenarioSchema.parse({
      name: "a rare page",
      machine: { quantum: "1us" },
      vms: [{ workload: { kind: "uniform", pages: 40, writeFraction: 1, accesses: 60, gap: 500 } }],
      tracker: { technique: "none" },
    });
    const touchesPage = {
      name: "pageZero",
      description: "page 0 is never written",
      check: (system: ReturnType<typeof buildSystem>) =>
        !wasTouched(system.world.vms[0]!.guest, 0)
          ? null
          : { property: "pageZero", actor: "vcpu0", role: "vCPU", what: "page 0 was written" },
    };
    const failing = [1, 2, 3, 4, 5, 6, 7, 8, 9].find((seed) => {
      const system = buildSystem({ ...scenario, seed });
      system.run();
      return touchesPage.check(system) !== null;
    })!;
    const timeline = new Timeline(buildSystem({ ...scenario, seed: failing }));
    const end = timeline.run();
    const settings = { points: 12, draws: 30, most: 10_000, seed: 1 };
    const found = [...chances(timeline, touchesPage, settings)];
    expect(timeline.position).toBe(end);
    expect(found[0]!.failures).toBeLessThan(30);
    expect(found.at(-1)!.failures).toBe(30);
    const from = inevitableFrom(found)!;
    timeline.seek(from.position);
    expect(touchesPage.check(timeline.system)).not.toBeNull();
    expect([...chances(timeline, touchesPage, settings)]).toEqual(found);
  });
});
