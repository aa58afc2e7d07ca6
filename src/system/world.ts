/** The data plane of a system: memory, VMs, vCPUs and physical CPUs, built from a configuration. */

import type { Workload } from "../../workloads/workload.ts";
import { COUNTER_COUNT } from "../hardware/counters.ts";
import { createEpt, type Ept, eptPointer, mapRange, ordinaryLeaf } from "../hardware/ept.ts";
import { type Geometry, logFrames } from "../hardware/geometry.ts";
import { GuestPages } from "../hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../hardware/memory.ts";
import { CONTROL_WORDS, deriveControls, Mmu } from "../hardware/mmu.ts";
import type { NormalForm } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import {
  Field,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_HLT_EXITING,
  RFLAGS_FIXED,
  RFLAGS_IF,
  SECONDARY_EPT,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { WritesInFlight } from "../hardware/writesInFlight.ts";
import { CumulativeBuffer } from "../hypervisor/cumulativeBuffer.ts";
import { DirtyBitmap } from "../hypervisor/dirtyBitmap.ts";
import { DirtyRing } from "../hypervisor/dirtyRing.ts";
import {
  buildGuestTables,
  countTablePages,
  enterPagingMode,
  type GuestTables,
} from "../hypervisor/guestTables.ts";
import { LogPages } from "../hypervisor/logPages.ts";
import { SlotFlag } from "../hypervisor/slots/memorySlot.ts";
import { VmSlots } from "../hypervisor/slots/vmSlots.ts";
import { TableWork } from "../hypervisor/tableWork.ts";
import { techniqueOn, unitOf } from "../hypervisor/techniques/all.ts";
import { ArmedTechnique } from "../hypervisor/techniques/armed.ts";
import type { TechniqueName } from "../hypervisor/techniques/technique.ts";
import type { TrackedVm } from "../hypervisor/trackedVm.ts";
import { itemAt, wordAt } from "../lookup.ts";
import { unitsOn, writeLog } from "../units/all.ts";
import type { Unit } from "../units/unit.ts";
import { AccessStream } from "./accessStream.ts";
import { CpuTimes, CpuWaits, PvmTimes } from "./cpuTimes.ts";
import { DmaEngine } from "./dmaEngine.ts";
import { Rounds } from "./verdict/rounds.ts";
import { dmaParts, dmaTracking } from "./vmDma.ts";
import { isMarkedBySoftware, type VmPlan, type WorldPlan } from "./worldPlan.ts";

/** Numbers of a tracker of a user's. */
class OwnNumbers implements Part {
  readonly name: string;
  readonly numbers: Float64Array;

  constructor(name: string, count: number) {
    this.name = name;
    this.numbers = new Float64Array(count);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { numbers: this.numbers };
  }
}

/** A vCPU's counters, as a part. */
export class Counters implements Part {
  readonly name: string;
  readonly statistics = ["values"];
  readonly values = new Float64Array(COUNTER_COUNT);

  constructor(name: string) {
    this.name = name;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { values: this.values };
  }
}

export interface VmState {
  readonly config: VmPlan;
  readonly ept: Ept;
  readonly guest: GuestPages;
  readonly tables: GuestTables | null;
  /** What trackers see of it. */
  readonly tracked: TrackedVm;
  /** The technique that is armed now. It is the tracker's state; its device keeps this up to date. */
  readonly armed: ArmedTechnique;
  /** What a tracker of a user's keeps. */
  readonly own: OwnNumbers;
  /** Everything that harvests have reported since the start: for the summary alone. */
  readonly reportedWritten: DirtyBitmap;
  readonly reportedTouched: DirtyBitmap;
  /** Its harvests, held against the truth; null where nobody compares. */
  rounds: Rounds | null;
  /** Numbers of its vCPUs. */
  readonly vcpus: readonly number[];
  /** Its devices, by their numbers. */
  readonly devices: readonly DmaEngine[];
}

export interface VcpuState {
  readonly vm: number;
  readonly vmcs: Vmcs;
  readonly counters: Counters;
  readonly stream: AccessStream;
}

/** What the physical CPUs have loaded. */
export class LoadedVcpus implements Part {
  readonly name = "loaded";
  /** By physical CPU: 1 + the number of the vCPU whose controls the last VM entry loaded, 0 before the first. */
  readonly vcpus: Int32Array;

  constructor(pcpus: number) {
    this.vcpus = new Int32Array(pcpus);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { vcpus: this.vcpus };
  }
}

/**
 * What the last VM entry of each physical CPU loaded of its VMCS (mmu.ts, controlWords): software may have changed the
 * VMCS since, and the processor goes on with what it has until it enters again.
 */
export class LoadedControls implements Part {
  readonly name = "loadedControls";
  readonly words: Int32Array;

  constructor(pcpus: number) {
    this.words = new Int32Array(CONTROL_WORDS * pcpus);
  }

  of(pcpu: number): Int32Array {
    return this.words.subarray(CONTROL_WORDS * pcpu, CONTROL_WORDS * (pcpu + 1));
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { words: this.words };
  }
}

/** What a physical CPU has loaded: whose controls, and as they were then. */
export function loadedForm(
  { loaded, loadedControls }: Pick<World, "loaded" | "loadedControls">,
  pcpu: number,
): NormalForm {
  return {
    extents: [
      {
        part: loaded,
        array: "vcpus",
        from: pcpu,
        end: pcpu + 1,
        nameOf: () => `whose VMCS CPU ${pcpu} has loaded`,
      },
      {
        part: loadedControls,
        array: "words",
        from: CONTROL_WORDS * pcpu,
        end: CONTROL_WORDS * (pcpu + 1),
        nameOf: () => `the controls that CPU ${pcpu} has loaded`,
      },
    ],
    lists: ["loaded", "controls"],
    save: () => ({
      loaded: [wordAt(loaded.vcpus, pcpu)],
      controls: Array.from(loadedControls.of(pcpu)),
    }),
    restore({ loaded: vcpu, controls }) {
      loaded.vcpus[pcpu] = itemAt(vcpu!, 0);
      loadedControls.of(pcpu).set(controls!);
    },
    scramble() {},
    renumber: ({ loaded: vcpu, controls }, to) => ({
      loaded: vcpu!.map((one) => (one === 0 ? 0 : to.vcpu(one - 1) + 1)),
      // The EPT pointer is that of all vCPUs of a VM.
      controls: controls!,
    }),
  };
}

export class World {
  readonly config: WorldPlan;
  readonly memory: HostMemory;
  readonly vms: readonly VmState[];
  readonly vcpus: readonly VcpuState[];
  readonly mmus: readonly Mmu[];
  readonly loaded: LoadedVcpus;
  readonly loadedControls: LoadedControls;
  readonly logs: LogPages;
  readonly cpuTimes: CpuTimes;
  readonly cpuWaits: CpuWaits;
  readonly pvmTimes: PvmTimes;

  constructor(config: WorldPlan, pvmCpus = 1) {
    this.config = { ...config, units: unitsOn(config.mmu.format, config.units) };
    const { geometry } = config;
    this.memory = new HostMemory(geometry.indexBits, expectedFrames(config));
    const vcpuCount = config.vms.reduce((sum, { workloads }) => sum + workloads.length, 0);
    this.logs = new LogPages(this.memory, geometry, vcpuCount, config.tracking.logLimit);
    const vcpus: VcpuState[] = [];
    const places = placeVms(config.vms, geometry);
    this.vms = config.vms.map((vm, number) =>
      this.#buildVm(vm, number, itemAt(places, number), vcpus),
    );
    this.vcpus = vcpus;
    this.loaded = new LoadedVcpus(config.pcpus);
    this.loadedControls = new LoadedControls(config.pcpus);
    this.cpuTimes = new CpuTimes(config.pcpus, vcpus.length);
    this.cpuWaits = new CpuWaits(config.pcpus, config.vms.length);
    this.pvmTimes = new PvmTimes(pvmCpus);
    const units = this.config.units.map((unit) => unit.processorSide(unit.absent !== true));
    const mmuOptions = { ...config.mmu, units };
    this.mmus = Array.from(
      { length: config.pcpus },
      (_, pcpu) => new Mmu(`pcpu${pcpu}/tlb`, this.memory, geometry, mmuOptions),
    );
  }

  /** The unit of the processors that logs for a technique; null: none does. */
  unitOf(technique: TechniqueName): Unit | null {
    const { units, tracking } = this.config;
    return unitOf(technique, units, writeLog(units, tracking.ringSource));
  }

  /** @throws if there is no VM of that number */
  vmNumbered(number: number): VmState {
    return numbered(this.vms, number, "VM");
  }

  /** @throws if there is no vCPU of that number */
  vcpuNumbered(number: number): VcpuState {
    return numbered(this.vcpus, number, "vCPU");
  }

  /** @throws if there is no physical CPU of that number */
  mmuNumbered(number: number): Mmu {
    return numbered(this.mmus, number, "physical CPU");
  }

  /** Derives what a CPU goes by from what it has loaded, if it has loaded anything: that alone is saved. */
  deriveControls(pcpu: number): void {
    const loaded = this.vcpus[wordAt(this.loaded.vcpus, pcpu) - 1];
    if (loaded === undefined) return;
    const { vm, vmcs, counters } = loaded;
    const words = this.loadedControls.of(pcpu);
    const { guest } = itemAt(this.vms, vm);
    deriveControls(itemAt(this.mmus, pcpu), vmcs, guest, counters.values, words);
  }

  /** From now on each harvest is compared with what its VM did. To be called before the first access. */
  judgeRounds(): void {
    for (const vm of this.vms) {
      const { config, guest, tracked } = vm;
      vm.rounds = new Rounds(`${config.name}/rounds`, guest, tracked, config.pages);
    }
  }

  get #inPieces(): boolean {
    return this.config.tracking.preemptEvery > 0;
  }

  /** Every piece of the data plane, in a fixed order. */
  parts(): readonly Part[] {
    return [
      this.memory,
      this.logs,
      this.loaded,
      ...this.vms.flatMap(({ guest, tracked, own, reportedWritten, reportedTouched, rounds }) => [
        guest,
        tracked.dirty,
        tracked.touched,
        tracked.sampled,
        tracked.handedOver,
        tracked.buffer,
        reportedWritten,
        reportedTouched,
        ...tracked.vcpus.map(({ ring }) => ring),
        ...(tracked.slots === null ? [] : [tracked.slots]),
        ...(own.numbers.length === 0 ? [] : [own]),
        ...(rounds === null ? [] : [rounds.truth, rounds, rounds.reportedPages]),
        // Between two messages there is nothing in them if the whole is one piece.
        ...(this.#inPieces ? [tracked.work, ...(rounds === null ? [] : [rounds.cut])] : []),
      ]),
      ...this.vcpus.flatMap(({ vmcs, counters, stream }) => [
        vmcs,
        counters,
        stream,
        stream.workload,
      ]),
      ...this.mmus.map(({ tlb }) => tlb),
      this.cpuTimes,
      this.cpuWaits,
      this.pvmTimes,
      this.loadedControls,
      ...this.vms.flatMap(({ guest, tracked, devices }) => [
        ...(guest.inFlight === null ? [] : [guest.inFlight]),
        ...dmaParts(tracked.dma),
        ...devices,
      ]),
    ];
  }

  #buildVm(vm: VmPlan, number: number, firstFrame: number, vcpus: VcpuState[]): VmState {
    const { geometry, mmu, units, tracking } = this.config;
    const ept = createEpt(this.memory, geometry, mmu.format);
    mapMemory(ept, vm, firstFrame);
    const firstTable = alignedPages(vm, geometry);
    const tables =
      vm.paging === "off" ? null : buildGuestTables(ept, vm.paging, vm.pages, firstTable);
    const total = firstTable + (tables?.count ?? 0);
    const numbers = vm.workloads.map((_, i) => vcpus.length + i);
    for (const workload of vm.workloads) {
      const vmcs = this.#buildVmcs(vm, vcpus.length, ept, tables);
      vcpus.push(this.#buildVcpu(vm, number, vcpus.length, vmcs, workload));
    }
    const own = new OwnNumbers(
      `${vm.name}/own`,
      techniqueOn(units, tracking.technique)?.words ?? 0,
    );
    const slots = this.#slotsOf(vm, ept, total, firstFrame);
    const tracked = this.#trackedVm(vm, { ept, slots }, total, own, numbers, vcpus);
    const guest = new GuestPages(`${vm.name}/pages`, total, vm.keepVersions);
    guest.traced = vm.workloads[0]?.traced ?? null;
    if (vm.pv !== null || vm.devices.some(({ tracking }) => isMarkedBySoftware(tracking))) {
      guest.inFlight = new WritesInFlight(`${vm.name}/inFlight`, guest.truth.length);
    }
    return {
      config: vm,
      ept,
      guest,
      tables,
      tracked,
      armed: new ArmedTechnique(number, units, slots !== null),
      own,
      reportedWritten: new DirtyBitmap(`${vm.name}/reportedWritten`, total, "statistics"),
      reportedTouched: new DirtyBitmap(`${vm.name}/reportedTouched`, total, "statistics"),
      rounds: null,
      vcpus: numbers,
      devices: vm.devices.map((plan) => new DmaEngine(`${vm.name}/${plan.name}/dma`, plan)),
    };
  }

  #buildVmcs(vm: VmPlan, vcpu: number, ept: Ept, tables: GuestTables | null): Vmcs {
    const vmcs = new Vmcs(`${vm.name}/vcpu${vcpu}/vmcs`);
    writeControls(vmcs);
    writeField(vmcs, Field.vpid, vcpu + 1);
    writeField(vmcs, Field.eptPointer, ...eptPointer(ept, false));
    enterPagingMode(ept, vmcs, vm.paging, tables);
    vmcs.image.set(vmcs.words);
    return vmcs;
  }

  #buildVcpu(vm: VmPlan, of: number, vcpu: number, vmcs: Vmcs, workload: Workload): VcpuState {
    const name = `${vm.name}/vcpu${vcpu}`;
    const { blockAccesses } = this.config;
    return {
      vm: of,
      vmcs,
      counters: new Counters(`${name}/counters`),
      stream: new AccessStream(`${name}/stream`, workload, blockAccesses, vm.waits),
    };
  }

  #slotsOf(vm: VmPlan, ept: Ept, pages: number, firstFrame: number): VmSlots | null {
    if (vm.slots === null) return null;
    const { geometry, tracking } = this.config;
    const { manualProtect, initiallySet, faults } = tracking;
    const logEntries = this.unitOf(tracking.technique) === null ? 0 : geometry.logEntries;
    const plan = { plan: vm.slots, firstFrame, logEntries };
    const options = { ...plan, manualProtect, initiallySet, faults };
    return new VmSlots(`${vm.name}/slots`, ept, pages, options);
  }

  #trackedVm(
    { name, leafLevel, devices }: VmPlan,
    { ept, slots }: Pick<TrackedVm, "ept" | "slots">,
    pages: number,
    own: OwnNumbers,
    numbers: readonly number[],
    vcpus: readonly VcpuState[],
  ): TrackedVm {
    const { geometry, units, tracking } = this.config;
    const usesRing = techniqueOn(units, tracking.technique)?.usesRing === true;
    const rings = usesRing ? tracking.ringEntries : 0;
    const ringUnit = writeLog(units, tracking.ringSource);
    const logEntries = ringUnit === null ? 0 : geometry.logEntries;
    return {
      ept,
      slots,
      dirty: new DirtyBitmap(`${name}/dirty`, pages),
      touched: new DirtyBitmap(`${name}/touched`, pages),
      sampled: new DirtyBitmap(`${name}/sampled`, pages, "settings"),
      handedOver: new DirtyBitmap(`${name}/handedOver`, pages),
      buffer: new CumulativeBuffer(`${name}/cumulative`, pages),
      vcpus: numbers.map((vcpu) => {
        const ring = new DirtyRing(`vcpu${vcpu}/ring`, rings, logEntries, tracking.ringReserved);
        return { vcpu, vmcs: itemAt(vcpus, vcpu).vmcs, ring };
      }),
      logs: this.logs,
      costs: tracking.costs,
      units,
      ringUnit,
      mergedLevel: tracking.largePagesReturn ? leafLevel : 1,
      splitsEagerly: tracking.splitEagerly,
      lazyTypes: tracking.lazyTypes,
      initiallySet: tracking.initiallySet,
      options: tracking.options,
      own: own.numbers,
      dma: dmaTracking(name, pages, devices),
      work: new TableWork(`${name}/tableWork`, tracking.preemptEvery),
      faults: tracking.faults,
    };
  }
}

