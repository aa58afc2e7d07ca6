/** The devices around PRL's interrupt: the pVM CPU's view of every VM's logs, and the remote reload. */
import type { PrlUnitReply, PrlUnitRequest } from "../../machines/prlUnit.ts";
import type { DrainedLog, PvmCpuReply, PvmCpuRequest } from "../../machines/pvmCpu.ts";
import { logFrames } from "../hardware/geometry.ts";
import { prlReload, prlResetImage } from "../hardware/pageReferenceLog.ts";
import { Field } from "../hardware/vmcs.ts";
import { copyPrlLog, type PrlLogView } from "../hypervisor/drain.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { World } from "./world.ts";

/** The log of one vCPU, for the functions that copy it. */
export function prlView(world: World, vcpu: number): PrlLogView {
  const { geometry, mmu } = world.config;
  return {
    memory: world.memory,
    vmcs: world.vcpus[vcpu]!.vmcs,
    logEntries: geometry.logEntries,
    logWords: logFrames(geometry) * world.memory.frameWords,
    slotRule: mmu.prl?.slotRule ?? "decrement-then-store",
  };
}

export class PvmDevice implements Device<PvmCpuRequest, PvmCpuReply> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  perform(request: PvmCpuRequest): PvmCpuReply {
    return request.op === "drain" ? this.#drain() : this.#reset(request.drained);
  }

  /** Step (b): every full log of every VM, as the VMCS regions in memory show them. */
  #drain(): PvmCpuReply {
    const { vcpus, vms, devices } = this.#world;
    const drained: DrainedLog[] = [];
    let entries = 0;
    vcpus.forEach(({ vmcs, vm }, vcpu) => {
      const full = vmcs.image[2 * Field.prlFullLogs]! & ~devices.handledLogs[vcpu]!;
      if (full === 0) return;
      const view = prlView(this.#world, vcpu);
      for (let log = 0; log < 2; log++) {
        if ((full & (1 << log)) !== 0) entries += copyPrlLog(view, log, -1, vms[vm]!.buffer);
      }
      devices.handledLogs[vcpu] = devices.handledLogs[vcpu]! | full;
      drained.push({ vcpu, logs: full });
    });
    return { type: "logsDrained", drained, entries };
  }

  /** Step (c): logs that a harvest emptied meanwhile are no longer the handler's to reset. */
  #reset(drained: readonly DrainedLog[]): PvmCpuReply {
    const { vcpus, devices, config } = this.#world;
    for (const { vcpu, logs } of drained) {
      const ours = logs & devices.handledLogs[vcpu]!;
      devices.handledLogs[vcpu] = devices.handledLogs[vcpu]! & ~logs;
      if (ours !== 0) prlResetImage(vcpus[vcpu]!.vmcs, ours, config.geometry.logEntries);
    }
    return { type: "indexesReset" };
  }
}

/** Step (d), on the processor where the VMCS is cached. */
export class PrlUnitDevice implements Device<PrlUnitRequest, PrlUnitReply> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  perform({ vcpu }: PrlUnitRequest): PrlUnitReply {
    prlReload(this.#world.vcpus[vcpu]!.vmcs);
    return { type: "reloaded" };
  }
}
