/** The machine of one litmus test: memory, EPT, guest paging structures, processors and vCPUs. */
import { COUNTER_COUNT } from "../hardware/counters.ts";
import { DEFAULT_CAPABILITIES } from "../hardware/entryChecks.ts";
import { createEpt, type Ept, eptPointer } from "../hardware/ept.ts";
import { DEFAULT_GEOMETRY, type Geometry, logFrames } from "../hardware/geometry.ts";
import { GuestPages } from "../hardware/guestPages.ts";
import { HostMemory } from "../hardware/memory.ts";
import { Mmu } from "../hardware/mmu.ts";
import { prlInitialIndex } from "../hardware/pageReferenceLog.ts";
import { DEFAULT_PRL_OPTIONS } from "../hardware/prlOptions.ts";
import {
  clearVmcs,
  Field,
  type FieldName,
  GuestMode,
  GuestPaging,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_PML,
  SECONDARY_PRL,
  SECONDARY_PRL_FILTER,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { highWord, lowWord, pageAddressHigh, pageAddressLow } from "../hardware/words.ts";
import { applyEptItem, mapTables } from "./eptItems.ts";
import { GuestTables } from "./guestTables.ts";
import type { LitmusTest } from "./load.ts";
import { LitmusProblem } from "./problem.ts";
import type { ControlsSetup, VcpuSetup, VmcsFields } from "./setupSchema.ts";
import { type Machine, spend, type Vcpu } from "./state.ts";

const WORK_LIMIT = 1 << 23;
/** Where the guest's paging structures are unless the test says otherwise. */
const DEFAULT_TABLES = 0x10000;
const MAX_VCPUS = 16;
const DEFAULT_CONTROLS = { ept: true, accessedDirty: true, pml: true, vpid: true };
const DEFAULT_VCPU = "vcpu0";
/** Reserved bit of RFLAGS that always reads as 1. */
const RFLAGS_FIXED = 2;
const DEFAULT_RIP = 0x1000;

/** Builds the machine a test describes. */
export function createMachine(test: LitmusTest): Machine {
  const geometry: Geometry = { ...DEFAULT_GEOMETRY, ...defined(test.machine?.geometry ?? {}) };
  const memory = new HostMemory(geometry.indexBits);
  const ept = createEpt(memory, geometry);
  const paging = test.guest?.paging ?? "off";
  if (paging !== "off" && test.controls?.ept === false) {
    throw new LitmusProblem(["guest", "paging"], "guest paging needs the ept control");
  }
  if (paging === "pae" && geometry.indexBits < 2) {
    throw new LitmusProblem(["guest", "paging"], "pae needs at least 4 entries in a table");
  }
  const tablesAt = test.guest?.tables ?? DEFAULT_TABLES;
  if (tablesAt % 4096 !== 0) {
    throw new LitmusProblem(["guest", "tables"], "expected the address of a page");
  }
  const frames = largeTableFrames(test, memory, geometry, tablesAt / 4096);
  const tables = new GuestTables(memory, geometry, paging, tablesAt / 4096, frames);
  const vcpus = new Map<string, Vcpu>();
  const first = createVcpus(test, vcpus, memory, ept, tables);
  const machine: Machine = {
    memory,
    geometry,
    ept,
    tables,
    vcpus,
    first,
    stores: new Map(),
    budget: WORK_LIMIT,
  };
  for (const [i, item] of (test.guest?.map ?? []).entries()) {
    spend(machine, item.count ?? 1, ["guest", "map", i]);
    const problem = tables.apply(item);
    if (problem !== null) throw new LitmusProblem(["guest", "map", i], problem);
  }
  const items = [...(test.ept ?? []).entries()];
  const mappings = items.filter(([, item]) => item.level === undefined);
  const changes = items.filter(([, item]) => item.level !== undefined);
  for (const [i, item] of mappings) applyEptItem(machine, item, ["ept", i]);
  mapTables(machine);
  for (const [i, item] of changes) applyEptItem(machine, item, ["ept", i]);
  for (const vcpu of vcpus.values()) {
    loadInitialPdptes(machine, vcpu);
    const own = test.vcpus?.[vcpu.name]?.vmcs ?? {};
    writeFields(vcpu.vmcs, { ...test.vmcs, ...own });
    clearVmcs(vcpu.vmcs);
  }
  return machine;
}

/** A large EPT page that holds the guest's paging structures needs frames with bytes. */
function largeTableFrames(
  test: LitmusTest,
  memory: HostMemory,
  geometry: Geometry,
  tablesPage: number,
): Map<number, number> {
  const frames = new Map<number, number>();
  if ((test.guest?.paging ?? "off") === "off") return frames;
  const pages = 1 << geometry.indexBits;
  for (const [i, item] of (test.ept ?? []).entries()) {
    if (item.size === undefined || item.size === "4K" || item.hpa !== undefined) continue;
    const bytes = item.size === "2M" ? pages * 4096 : pages * pages * 4096;
    const end = item.gpa + bytes * (item.count ?? 1);
    if (tablesPage * 4096 < item.gpa || tablesPage * 4096 >= end) continue;
    if (item.size === "1G" || (item.count ?? 1) > 1) {
      throw new LitmusProblem(["ept", i], "guest.tables must lie in 4K pages or one 2M page");
    }
    const first = memory.allocate(2 * pages - 1);
    const aligned = Math.ceil(first / pages) * pages;
    for (let p = 0; p < pages; p++) frames.set(item.gpa / 4096 + p, aligned + p);
  }
  return frames;
}

function createVcpus(
  test: LitmusTest,
  vcpus: Map<string, Vcpu>,
  memory: HostMemory,
  ept: Ept,
  tables: GuestTables,
): Vcpu {
  const { geometry } = ept;
  const options = {
    capabilities: { ...DEFAULT_CAPABILITIES, ...defined(test.machine?.capabilities ?? {}) },
    compatibility: test.machine?.compatibility ?? "sdm",
    prl: { ...DEFAULT_PRL_OPTIONS, ...defined(test.machine?.prl ?? {}) },
  } as const;
  // VEE21's index has 16 bits: a longer log needs DW19's.
  if (options.prl.variant === "vee21" && geometry.logEntries > 1 << 15) {
    const path = ["machine", "geometry", "logEntries"];
    throw new LitmusProblem(path, "expected at most 32768 with the vee21 variant of PRL");
  }
  const processors = new Map<string, Mmu>();
  const setups = Object.entries(test.vcpus ?? { [DEFAULT_VCPU]: {} });
  if (setups.length === 0 || setups.length > MAX_VCPUS) {
    throw new LitmusProblem(["vcpus"], `expected 1 to ${MAX_VCPUS} vCPUs`);
  }
  let first: Vcpu | undefined;
  for (const [i, [name, setup]] of setups.entries()) {
    const processor = setup.processor ?? `processor of ${name}`;
    const mmu = processors.get(processor) ?? new Mmu(processor, memory, geometry, options);
    processors.set(processor, mmu);
    const vmcs = createVmcs(test, name, setup, i, ept, tables);
    const logs = memory.allocate(logFrames(geometry) * (options.prl.doubleBuffer ? 2 : 1));
    writeField(vmcs, Field.pmlAddress, pageAddressLow(logs), pageAddressHigh(logs));
    const vcpu: Vcpu = {
      name,
      vmcs,
      mmu,
      counters: new Float64Array(COUNTER_COUNT),
      guest: new GuestPages(name, 0, false),
      inGuest: false,
      lastEvent: null,
      copiedLogs: 0,
    };
    vcpus.set(name, vcpu);
    first ??= vcpu;
  }
  return first!;
}

function createVmcs(
  test: LitmusTest,
  name: string,
  setup: VcpuSetup,
  position: number,
  ept: Ept,
  tables: GuestTables,
): Vmcs {
  const vmcs = new Vmcs(name);
  const on: ControlsSetup = { ...DEFAULT_CONTROLS, ...test.controls, ...setup.controls };
  let secondary = 0;
  if (on.ept) secondary |= SECONDARY_EPT;
  if (on.vpid) secondary |= SECONDARY_VPID;
  if (on.pml) secondary |= SECONDARY_PML;
  if (on.prl) secondary |= SECONDARY_PRL;
  if (on.prlFilter) secondary |= SECONDARY_PRL_FILTER;
  if (on.modeBasedExecute) secondary |= SECONDARY_MODE_BASED_EXECUTE;
  let pin = 0;
  // PRL's interrupt must reach VMX root: its vCPUs run with external-interrupt exiting (VEE21 3.1).
  if (on.externalInterruptExiting ?? on.prl) pin |= PIN_EXTERNAL_INTERRUPT_EXITING;
  if (on.nmiExiting) pin |= PIN_NMI_EXITING;
  if (on.virtualNmis) pin |= PIN_VIRTUAL_NMIS;
  const [low, high] = eptPointer(ept, on.accessedDirty ?? false);
  const { logEntries } = ept.geometry;
  writeField(vmcs, Field.pinBasedControls, pin);
  writeField(vmcs, Field.secondaryControls, secondary);
  writeField(vmcs, Field.eptPointer, low, high);
  writeField(vmcs, Field.vpid, on.vpid ? position + 1 : 0);
  writeField(vmcs, Field.pmlIndex, on.prl ? prlInitialIndex(logEntries) : logEntries - 1);
  writeField(vmcs, Field.guestRflags, RFLAGS_FIXED);
  writeField(vmcs, Field.guestRip, DEFAULT_RIP);
  writeField(vmcs, Field.guestCr3, tables.root << 12, tables.root >>> 20);
  writeField(vmcs, Field.guestPaging, GuestPaging[tables.paging]);
  const { user = false, writeProtect = true, noExecute = true } = test.guest ?? {};
  let mode = user ? GuestMode.user : 0;
  if (writeProtect) mode |= GuestMode.writeProtect;
  if (noExecute) mode |= GuestMode.noExecuteEnable;
  writeField(vmcs, Field.guestMode, mode);
  return vmcs;
}

/** VM entry takes a PAE guest's PDPTEs from the VMCS: they start as memory has them. */
function loadInitialPdptes({ memory, tables }: Machine, { vmcs }: Vcpu): void {
  if (tables.paging !== "pae") return;
  for (let i = 0; i < 4; i++) {
    const word = tables.pdpteWord(i);
    writeField(vmcs, Field.guestPdpte0 + i, memory.words[word]!, memory.words[word + 1]!);
  }
}

/** VMWRITE of several fields. */
export function writeFields(vmcs: Vmcs, fields: VmcsFields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    writeField(vmcs, Field[name as FieldName], lowWord(value), highWord(value));
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** An object without the fields that are undefined. */
function defined<T extends object>(object: T): Defined<T> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
