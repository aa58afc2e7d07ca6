/** Steps that the VMM takes: EPT entries, flags, invalidation, logs, VMCS fields, the PRL handler. */

import { findLeaf, splitLeaf } from "../hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY, EPT_RWX } from "../hardware/eptEntry.ts";
import { restoreNmiBlocking } from "../hardware/exit.ts";
import { invept, invvpid } from "../hardware/invalidation.ts";
import { logFrameOf } from "../hardware/pageModificationLog.ts";
import {
  PRL_SUSPENDED,
  prlReload,
  prlResetImage,
  prlUsedSlots,
} from "../hardware/pageReferenceLog.ts";
import { Field, readField, readField64, writeField } from "../hardware/vmcs.ts";
import { joinWords, pageOfWords } from "../hardware/words.ts";
import { wordAt } from "../lookup.ts";
import { eptPath } from "./entryPath.ts";
import { applyEptItem, mapTables, permissionBits } from "./eptItems.ts";
import { DONE, exitGuest, noteStore, type StepResult } from "./guestSteps.ts";
import { mapGuest, writeFields } from "./machine.ts";
import { LitmusProblem } from "./problem.ts";
import { type Machine, spend, type Vcpu } from "./state.ts";
import type { Step } from "./stepSchema.ts";

/** INVEPT on the vCPU's processor, or on all: single-context, for the vCPU's EPT, unless the step says otherwise. */
export function inveptStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { invept: "processor" | "everywhere" }>,
): StepResult {
  const vcpus = step.invept === "processor" ? [vcpu] : [...machine.vcpus.values()];
  const pointer = step.eptPointer ?? readField64(vcpu.vmcs, Field.eptPointer);
  const type = step.type ?? "singleContext";
  const done = vcpus.map(({ mmu }) => invept(mmu, vcpu.vmcs, type, pointer));
  return done.every((one) => one) ? DONE : failed(vcpu);
}

/** INVVPID on the vCPU's processor, for the vCPU's VPID unless the step says otherwise. */
export function invvpidStep(vcpu: Vcpu, step: Extract<Step, { invvpid: unknown }>): StepResult {
  const { mmu, vmcs } = vcpu;
  const vpid = step.vpid ?? readField64(vmcs, Field.vpid);
  return invvpid(mmu, vmcs, step.invvpid, vpid, step.linear ?? 0n) ? DONE : failed(vcpu);
}

/** A VMX instruction failed: the current VMCS says why. */
function failed({ vmcs }: Vcpu): StepResult {
  return { outcome: { kind: "vmfail", error: readField(vmcs, Field.vmInstructionError) } };
}

/** The GPA in a slot of a log of a vCPU, in memory. */
export function logEntry(machine: Machine, vcpu: Vcpu, log: number, slot: number): bigint {
  const { memory, geometry } = machine;
  const frame = logFrameOf(vcpu.vmcs, geometry, log, slot);
  return joinWords(...memory.readEntry(frame, slot & ((1 << geometry.indexBits) - 1)));
}

/** The VMM, after an exit, empties a PML log: entries oldest first, index back to the last slot. */
export function drainStep(machine: Machine, vcpu: Vcpu): StepResult {
  exitGuest(vcpu);
  const { logEntries } = machine.geometry;
  const index = readField(vcpu.vmcs, Field.pmlIndex) & 0xffff;
  const lowest = index >= logEntries ? 0 : index + 1;
  const drained: number[] = [];
  for (let slot = logEntries - 1; slot >= lowest; slot--) {
    drained.push(Number(logEntry(machine, vcpu, 0, slot)));
  }
  writeField(vcpu.vmcs, Field.pmlIndex, logEntries - 1);
  return { ...DONE, drained };
}

/** Clears accessed and dirty flags of pages, at the leaf or in the whole walk. */
export function clearStep(
  machine: Machine,
  step: Extract<Step, { clear: unknown }>,
  path: readonly PropertyKey[],
): StepResult {
  const { memory, ept } = machine;
  const flags = step.flags ?? "AD";
  let bits = flags.includes("A") ? EPT_ACCESSED : 0;
  if (flags.includes("D")) bits |= EPT_DIRTY;
  const number = step.count ?? 1;
  spend(machine, number, path);
  for (let i = 0; i < number; i++) {
    const walk = eptPath(ept, Math.floor(step.clear / 4096) + i);
    for (const { word } of step.levels === "all" ? walk : walk.slice(-1)) {
      memory.words[word] = wordAt(memory.words, word) & ~bits;
    }
  }
  memory.structureChanged();
  if (step.invept === true) inveptStep(machine, machine.first, { invept: "everywhere" });
  return DONE;
}

