/** A unit that logs writes: the processor logs the first write to each page; full logs are drained (Xen hvm_enable_pml). */
import { forEachLeaf } from "../../hardware/ept.ts";
import { wordAt } from "../../lookup.ts";
import { unitNamed } from "../../units/all.ts";
import type { Unit, UnitDeclaration } from "../../units/unit.ts";
import { markDirty } from "../dirtyBitmap.ts";
import { drainLogs, takeLogs } from "../drain.ts";
import { armedLeaf } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { armOrSetAll, disarmLeaves } from "./armLeaves.ts";
import { disableLogs, enableLogs } from "./logControls.ts";
import { rearmTaken } from "./rearmTaken.ts";
import type { Technique } from "./technique.ts";
import { serveWrite } from "./writeViolation.ts";

/** That of a VM's processors. @throws if they were built without it */
export function unitOf({ units }: TrackedVm, { name }: UnitDeclaration): Unit {
  const unit = unitNamed(units, name);
  if (unit === null) throw new Error(`no processor has the unit "${name}"`);
  return unit;
}

/** Drains every vCPU's log into the bitmap; returns the entries. */
function drainAll(vm: TrackedVm, unit: Unit): number {
  const drain = unit.declaration.whenFull.kind === "interrupt" ? takeLogs : drainLogs;
  let entries = 0;
  for (const { vcpu, vmcs } of vm.vcpus) {
    entries += drain({ logs: vm.logs, unit, vcpu, vmcs }, (page) => markDirty(vm.dirty, page));
  }
  return entries;
}

/** Whether a log lacks a page that was written: its unit tells nobody, and is asked. */
function hasDropped(vm: TrackedVm, { declaration: { whenFull } }: Unit): boolean {
  if (whenFull.kind === "exit" || whenFull.hasDropped === undefined) return false;
  return vm.vcpus.some(({ vmcs }) => whenFull.hasDropped?.(vmcs) === true);
}

/** What a log has not taken the flags know: those of all 4 KiB leaves, as large ones lack W instead. Returns the cycles. */
function scanFlags({ ept, dirty, costs }: TrackedVm): number {
  const { words } = ept.memory;
  let leaves = 0;
  forEachLeaf(ept, (word, level, page) => {
    leaves++;
    if (level === 1 && (wordAt(words, word) & ept.format.dirty) !== 0) markDirty(dirty, page);
  });
  return leaves * costs.protectPage;
}

/** The technique of a unit that finds writes. */
export function dirtyLogTechnique<const Declared extends UnitDeclaration>(declaration: Declared) {
  const { name, mayLose, whenFull } = declaration;
  return {
    ...declaration.technique,
    name: name as Declared["name"],
    findsWritten: true,
    findsTouched: false,
    toldBy: "log",
    exits: whenFull.kind === "exit",
    armsEntries: true,
    beginsSet: true,
    splitsAtWrite: true,
    // Where a log may lack a page, D flags say so: those of entries that are not resolved say nothing.
    ...(mayLose ? {} : { changesTypes: "dirtyFlag" as const }),
    faults: ["harvestBeforeDrain"],
    unit: () => name,
    arm(vm) {
      if (vm.work.begins && !enableLogs(vm, unitOf(vm, declaration))) return null;
      return armOrSetAll(vm, "dirtyFlag");
    },
    collect(vm) {
      if (!vm.work.begins) return 0;
      const unit = unitOf(vm, declaration);
      if (vm.faults.includes("harvestBeforeDrain")) {
        // The bitmap is read first; the logs are emptied too late for it, and their entries are gone.
        for (const { vmcs } of vm.vcpus) unit.empty(vmcs, vm.logs.geometry);
        return 0;
      }
      if (!hasDropped(vm, unit)) return drainAll(vm, unit) * vm.costs.drainEntry;
      // The flags know of what was logged, too.
      for (const { vcpu, vmcs } of vm.vcpus)
        takeLogs({ logs: vm.logs, unit, vcpu, vmcs }, () => {});
      return scanFlags(vm);
    },
    rearm: (vm) => rearmTaken(vm, "dirtyFlag"),
    disarm(vm) {
      if (vm.work.begins) disableLogs(vm);
      return disarmLeaves(vm);
    },
    serveLogFull(vm, vcpu) {
      const { vmcs } = vm.vcpus.find((one) => one.vcpu === vcpu)!;
      const at = { logs: vm.logs, unit: unitOf(vm, declaration), vcpu, vmcs };
      const entries = drainLogs(at, (page) => markDirty(vm.dirty, page));
      const cycles = vm.costs.drainHandler + entries * vm.costs.drainEntry;
      return { fix: "granted", cycles, ringFull: false };
    },
    // Large leaves are write-protected, so that their first write splits them.
    serveViolation: (vm, _vcpu, page, write) =>
      serveWrite(vm, "dirtyFlag", page, write, (one) => markDirty(vm.dirty, one)),
    // A page with D set is in the log or in the bitmap already, and stays there, unless the log could not take it.
    pageTaken(vm, page, low) {
      if (mayLose && (low & vm.ept.format.dirty) !== 0) markDirty(vm.dirty, page);
    },
    pageReturned: (vm) => armedLeaf(vm.ept, "dirtyFlag"),
  } as const satisfies Technique;
}
