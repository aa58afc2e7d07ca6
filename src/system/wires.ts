/**
 * Wires inside a processor: what is sent by one of them is there at once. The interconnect refuses a message with a
 * delay there, in every run; so the model checker may deliver it before anything else happens (docs/check.md says
 * why nothing can come between that matters).
 */
import type { WireRule } from "../interconnect/interconnect.ts";
import { rowOf } from "../interconnect/messages.ts";
import type { SystemActor } from "./actors.ts";
import type { ActorRole } from "./roles.ts";

/**
 * Whether what one actor sends another goes by a wire inside a processor, or stands for an instruction on it: what
 * a logging unit is told (VMWRITE) takes effect before the next instruction, and that a guest is on a CPU, or
 * has been stopped by a unit, is known to its vCPU at once. What an MMU sends comes at the time of its guest,
 * to which it has run ahead; exits and entries take their time, and so do interrupts and remote reloads.
 */
export function isInsideProcessor(from: ActorRole, to: ActorRole): boolean {
  if (to.kind === "vcpu") return from.kind === "logUnit" || from.kind === "dispatcher";
  return to.kind === "logUnit" && from.kind === "tracker";
}

/** By addresses, for the interconnect. @param actors all of them, by address from 1 */
export function wireRule(actors: readonly SystemActor[]): WireRule {
  const count = actors.length;
  const wires = new Uint8Array(count * count);
  for (const from of actors) {
    for (const to of actors) {
      if (isInsideProcessor(from.role, to.role)) wires[(from.id - 1) * count + to.id - 1] = 1;
    }
  }
  return (from, to, type) => {
    // What may be told when the hypervisor's work is done, and not at once: then anything may come before it.
    if (from === 0 || wires[(from - 1) * count + to - 1] === 0) return null;
    const { after } = rowOf(type) ?? {};
    if (after === "work" || after === "delay") return null;
    return `${actors[from - 1]?.name} -> ${actors[to - 1]?.name}`;
  };
}
