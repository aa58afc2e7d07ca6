/**
 * An emulated VM whose guest kernel needs a given number of pages: it uses each of them once while it
 * boots. With less memory an access finds no mapping, the EPT violation cannot be handled, and it crashes.
 */
import { vcpuMachine } from "../../../../machines/vcpu.ts";
import { Sequential } from "../../../../workloads/generators/sequential.ts";
import { contextOf } from "../../actorContexts.ts";
import { smallestPlan, smallestVm } from "../../smallestPlan.ts";
import { System } from "../../system.ts";

/** Whether the VM boots with that much memory. */
export function kernelLives(kernelPages: number, memoryPages: number): boolean {
  const boot = new Sequential(
    "kernel",
    {
      kind: "sequential",
      pages: kernelPages,
      accessesPerPage: 1,
      writeFraction: 1,
      passes: 1,
      gap: 0,
    },
    0,
  );
  const system = new System(smallestPlan([smallestVm("kernel", memoryPages, [boot])]));
  system.run();
  return contextOf(system.actor("vcpu0"), vcpuMachine).finished;
}
