/** Who asks for many runs refuses a scenario that cannot be run before the first of them, with the place of the mistake. */
import { afterAll, describe, expect, it } from "vitest";
import { parseOverride } from "../../src/config/override.ts";
import { doRuns } from "../../src/experiments/runner.ts";
import { orderOf } from "../../src/experiments/runPoint.ts";
import { advise } from "../../src/questions/advise/advise.ts";
import { loadFleet } from "../../src/questions/fleet/fleetFile.ts";
import { RunStore } from "../../src/runs/runStore.ts";
import { loaderOf } from "../../src/runs/scenarioFile.ts";
import { Scratch } from "../cli/command.ts";
import { fleet } from "./fleet/fleets.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Longer than PML's log can be, and endless guests, as kinds of a fleet may be. */
const WRONG = `name: wrong
machine:
  logEntries: 1000
tracker: { technique: pml }
vms: [{ memory: 1MiB, workload: { kind: uniform, pages: 200 } }]
`;
const file = scratch.path(scratch.write("guest.yaml", WRONG));
const store = new RunStore(scratch.path("store"), "version", () => {});

function advice(...set: readonly string[]): Promise<unknown> {
  const common = set.map((text) => parseOverride(text));
  const asked = { load: loaderOf(file), common, seeds: null, questions: ["trackers"] as const };
  return advise(asked, { store });
}

describe("before any run begins", () => {
  it("advise names the line, or the option", async () => {
    await expect(advice()).rejects.toThrow(
      /guest\.yaml:3: machine\.logEntries: expected at most 512/,
    );
    await expect(advice("machine.logEntries=2000")).rejects.toThrow(
      /^--set machine\.logEntries=2000: machine\.logEntries: expected at most 512/,
    );
    await expect(advice("machine.logEntries=64", "tracker.prl.doubleBuffer=true")).rejects.toThrow(
      /^--set tracker\.prl\.doubleBuffer=true: tracker\.prl would change nothing/,
    );
  });

  it("a fleet names the line of the kind's scenario, and the kind's own fields", () => {
    const path = scratch.path(scratch.write("fleet.yaml", fleet()));
    expect(() => loadFleet(path)).toThrow(
      /guest\.yaml:3: machine\.logEntries: expected at most 512/,
    );
  });

  it("an experiment names the run", async () => {
    const vms = [{ workload: { kind: "uniform", pages: 9, accesses: 9 } }] as const;
    const scenario = {
      name: "x",
      machine: { logEntries: 1000 },
      tracker: { technique: "pml" },
    } as const;
    const run = { name: "long log", ...orderOf({ ...scenario, vms: [...vms] }) };
    await expect(doRuns([run], { store })).rejects.toThrow(
      /^run "long log": machine\.logEntries: expected at most 512/,
    );
  });
});
