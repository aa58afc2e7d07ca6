/** A unit that logs accesses: misses of the TLB, with counts; no guest exits for it. */
import { ordinaryLeaf } from "../../hardware/ept.ts";
import type { UnitDeclaration } from "../../units/unit.ts";
import { costNamed } from "../costs.ts";
import { addOccurrence, clearOccurrences, forEachOccurrence } from "../cumulativeBuffer.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { takeLogs } from "../drain.ts";
import { disarmAll } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { unitOf } from "./dirtyLog.ts";
import { disableLogs, enableLogs } from "./logControls.ts";
import { NOT_OURS, type Technique } from "./technique.ts";

/** Copies logs that no handler is working on; all logs are empty then. */
function drainAll(vm: TrackedVm, declaration: UnitDeclaration): number {
  const { logs, buffer } = vm;
  const unit = unitOf(vm, declaration);
  let entries = 0;
  for (const { vcpu, vmcs } of vm.vcpus) {
    entries += takeLogs({ logs, unit, vcpu, vmcs }, (page) => addOccurrence(buffer, page));
  }
  return entries;
}

/** The technique of a unit that finds accesses. */
export function accessLogTechnique<const Declared extends UnitDeclaration>(declaration: Declared) {
  const { name, whenFull } = declaration;
  return {
    ...declaration.technique,
    name: name as Declared["name"],
    findsWritten: false,
    findsTouched: true,
    logsMisses: true,
    toldBy: "log",
    exits: false,
    armsEntries: false,
    unit: () => name,
    arm(vm) {
      clearOccurrences(vm.buffer);
      return enableLogs(vm, unitOf(vm, declaration)) ? 0 : null;
    },
    collect(vm) {
      if (!vm.work.begins) return 0;
      const entries = drainAll(vm, declaration);
      forEachOccurrence(vm.buffer, (page) => markDirty(vm.touched, page));
      const { costs } = vm;
      const each =
        whenFull.kind === "interrupt" ? costNamed(costs, whenFull.entryCost) : costs.drainEntry;
      return entries * each;
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
    pageReturned: (vm) => ordinaryLeaf(vm.ept.format),
  } as const satisfies Technique;
}
