/** What the emulator did in a step, as the answer that is expected of a processor. */
import { CONTROL_FAILURES } from "../hardware/controlChecks.ts";
import { describeEvent, setsResumeFlag } from "../hardware/eventInformation.ts";
import { ExitReason } from "../hardware/exit.ts";
import { NPT } from "../hardware/formats/npt.ts";
import { Field, RFLAGS_RF, readField, readField64 } from "../hardware/vmcs.ts";
import type { StepResult } from "../litmus/guestSteps.ts";
import type { Vcpu } from "../litmus/state.ts";
import type { Step } from "../litmus/stepSchema.ts";
import { UNIT_FAILURES } from "../units/all.ts";
import { isLogFull } from "../units/exits.ts";
import type { Answer, Compared, Ending } from "./answers.ts";
import type { Place } from "./guestCode.ts";
import { PDPTE_FIELDS } from "./vmcsFields.ts";

const INVALID_CONTROLS = 7;
const PAGE_FAULT = 14;
const GENERAL_PROTECTION = 13;
const STACK_FAULT = 12;
/** Exits that an access causes. */
const OF_ACCESSES: readonly number[] = [
  ...[ExitReason.eptViolation, ExitReason.eptMisconfiguration],
  NPT.fault.reason,
];

export function expectedAnswer(
  vcpu: Vcpu,
  result: StepResult,
  words: ReadonlyMap<number, bigint>,
): Answer {
  const { vmcs } = vcpu;
  return {
    ending: expectedEnding(vcpu, result),
    index: readField(vmcs, Field.logIndex) & 0xffff,
    interruptibility: readField(vmcs, Field.guestInterruptibility),
    pdptes: PDPTE_FIELDS.map((field) => readField64(vmcs, field)),
    retired: result.retired ?? 0,
    words,
  };
}

function expectedEnding({ vmcs, mmu }: Vcpu, { outcome }: StepResult): Ending {
  switch (outcome.kind) {
    case "done":
      return { kind: "done" };
    case "pageFault":
      return { kind: "exception", vector: PAGE_FAULT, error: outcome.error };
    case "exception": {
      const vector = outcome.name === "stackFault" ? STACK_FAULT : GENERAL_PROTECTION;
      return { kind: "exception", vector, error: 0 };
    }
    case "vmfail":
      return { kind: "failed", error: outcome.error };
    case "entryFailure": {
      // VMRUN has one code for all that it refuses (APM vol. 2 15.5.1, VMEXIT_INVALID).
      const isSvm = mmu.format === NPT;
      const control = [...CONTROL_FAILURES, ...UNIT_FAILURES].some(
        (name) => name === outcome.failure,
      );
      if (control || isSvm) return { kind: "failed", error: INVALID_CONTROLS };
      const reason = readField(vmcs, Field.exitReason);
      const qualification = readField(vmcs, Field.exitQualification);
      return { kind: "entryFailed", reason, qualification };
    }
    case "exit": {
      const vectoring = readField(vmcs, Field.idtVectoringInformation);
      return {
        kind: "exit",
        reason: outcome.reason,
        qualification: Number(readField64(vmcs, Field.exitQualification)),
        gpa: readField64(vmcs, Field.guestPhysicalAddress),
        gla: readField64(vmcs, Field.guestLinearAddress),
        vectoring: describeEvent(vectoring) === null ? 0 : vectoring,
        resumeFlag: (readField(vmcs, Field.guestRflags) & RFLAGS_RF) !== 0,
        atInstruction: true,
      };
    }
  }
}

/** @param place of a guest's step; null for one of the VMM */
export function comparedOf(
  place: Place | null,
  step: Step,
  { outcome, retired }: StepResult,
  kindOf: (address: number) => string,
): Compared {
  const nothing: Compared = {
    index: false,
    resumeFlag: false,
    interruptibility: false,
    atInstruction: false,
    pdptes: [],
    retired: false,
    kindOf,
  };
  if (place === null) return nothing;
  const { code, vcpu } = place;
  const exited = outcome.kind === "exit";
  const ofAccess = exited && (OF_ACCESSES.includes(outcome.reason) || isLogFull(outcome.reason));
  const event = "deliver" in step || "vmentry" in step || "reinject" in step;
  // What VM entry injects has RF pushed as the VMCS has it; a fault of the guest's own has it set.
  const injectedFault =
    "deliver" in step && vcpu.lastEvent !== null && setsResumeFlag(vcpu.lastEvent.information);
  const entered = outcome.kind !== "entryFailure";
  // SVM has no such log, and the APM does not say what RF an intercept saves.
  const isVmx = !code.svm;
  const others = PDPTE_FIELDS.map((_, i) => i).filter((i) => i !== code.window);
  return {
    index: entered && isVmx,
    resumeFlag: exited && !injectedFault && isVmx,
    interruptibility: outcome.kind === "done" || exited,
    atInstruction: ofAccess && !event,
    // Without EPT an exit does not save them (SDM 27.3.1).
    pdptes: code.pae && code.ept && entered ? others : [],
    retired: retired !== undefined,
    kindOf,
  };
}
