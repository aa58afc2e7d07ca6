/**
 * What a toolstack does about trackers that somebody else has armed: it switches them off and arms them again
 * (xg_sr_save.c, enable_logdirty), one after the other, as "disarmed" does not say who it is. An arm that is sent
 * before the tracker has answered could overtake the disarm: a tracker in the middle of something puts requests off.
 */

import { actorAt, type SendEmission, send } from "../src/interconnect/emissions.ts";
import type { ActorId, Technique } from "../src/interconnect/messages.ts";

export interface Arming {
  readonly self: ActorId;
  /** By VM. */
  readonly trackers: readonly ActorId[];
  readonly technique: Technique;
  /** VMs whose trackers are still to be switched off and on; the first is being switched off. */
  readonly refused: readonly number[];
}

/** On "armRefused", before the VM is noted. */
export function switchOff({ self, trackers, refused }: Arming, vm: number): SendEmission[] {
  return refused.length > 0
    ? []
    : [send(actorAt(trackers, vm), { type: "disarm", requester: self })];
}

/** On "disarmed", before the VM is forgotten. */
export function switchOn({ self, trackers, technique, refused }: Arming): SendEmission[] {
  const [vm, ...others] = refused;
  if (vm === undefined) return [];
  return [
    send(actorAt(trackers, vm), { type: "arm", technique, requester: self }),
    ...others.slice(0, 1).map((next) => {
      return send(actorAt(trackers, next), { type: "disarm", requester: self });
    }),
  ];
}
