/** That guests get on: an entry is followed by execution, or by an exit; and what exited is done at last. */

import { mmuMachine } from "../../../machines/mmu.ts";
import { schedulerMachine } from "../../../machines/scheduler.ts";
import { trackerMachine } from "../../../machines/tracker.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { techniqueOn } from "../../hypervisor/techniques/all.ts";
import { exitsOn } from "../../hypervisor/techniques/technique.ts";
import { itemAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";
import { ofEach, over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";

export const GUEST_EXECUTES = "a guest executes after each entry, or exits for a cause of its own";
export const EXIT_IS_HANDLED = "an exit is followed by an entry, or its vCPU leaves its CPU";
export const ACCESS_COMPLETES = "an access that has exited is done at last";

export function guestProgress(system: System): Property[] {
  const { vcpus, config } = system.world;
  // Where no access exits, what would be said of those that do is void.
  const technique = techniqueOn(config.units, config.tracking.technique);
  const exits = technique !== null && exitsOn(technique, config.mmu.format);
  return vcpus.flatMap(({ vm }, vcpu) => [
    executes(system, vm, vcpu),
    isHandled(vcpu),
    ...(exits ? [completes(system, vm, vcpu)] : []),
  ]);
}

const waits = ({ access }: Words): boolean => access!.length > 0;

/** Another vCPU's ring is reset, and every CPU interrupted for it: whether that goes on for ever is not the guest's doing. */
function resets(system: System, vm: number): (tracker: ActorSnapshot) => boolean {
  const read = contextReader(system, `vm${vm}/tracker`, trackerMachine);
  return (tracker) => read(tracker).heldBack.length > 0;
}

/** An interrupt that ends an entry is a cause only once: then the guest executes, exits by its access, or leaves its CPU. */
function executes(system: System, vm: number, vcpu: number): Property {
  const isBeingReset = resets(system, vm);
  const inGuest = ({ value }: ActorSnapshot): boolean => value === "guest";
  const mmus = system.world.mmus.map((_, pcpu) => `pcpu${pcpu}/mmu`);
  const mmuOf = mmus.map((mmu) => contextReader(system, mmu, mmuMachine));
  const isRunning = (mmu: ActorSnapshot, pcpu: number): boolean =>
    mmu.value === "running" && itemAt(mmuOf, pcpu)(mmu).vcpu === vcpu;
  return {
    kind: "leadsTo",
    ...ofEach("vcpu", vcpu, (one) => `${GUEST_EXECUTES} (vCPU ${one})`),
    when: over([`vcpu${vcpu}`], inGuest),
    that: over(
      [`vcpu${vcpu}`, `vcpu${vcpu}/vmcs`, `vm${vm}/tracker`, ...mmus],
      (own: ActorSnapshot, vmcs: Words, tracker: ActorSnapshot, ...all: readonly ActorSnapshot[]) =>
        all.some(isRunning) ||
        (own.value === "root" && waits(vmcs)) ||
        (own.value !== "guest" && own.value !== "root") ||
        isBeingReset(tracker),
    ),
  };
}

function isHandled(vcpu: number): Property {
  const inRoot = ({ value }: ActorSnapshot): boolean => value === "root";
  return {
    kind: "leadsTo",
    ...ofEach("vcpu", vcpu, (one) => `${EXIT_IS_HANDLED} (vCPU ${one})`),
    when: over([`vcpu${vcpu}`], inRoot),
    that: over([`vcpu${vcpu}`], (own: ActorSnapshot) => !inRoot(own)),
  };
}

/**
 * A pause with a harvest takes the right away again, and the end of a timeslice the CPU: whether these go on for ever
 * is not the guest's doing, either.
 */
function completes(system: System, vm: number, vcpu: number): Property {
  const isBeingReset = resets(system, vm);
  const read = contextReader(system, "scheduler", schedulerMachine);
  return {
    kind: "leadsTo",
    ...ofEach("vcpu", vcpu, (one) => `${ACCESS_COMPLETES} (vCPU ${one})`),
    when: over([`vcpu${vcpu}/vmcs`], waits),
    that: over(
      [`vcpu${vcpu}/vmcs`, `vcpu${vcpu}`, "scheduler", "toolstack", `vm${vm}/tracker`],
      (
        own: Words,
        { value }: ActorSnapshot,
        scheduler: ActorSnapshot,
        toolstack: ActorSnapshot,
        tracker: ActorSnapshot,
      ) => {
        const { pausedBy, held } = read(scheduler);
        const isHeldUp =
          itemAt(pausedBy, vm).length > 0 || held.includes(vcpu) || value === "ready";
        const isOver = toolstack.value === "done" || toolstack.value === "failed";
        return !waits(own) || isHeldUp || isBeingReset(tracker) || isOver;
      },
    ),
  };
}
