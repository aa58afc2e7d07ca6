/** Steps at which events reach the guest, or leave it: VM entry and exit, delivery, IRET. */
import { type EventTypeName, eventInformation } from "../hardware/eventInformation.ts";
import { deliverEvent, iret, takeInterruptedEvent } from "../hardware/events.ts";
import { ExitReason, saveEventExit, saveInstructionExit } from "../hardware/exit.ts";
import {
  Field,
  GuestMode,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PRIMARY_HLT_EXITING,
  readField,
  type Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { DONE, exitGuest, finish, inGuest, type StepResult } from "./guestSteps.ts";
import { LitmusProblem } from "./problem.ts";
import type { Machine, Vcpu } from "./state.ts";
import type { Step } from "./stepSchema.ts";

const NMI_VECTOR = 2;
const INTERRUPT_VECTOR = 0x20;
const DEFAULT_HANDLER = 0x2000;
const DEFAULT_RETURN = 0x1000;

/** VM entry, with the event that the VMCS has for it. */
export function entryStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { vmentry: unknown }>,
): StepResult {
  if (step.stack === undefined) return inGuest(machine, vcpu, () => DONE);
  if (vcpu.inGuest || readField(vcpu.vmcs, Field.entryInterruptionInformation) >= 0) {
    const message = "no event to inject: the VMCS has none for this entry";
    throw new LitmusProblem([...machine.step, "stack"], message);
  }
  const { stack, gate = null, handler = DEFAULT_HANDLER } = step;
  return inGuest(machine, vcpu, () => DONE, { stack, gate, handler });
}

/** A VM exit that the guest's instruction or an event causes, without a memory access. */
export function exitStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { vmexit: unknown }>,
): StepResult {
  return inGuest(machine, vcpu, () => {
    const { vmcs } = vcpu;
    const reason = ExitReason[step.vmexit];
    const event = exitingEvent(machine, vmcs, step);
    writeField(vmcs, Field.exitReason, reason);
    writeField(vmcs, Field.exitQualification, 0);
    if (event === null) saveInstructionExit(vmcs);
    else saveEventExit(vmcs, event);
    exitGuest(vcpu);
    return { outcome: { kind: "exit", reason } };
  });
}

/** The event that exits, or null for an instruction. The controls must ask for the exit. */
function exitingEvent(
  machine: Machine,
  vmcs: Vmcs,
  { vmexit, vector }: Extract<Step, { vmexit: unknown }>,
): number | null {
  const pin = readField(vmcs, Field.pinBasedControls);
  const need = (bits: number, control: string) => {
    if (bits !== 0) return;
    throw new LitmusProblem([...machine.step, "vmexit"], `no exit: ${control} is off`);
  };
  if (vmexit === "hlt") {
    need(readField(vmcs, Field.primaryControls) & PRIMARY_HLT_EXITING, "HLT exiting");
  }
  if (vmexit === "hlt" || vmexit === "vmcall") return null;
  if (vmexit === "externalInterrupt") {
    need(pin & PIN_EXTERNAL_INTERRUPT_EXITING, "external-interrupt exiting");
    return eventInformation(vmexit, vector ?? INTERRUPT_VECTOR);
  }
  if (vector === undefined) {
    throw new LitmusProblem([...machine.step, "vmexit"], "exceptionOrNmi needs a vector");
  }
  const type: EventTypeName = vector === NMI_VECTOR ? "nmi" : "exception";
  if (type === "nmi") need(pin & PIN_NMI_EXITING, "NMI exiting");
  return eventInformation(type, vector);
}

/** Delivery of an event through the IDT. */
export function deliverStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { deliver: unknown }>,
): StepResult {
  const vector = step.vector ?? (step.deliver === "nmi" ? NMI_VECTOR : INTERRUPT_VECTOR);
  const event = {
    information: eventInformation(step.deliver, vector, step.errorCode),
    stack: step.stack,
    gate: step.gate ?? null,
    handler: step.handler ?? DEFAULT_HANDLER,
  };
  return inGuest(machine, vcpu, () => {
    vcpu.lastEvent = event;
    return { outcome: finish(vcpu, deliverEvent(vcpu.mmu, event)) };
  });
}

/** VM entry with the event whose delivery an exit interrupted. */
export function reinjectStep(machine: Machine, vcpu: Vcpu): StepResult {
  exitGuest(vcpu);
  const information = takeInterruptedEvent(vcpu.vmcs);
  if (information === 0 || vcpu.lastEvent === null) {
    const message = "no event to inject again: its delivery was not interrupted";
    throw new LitmusProblem(machine.step, message);
  }
  writeField(vcpu.vmcs, Field.entryInterruptionInformation, information, 0);
  return inGuest(machine, vcpu, () => DONE, vcpu.lastEvent);
}

/** IRET. */
export function iretStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { iret: unknown }>,
): StepResult {
  return inGuest(machine, vcpu, () => {
    const { mmu, vmcs } = vcpu;
    const outcome = iret(mmu, {
      stack: step.iret,
      to: step.to ?? DEFAULT_RETURN,
      user: step.user ?? (readField(vmcs, Field.guestMode) & GuestMode.user) !== 0,
      resumeFlag: step.resumeFlag ?? false,
    });
    return { outcome: finish(vcpu, outcome) };
  });
}
