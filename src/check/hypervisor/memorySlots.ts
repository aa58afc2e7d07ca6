/**
 * The data plane as slots: which parts belong together, because one actor's steps change them together. What of each
 * is state, it says itself (src/hardware/normalForm.ts; docs/check.md lists what is none).
 */
import { eptForm } from "../../hardware/eptForm.ts";
import { logFrames } from "../../hardware/geometry.ts";
import { joined, type NormalForm } from "../../hardware/normalForm.ts";
import { tlbForm } from "../../hardware/tlbForm.ts";
import { vmcsForm } from "../../hardware/vmcsForm.ts";
import { bufferForm } from "../../hypervisor/cumulativeBuffer.ts";
import { bitmapForm } from "../../hypervisor/dirtyBitmap.ts";
import { ringsForm } from "../../hypervisor/dirtyRing.ts";
import { logForm } from "../../hypervisor/logPages.ts";
import { workForm } from "../../hypervisor/tableWork.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { accessForm } from "../../system/accessStream.ts";
import { cpuMemory, vcpuMemory, vmMemory } from "../../system/memoryNames.ts";
import { loadedForm, type VmState, type World } from "../../system/world.ts";
import type { Unit } from "../../units/unit.ts";
import { ArmedTechnique } from "./derivedParts.ts";
import type { Permutation } from "./permutation.ts";

/** A piece of memory that is saved and restored as one slot. No other slot has its words. */
export interface MemorySlot extends NormalForm {
  readonly name: string;
  /** The name of the one that it becomes when CPUs and vCPUs have other numbers; absent: it stays. */
  image?(to: Permutation): string;
}

/**
 * The paging structures of one VM: EPT entries, leaves and upper levels, those included that splitting a
 * large leaf adds behind everything else.
 * @throws if there are large leaves and several VMs: who splits first would decide where the other's tables are
 */
export function pagingSlot(world: World, vm: number): MemorySlot {
  const { logs, config, vms } = world;
  const splits = config.vms.some(({ leafLevel }) => leafLevel > 1);
  if (splits && config.vms.length > 1) throw new Error("large leaves, and more than one VM");
  const firstLog = Math.min(...Array.from(logs.frame).filter((frame) => frame > 0));
  const end = Math.min(vms[vm + 1]?.ept.root ?? firstLog, firstLog);
  const addedFrom = splits ? Math.max(...logs.frame) + 2 * logFrames(config.geometry) : null;
  return { name: vmMemory(vm, "paging"), ...eptForm(itemAt(vms, vm).ept, vm, { end, addedFrom }) };
}

/** A model has one technique, and so logs of one unit; where none logs, of the first, which leaves them empty. */
export function unitOfLogs(world: World): Unit {
  const unit = world.unitOf(world.config.tracking.technique) ?? world.config.units[0];
  if (unit === undefined) throw new Error("a processor without page-logging units");
  return unit;
}

/** A vCPU: its VMCS in the processor and in memory, its logs, and the access it is at. */
export function vcpuSlot(world: World, vcpu: number): MemorySlot {
  const { logs } = world;
  const { vm, vmcs, stream } = itemAt(world.vcpus, vcpu);
  const forms = [
    vmcsForm(vmcs, vcpu, (one) => wordAt(logs.frame, one)),
    logForm(logs, { vcpu, vm, vmcs, unit: unitOfLogs(world) }),
    accessForm(stream, vcpu, vm),
  ];
  return { name: vcpuMemory(vcpu), image: (to) => vcpuMemory(to.vcpu(vcpu)), ...joined(forms) };
}

/**
 * What a VM's trackers know of it; what is armed, as the tracker's machine knows too, for a pager asks for it.
 * @param most how often a page was logged is counted to here: beyond it, no threshold tells it apart
 */
export function trackedSlot(own: VmState, vm: number, most: number): MemorySlot {
  const { dirty, touched, handedOver, buffer, work } = own.tracked;
  const forms = [
    bitmapForm(dirty, "dirty", "the dirty bitmap", vm),
    bitmapForm(touched, "touched", "the bitmap of touched pages", vm),
    bitmapForm(handedOver, "handedOver", "the harvested bitmap", vm),
    bufferForm(buffer, dirty.pages, most, vm),
    new ArmedTechnique(own, vm).form,
    workForm(work, vm),
  ];
  return { name: vmMemory(vm, "tracked"), ...joined(forms) };
}

/** The dirty rings of a VM. */
export function ringsSlot({ tracked, vcpus }: VmState, vm: number): MemorySlot {
  const rings = tracked.vcpus.map(({ ring }) => ring);
  return { name: vmMemory(vm, "rings"), ...ringsForm(rings, vcpus, vm) };
}

/** A physical CPU: its TLB, and what it has loaded. */
export function cpuSlot(world: World, pcpu: number): MemorySlot {
  const tlb = tlbForm(itemAt(world.mmus, pcpu).tlb, pcpu, (vcpu) => itemAt(world.vcpus, vcpu).vm);
  const forms = [loadedForm(world, pcpu), tlb];
  return { name: cpuMemory(pcpu), image: (to) => cpuMemory(to.pcpu(pcpu)), ...joined(forms) };
}
