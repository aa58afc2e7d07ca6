/** An option that sets what the scenario's plan does not read is refused by name; what is refused would change nothing. */
import { afterAll, describe, expect, it } from "vitest";
import { parseOverride } from "../../src/config/override.ts";
import { UserError } from "../../src/errors.ts";
import { sections, TECHNIQUES, techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
import { loadScenario, refuseUnread, shippedScenarios } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { unreadFields } from "../../src/system/scenario/unread.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { Scratch } from "../cli/command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Some values other than the defaults. */
const SECTION_VALUES: Readonly<Record<string, object>> = {
  ring: { entries: 2048 },
  prl: { doubleBuffer: true },
  pml: {},
};

function small(tracker: object): Scenario {
  return scenarioSchema.parse({
    name: "small",
    until: "2ms",
    operation: { kind: "measure", harvest: "500us" },
    tracker,
    vms: [{ workload: { kind: "uniform", pages: 64, accesses: 5000 } }],
  });
}

function endOf(scenario: Scenario): unknown {
  const system = buildSystem(scenario);
  system.run();
  // How many logs there may be is noted beside them.
  const { logs: _, ...digests } = system.digests();
  return [system.interconnect.sequence, system.interconnect.now, digests];
}

/** Lines of the refusal; none if there is none. */
function linesOf(name: string, ...set: readonly string[]): readonly string[] {
  const overrides = set.map((text) => parseOverride(text));
  try {
    refuseUnread(loadScenario(name, overrides));
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.lines;
  }
}

/** What a field can be, where that is not an empty section. */
const VALUES: Readonly<Record<string, string>> = {
  "tracker.logLimit": "1",
  "machine.logEntries": "8",
  "machine.unit": "{ trigger: dirtyBit, whenFull: drop }",
};

describe("what a plan does not read", () => {
  it.each(TECHNIQUES)("changes nothing under %s", (technique) => {
    const plain = endOf(small({ technique }));
    const paths = unreadFields(small({ technique })).map(({ path }) => path.join("."));
    const others = sections().filter(({ name }) => paths.includes(`tracker.${name}`));
    expect(others.map(({ name }) => name)).not.toContain(techniqueNamed(technique)?.section?.name);
    for (const { name } of others) {
      const section = SECTION_VALUES[name] ?? {};
      expect(endOf(small({ technique, [name]: section })), name).toEqual(plain);
    }
    if (paths.includes("tracker.logLimit")) {
      expect(endOf(small({ technique, logLimit: 0 }))).toEqual(plain);
    }
  });

  it.each(shippedScenarios())("is refused in %s, whatever option sets it", (name) => {
    const { scenario } = loadScenario(name);
    for (const { path, why } of unreadFields(scenario)) {
      const field = path.join(".");
      const isTechnique = field === "tracker.technique";
      const values = isTechnique ? TECHNIQUES : [VALUES[field] ?? "{}"];
      for (const value of values) {
        const option = `${field}=${value}`;
        expect(linesOf(name, option)).toEqual([
          `--set ${option}: ${field} would change nothing: ${why}`,
        ]);
      }
      if (isTechnique) expect(linesOf(name, "tracker={ technique: pml }")[0]).toContain(why);
      expect(linesOf(name, `${field}=null`), "taken out").toEqual([]);
    }
  });

  it("is refused under an estimator, which tracks in its own way, and in overcommitment", () => {
    for (const name of ["wss-prl", "wss-pml", "overcommit"]) {
      expect(linesOf(name, "tracker.technique=writeProtect")[0]).toMatch(/an estimator chooses/);
    }
  });

  it("is refused of checkpoints that stop the VMs: they track nothing", () => {
    expect(linesOf("checkpoint-stop", "tracker.technique=pml")).toEqual([
      '--set tracker.technique=pml: tracker.technique would change nothing: operation "checkpoint" tracks nothing as it is asked for here',
    ]);
    expect(linesOf("checkpoint-live", "tracker.technique=pml")).toEqual([]);
  });

  it("is refused by an option that none of several scenarios reads, and by no other", () => {
    const text = (technique: string) =>
      `name: x\nuntil: 1ms\ntracker: { technique: ${technique} }\nvms: [{ workload: { kind: uniform, pages: 9, accesses: 9 } }]\n`;
    const load = (technique: string) =>
      loadScenario(scratch.path(scratch.write(`${technique}.yaml`, text(technique))), [
        parseOverride("tracker.prl.doubleBuffer=true"),
      ]);
    expect(() => refuseUnread(load("pml"), load("prl"))).not.toThrow();
    expect(() => refuseUnread(load("pml"), load("writeProtect"))).toThrow(
      /tracker\.prl would change nothing/,
    );
  });
});
