/** Steps that the VMM takes: EPT entries, flags, invalidation, logs, VMCS fields, and what is a unit's own. */

import { findLeaf, frameAt, splitLeaf } from "../hardware/ept.ts";
import { restoreNmiBlocking } from "../hardware/exit.ts";
import { invept, invvpid } from "../hardware/invalidation.ts";
import { logFrameOf } from "../hardware/logStore.ts";
import { Field, readField, readField64 } from "../hardware/vmcs.ts";
import { highWord, joinWords, lowWord } from "../hardware/words.ts";
import { wordAt } from "../lookup.ts";
import type { LogStep } from "../units/unit.ts";
import { eptPath } from "./entryPath.ts";
import { applyEptItem, mapTables, permitted } from "./eptItems.ts";
import { DONE, exitGuest, noteStore, type StepResult } from "./guestSteps.ts";
import { mapGuest, writeFields } from "./machine.ts";
import { LitmusProblem } from "./problem.ts";
import { type Machine, spend, unitOf, type Vcpu } from "./state.ts";
import type { Step } from "./stepSchema.ts";

/** INVEPT on the vCPU's processor, or on all: single-context, for the vCPU's EPT, unless the step says otherwise. */
export function inveptStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { invept: "processor" | "everywhere" }>,
): StepResult {
  const { format } = machine.ept;
  if (!format.dropsByPointer) {
    const message = `${format.label} has no INVEPT: drop by VPID, which stands for its tag (invvpid)`;
    throw new LitmusProblem([...machine.step, "invept"], message);
  }
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

/** The VMM, after an exit, empties the logs: entries oldest first, as logs are filled downwards, and the unit begins anew. */
export function drainStep(machine: Machine, vcpu: Vcpu): StepResult {
  exitGuest(vcpu);
  const unit = unitOf(machine, vcpu);
  const drained: number[] = [];
  for (let log = 0; log < unit.logs; log++) {
    const [first, end] = unit.usedSlots(vcpu.vmcs, log, machine.geometry);
    for (let slot = end - 1; slot >= first; slot--) {
      drained.push(Number(logEntry(machine, vcpu, log, slot)));
    }
  }
  unit.empty(vcpu.vmcs, machine.geometry);
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
  const { accessed, dirty } = ept.format;
  const bits = (flags.includes("A") ? accessed : 0) | (flags.includes("D") ? dirty : 0);
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
  const { format } = ept;
  const leaf = findLeaf(ept, Math.floor(step.split / 4096));
  if (leaf === null || leaf.level === 1) {
    throw new LitmusProblem([...path, "split"], "expected an address in a large page");
  }
  spend(machine, 1 << geometry.indexBits, path);
  splitLeaf(ept, leaf);
  const table = frameAt(ept, leaf.word);
  for (let i = 0; i < 1 << geometry.indexBits; i++) {
    const word = table * memory.frameWords + 2 * i;
    let [low, high] = [wordAt(memory.words, word), wordAt(memory.words, word + 1)];
    if (step.permissions !== undefined) {
      [low, high] = permitted(format, step.permissions, low, high);
    }
    if (step.flags === "clean") low &= ~(format.accessed | format.dirty);
    memory.words[word] = low;
    memory.words[word + 1] = high;
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

/** A step that is a unit's own. */
export function unitStep(
  machine: Machine,
  vcpu: Vcpu,
  act: LogStep,
  path: readonly PropertyKey[],
  argument: unknown,
): StepResult {
  const { memory, geometry } = machine;
  const done = act({
    vmcs: vcpu.vmcs,
    geometry: machine.geometry,
    units: machine.units,
    copied: vcpu.copiedLogs,
    entry: (log, slot) => Number(logEntry(machine, vcpu, log, slot)),
    store(slot, entry) {
      const frame = logFrameOf(vcpu.vmcs, geometry, 0, slot);
      memory.storeEntry(
        frame,
        slot & ((1 << geometry.indexBits) - 1),
        lowWord(entry),
        highWord(entry),
      );
    },
    ept: machine.ept,
    registers: vcpu.registers,
    argument,
  });
  if (typeof done === "string") throw new LitmusProblem(path, done);
  vcpu.copiedLogs = done.copied;
  for (const [name, value] of Object.entries(done.registers ?? {})) {
    vcpu.registers.set(name, value);
  }
  return done.read === undefined ? DONE : { ...DONE, copied: [...done.read] };
}
