/** PRL in PAML mode: every TLB miss is logged, with counts; full logs interrupt the pVM, never the guest. */
import * as z from "zod";
import { clearVmcs, Field, readField } from "../../hardware/vmcs.ts";
import { clearOccurrences, forEachOccurrence } from "../cumulativeBuffer.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { copyPrlLog, prlView } from "../drain.ts";
import { disarmAll, ORDINARY_LEAF } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { disableLogs, enableLogs, resetLog } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

const schema = z
  .strictObject({
    variant: z.enum(["vee21", "dw19"]).default("vee21").describe("of the proposal"),
    slotRule: z
      .enum(["decrement-then-store", "store-then-decrement", "store-at-zero"])
      .default("decrement-then-store")
      .describe("which slot an entry gets, and how many fit (docs/choices.md)"),
    doubleBuffer: z.boolean().default(false).describe("two logs for each vCPU, used in turn"),
    filterGuestTables: z
      .boolean()
      .default(false)
      .describe("DW19's bit 27: keep guest page-table pages out of the log"),
  })
  .prefault({})
  .describe("page reference logging, for technique prl");

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

export const prl = {
  name: "prl",
  finds: "every TLB miss, with counts",
  costs: "a store a TLB miss",
  findsWritten: false,
  findsTouched: true,
  logsMisses: true,
  byProcessor: true,
  exits: false,
  armsEntries: false,
  section: { name: "prl", schema },
  variants: [{ name: "prl-two-logs", fields: { "prl.doubleBuffer": true } }],
  model: { pages: 3, logEntries: 2, reads: 1 },
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
} as const satisfies Technique;
