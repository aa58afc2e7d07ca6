/** PML: the processor logs the first write to each page; one exit for each full log (Xen's use, hvm_enable_pml). */
import { Field, writeField } from "../../hardware/vmcs.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { drainPmlLog } from "../drain.ts";
import { armedLeaf, disarmAll, fixWrite, rearmMarked } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { armOrSetAll } from "./initiallySet.ts";
import { disableLogs, enableLogs } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

/** Drains every vCPU's log into the bitmap; returns the entries. */
export function drainAll(vm: TrackedVm, visit: (page: number) => void): number {
  let entries = 0;
  for (const { vmcs } of vm.vcpus) entries += drainPmlLog(vm.logs, vmcs, visit);
  return entries;
}

export const pml = {
  name: "pml",
  finds: "the first write to each page",
  costs: "an exit 62 for 512 newly written pages",
  findsWritten: true,
  findsTouched: false,
  byProcessor: true,
  exits: true,
  armsEntries: true,
  beginsSet: true,
  faults: ["harvestBeforeDrain"],
  model: { pages: 3, logEntries: 2, reads: 1 },
  unit: () => "pml",
  arm(vm) {
    if (vm.work.begins && !enableLogs(vm, "pml")) return null;
    return armOrSetAll(vm, "pml");
  },
  collect(vm) {
    if (!vm.work.begins) return 0;
    if (vm.faults.includes("harvestBeforeDrain")) {
      // The bitmap is read first; the logs are emptied too late for it, and their entries are gone.
      const { logEntries } = vm.logs.geometry;
      for (const { vmcs } of vm.vcpus) writeField(vmcs, Field.pmlIndex, logEntries - 1, 0);
      return 0;
    }
    return drainAll(vm, (page) => markDirty(vm.dirty, page)) * vm.costs.drainEntry;
  },
  rearm: (vm) => rearmMarked(vm.ept, "pml", vm.dirty, vm.work) * vm.costs.protectPage,
  disarm(vm) {
    if (vm.work.begins) disableLogs(vm);
    return disarmAll(vm.ept, vm.work) * vm.costs.protectPage;
  },
  serveLogFull(vm, vcpu) {
    const { vmcs } = vm.vcpus.find((one) => one.vcpu === vcpu)!;
    const entries = drainPmlLog(vm.logs, vmcs, (page) => markDirty(vm.dirty, page));
    const cycles = vm.costs.drainHandler + entries * vm.costs.drainEntry;
    return { fix: "granted", cycles, ringFull: false };
  },
  // Large leaves are write-protected, so that their first write splits them.
  serveViolation(vm, _vcpu, page, write) {
    if (!write) return NOT_OURS;
    const fix = fixWrite(vm.ept, "pml", page, (one) => markDirty(vm.dirty, one));
    const { violationHandler, splitHandler } = vm.costs;
    return {
      fix,
      cycles: violationHandler + (fix === "split" ? splitHandler : 0),
      ringFull: false,
    };
  },
  // A page with D set is in the log or in the bitmap already, and stays there.
  pageTaken: () => {},
  pageReturned: () => armedLeaf("pml"),
} as const satisfies Technique;
