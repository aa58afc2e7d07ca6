/** The bytes of pages are asked for where nobody knows them. */
import { expect, it } from "vitest";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

it.each([
  { kind: "uniform", pages: 16, accesses: 100 },
  { kind: "wasm", module: "shipped:sort", args: ["100"] },
])("the guest has to be a machine that runs beside: %j", (workload) => {
  const scenario = scenarioSchema.parse({
    name: "bytes",
    vms: [{ name: "guest", contents: "bytes", workload }],
  });
  expect(() => buildSystem(scenario)).toThrow(
    'VM "guest": contents "bytes" needs a guest whose machine runs beside: kind linux or wasm, live: true',
  );
});