/** What the VM begins with: all of its pages, or those of its slots. */
function mapMemory(ept: Ept, { slots, initialPages, leafLevel }: VmPlan, firstFrame: number): void {
  const bits = ordinaryLeaf(ept.format);
  if (slots === null) mapRange(ept, 0, firstFrame, initialPages, leafLevel, bits);
  for (const { firstPage, userPage, pages, flags } of slots?.regions ?? []) {
    const isReadOnly = (flags & SlotFlag.readOnly) !== 0;
    const own = isReadOnly ? bits & ~ept.format.write : bits;
    mapRange(ept, firstPage, firstFrame + userPage, pages, 1, own);
  }
}

function numbered<One>(all: readonly One[], number: number, what: string): One {
  const found = all[number];
  if (found === undefined) throw new Error(`there is no ${what} ${number}`);
  return found;
}

/** The first frame of each VM. Those with the largest leaves come first: so alignment leaves no holes. */
function placeVms(vms: readonly VmPlan[], geometry: Geometry): number[] {
  const places = vms.map(() => 0);
  const order = vms.map((_, number) => number);
  order.sort((a, b) => itemAt(vms, b).leafLevel - itemAt(vms, a).leafLevel);
  let nextFrame = DATA_FRAME_BASE;
  for (const number of order) {
    const vm = itemAt(vms, number);
    places[number] = roundUp(nextFrame, leafPages(vm, geometry));
    const frames = Math.max(vm.initialPages, vm.slots?.userPages ?? 0);
    nextFrame = places[number] + roundUp(frames, leafPages(vm, geometry));
  }
  return places;
}

