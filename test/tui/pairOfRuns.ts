/** Two small runs that differ by their tracker. */
import { SideBySide } from "../../src/session/sideBySide.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { SMALL } from "./fakeTerminal.ts";

/** The guests of SMALL under PML. */
export const OTHER = scenarioSchema.parse({
  name: "small",
  seed: 7,
  machine: { cpus: 2, timeslice: "20us", logEntries: 32, quantum: "5us" },
  vms: [
    {
      name: "one",
      vcpus: 2,
      workload: { kind: "uniform", pages: 300, writeFraction: 0.5, accesses: 6000 },
    },
    { name: "two", workload: { kind: "sequential", pages: 120, writeFraction: 0.3, passes: 20 } },
  ],
  tracker: { technique: "pml" },
  operation: { kind: "measure", harvest: "40us" },
});
export function pair(): SideBySide {
  return new SideBySide(
    { name: "prl", scenario: SMALL, directory: "." },
    { name: "pml", scenario: OTHER, directory: "." },
  );
}
