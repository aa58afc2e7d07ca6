/**
 * Faults that people reported of real hypervisors, each a shipped scenario: with the fault pages are lost, and the run says
 * so; without it none is. Firecracker's are a failed differential snapshot and slots that shift (cases 281 and 282).
 */
import { describe, expect, it } from "vitest";
import { loadScenario, readScenario, shippedReports } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

/** What is said of pages that are lost; a checkpoint that has no space is another failure. */
const LOST = / lost[ ,]| left out | differs/;

function lossesOf(scenario: Scenario): readonly string[] {
  const system = buildSystem(scenario);
  system.run();
  return summarize(system).failures.filter((failure) => LOST.test(failure));
}

describe.each(shippedReports())("%s", (name) => {
  const { scenario } = loadScenario(name);

  it("loses pages with its fault, and none without", () => {
    expect(scenario.faults).not.toEqual([]);
    expect(lossesOf(scenario)).not.toEqual([]);
    expect(lossesOf({ ...scenario, faults: [] })).toEqual([]);
  });

  it("names who reported it, and when", () => {
    expect(readScenario(name).split("\n", 1)[0]).toMatch(
      /^# .*(issue|commit|pull request).*\(\d{4}/,
    );
  });
});
