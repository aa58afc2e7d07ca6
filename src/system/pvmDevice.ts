/** The devices around PRL's interrupt: the pVM CPU's view of every VM's logs, and the remote reload. */
import type { PrlUnitReply, PrlUnitRequest } from "../../machines/prlUnit.ts";
import type { DrainedLog, PvmCpuReply, PvmCpuRequest } from "../../machines/pvmCpu.ts";
import { prlReload, prlResetImage } from "../hardware/pageReferenceLog.ts";
import { Field, readField } from "../hardware/vmcs.ts";
import { copyPrlLog, prlView } from "../hypervisor/drain.ts";
import type { Device } from "../interconnect/emissions.ts";
import { vcpuMemory, vmMemories } from "./memoryNames.ts";
import type { World } from "./world.ts";

export class PvmDevice implements Device<PvmCpuRequest, PvmCpuReply> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** A pending interrupt has the reset followed by a drain in the same step. */
  touches(): string[] {
    const { vcpus, vms } = this.#world;
    const logs = vcpus.map((_, vcpu) => vcpuMemory(vcpu));
    return [...logs, ...vms.flatMap((_, vm) => vmMemories(vm, "tracked"))];
  }

  perform(request: PvmCpuRequest): PvmCpuReply {
    return request.op === "drain" ? this.#drain() : this.#reset(request.drained);
  }

  /** Step (b): every full log of every VM, as the VMCS regions in memory show them. */
  #drain(): PvmCpuReply {
    const { vcpus, vms, logs } = this.#world;
    const drained: DrainedLog[] = [];
    let entries = 0;
    vcpus.forEach(({ vmcs, vm }, vcpu) => {
      const full = vmcs.image[2 * Field.prlFullLogs]! & ~logs.handled[vcpu]!;
      if (full === 0) return;
      const { buffer, prlSlotRule } = vms[vm]!.tracked;
      const view = prlView(logs, vmcs, prlSlotRule);
      for (let log = 0; log < 2; log++) {
        if ((full & (1 << log)) !== 0) entries += copyPrlLog(view, log, -1, buffer);
      }
      logs.handled[vcpu] = logs.handled[vcpu]! | full;
      drained.push({ vcpu, logs: full });
    });
    return { type: "logsDrained", drained, entries };
  }

  /**
   * Step (c): logs that a harvest emptied meanwhile are no longer the handler's to reset. They stay
   * marked as copied until the processor has reloaded: a harvest before that must not copy them again.
   */
  #reset(drained: readonly DrainedLog[]): PvmCpuReply {
    const { vcpus, logs: pages, config } = this.#world;
    for (const { vcpu, logs } of drained) {
      const ours = logs & pages.handled[vcpu]!;
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

  touches({ vcpu }: PrlUnitRequest): string[] {
    return [vcpuMemory(vcpu)];
  }

  perform({ vcpu }: PrlUnitRequest): PrlUnitReply {
    const { logs, vcpus } = this.#world;
    const { vmcs } = vcpus[vcpu]!;
    prlReload(vmcs);
    logs.handled[vcpu] = logs.handled[vcpu]! & readField(vmcs, Field.prlFullLogs);
    return { type: "reloaded" };
  }
}
