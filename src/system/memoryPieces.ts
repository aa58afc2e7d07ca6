/**
 * The pieces of a system's memory: which parts belong together, because one actor's steps change them together. With their
 * names a device says what a request works on (memoryNames.ts). What of each part is state, it says itself
 * (src/hardware/normalForm.ts; docs/check.md lists what is none).
 */
import { eptForm } from "../hardware/eptForm.ts";
import { logFrames } from "../hardware/geometry.ts";
import { guestForm } from "../hardware/guestForm.ts";
import { iommuForm } from "../hardware/iommu.ts";
import { MmuRegisters } from "../hardware/mmuRegisters.ts";
import {
  joined,
  type MemoryPart,
  type NormalForm,
  type Renumbering,
} from "../hardware/normalForm.ts";
import { spaceOf } from "../hardware/tlb.ts";
import { tlbForm } from "../hardware/tlbForm.ts";
import { Field, readField } from "../hardware/vmcs.ts";
import { vmcsForm } from "../hardware/vmcsForm.ts";
import { flightForm } from "../hardware/writesInFlight.ts";
import { bufferForm } from "../hypervisor/cumulativeBuffer.ts";
import { bitmapForm } from "../hypervisor/dirtyBitmap.ts";
import { ringsForm } from "../hypervisor/dirtyRing.ts";
import { allotLog, logForm } from "../hypervisor/logPages.ts";
import { slotsForm } from "../hypervisor/slots/vmSlots.ts";
import { workForm } from "../hypervisor/tableWork.ts";
import { vhostForm } from "../hypervisor/vhostLog.ts";
import { itemAt, wordAt } from "../lookup.ts";
import type { Unit } from "../units/unit.ts";
import { accessForm } from "./accessStream.ts";
import { engineForm } from "./dmaEngine.ts";
import { cpuMemory, deviceMemory, vcpuMemory, vmMemory } from "./memoryNames.ts";
import { actorName } from "./roles.ts";
import { loadedForm, type World } from "./world.ts";

/** A piece of memory that is saved and restored as one. No other piece has its words. */
export interface MemoryPiece extends NormalForm {
  readonly name: string;
  /** The name of the one that it becomes when CPUs and vCPUs have other numbers; absent: it stays. */
  image?(to: Renumbering): string;
}

/** What of a system is looked at. */
export interface PiecesAsked {
  /** Bits of the ground truth: ACCESSED, WRITTEN (src/hardware/guestForm.ts). */
  readonly truth: number;
  /** How often a page was logged is counted to here: beyond it, no threshold tells it apart. */
  readonly countsTo: number;
  /** What belongs to a VM's ground truth besides. */
  readonly besides: (vm: number) => readonly NormalForm[];
}

/** Of all VMs, then of all vCPUs, then of all physical CPUs, then of all devices. Call `allotAll` first. */
export function memoryPieces(world: World, asked: PiecesAsked): readonly MemoryPiece[] {
  return [
    ...world.vms.flatMap((_, vm) => [
      pagingPiece(world, vm),
      truthPiece(world, vm, asked),
      trackedPiece(world, vm, asked.countsTo),
      ringsPiece(world, vm),
    ]),
    ...world.vcpus.map((_, vcpu) => vcpuPiece(world, vcpu)),
    ...world.mmus.map((_, pcpu) => cpuPiece(world, pcpu)),
    ...world.vms.flatMap(({ devices }, vm) =>
      devices.map((engine, device) => ({
        name: deviceMemory(vm, device),
        ...engineForm(engine, vm, device),
      })),
    ),
  ];
}

/** What would be allotted at first use, in an order that depends on the run, is allotted now. */
export function allotAll({ vcpus, vms, mmus, logs }: World): void {
  vcpus.forEach((_, vcpu) => {
    allotLog(logs, vcpu);
  });
  for (const { tlb } of mmus) {
    for (const { vmcs, vm } of vcpus) {
      const mode = readField(vmcs, Field.guestMode);
      spaceOf(tlb, readField(vmcs, Field.vpid), itemAt(vms, vm).ept.root, mode);
    }
  }
}

/** Memory that is in no saved state, as it follows from what is. */
export function derivedParts({ mmus }: World): readonly MemoryPart[] {
  return mmus.map((mmu, pcpu) => new MmuRegisters(mmu, pcpu, actorName({ kind: "mmu", pcpu })));
}

