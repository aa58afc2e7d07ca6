/** The pages that PML and PRL logs occupy: one log, or two, for each vCPU, from a pool that can run out. */
import { type Geometry, logFrames } from "../hardware/geometry.ts";
import type { HostMemory } from "../hardware/memory.ts";
import type { Part, WordArray } from "../hardware/part.ts";

export class LogPages implements Part {
  readonly name = "logs";
  readonly memory: HostMemory;
  readonly geometry: Geometry;
  /** Per vCPU: first frame of its logs, 0 until allotted; negated while they are back in the pool. */
  readonly frame: Int32Array;
  /** Per vCPU: PRL logs that the pVM's handler has copied but not yet reset, a bit each. */
  readonly handled: Int32Array;
  /** [0]: logs that can still be allotted; negative = without limit. */
  readonly state: Int32Array;

  constructor(memory: HostMemory, geometry: Geometry, vcpus: number, limit = -1) {
    this.memory = memory;
    this.geometry = geometry;
    this.frame = new Int32Array(vcpus);
    this.handled = new Int32Array(vcpus);
    this.state = Int32Array.of(limit);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { frame: this.frame, handled: this.handled, state: this.state };
  }
}

/** Gives a vCPU its log pages; false if the pool is empty. A second call changes nothing. */
export function allotLog(logs: LogPages, vcpu: number): boolean {
  const frame = logs.frame[vcpu]!;
  if (frame > 0) return true;
  if (logs.state[0] === 0) return false;
  logs.frame[vcpu] = frame < 0 ? -frame : logs.memory.allocate(2 * logFrames(logs.geometry));
  logs.state[0] = logs.state[0]! - 1;
  return true;
}

/**
 * Gives a vCPU's log pages back, for another vCPU to have: PML was turned off, or could not be turned on
 * for all (Xen vmx_vcpu_disable_pml, vmx_domain_enable_pml). A pool without limit does not notice.
 */
export function freeLog(logs: LogPages, vcpu: number): void {
  if (logs.state[0]! < 0 || logs.frame[vcpu]! <= 0) return;
  logs.frame[vcpu] = -logs.frame[vcpu]!;
  logs.state[0] = logs.state[0]! + 1;
}

/** Words from one of a vCPU's two logs to the other. */
export function logWords(logs: LogPages): number {
  return logFrames(logs.geometry) * logs.memory.frameWords;
}
