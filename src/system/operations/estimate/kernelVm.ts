/**
 * An emulated VM whose guest kernel needs a given number of pages: it uses each of them once while it
 * boots. With less memory an access finds no mapping, the EPT violation cannot be handled, and it crashes.
 */
import type { VcpuContext } from "../../../../machines/vcpu.ts";
import { Sequential } from "../../../../workloads/generators/sequential.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../../../hardware/costs.ts";
import { DEFAULT_GEOMETRY } from "../../../hardware/geometry.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../../hypervisor/costs.ts";
import { System } from "../../system.ts";
import { measure } from "../measure.ts";

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
  const vm = { name: "kernel", pages: memoryPages, paging: "off", leafLevel: 1 } as const;
  const system = new System({
    world: {
      geometry: DEFAULT_GEOMETRY,
      pcpus: 1,
      vms: [{ ...vm, keepVersions: false, workloads: [boot] }],
      mmu: { costs: DEFAULT_PROCESSOR_COSTS },
      tracking: {
        technique: "none",
        costs: DEFAULT_HYPERVISOR_COSTS,
        logLimit: 0,
        filterGuestTables: false,
        ringEntries: 256,
        ringReserved: 0,
        ringFromPml: false,
        faults: [],
      },
    },
    pvmCpus: 1,
    quantumCycles: 1e9,
    timesliceCycles: 1e9,
    operation: measure({ kind: "measure" }, 0),
  });
  system.run();
  return (system.actor("vcpu0").snapshot.context as VcpuContext).finished;
}
