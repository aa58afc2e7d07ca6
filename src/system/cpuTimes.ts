/**
 * What each physical CPU spends its time on, from the messages that change its mode. A part of the
 * system like any other: saved, restored, digested.
 */
import type { Part, WordArray } from "../hardware/part.ts";
import type { Delivery } from "../interconnect/messages.ts";

/** Where a CPU is: without a vCPU, in the guest, on the way out or in, in the hypervisor. */
export const CpuMode = { idle: 0, guest: 1, transition: 2, handler: 3 } as const;
export const CPU_MODES = Object.keys(CpuMode).length;

export class CpuTimes implements Part {
  readonly name = "cpuTimes";
  /** By CPU: the mode now. */
  readonly #mode: Int32Array;
  /** By CPU: since when, in cycles. */
  readonly #since: Float64Array;
  /** By CPU and mode: cycles until then. */
  readonly #cycles: Float64Array;
  /** By vCPU: its CPU. */
  readonly #cpuOfVcpu: Int32Array;

  constructor(pcpus: number, vcpus: number) {
    this.#mode = new Int32Array(pcpus);
    this.#since = new Float64Array(pcpus);
    this.#cycles = new Float64Array(pcpus * CPU_MODES);
    this.#cpuOfVcpu = new Int32Array(vcpus);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const [mode, since, cycles] = [this.#mode, this.#since, this.#cycles];
    return { mode, since, cycles, cpuOfVcpu: this.#cpuOfVcpu };
  }

  /** Cycles of a CPU in each mode, up to `now`. */
  of(pcpu: number, now: number): readonly number[] {
    const first = pcpu * CPU_MODES;
    const cycles = Array.from(this.#cycles.subarray(first, first + CPU_MODES));
    cycles[this.#mode[pcpu]!]! += Math.max(0, now - this.#since[pcpu]!);
    return cycles;
  }

  /** A message to the MMU of a CPU. */
  toMmu(pcpu: number, { message, time }: Delivery): void {
    if (message.type === "enterGuest") this.#enter(pcpu, CpuMode.guest, time);
  }

  /** A message to the exit dispatcher of a CPU. */
  toDispatcher(pcpu: number, { message, time }: Delivery): void {
    if (message.type === "vmExit" || message.type === "entryFailed") {
      this.#enter(pcpu, CpuMode.handler, time);
    }
  }

  /** A message to a vCPU. */
  toVcpu(vcpu: number, { message, time }: Delivery): void {
    switch (message.type) {
      case "schedule":
        this.#cpuOfVcpu[vcpu] = message.pcpu;
        this.#enter(message.pcpu, CpuMode.transition, time);
        break;
      case "guestStopped":
      case "resume":
        this.#enter(this.#cpuOfVcpu[vcpu]!, CpuMode.transition, time);
        break;
      case "deschedule":
        this.#enter(this.#cpuOfVcpu[vcpu]!, CpuMode.idle, time);
        break;
    }
  }

  #enter(pcpu: number, mode: number, time: number): void {
    const at = pcpu * CPU_MODES + this.#mode[pcpu]!;
    this.#cycles[at] = this.#cycles[at]! + time - this.#since[pcpu]!;
    this.#mode[pcpu] = mode;
    this.#since[pcpu] = time;
  }
}
