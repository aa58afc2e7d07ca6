/** The devices around a full log's interrupt: the pVM CPU's view of every VM's logs, and the remote reload. */

import type { DrainedLog, PvmCpuReply, PvmCpuRequest } from "../../machines/pvmCpu.ts";
import type { UnitReply, UnitRequest } from "../../machines/units/statechart.ts";
import { Field, readField, type Vmcs } from "../hardware/vmcs.ts";
import { costNamed } from "../hypervisor/costs.ts";
import { addOccurrence, type CumulativeBuffer } from "../hypervisor/cumulativeBuffer.ts";
import { markDirty } from "../hypervisor/dirtyBitmap.ts";
import { visitTheseLogs } from "../hypervisor/drain.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import type { InterruptsCpu, Unit } from "../units/unit.ts";
import { OPERATION_MEMORY, vcpuMemory, vmMemories } from "./memoryNames.ts";
import type { World } from "./world.ts";

/** A unit that interrupts a CPU of the pVM. */
interface Interrupting {
  readonly unit: Unit;
  readonly whenFull: InterruptsCpu;
}

/** The handler counts. */
const NOT_LATER = { copyCost: null, countCost: null };

export class PvmDevice implements Device<PvmCpuRequest, PvmCpuReply> {
  readonly #world: World;
  readonly #interrupting: readonly Interrupting[];

  constructor(world: World) {
    this.#world = world;
    this.#interrupting = world.config.units.flatMap((unit) => {
      const { whenFull } = unit.declaration;
      return whenFull.kind === "interrupt" && unit.absent !== true ? [{ unit, whenFull }] : [];
    });
  }

  /**
   * Whose logs a vCPU's are: all units use the same fields. Where none is on any more, an interrupt may still be on its way, and
   * the logs are those of the unit that the scenario asks for; where it asks for none of these, there is but one.
   */
  #unitOf({ image }: Vmcs): Interrupting | undefined {
    const { technique } = this.#world.config.tracking;
    const controls = image[2 * Field.secondaryControls] ?? 0;
    return (
      this.#interrupting.find(({ unit: { enabling } }) => (controls & enabling) === enabling) ??
      this.#interrupting.find(({ unit: { declaration } }) => declaration.name === technique) ??
      this.#interrupting[0]
    );
  }

  /** A pending interrupt has the reset followed by a drain in the same step. */
  touches(): string[] {
    const { vcpus, vms } = this.#world;
    const logs = vcpus.map((_, vcpu) => vcpuMemory(vcpu));
    const isFollowed = vms.some(({ tracked }) => tracked.buffer.follower !== null);
    const own = isFollowed ? [OPERATION_MEMORY] : [];
    return [...logs, ...vms.flatMap((_, vm) => vmMemories(vm, "tracked")), ...own];
  }

  perform(request: PvmCpuRequest): PvmCpuReply {
    return request.op === "drain" ? this.#drain() : this.#reset(request.drained);
  }

  /**
   * Step (b): every full log of every VM, as the VMCS regions in memory show them. Where a process counts, the counts are made
   * here all the same: a look of this CPU's waits until the process is through, and a harvest counts what was copied.
   */
  #drain(): PvmCpuReply {
    const { vcpus, vms, logs, config } = this.#world;
    const { costs } = config.tracking;
    const drained: DrainedLog[] = [];
    let cycles = 0;
    let uncounted = 0;
    vcpus.forEach(({ vmcs, vm }, vcpu) => {
      const handled = logs.handled[vcpu] ?? 0;
      const own = this.#unitOf(vmcs);
      if (own === undefined) return;
      const { unit, whenFull } = own;
      const full = whenFull.fullLogs(vmcs) & ~handled;
      if (full === 0) return;
      const { buffer, dirty } = itemAt(vms, vm).tracked;
      const at = { logs, unit, vcpu, vmcs };
      const newestFirst: number[] = [];
      const entries = visitTheseLogs(at, full, (page) => {
        if (unit.declaration.finds === "writes") markDirty(dirty, page);
        else addOccurrence(buffer, page);
        if (buffer.follower !== null) newestFirst.push(page);
      });
      const followed = follow(buffer, newestFirst);
      const { copyCost, countCost } = unit.countsLater ?? NOT_LATER;
      cycles += entries * costNamed(costs, copyCost ?? whenFull.entryCost);
      // Who counts follows, too.
      if (countCost === null) cycles += followed * costs.scanEntry;
      else uncounted += entries * costNamed(costs, countCost) + followed * costs.scanEntry;
      logs.handled[vcpu] = handled | full;
      drained.push({ vcpu, logs: full });
    });
    return { type: "logsDrained", drained, cycles, uncounted };
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
      const { vmcs } = itemAt(vcpus, vcpu);
      this.#unitOf(vmcs)?.whenFull.emptyInMemory(vmcs, ours, config.geometry);
    }
    return { type: "indexesReset" };
  }
}

/** PRL's logs are filled downwards (VEE21 3.2): their lowest slots are the newest. @returns words that the follower looked at */
function follow({ follower }: CumulativeBuffer, newestFirst: readonly number[]): number {
  if (follower === null) return 0;
  const before = follower.steps;
  for (let i = newestFirst.length - 1; i >= 0; i--) follower.note(itemAt(newestFirst, i));
  return follower.steps - before;
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
