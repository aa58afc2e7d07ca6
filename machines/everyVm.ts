/** What a toolstack sends for every VM at once, to its tracker or to the scheduler. */
import { type SendAllEmission, send, sendAll } from "../src/interconnect/emissions.ts";
import type { ActorId, Technique } from "../src/interconnect/messages.ts";

export interface Toolstack {
  readonly self: ActorId;
  readonly scheduler: ActorId;
  /** By VM. */
  readonly trackers: readonly ActorId[];
  readonly technique: Technique;
}

export function armAll({ self, trackers, technique }: Toolstack): SendAllEmission {
  const message = { type: "arm", technique, requester: self } as const;
  return sendAll(trackers.map((tracker) => send(tracker, message)));
}

export function pauseAll({ self, scheduler, trackers }: Toolstack): SendAllEmission {
  return sendAll(
    trackers.map((_, vm) => send(scheduler, { type: "pauseVm", vm, requester: self })),
  );
}

/** Each harvest begins a round. */
export function cleanAll({ self, trackers }: Toolstack): SendAllEmission {
  const message = { type: "harvest", mode: "clean", requester: self } as const;
  return sendAll(trackers.map((tracker) => send(tracker, message)));
}

export function unpauseAll({ scheduler, trackers }: Toolstack): SendAllEmission {
  return sendAll(trackers.map((_, vm) => send(scheduler, { type: "unpauseVm", vm })));
}
