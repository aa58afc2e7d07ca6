/** A scenario that was read can be written again, and then means the same: a log holds it whole. */
import { expect, it } from "vitest";
import * as z from "zod";
import { loadScenario, shippedScenarios } from "../../src/runs/scenarioFile.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

it.each(shippedScenarios())("%s goes into a log and comes back", (name) => {
  const { scenario } = loadScenario(name);
  const written = JSON.parse(JSON.stringify(z.encode(scenarioSchema, scenario))) as unknown;
  expect(scenarioSchema.parse(written)).toEqual(scenario);
});
