/** The device of an MMU actor: VM entry, and bursts of the guest's accesses. */
import type { MmuReply, MmuRequest, ToldUnit } from "../../machines/mmu.ts";
import { runAccesses, Stop } from "../hardware/accessLoop.ts";
import { controlWords, type Mmu } from "../hardware/mmu.ts";
import type { TracedPaging } from "../hardware/tracedPaging.ts";
import { flushAsTraced } from "../hardware/tracedWalk.ts";
import { Field, readField } from "../hardware/vmcs.ts";
import { enterGuest } from "../hardware/vmEntry.ts";
import { pageOfWords } from "../hardware/words.ts";
import { deviceWrote } from "../hypervisor/deviceWrites.ts";
import type { Device } from "../interconnect/emissions.ts";
import { unitMessage } from "../units/messages.ts";
import { type AccessStream, cyclesToDue, doneAt, refill } from "./accessStream.ts";
import { cpuMemory, vcpuMemory, vmMemories } from "./memoryNames.ts";
import type { VcpuState, World } from "./world.ts";

/** What bounds a burst, in cycles. */
export interface BurstBounds {
  /** The longest that a guest accesses memory out of turn with the other CPUs. */
  readonly quantum: number;
  /** From now to the next message that could affect the guest. */
  readonly horizon: () => number;
  readonly now: () => number;
}

export class MmuDevice implements Device<MmuRequest, MmuReply> {
  readonly #world: World;
  readonly #pcpu: number;
  readonly #mmu: Mmu;
  readonly #bounds: BurstBounds;
  /** What units are told whose logs these are. */
  readonly #told: ReadonlyMap<Mmu["walkLog"] | Mmu["dirtyLog"], ToldUnit>;

  constructor(world: World, pcpu: number, bounds: BurstBounds) {
    this.#world = world;
    this.#pcpu = pcpu;
    this.#mmu = world.mmus[pcpu]!;
    this.#bounds = bounds;
    this.#told = new Map(
      world.config.units.flatMap(({ declaration: { whenFull } }, number) => {
        const log = this.#mmu.units[number]?.log;
        if (log === undefined || whenFull.kind === "drop") return [];
        return [[log, { number, message: unitMessage(whenFull.full).type }] as const];
      }),
    );
  }

  touches({ vcpu }: MmuRequest): string[] {
    const { vm, stream } = this.#world.vcpus[vcpu]!;
    const own = [cpuMemory(this.#pcpu), vcpuMemory(vcpu), ...vmMemories(vm, "paging", "truth")];
    // What devices of a traced machine write is marked.
    return stream.workload.traced === undefined ? own : [...own, ...vmMemories(vm, "tracked")];
  }

  perform({ op, vcpu }: MmuRequest): MmuReply {
    const state = this.#world.vcpus[vcpu]!;
    if (op === "enter") {
      const { guest } = this.#world.vms[state.vm]!;
      const failure = enterGuest(this.#mmu, state.vmcs, guest, state.counters.values);
      if (failure !== null) return { type: "entryRefused", failure };
      this.#world.loaded.vcpus[this.#pcpu] = vcpu + 1;
      this.#world.loadedControls.of(this.#pcpu).set(controlWords(state.vmcs));
    }
    return this.#run(state);
  }

  #unitOf(log: Mmu["walkLog"] | Mmu["dirtyLog"]): ToldUnit {
    const unit = this.#told.get(log);
    if (unit === undefined) throw new Error("a full log that tells nobody has stopped a guest");
    return unit;
  }

  #run(state: VcpuState): MmuReply {
    const mmu = this.#mmu;
    const { stream } = state;
    const { workload } = stream;
    const { quantum, horizon, now } = this.#bounds;
    if (stream.waits) stream.state[2] = cyclesToDue(stream, now());
    // Other work, which touches no memory, may take longer than the quantum. Time goes on in any case.
    const budget = Math.max(1, Math.min(Math.max(quantum, stream.state[2]!), horizon()));
    let elapsed = 0;
    while (elapsed < budget) {
      const isReady = refill(stream);
      if (workload.traced !== undefined) this.#happenedBefore(state, workload.traced);
      if (!isReady) return { type: "workloadEnded", elapsed };
      if (stream.waits) elapsed += this.#runOne(stream, now() + elapsed, budget - elapsed);
      else {
        const [from, to] = [stream.state[0]!, stream.state[1]!];
        const left = stream.state[2]!;
        const { gap } = workload;
        stream.state[0] = runAccesses(mmu, stream.block, from, to, budget - elapsed, gap, left);
        stream.state[2] = mmu.gapLeft;
        elapsed += mmu.elapsed;
      }
      switch (mmu.stop) {
        case Stop.blockEnd:
        case Stop.horizon:
          break;
        case Stop.logFilled:
          return { type: "filledLog", elapsed, unit: this.#unitOf(mmu.walkLog ?? mmu.dirtyLog) };
        case Stop.logFull:
          return { type: "logUnavailable", elapsed, unit: this.#unitOf(mmu.dirtyLog) };
        case Stop.pageFault:
        case Stop.generalProtection:
          throw new Error(
            `the guest of vCPU ${state.vmcs.name} took an exception it cannot handle`,
          );
        default:
          return exited(state, elapsed);
      }
    }
    return { type: "ranToHorizon", elapsed };
  }

  /** A guest that waits: one access, at its time. Returns the cycles that the wait and the access took. */
  #runOne(stream: AccessStream, now: number, budget: number): number {
    const mmu = this.#mmu;
    const { state, block } = stream;
    const from = state[0];
    state[0] = runAccesses(mmu, block, from, from + 1, budget, 0, cyclesToDue(stream, now));
    if (state[0] > from) doneAt(stream);
    state[2] = cyclesToDue(stream, now + mmu.elapsed);
    return mmu.elapsed;
  }

  /** What the guest's processor flushed, and its devices wrote, before the accesses that come now. */
  #happenedBefore({ vm }: VcpuState, traced: TracedPaging): void {
    flushAsTraced(this.#mmu, traced);
    const { tracked, guest, armed } = this.#world.vms[vm]!;
    traced.takeDeviceWrites((page) => deviceWrote(page, tracked, guest, armed.technique));
  }
}

function exited({ vmcs }: VcpuState, elapsed: number): MmuReply {
  const { words } = vmcs;
  const address = 2 * Field.guestPhysicalAddress;
  return {
    type: "accessExited",
    elapsed,
    reason: readField(vmcs, Field.exitReason),
    qualification: readField(vmcs, Field.exitQualification) >>> 0,
    page: pageOfWords(words[address]!, words[address + 1]!),
  };
}
