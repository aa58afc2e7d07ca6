/** What the digest of a state leaves out: a machine's input, which no event may change. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createActor } from "xstate";
import { compileLogic } from "../../src/interconnect/compiledLogic.ts";
import { machineCases } from "../interconnect/machineInputs.ts";

it.each(Object.entries(machineCases))(
  "the input of %s stays as it is",
  (_, { machine, input, events, ways }) => {
    const types = Object.keys(events);
    const step = fc.tuple(fc.constantFrom(...types), fc.nat(40));
    const sequence = fc.tuple(
      fc.constantFrom([], ...(ways ?? [])),
      fc.array(step, { maxLength: 40 }),
    );
    fc.assert(
      fc.property(sequence, ([way, rest]) => {
        const actor = createActor(compileLogic(machine, true), { input });
        actor.start();
        for (const [type, n] of [...way, ...rest]) {
          actor.send({ type, ...events[type]!(n) });
          const { context } = actor.getSnapshot();
          for (const [field, value] of Object.entries(input)) {
            expect((context as Record<string, unknown>)[field], field).toBe(value);
          }
        }
        actor.stop();
      }),
      { numRuns: 60 },
    );
  },
);
