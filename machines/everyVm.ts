/** What a toolstack sends for every VM at once, to its tracker or to the scheduler. */
import {
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import type { ActorId, Technique } from "../src/interconnect/messages.ts";

export interface Toolstack {
  readonly self: ActorId;
  readonly scheduler: ActorId;
  /** By VM. */
  readonly trackers: readonly ActorId[];
  readonly technique: Technique;
  readonly drainsDevices?: boolean;
}

/** A VM stops: its vCPUs, and its devices when all that they have written is marked (QEMU vm_stop). */
export function stopVm(
  { self, scheduler, drainsDevices }: Pick<Toolstack, "self" | "scheduler" | "drainsDevices">,
  vm: number,
): SendEmission {
  const drain = drainsDevices === true ? { drain: true } : {};
  return send(scheduler, { type: "pauseVm", vm, requester: self, ...drain });
}

export function armAll({ self, trackers, technique }: Toolstack): SendAllEmission {
  const message = { type: "arm", technique, requester: self } as const;
  return sendAll(trackers.map((tracker) => send(tracker, message)));
}

export function stopAll(toolstack: Toolstack): SendAllEmission {
  return sendAll(toolstack.trackers.map((_, vm) => stopVm(toolstack, vm)));
}

/** Each harvest begins a round. */
export function cleanAll({ self, trackers }: Toolstack): SendAllEmission {
  const message = { type: "harvest", mode: "clean", requester: self } as const;
  return sendAll(trackers.map((tracker) => send(tracker, message)));
}

export function unpauseAll({ scheduler, trackers }: Toolstack): SendAllEmission {
  return sendAll(trackers.map((_, vm) => send(scheduler, { type: "unpauseVm", vm })));
}
