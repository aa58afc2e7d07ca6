/** What machines declare of their states is what their states really hold. */
import { expect, it } from "vitest";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { actorProblem, type StoredState } from "../../src/system/actorState.ts";
import { buildSystem } from "../../src/system/build.ts";
import { repeatedScenarios, runnableScenarios } from "../runnableScenarios.ts";

const MESSAGES = 900;
/** Messages between two looks; a prime, so that no rhythm of the machines is met again and again. */
const EVERY = 29;

const repeated = repeatedScenarios();
it.each(runnableScenarios().filter((name) => !repeated.has(name)))(
  "%s: every state of every machine is one that a file may hold",
  (name) => {
    const { scenario, directory } = loadScenario(name);
    const system = buildSystem(scenario, { directory });
    const { census, actors } = system;
    for (let messages = 0; messages < MESSAGES && system.run(EVERY) > 0; messages += EVERY) {
      for (const one of actors) {
        const stored = JSON.parse(JSON.stringify(one.live)) as StoredState;
        expect(actorProblem(one, stored, census), `${one.name} after ${messages}`).toBeUndefined();
      }
    }
  },
);
