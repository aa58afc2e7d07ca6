/** Each machine declares what its context holds, all of it and nothing else, and what it is set up with is so. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AnyStateMachine, createActor, StateMachine } from "xstate";
import { contextFields } from "../../machines/contexts.ts";
import { type Fields, problemOf, record, traitsOf } from "../../src/interconnect/fields.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { machineCases } from "../interconnect/machineInputs.ts";
import { runnableScenarios } from "../runnableScenarios.ts";

const directory = join(import.meta.dirname, "..", "..", "machines");
const machines = await Promise.all(
  readdirSync(directory, { recursive: true, encoding: "utf8" }).map(
    async (file): Promise<AnyStateMachine[]> => {
      if (!file.endsWith(".ts")) return [];
      const module = (await import(join(directory, file))) as Readonly<Record<string, unknown>>;
      return Object.values(module).filter((one) => one instanceof StateMachine);
    },
  ),
);

function declared(machine: string): Fields {
  const fields = contextFields(machine);
  if (fields === undefined) throw new Error(`the context of ${machine} is declared nowhere`);
  return fields;
}

describe.each(machines.flat().map((machine) => [machine.id, machine] as const))(
  "%s",
  (id, machine) => {
    it("declares each field of its context, and no other", () => {
      const { input } = Object.values(machineCases).find((one) => one.machine === machine)!;
      const { context } = createActor(machine, { input }).getSnapshot();
      expect(Object.keys(declared(id)).sort()).toEqual(Object.keys(context as object).sort());
    });

    it("says of all that it notes what is in it", () => {
      const { input } = Object.values(machineCases).find((one) => one.machine === machine)!;
      const noted = Object.entries(declared(id)).filter(([name]) => !Object.hasOwn(input, name));
      for (const [name, schema] of noted) expect(traitsOf(schema).setting, name).toBeUndefined();
    });

    it("has the states in which a field is said to be left over", () => {
      const states = Object.keys(machine.states);
      for (const [name, schema] of Object.entries(declared(id))) {
        for (const state of traitsOf(schema).deadIn ?? []) expect(states, name).toContain(state);
      }
    });
  },
);

it.each(runnableScenarios())("%s sets its machines up with what they declare", (name) => {
  const { scenario, directory: place } = loadScenario(name);
  const { actors, census } = buildSystem(scenario, { directory: place });
  for (const { name: actor, machine, initial, inputFields } of actors) {
    const given = (values: object) =>
      Object.fromEntries(Object.entries(values).filter(([field]) => inputFields.includes(field)));
    const schema = record(given(declared(machine.id)) as Fields);
    expect(problemOf(schema, given(initial.context), census), actor).toBeUndefined();
  }
});
