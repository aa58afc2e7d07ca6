/**
 * What each CPU spends its time on, from the messages that change its mode. Parts of the system like any
 * other: saved, restored, digested. What the machines count is held against it: verdict/timeLedger.ts.
 */
import type { Part, WordArray } from "../hardware/part.ts";
import type { Delivery } from "../interconnect/messages.ts";

/** Where a CPU is: without a vCPU, in the guest, on the way out or in, in the hypervisor. */
export const CpuMode = { idle: 0, guest: 1, transition: 2, handler: 3 } as const;
const CPU_MODES = Object.keys(CpuMode).length;

/** What a CPU of the pVM does: nothing, PRL's log-full handler, a process's work. */
export const PvmMode = { idle: 0, handler: 1, process: 2 } as const;
const PVM_MODES = Object.keys(PvmMode).length;

/** Cycles of some CPUs by mode. Every CPU is in one mode at any time, at first in mode 0. */
class ModeTimes {
  /** By CPU: the mode now. */
  readonly mode: Int32Array;
  /** By CPU: since when, in cycles. */
  readonly since: Float64Array;
  /** By CPU and mode: cycles until then. */
  readonly cycles: Float64Array;
  readonly #modes: number;

  constructor(cpus: number, modes: number) {
    this.mode = new Int32Array(cpus);
    this.since = new Float64Array(cpus);
    this.cycles = new Float64Array(cpus * modes);
    this.#modes = modes;
  }

  of(cpu: number, now: number): readonly number[] {
    const first = cpu * this.#modes;
    const cycles = Array.from(this.cycles.subarray(first, first + this.#modes));
    cycles[this.mode[cpu]!]! += Math.max(0, now - this.since[cpu]!);
    return cycles;
  }

  enter(cpu: number, mode: number, time: number): void {
    const at = cpu * this.#modes + this.mode[cpu]!;
    this.cycles[at] = this.cycles[at]! + time - this.since[cpu]!;
    this.mode[cpu] = mode;
    this.since[cpu] = time;
  }
}

/** Of the physical CPUs that run guests. */
export class CpuTimes implements Part {
  readonly name = "cpuTimes";
  /** Noted by ports, which no step goes through. */
  readonly settings = ["mode", "since", "cycles", "cpuOfVcpu"];
  readonly #times: ModeTimes;
  /** By vCPU: its CPU. */
  readonly #cpuOfVcpu: Int32Array;

  constructor(pcpus: number, vcpus: number) {
    this.#times = new ModeTimes(pcpus, CPU_MODES);
    this.#cpuOfVcpu = new Int32Array(vcpus);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { mode, since, cycles } = this.#times;
    return { mode, since, cycles, cpuOfVcpu: this.#cpuOfVcpu };
  }

  /** Cycles of a CPU in each mode, up to `now`. */
  of(pcpu: number, now: number): readonly number[] {
    return this.#times.of(pcpu, now);
  }

  /** A message to the MMU of a CPU. */
  toMmu(pcpu: number, { message, time }: Delivery): void {
    if (message.type === "enterGuest") this.#times.enter(pcpu, CpuMode.guest, time);
  }

  /** A message to the exit dispatcher of a CPU. @param pvTrackers by vCPU; 0: nothing is written when it is loaded */
  toDispatcher(pcpu: number, { message, time }: Delivery, pvTrackers: readonly number[]): void {
    const { type } = message;
    const isWork =
      type === "vmExit" ||
      type === "entryFailed" ||
      (type === "schedule" && pvTrackers[message.vcpu] !== 0);
    if (isWork) this.#times.enter(pcpu, CpuMode.handler, time);
  }

  /** A message to a vCPU. */
  toVcpu(vcpu: number, { message, time }: Delivery): void {
    switch (message.type) {
      case "schedule":
        this.#cpuOfVcpu[vcpu] = message.pcpu;
        this.#times.enter(message.pcpu, CpuMode.transition, time);
        break;
      case "guestStopped":
      case "resume":
        this.#times.enter(this.#cpuOfVcpu[vcpu]!, CpuMode.transition, time);
        break;
      case "deschedule":
        this.#times.enter(this.#cpuOfVcpu[vcpu]!, CpuMode.idle, time);
        break;
    }
  }
}

/**
 * Time that CPUs spend in the hypervisor without doing anything: a vCPU whose dirty ring was full waits
 * until every CPU has executed INVEPT for the ring's reset.
 */
export class CpuWaits implements Part {
  readonly name = "cpuWaits";
  /** As above. */
  readonly settings = ["since", "cycles", "handlerCycles"];
  /** By CPU: since when it waits, or from when it will, as user space is still at work; -1 if it does not. */
  readonly #since: Float64Array;
  /** By CPU: cycles of waits that have ended. */
  readonly #cycles: Float64Array;
  /** By VM: what its tracker's handlers had taken at its last message. */
  readonly #handlerCycles: Float64Array;

  constructor(pcpus: number, vms: number) {
    this.#since = new Float64Array(pcpus).fill(-1);
    this.#cycles = new Float64Array(pcpus);
    this.#handlerCycles = new Float64Array(vms);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return {
      since: this.#since,
      cycles: this.#cycles,
      handlerCycles: this.#handlerCycles,
    };
  }

  /** Cycles that a CPU has waited up to `now`. */
  of(pcpu: number, now: number): number {
    const since = this.#since[pcpu]!;
    return this.#cycles[pcpu]! + (since < 0 ? 0 : Math.max(0, now - since));
  }

  /** Cycles of work that are still to come before CPUs begin to wait. */
  toCome(now: number): number {
    return this.#since.reduce((sum, since) => sum + Math.max(0, since - now), 0);
  }

  /**
   * A tracker has handled a message.
   * @param handlerCycles of its exit handlers so far
   * @param heldBack the CPU whose vCPU is from now on held back, once the work just charged is done; -1: none
   */
  afterTracker(vm: number, handlerCycles: number, heldBack: number, { time }: Delivery): void {
    if (heldBack >= 0) this.#since[heldBack] = time + handlerCycles - this.#handlerCycles[vm]!;
    this.#handlerCycles[vm] = handlerCycles;
  }

  /** A message to the exit dispatcher of a CPU. */
  toDispatcher(pcpu: number, { message, time }: Delivery): void {
    if (message.type !== "handled" || this.#since[pcpu]! < 0) return;
    this.#cycles[pcpu] = this.#cycles[pcpu]! + Math.max(0, time - this.#since[pcpu]!);
    this.#since[pcpu] = -1;
  }
}

/** Of the pVM's CPUs. */
export class PvmTimes implements Part {
  readonly name = "pvmTimes";
  /** As above. */
  readonly settings = ["mode", "since", "cycles"];
  readonly cpus: number;
  readonly #times: ModeTimes;

  constructor(cpus: number) {
    this.cpus = cpus;
    this.#times = new ModeTimes(cpus, PVM_MODES);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { mode, since, cycles } = this.#times;
    return { mode, since, cycles };
  }

  /** Cycles of a CPU in each mode, up to `now`. */
  of(cpu: number, now: number): readonly number[] {
    return this.#times.of(cpu, now);
  }

  /** A CPU has handled a message: it runs the handler, or has a process's work under way. */
  after(cpu: number, handling: boolean, working: boolean, { time }: Delivery): void {
    const mode = handling ? PvmMode.handler : working ? PvmMode.process : PvmMode.idle;
    this.#times.enter(cpu, mode, time);
  }
}