/** The VMM changes EPT entries; the guest's operating system its own. */
export function entriesStep(
  machine: Machine,
  step: Extract<Step, { ept: unknown }> | Extract<Step, { guest: unknown }>,
  path: readonly PropertyKey[],
): StepResult {
  if ("ept" in step) {
    for (const [i, item] of step.ept.entries()) applyEptItem(machine, item, [...path, "ept", i]);
    return DONE;
  }
  for (const [i, item] of step.guest.entries()) {
    mapGuest(machine, item, [...path, "guest", i]);
  }
  mapTables(machine);
  return DONE;
}

/** Splits the large leaf that maps a page, and gives the parts permissions and clean flags if asked. */
export function splitStep(
  machine: Machine,
  step: Extract<Step, { split: unknown }>,
  path: readonly PropertyKey[],
): StepResult {
  const { ept, memory, geometry } = machine;
  const leaf = findLeaf(ept, Math.floor(step.split / 4096));
  if (leaf === null || leaf.level === 1) {
    throw new LitmusProblem([...path, "split"], "expected an address in a large page");
  }
  spend(machine, 1 << geometry.indexBits, path);
  splitLeaf(ept, leaf);
  const table = pageOfWords(wordAt(memory.words, leaf.word), wordAt(memory.words, leaf.word + 1));
  for (let i = 0; i < 1 << geometry.indexBits; i++) {
    const word = table * memory.frameWords + 2 * i;
    let low = wordAt(memory.words, word);
    if (step.permissions !== undefined) low = (low & ~EPT_RWX) | permissionBits(step.permissions);
    if (step.flags === "clean") low &= ~(EPT_ACCESSED | EPT_DIRTY);
    memory.words[word] = low;
  }
  return DONE;
}

/** A store by the VMM or a device: it reaches the page, but passes no EPT. */
export function storeStep(machine: Machine, gpa: number): StepResult {
  noteStore(machine, Math.floor(gpa / 4096));
  return DONE;
}

/** VMWRITE, after an exit. */
export function vmwriteStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { vmwrite: unknown }>,
): StepResult {
  exitGuest(vcpu);
  writeFields(vcpu, step.vmwrite, [...machine.step, "vmwrite"]);
  return DONE;
}

/** Blocking by NMI again, where an IRET that did not complete had ended it. */
export function restoreNmiStep(vcpu: Vcpu): StepResult {
  exitGuest(vcpu);
  restoreNmiBlocking(vcpu.vmcs);
  return DONE;
}

/** The PRL handler reads the logs that are full, from the VMCS region in memory. */
export function prlCopyStep(machine: Machine, vcpu: Vcpu): StepResult {
  const full = wordAt(vcpu.vmcs.image, 2 * Field.prlFullLogs);
  const { logEntries } = machine.geometry;
  const { slotRule } = vcpu.mmu.prlOptions;
  const copied: number[] = [];
  for (const log of [0, 1]) {
    if ((full & (1 << log)) === 0) continue;
    const [first, end] = prlUsedSlots(PRL_SUSPENDED, logEntries, slotRule);
    for (let slot = end - 1; slot >= first; slot--) {
      copied.push(Number(logEntry(machine, vcpu, log, slot)));
    }
  }
  vcpu.copiedLogs |= full;
  return { ...DONE, copied };
}

/** The handler declares the copied logs empty, in the VMCS region in memory. */
export function prlResetStep(
  machine: Machine,
  vcpu: Vcpu,
  path: readonly PropertyKey[],
): StepResult {
  if (vcpu.copiedLogs === 0)
    throw new LitmusProblem(path, "prlReset needs a prlCopy of a full log");
  prlResetImage(vcpu.vmcs, vcpu.copiedLogs, machine.geometry.logEntries);
  vcpu.copiedLogs = 0;
  return DONE;
}

/** The new instruction: the vCPU's processor reloads its log state from memory. */
export function prlReloadStep(vcpu: Vcpu): StepResult {
  prlReload(vcpu.vmcs);
  return DONE;
}