/**
 * The controls with which a hypervisor runs a guest that is not tracked, as Xen and KVM set them: interrupts,
 * NMIs and HLT exit; EPT and VPID. A guest runs with interrupts on.
 */
function writeControls(vmcs: Vmcs): void {
  const pin = PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS;
  writeField(vmcs, Field.pinBasedControls, pin);
  writeField(vmcs, Field.primaryControls, PRIMARY_ACTIVATE_SECONDARY | PRIMARY_HLT_EXITING, 0);
  writeField(vmcs, Field.secondaryControls, SECONDARY_EPT | SECONDARY_VPID);
  writeField(vmcs, Field.guestRflags, RFLAGS_FIXED | RFLAGS_IF);
}

/** Pages that one leaf of the VM's data maps. */
function leafPages(vm: VmPlan, geometry: Geometry): number {
  return 2 ** ((vm.leafLevel - 1) * geometry.indexBits);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Data pages rounded up, so that large leaves and the tables after them do not overlap. */
function alignedPages(vm: VmPlan, geometry: Geometry): number {
  return roundUp(vm.pages, leafPages(vm, geometry));
}

/** Frames with bytes that a configuration needs, about: so that memory does not have to grow. */
export function expectedFrames(config: Pick<WorldPlan, "geometry" | "vms">): number {
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
