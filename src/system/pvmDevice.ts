/** The devices around a full log's interrupt: the pVM CPU's view of every VM's logs, and the remote reload. */

import type { DrainedLog, PvmCpuReply, PvmCpuRequest } from "../../machines/pvmCpu.ts";
import type { UnitReply, UnitRequest } from "../../machines/units/statechart.ts";
import { Field, readField, type Vmcs } from "../hardware/vmcs.ts";
import { costNamed } from "../hypervisor/costs.ts";
import { addOccurrence } from "../hypervisor/cumulativeBuffer.ts";
import { markDirty } from "../hypervisor/dirtyBitmap.ts";
import { visitTheseLogs } from "../hypervisor/drain.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { InterruptsCpu, Unit } from "../units/unit.ts";
import { vcpuMemory, vmMemories } from "./memoryNames.ts";
import type { World } from "./world.ts";

/** A unit that interrupts a CPU of the pVM. */
interface Interrupting {
  readonly unit: Unit;
  readonly whenFull: InterruptsCpu;
}

export class PvmDevice implements Device<PvmCpuRequest, PvmCpuReply> {
  readonly #world: World;
  readonly #interrupting: readonly Interrupting[];

  constructor(world: World) {
    this.#world = world;
    this.#interrupting = world.config.units.flatMap((unit) => {
      const { whenFull } = unit.declaration;
      return whenFull.kind === "interrupt" ? [{ unit, whenFull }] : [];
    });
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
    const { vcpus, vms, logs, config } = this.#world;
    const { costs } = config.tracking;
    const drained: DrainedLog[] = [];
    let cycles = 0;
    vcpus.forEach(({ vmcs, vm }, vcpu) => {
      const handled = logs.handled[vcpu] ?? 0;
      for (const { unit, whenFull } of this.#interrupting) {
        const full = isOn(unit, vmcs) ? whenFull.fullLogs(vmcs) & ~handled : 0;
        if (full === 0) continue;
        const { buffer, dirty } = vms[vm]!.tracked;
        const at = { logs, unit, vcpu, vmcs };
        const entries = visitTheseLogs(at, full, (page) => {
          if (unit.declaration.finds === "writes") markDirty(dirty, page);
          else addOccurrence(buffer, page);
        });
        cycles += entries * costNamed(costs, whenFull.entryCost);
        logs.handled[vcpu] = handled | full;
        drained.push({ vcpu, logs: full });
      }
    });
    return { type: "logsDrained", drained, cycles };
  }

  /**
   * Step (c): logs that a harvest emptied meanwhile are no longer the handler's to reset. They stay
   * marked as copied until the processor has reloaded: a harvest before that must not copy them again.
   */
  #reset(drained: readonly DrainedLog[]): PvmCpuReply {
    const { vcpus, logs: pages, config } = this.#world;
    for (const { vcpu, logs } of drained) {
      const ours = logs & (pages.handled[vcpu] ?? 0);
      if (ours === 0) continue;
      const { vmcs } = vcpus[vcpu]!;
      for (const { unit, whenFull } of this.#interrupting) {
        if (isOn(unit, vmcs)) whenFull.emptyInMemory(vmcs, ours, config.geometry);
      }
    }
    return { type: "indexesReset" };
  }
}

/** Whether it is the unit that logs: all of them use the same fields. */
function isOn({ enabling }: Unit, { image }: Vmcs): boolean {
  return ((image[2 * Field.secondaryControls] ?? 0) & enabling) === enabling;
}

/** Step (d), on the processor where the VMCS is cached. */
export class UnitDevice implements Device<UnitRequest, UnitReply> {
  readonly #world: World;
  readonly #whenFull: InterruptsCpu;

  constructor(world: World, whenFull: InterruptsCpu) {
    this.#world = world;
    this.#whenFull = whenFull;
  }

  touches({ vcpu }: UnitRequest): string[] {
    return [vcpuMemory(vcpu)];
  }

  perform({ vcpu }: UnitRequest): UnitReply {
    const { logs, vcpus } = this.#world;
    const { vmcs } = vcpus[vcpu]!;
    this.#whenFull.reload(vmcs);
    logs.handled[vcpu] = (logs.handled[vcpu] ?? 0) & readField(vmcs, Field.fullLogs);
    return { type: "reloaded" };
  }
}
