/**
 * Wires inside a processor: what is sent by one of them is there at once. The interconnect refuses a message with a
 * delay there, in every run; so the model checker may deliver it before anything else happens (docs/check.md says
 * why nothing can come between that matters).
 */
import type { WireRule } from "../interconnect/interconnect.ts";

/** Who gives commands: the name of address 0. */
export const OPERATOR = "system";

/** What may be told when the hypervisor's work is done, and not at once: then anything may come before it. */
const AFTER_WORK = ["pmlIndexReset", "resume", "deschedule"];

const VCPU = /^vcpu\d+$/;
const UNIT = /^vcpu\d+\/(pml|prl)$/;

/**
 * Whether what one actor sends another goes by a wire inside a processor, or stands for an instruction on it: what
 * a logging unit is told (VMWRITE) takes effect before the next instruction, and that a guest is on a CPU, or
 * has been stopped by a unit, is known to its vCPU at once. What an MMU sends comes at the time of its guest,
 * to which it has run ahead; exits and entries take their time, and so do interrupts and remote reloads.
 * @param from names of actors
 */
export function isInsideProcessor(from: string, to: string): boolean {
  if (VCPU.test(to)) return UNIT.test(from) || from.endsWith("/dispatcher");
  return UNIT.test(to) && from.endsWith("/tracker");
}

/** Whether a message may take its time also where a wire inside a processor is. */
export function isAfterWork(type: string): boolean {
  return AFTER_WORK.includes(type);
}

/** Both by addresses, for the interconnect. @param names of all actors, by address; the first is the operator's */
export function wireRule(names: readonly string[]): WireRule {
  const count = names.length;
  const wires = Uint8Array.from({ length: count * count }, (_, pair) =>
    isInsideProcessor(names[Math.floor(pair / count)]!, names[pair % count]!) ? 1 : 0,
  );
  return (from, to, type) => {
    if (wires[from * count + to] === 0 || isAfterWork(type)) return null;
    return `${names[from]} -> ${names[to]}`;
  };
}
