/** The data plane of a system: memory, VMs, vCPUs and physical CPUs, built from a configuration. */

import type { Workload } from "../../workloads/workload.ts";
import { COUNTER_COUNT } from "../hardware/counters.ts";
import { createEpt, type Ept, eptPointer, mapRange, RAM_LEAF } from "../hardware/ept.ts";
import { EPT_ACCESSED, EPT_DIRTY } from "../hardware/eptEntry.ts";
import { type Geometry, logFrames } from "../hardware/geometry.ts";
import { GuestPages } from "../hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../hardware/memory.ts";
import { Mmu, type MmuOptions } from "../hardware/mmu.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import {
  Field,
  type GuestPagingName,
  SECONDARY_EPT,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { CumulativeBuffer } from "../hypervisor/cumulativeBuffer.ts";
import { DirtyBitmap } from "../hypervisor/dirtyBitmap.ts";
import {
  buildGuestTables,
  countTablePages,
  enterPagingMode,
  type GuestTables,
} from "../hypervisor/guestTables.ts";
import { AccessStream } from "./accessStream.ts";

export interface VmConfig {
  readonly name: string;
  /** Guest-physical pages of data; those of the guest's own paging structures come on top. */
  readonly pages: number;
  readonly paging: GuestPagingName;
  /** Level of the EPT leaves that map the data: 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB. */
  readonly leafLevel: 1 | 2 | 3;
  readonly keepVersions: boolean;
  /** One workload for each vCPU. */
  readonly workloads: readonly Workload[];
}

export interface WorldConfig {
  readonly geometry: Geometry;
  readonly pcpus: number;
  readonly vms: readonly VmConfig[];
  readonly mmu: MmuOptions;
  /** Accesses that a vCPU takes from its workload at a time. */
  readonly blockAccesses?: number;
}

/** A vCPU's counters, as a part. */
export class Counters implements Part {
  readonly name: string;
  readonly values = new Float64Array(COUNTER_COUNT);

  constructor(name: string) {
    this.name = name;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { values: this.values };
  }
}

export interface VmState {
  readonly config: VmConfig;
  readonly ept: Ept;
  readonly guest: GuestPages;
  readonly tables: GuestTables | null;
  readonly bitmap: DirtyBitmap;
  readonly buffer: CumulativeBuffer;
  /** Everything that harvests have reported since the start, dirty or touched: for the summary alone. */
  readonly reported: DirtyBitmap;
  /** Numbers of its vCPUs. */
  readonly vcpus: readonly number[];
}

export interface VcpuState {
  readonly vm: number;
  readonly vmcs: Vmcs;
  readonly counters: Counters;
  readonly stream: AccessStream;
}

/** Small state of the devices: which logs handlers are working on. */
export class DeviceState implements Part {
  readonly name = "devices";
  /** Per vCPU: PRL logs that the pVM's handler has copied but not yet reset, a bit each. */
  readonly handledLogs: Int32Array;
  /** Per vCPU: first frame of its log, 0 until one is allotted. */
  readonly logFrame: Int32Array;

  constructor(vcpus: number) {
    this.handledLogs = new Int32Array(vcpus);
    this.logFrame = new Int32Array(vcpus);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { handledLogs: this.handledLogs, logFrame: this.logFrame };
  }
}

export class World {
  readonly config: WorldConfig;
  readonly memory: HostMemory;
  readonly vms: readonly VmState[];
  readonly vcpus: readonly VcpuState[];
  readonly mmus: readonly Mmu[];
  readonly devices: DeviceState;

  constructor(config: WorldConfig) {
    this.config = config;
    const { geometry } = config;
    this.memory = new HostMemory(geometry.indexBits, expectedFrames(config));
    const vcpus: VcpuState[] = [];
    let nextFrame = DATA_FRAME_BASE;
    this.vms = config.vms.map((vm, number) => {
      const built = this.#buildVm(vm, number, nextFrame, vcpus);
      nextFrame += alignedPages(vm, geometry);
      return built;
    });
    this.vcpus = vcpus;
    this.devices = new DeviceState(vcpus.length);
    this.mmus = Array.from(
      { length: config.pcpus },
      (_, pcpu) => new Mmu(`pcpu${pcpu}/tlb`, this.memory, geometry, config.mmu),
    );
  }

  /** Every piece of the data plane, in a fixed order. */
  parts(): readonly Part[] {
    return [
      this.memory,
      this.devices,
      ...this.vms.flatMap(({ guest, bitmap, buffer, reported }) => [
        guest,
        bitmap,
        buffer,
        reported,
      ]),
      ...this.vcpus.flatMap(({ vmcs, counters, stream }) => [
        vmcs,
        counters,
        stream,
        stream.workload,
      ]),
      ...this.mmus.map(({ tlb }) => tlb),
    ];
  }

  #buildVm(vm: VmConfig, number: number, firstFrame: number, vcpus: VcpuState[]): VmState {
    const { geometry } = this.config;
    const ept = createEpt(this.memory, geometry);
    // Xen's ram_rw: A and D are set beforehand, so that nothing is logged until a tracker is armed.
    const bits = RAM_LEAF | EPT_ACCESSED | EPT_DIRTY;
    mapRange(ept, 0, firstFrame, vm.pages, vm.leafLevel, bits);
    const firstTable = alignedPages(vm, geometry);
    const tables =
      vm.paging === "off" ? null : buildGuestTables(ept, vm.paging, vm.pages, firstTable);
    const total = firstTable + (tables?.count ?? 0);
    const numbers = vm.workloads.map((workload) => {
      const vcpu = vcpus.length;
      const name = `${vm.name}/vcpu${vcpu}`;
      const vmcs = new Vmcs(`${name}/vmcs`);
      writeField(vmcs, Field.secondaryControls, SECONDARY_EPT | SECONDARY_VPID);
      writeField(vmcs, Field.vpid, vcpu + 1);
      writeField(vmcs, Field.eptPointer, ...eptPointer(ept, false));
      enterPagingMode(ept, vmcs, vm.paging, tables);
      vmcs.image.set(vmcs.words);
      vcpus.push({
        vm: number,
        vmcs,
        counters: new Counters(`${name}/counters`),
        stream: new AccessStream(`${name}/stream`, workload, this.config.blockAccesses),
      });
      return vcpu;
    });
    return {
      config: vm,
      ept,
      guest: new GuestPages(`${vm.name}/pages`, total, vm.keepVersions),
      tables,
      bitmap: new DirtyBitmap(`${vm.name}/bitmap`, total),
      buffer: new CumulativeBuffer(`${vm.name}/cumulative`, total),
      reported: new DirtyBitmap(`${vm.name}/reported`, total),
      vcpus: numbers,
    };
  }
}

/** Data pages rounded up, so that large leaves and the tables after them do not overlap. */
function alignedPages(vm: VmConfig, geometry: Geometry): number {
  const size = 2 ** ((vm.leafLevel - 1) * geometry.indexBits);
  return Math.ceil(vm.pages / size) * size;
}

/** Frames with bytes that a configuration needs, about: so that memory does not have to grow. */
function expectedFrames(config: WorldConfig): number {
  const { geometry } = config;
  let frames = 64;
  for (const vm of config.vms) {
    const perTable = 2 ** geometry.indexBits;
    frames += Math.ceil(vm.pages / perTable) + Math.ceil(vm.pages / perTable ** 2) + 8;
    frames += countTablePages(vm.paging, vm.pages, geometry.indexBits, geometry.guestLevels);
    frames += vm.workloads.length * 2 * logFrames(geometry);
  }
  return frames;
}
