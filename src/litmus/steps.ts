/** One step of a litmus test, by its verb. */
import { UNIT_VERBS } from "../units/all.ts";
import { deliverStep, entryStep, exitStep, iretStep, reinjectStep } from "./eventSteps.ts";
import {
  accessStep,
  cr3Step,
  invlpgStep,
  modeStep,
  runStep,
  type StepResult,
} from "./guestSteps.ts";
import { LitmusProblem } from "./problem.ts";
import type { Machine, Vcpu } from "./state.ts";
import { type Step, VERBS } from "./stepSchema.ts";
import {
  clearStep,
  drainStep,
  entriesStep,
  inveptStep,
  invvpidStep,
  restoreNmiStep,
  splitStep,
  storeStep,
  unitStep,
  vmwriteStep,
} from "./vmmSteps.ts";

/** Takes a step on a vCPU. `path` names the step, for complaints. */
export function takeStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Step,
  path: readonly PropertyKey[],
): StepResult {
  machine.step = path;
  if ("read" in step) return accessStep(machine, vcpu, "read", step.read, step);
  if ("write" in step) return accessStep(machine, vcpu, "write", step.write, step);
  if ("fetch" in step) return accessStep(machine, vcpu, "fetch", step.fetch, step);
  if ("readModifyWrite" in step) {
    return accessStep(machine, vcpu, "readModifyWrite", step.readModifyWrite, step);
  }
  if ("run" in step) return runStep(machine, vcpu, step, path);
  if ("vmentry" in step) return entryStep(machine, vcpu, step);
  if ("vmexit" in step) return exitStep(machine, vcpu, step);
  if ("movToCr3" in step) return cr3Step(machine, vcpu, step.movToCr3);
  if ("mode" in step) return modeStep(machine, vcpu, step.mode);
  if ("invlpg" in step) return invlpgStep(machine, vcpu, step.invlpg);
  if ("deliver" in step) return deliverStep(machine, vcpu, step);
  if ("reinject" in step) return reinjectStep(machine, vcpu);
  if ("iret" in step) return iretStep(machine, vcpu, step);
  if ("clear" in step) return clearStep(machine, step, path);
  if ("invept" in step) return inveptStep(machine, vcpu, step);
  if ("invvpid" in step) return invvpidStep(vcpu, step);
  if ("drain" in step) return drainStep(machine, vcpu);
  if ("ept" in step || "guest" in step) return entriesStep(machine, step, path);
  if ("split" in step) return splitStep(machine, step, path);
  if ("restoreNmiBlocking" in step) return restoreNmiStep(vcpu);
  if ("store" in step) return storeStep(machine, step.store);
  if ("vmwrite" in step) return vmwriteStep(machine, vcpu, step);
  for (const [verb, { act }] of UNIT_VERBS) {
    if (verb in step) return unitStep(machine, vcpu, act, path, Reflect.get(step, verb));
  }
  throw new LitmusProblem(path, "a step without a verb");
}

/** A step in a few words: its own name, or its verb and argument. */
export function stepTitle(step: Step): string {
  if (step.name !== undefined) return step.name;
  for (const [key, value] of Object.entries(step)) {
    if (!VERBS.includes(key)) continue;
    if (typeof value === "number" || typeof value === "bigint") {
      return `${key} 0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
    }
    return typeof value === "string" ? `${key} ${value}` : key;
  }
  return "step";
}
