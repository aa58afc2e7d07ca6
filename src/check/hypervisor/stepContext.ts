/** What is looked at in a single step: the memory of the step's footprint before and after it; nothing else is there. */
import type { HarvestMode, Technique } from "../../interconnect/messages.ts";
import { itemAt } from "../../lookup.ts";
import type { ActorRole } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { Request } from "../audit/steps.ts";
import type { Due } from "./due.ts";

/** A request to a device, as far as models look at it. */
export interface DeviceRequest extends Request {
  readonly vcpu?: number;
  readonly page?: number;
  readonly mode?: HarvestMode;
  readonly technique?: Technique;
  readonly after?: string;
}

/** A step that works on memory. */
export interface StepContext {
  readonly system: System;
  /** Whose step it is. */
  readonly role: ActorRole;
  readonly requests: readonly DeviceRequest[];
  /** Bits of the truth that a harvest must report: what else the truth says is no state. */
  readonly owed: number;
  /** By VM. */
  readonly dues: readonly Due[];
}

export interface StepCheck {
  /** Of the step property that it decides. */
  readonly property: string;
  /** Called before the step; the answer, called after it, says whether the step is right. Null: not concerned. */
  begin(step: StepContext): (() => boolean) | null;
}

/** The vCPU of an MMU's step, and its physical CPU. */
export function guestStep({ role, requests, system }: StepContext) {
  const [request] = requests;
  if (role.kind !== "mmu" || request === undefined) return null;
  const { pcpu } = role;
  const vcpu = itemAt(system.world.vcpus, request.vcpu ?? 0);
  return { mmu: itemAt(system.world.mmus, pcpu), vcpu, vm: itemAt(system.world.vms, vcpu.vm) };
}