/**
 * The paging structures of one VM: EPT entries, leaves and upper levels, those included that splitting a
 * large leaf adds behind everything else.
 * @throws if there are large leaves and several VMs: who splits first would decide where the other's tables are
 */
export function pagingPiece(world: World, vm: number): MemoryPiece {
  const { logs, config, vms } = world;
  const splits = config.vms.some(({ leafLevel }) => leafLevel > 1);
  if (splits && config.vms.length > 1) throw new Error("large leaves, and more than one VM");
  const firstLog = Math.min(...Array.from(logs.frame).filter((frame) => frame > 0));
  const end = Math.min(vms[vm + 1]?.ept.root ?? firstLog, firstLog);
  const addedFrom = splits ? Math.max(...logs.frame) + 2 * logFrames(config.geometry) : null;
  return { name: vmMemory(vm, "paging"), ...eptForm(itemAt(vms, vm).ept, vm, { end, addedFrom }) };
}

function truthPiece({ vms }: World, vm: number, { truth, besides }: PiecesAsked): MemoryPiece {
  const { guest } = itemAt(vms, vm);
  const own = guestForm(guest, vm, truth);
  const flying = guest.inFlight === null ? [] : [flightForm(guest.inFlight, vm, guest.pages)];
  return { name: vmMemory(vm, "truth"), ...joined([own, ...flying, ...besides(vm)]) };
}

/** A system has one technique, and so logs of one unit; where none logs, of the first, which leaves them empty. */
export function unitOfLogs(world: World): Unit {
  const unit = world.unitOf(world.config.tracking.technique) ?? world.config.units[0];
  if (unit === undefined) throw new Error("a processor without page-logging units");
  return unit;
}

/** A vCPU: its VMCS in the processor and in memory, its logs, and the access it is at. */
function vcpuPiece(world: World, vcpu: number): MemoryPiece {
  const { logs } = world;
  const { vm, vmcs, stream } = itemAt(world.vcpus, vcpu);
  const forms = [
    vmcsForm(vmcs, vcpu, (one) => wordAt(logs.frame, one)),
    logForm(logs, { vcpu, vm, vmcs, unit: unitOfLogs(world) }),
    accessForm(stream, vcpu, vm),
  ];
  return { name: vcpuMemory(vcpu), image: (to) => vcpuMemory(to.vcpu(vcpu)), ...joined(forms) };
}

/** What a VM's trackers know of it. @param most see PiecesAsked.countsTo */
function trackedPiece({ vms }: World, vm: number, most: number): MemoryPiece {
  const { tracked, armed } = itemAt(vms, vm);
  const { dirty, touched, handedOver, buffer, work, slots, dma } = tracked;
  const forms = [
    bitmapForm(dirty, "dirty", "the dirty bitmap", vm),
    bitmapForm(touched, "touched", "the bitmap of touched pages", vm),
    bitmapForm(handedOver, "handedOver", "the harvested bitmap", vm),
    bufferForm(buffer, dirty.pages, most, vm),
    armed.form,
    workForm(work, vm),
    ...(slots === null ? [] : [slotsForm(slots, vm)]),
    ...(dma === null || dma.iommu === null ? [] : [iommuForm(dma.iommu, vm)]),
    ...(dma === null || dma.vhost === null ? [] : [vhostForm(dma.vhost, vm)]),
  ];
  return { name: vmMemory(vm, "tracked"), ...joined(forms) };
}

/** The dirty rings of a VM. */
function ringsPiece({ vms }: World, vm: number): MemoryPiece {
  const { tracked, vcpus } = itemAt(vms, vm);
  const rings = tracked.vcpus.map(({ ring }) => ring);
  return { name: vmMemory(vm, "rings"), ...ringsForm(rings, vcpus, vm) };
}

/** A physical CPU: its TLB, and what it has loaded. */
function cpuPiece(world: World, pcpu: number): MemoryPiece {
  const tlb = tlbForm(itemAt(world.mmus, pcpu).tlb, pcpu, (vcpu) => itemAt(world.vcpus, vcpu).vm);
  const forms = [loadedForm(world, pcpu), tlb];
  return { name: cpuMemory(pcpu), image: (to) => cpuMemory(to.pcpu(pcpu)), ...joined(forms) };
}
