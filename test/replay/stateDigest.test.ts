/** Digests of what contexts hold are kept by the objects themselves: none of them may ever change. */
import { expect, it } from "vitest";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { repeatedScenarios, runnableScenarios } from "../runnableScenarios.ts";
import { shareOf } from "../share.ts";

const MESSAGES = 200;

/** Who changes it then throws: modules are strict. Typed arrays cannot be frozen, and are in no context. */
function freezeAll(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  expect(ArrayBuffer.isView(value)).toBe(false);
  Object.freeze(value);
  for (const part of Object.values(value)) freezeAll(part);
}

const repeated = repeatedScenarios();
const scenarios = runnableScenarios().filter((name) => !repeated.has(name));

it.each(shareOf(scenarios, 3, 2))("in %s nothing in a context changes", (name) => {
  const { scenario, directory } = loadScenario(name);
  const system = buildSystem(scenario, { directory });
  for (let i = 0; i < MESSAGES && system.step(); i++) {
    // The context itself is the actor's own.
    for (const { live } of system.actors) Object.values(live.context).forEach(freezeAll);
  }
  expect(system.interconnect.sequence).toBeGreaterThan(0);
});
