/**
 * The verdict of a run: what must not happen in any, whatever its operation comes to. A harvest that
 * loses a page, a run that can go no further, a VM that dies.
 */

import { type VcpuContext, vcpuMachine } from "../../../machines/vcpu.ts";
import { itemAt } from "../../lookup.ts";
import { exitReasonName } from "../../units/exits.ts";
import { STOPPING_MESSAGES } from "../../units/messages.ts";
import { contextOf } from "../actorContexts.ts";
import type { SystemActor } from "../actors.ts";
import { isMeant } from "../roles.ts";
import type { System } from "../system.ts";
import { harvestsOf, lossTexts } from "./harvestVerdict.ts";
import { type Standstill, standstillOf, standstillText } from "./standstill.ts";

/** The promises, by name. */
export type Promised = "no page is lost" | "the run goes on" | "no VM dies";

export interface Broken {
  readonly promise: Promised;
  /** The actor whose failure it is, by name. */
  readonly actor: string;
  /** One sentence. */
  readonly what: string;
}

/** @param standstill of the run, where a ProgressWatch has found one */
export function brokenPromises(
  system: System,
  standstill: Standstill | null = standstillOf(system),
): readonly Broken[] {
  const losses = harvestsOf(system).flatMap((harvests, vm) =>
    lossTexts(system, harvests).map(
      (what): Broken => ({ promise: "no page is lost", actor: `vm${vm}/tracker`, what }),
    ),
  );
  const stuck: Broken[] =
    standstill === null
      ? []
      : [{ promise: "the run goes on", actor: "toolstack", what: standstillText(standstill) }];
  const { stuck: notTaken } = system;
  if (notTaken !== null) {
    const what = `the run cannot go on: ${notTaken.what}`;
    stuck.push({ promise: "the run goes on", actor: notTaken.actor, what });
  }
  const vcpus = system.actors.filter(({ role }) => role.kind === "vcpu");
  const dead = vcpus.flatMap((vcpu): Broken[] => {
    const what =
      vcpu.value === "halted" ? causeOfDeath(contextOf(vcpu, vcpuMachine), system) : null;
    return what === null ? [] : [{ promise: "no VM dies", actor: vcpu.name, what }];
  });
  // A run may have come to its end all the same: at the time that its scenario says.
  const stranded = vcpus
    .filter((vcpu) => standstill === null && isStranded(vcpu, system))
    .map((vcpu): Broken => {
      const who = nameOf(contextOf(vcpu, vcpuMachine), system);
      const what = `${who} is stranded: in guest mode, and nothing is under way that could move it on`;
      return { promise: "the run goes on", actor: vcpu.name, what };
    });
  return [...losses, ...stuck, ...stranded, ...dead];
}

/** Whatever went wrong in a run so far, its operation's own failures among it; a sentence each. */
export function failuresOf(
  system: System,
  standstill: Standstill | null = standstillOf(system),
): string[] {
  const broken = brokenPromises(system, standstill).map(({ what }) => what);
  return [...system.result().failures, ...broken];
}

/** Whether a vCPU is where its guest should run, but its MMU does nothing, and will not be told to. */
function isStranded(actor: SystemActor, { actors, interconnect }: System): boolean {
  const { id, value } = actor;
  const { mmu, vcpu } = contextOf(actor, vcpuMachine);
  if (value !== "guest" || actors[mmu - 1]?.value !== "idle") return false;
  return !interconnect.pending().some(({ from, to, message }) => {
    if (to === id || (to === mmu && from === id)) return true;
    const unit = actors[to - 1];
    const isOwn = unit !== undefined && isMeant(unit.role, { kind: "logUnit", vcpu });
    return STOPPING_MESSAGES.some((type) => type === message.type) && isOwn;
  });
}

/** Why a vCPU has halted, in a sentence; null if its workload has ended. */
function causeOfDeath(context: VcpuContext, system: System): string | null {
  const { finished, entryFailure, lastExit } = context;
  const who = nameOf(context, system);
  if (entryFailure !== "") return `${who}: VM entry failed: ${entryFailure}`;
  if (finished) return null;
  return `${who}: nothing could handle VM exit ${lastExit} (${exitReasonName(lastExit)})`;
}

function nameOf({ vcpu, vm }: VcpuContext, { world }: System): string {
  return `vCPU ${vcpu} of ${itemAt(world.vms, vm).config.name}`;
}
