/** Turning a processor's logging on and off: log pages, VMCS fields, EPTP (Xen vmx_domain_enable_pml, ept_enable_pml). */
import { eptPointer } from "../../hardware/ept.ts";
import { type LoggingUnit, logProblem } from "../../hardware/logLimits.ts";
import { prlInitialIndex } from "../../hardware/pageReferenceLog.ts";
import {
  clearVmcs,
  Field,
  readField,
  SECONDARY_PML,
  SECONDARY_PRL,
  SECONDARY_PRL_FILTER,
  type Vmcs,
  writeField,
} from "../../hardware/vmcs.ts";
import { allotLog, freeLog } from "../logPages.ts";
import type { TrackedVcpu, TrackedVm } from "../trackedVm.ts";

/**
 * Enables logging on every vCPU, or on none: if a log page is missing, or the unit cannot have logs of this
 * length, nothing is enabled. With the fault pmlOnSomeVcpus only the first vCPU logs, though entries are
 * shared by all.
 */
export function enableLogs(vm: TrackedVm, unit: LoggingUnit): boolean {
  const { logEntries } = vm.logs.geometry;
  if (logProblem(unit, logEntries, vm.prlVariant) !== null) return false;
  if (!vm.vcpus.every(({ vcpu }) => allotLog(vm.logs, vcpu))) {
    freeLogs(vm);
    return false;
  }
  const some = unit === "pml" && vm.faults.includes("pmlOnSomeVcpus");
  vm.vcpus.forEach((vcpu, position) => {
    if (position === 0 || !some) enableLog(vm, vcpu, unit);
  });
  setAccessedDirty(vm, true);
  return true;
}

function enableLog(vm: TrackedVm, { vcpu, vmcs }: TrackedVcpu, unit: LoggingUnit): void {
  const frame = vm.logs.frame[vcpu]!;
  writeField(vmcs, Field.pmlAddress, frame << 12, frame >>> 20);
  resetLog(vmcs, vm.logs.geometry.logEntries);
  let controls = readField(vmcs, Field.secondaryControls) | SECONDARY_PML;
  if (unit === "prl") controls |= SECONDARY_PRL;
  if (unit === "prl" && vm.filterGuestTables) controls |= SECONDARY_PRL_FILTER;
  writeField(vmcs, Field.secondaryControls, controls);
}

function freeLogs(vm: TrackedVm): void {
  for (const { vcpu } of vm.vcpus) freeLog(vm.logs, vcpu);
}

export function disableLogs(vm: TrackedVm): void {
  const logging = SECONDARY_PML | SECONDARY_PRL | SECONDARY_PRL_FILTER;
  for (const { vmcs } of vm.vcpus) {
    writeField(vmcs, Field.secondaryControls, readField(vmcs, Field.secondaryControls) & ~logging);
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

/** An empty log: the index at its last entry, nothing suspended. */
export function resetLog(vmcs: Vmcs, logEntries: number): void {
  writeField(vmcs, Field.pmlIndex, prlInitialIndex(logEntries), 0);
  writeField(vmcs, Field.prlActiveLog, 0);
  writeField(vmcs, Field.prlFullLogs, 0);
}
