/** The operator changes how much of what a VM does is writing. */
import { expect, it } from "vitest";
import { Counter } from "../../src/hardware/counters.ts";
import { countTruth } from "../../src/hardware/guestPages.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";

function build() {
  const workload = { kind: "uniform", pages: 64, writeFraction: 0.5, accesses: 4000 };
  return buildSystem(
    scenarioSchema.parse({
      name: "intensity",
      machine: { cpus: 4 },
      vms: [
        { workload, vcpus: 2 },
        { workload, vcpus: 2 },
      ],
    }),
  );
}

it.each([
  ["nothing", 0, 0],
  ["everything", 100, 64],
])("all vCPUs of that VM, and no others, write %s from then on", (_what, percent, pages) => {
  const system = build();
  system.command("operator", { type: "setWriteIntensity", vm: 1, percent });
  system.run();
  expect(system.done).toBe(true);
  const { vms, vcpus } = system.world;
  const written = vms.map(({ guest }) => countTruth(guest));
  expect(written[1]).toEqual({ pagesRead: 64 - pages, pagesWritten: pages, pagesTouched: 64 });
  expect(written[0]!.pagesWritten).toBe(64);
  expect(written[0]!.pagesRead).toBe(64);
  expect(vcpus.map(({ counters }) => counters.values[Counter.accesses])).toEqual(
    new Array(4).fill(4000),
  );
});
