/** Turning a processor's logging on and off: log pages, VMCS fields, EPTP (Xen vmx_domain_enable_pml, ept_enable_pml). */
import { eptPointer } from "../../hardware/ept.ts";
import { clearVmcs, Field, readField, writeField } from "../../hardware/vmcs.ts";
import { LOG_CONTROLS, logProblem, suits } from "../../units/all.ts";
import type { Unit } from "../../units/unit.ts";
import { allotLog, freeLog } from "../logPages.ts";
import type { TrackedVcpu, TrackedVm } from "../trackedVm.ts";

/**
 * Enables logging on every vCPU, or on none: if a log page is missing, or the unit cannot have logs of this
 * length, nothing is enabled. With the unit's planted fault only the first vCPU logs, though entries are
 * shared by all.
 */
export function enableLogs(vm: TrackedVm, unit: Unit): boolean {
  const { logEntries } = vm.logs.geometry;
  if (!suits(unit, vm.ept.format) || logProblem(unit, logEntries) !== null) return false;
  if (!vm.vcpus.every(({ vcpu }) => allotLog(vm.logs, vcpu))) {
    freeLogs(vm);
    return false;
  }
  const { onSomeVcpus } = unit.declaration;
  const some = vm.faults.some((fault) => fault === onSomeVcpus);
  vm.vcpus.forEach((vcpu, position) => {
    if (position === 0 || !some) enableLog(vm, vcpu, unit);
  });
  setAccessedDirty(vm, true);
  return true;
}

function enableLog(vm: TrackedVm, { vcpu, vmcs }: TrackedVcpu, unit: Unit): void {
  const frame = vm.logs.frame[vcpu]!;
  writeField(vmcs, Field.logAddress, frame << 12, frame >>> 20);
  // Whichever unit logged before.
  writeField(vmcs, Field.activeLog, 0);
  writeField(vmcs, Field.fullLogs, 0);
  unit.empty(vmcs, vm.logs.geometry);
  const controls = readField(vmcs, Field.secondaryControls) | unit.enabling;
  writeField(vmcs, Field.secondaryControls, controls);
}

function freeLogs(vm: TrackedVm): void {
  for (const { vcpu } of vm.vcpus) freeLog(vm.logs, vcpu);
}

export function disableLogs(vm: TrackedVm): void {
  for (const { vmcs } of vm.vcpus) {
    const controls = readField(vmcs, Field.secondaryControls) & ~LOG_CONTROLS;
    writeField(vmcs, Field.secondaryControls, controls);
  }
  freeLogs(vm);
  setAccessedDirty(vm, false);
}

/** EPTP bit 6 of every vCPU, and the VMCS regions in memory up to date. */
export function setAccessedDirty(vm: TrackedVm, on: boolean): void {
  for (const { vmcs } of vm.vcpus) {
    writeField(vmcs, Field.eptPointer, ...eptPointer(vm.ept, on));
    clearVmcs(vmcs);
  }
}
