/** PRL in PAML mode: every TLB miss is logged, with counts; full logs interrupt the pVM, never the guest. */
import { clearVmcs, Field, readField } from "../../hardware/vmcs.ts";
import { clearOccurrences, forEachOccurrence } from "../cumulativeBuffer.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { copyPrlLog, prlView } from "../drain.ts";
import { disarmAll, ORDINARY_LEAF } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { disableLogs, enableLogs, resetLog } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

/** Copies full logs that no handler is working on, and the log being filled; all logs are empty then. */
function drainAll(vm: TrackedVm): number {
  let entries = 0;
  for (const { vcpu, vmcs } of vm.vcpus) {
    const view = prlView(vm.logs, vmcs, vm.prlSlotRule);
    const index = readField(vmcs, Field.pmlIndex);
    const active = readField(vmcs, Field.prlActiveLog);
    const full = readField(vmcs, Field.prlFullLogs) & ~vm.logs.handled[vcpu]!;
    for (let log = 0; log < 2; log++) {
      if ((full & (1 << log)) !== 0) entries += copyPrlLog(view, log, -1, vm.buffer);
    }
    if (index >= 0) entries += copyPrlLog(view, active, index, vm.buffer);
    vm.logs.handled[vcpu] = 0;
    resetLog(vmcs, vm.logs.geometry.logEntries);
    clearVmcs(vmcs);
  }
  return entries;
}

export const prl: Technique = {
  name: "prl",
  findsWritten: false,
  findsTouched: true,
  unit: () => "prl",
  arm(vm) {
    clearOccurrences(vm.buffer);
    return enableLogs(vm, "prl") ? 0 : null;
  },
  collect(vm) {
    if (!vm.work.begins) return 0;
    const entries = drainAll(vm);
    forEachOccurrence(vm.buffer, (page) => markDirty(vm.touched, page));
    return entries * vm.costs.prlEntry;
  },
  rearm(vm) {
    clearOccurrences(vm.buffer);
    return 0;
  },
  disarm(vm) {
    if (vm.work.begins) disableLogs(vm);
    return disarmAll(vm.ept, vm.work) * vm.costs.protectPage;
  },
  serveLogFull: () => NOT_OURS,
  serveViolation: () => NOT_OURS,
  // Occurrences are counted by page, whatever its frame.
  pageTaken: () => {},
  pageReturned: () => ORDINARY_LEAF,
};
