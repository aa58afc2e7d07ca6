/** The machine of one litmus test: memory, EPT, guest paging structures, processors and vCPUs. */

import { DEFAULT_CAPABILITIES } from "../hardware/capabilities.ts";
import { COUNTER_COUNT } from "../hardware/counters.ts";
import { createEpt, type Ept, eptPointer } from "../hardware/ept.ts";
import { FORMAT_CONTROLS, formatNamed } from "../hardware/formats/all.ts";
import type { EntryFormat } from "../hardware/formats/entryFormat.ts";
import {
  DEFAULT_GEOMETRY,
  type Geometry,
  logFrames,
  longModeBits,
  paePages,
} from "../hardware/geometry.ts";
import { GuestPages } from "../hardware/guestPages.ts";
import { HostMemory } from "../hardware/memory.ts";
import { isSelected, type LogUnit, Mmu } from "../hardware/mmu.ts";
import {
  clearVmcs,
  Field,
  type FieldName,
  GuestMode,
  GuestPaging,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_HLT_EXITING,
  PRIMARY_INTERRUPT_WINDOW_EXITING,
  PRIMARY_NMI_WINDOW_EXITING,
  RFLAGS_FIXED,
  RFLAGS_IF,
  SECONDARY_EPT,
  SECONDARY_VPID,
  secondaryControls,
  Vmcs,
  vmwrite,
  writeField,
} from "../hardware/vmcs.ts";
import { pageAddressHigh, pageAddressLow } from "../hardware/words.ts";
import { itemAt, present, wordAt } from "../lookup.ts";
import {
  configuredUnits,
  DESIGNED,
  FIRST_UNIT,
  fieldNamed,
  suits,
  UNIT_CONTROLS,
  UNITS,
} from "../units/all.ts";
import type { Unit } from "../units/unit.ts";
import { applyEptItem, mapTables } from "./eptItems.ts";
import { GuestTables } from "./guestTables.ts";
import type { LitmusTest } from "./load.ts";
import { LitmusProblem } from "./problem.ts";
import type { ControlsSetup, GuestItem, VcpuSetup, VmcsFields } from "./setupSchema.ts";
import { logsOf, type Machine, spend, type Vcpu } from "./state.ts";

const WORK_LIMIT = 1 << 23;
/** Where the guest's paging structures are unless the test says otherwise. */
const DEFAULT_TABLES = 0x10000;
const MAX_VCPUS = 16;
/** Pages for a guest's paging structures without EPT, which cannot move; and where they may begin. */
const IDENTITY_TABLES = 64;
const IDENTITY_LIMIT = 1 << 14;
const DEFAULT_CONTROLS: ControlsSetup = {
  activateSecondary: true,
  externalInterruptExiting: true,
  ept: true,
  accessedDirty: true,
  [FIRST_UNIT]: true,
  vpid: true,
};
const DEFAULT_VCPU = "vcpu0";
const DEFAULT_RIP = 0x1000;

/** Builds the machine a test describes. */
export function createMachine(test: LitmusTest): Machine {
  const geometry = geometryOf(test);
  const memory = new HostMemory(geometry.indexBits);
  const format = formatNamed(test.machine?.entryFormat);
  const ept = createEpt(memory, geometry, format);
  const paging = test.guest?.paging ?? "off";
  refuseUnfit(test, format, geometry);
  if (paging === "pae" && geometry.indexBits < 2) {
    throw new LitmusProblem(["guest", "paging"], "pae needs at least 4 entries in a table");
  }
  const tablesAt = test.guest?.tables ?? DEFAULT_TABLES;
  if (tablesAt % 4096 !== 0) {
    throw new LitmusProblem(["guest", "tables"], "expected the address of a page");
  }
  const tablesPage = tablesAt / 4096;
  const identityTables = paging !== "off" && someVcpuLacksEpt(test);
  const frames = identityTables
    ? identityFrames(memory, tablesPage)
    : largeTableFrames(test, memory, geometry, tablesPage);
  const tables = new GuestTables(memory, geometry, paging, tablesPage, frames, !identityTables);
  const vcpus = new Map<string, Vcpu>();
  const units = configuredUnits(unitSections(test));
  const first = createVcpus(test, vcpus, memory, ept, tables, units);
  const machine: Machine = {
    memory,
    geometry,
    units,
    ept,
    tables,
    vcpus,
    first,
    stores: new Map(),
    identityTables,
    budget: WORK_LIMIT,
    step: [],
  };
  for (const [i, item] of (test.guest?.map ?? []).entries()) {
    mapGuest(machine, item, ["guest", "map", i]);
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
    writeFields(vcpu, { ...test.vmcs, ...own }, ["vmcs"]);
    clearVmcs(vcpu.vmcs);
  }
  return machine;
}

const FLAGS = { always: "always on", never: "set by software alone" } as const;

/** What a format of second-level entries does not go with. */
function refuseUnfit(test: LitmusTest, format: EntryFormat, { eptLevels }: Geometry): void {
  const { label } = format;
  const refuse = (path: readonly string[], message: string): never => {
    throw new LitmusProblem(path, message);
  };
  const { compatibility = "sdm" } = test.machine ?? {};
  if (!format.hasCompatibility && compatibility !== "sdm") {
    refuse(["machine", "compatibility"], `with ${label} there is none to choose from`);
  }
  if (eptLevels > format.levelsMax) {
    const most = `${label} has at most ${format.levelsMax} levels here, not ${eptLevels}`;
    refuse(["machine", "geometry", "eptLevels"], most);
  }
  if (!format.loadsPdptes && test.guest?.paging === "pae") {
    refuse(["guest", "paging"], `PAE guests are not emulated with ${label}`);
  }
  if (format.flags !== "optional" && test.controls?.accessedDirty !== undefined) {
    refuse(["controls", "accessedDirty"], `the flags of ${label} are ${FLAGS[format.flags]}`);
  }
}

/** The controls that a test begins with. */
function defaultControls(format: EntryFormat): ControlsSetup {
  const first = configuredUnits().find(({ declaration: { name } }) => name === FIRST_UNIT);
  const isThere = first !== undefined && suits(first, format);
  return { ...DEFAULT_CONTROLS, ...(isThere ? {} : { [FIRST_UNIT]: false }) };
}

/** Whether a vCPU starts without EPT: its guest-physical addresses are host-physical ones. */
function someVcpuLacksEpt(test: LitmusTest): boolean {
  return Object.values(test.vcpus ?? { [DEFAULT_VCPU]: {} }).some((setup) => {
    const vmcs = new Vmcs("controls");
    writeControls(vmcs, { ...DEFAULT_CONTROLS, ...test.controls, ...setup.controls });
    const { primaryControls, secondaryControls: secondary } = { ...test.vmcs, ...setup.vmcs };
    if (primaryControls !== undefined) vmwrite(vmcs, "primaryControls", primaryControls);
    if (secondary !== undefined) vmwrite(vmcs, "secondaryControls", secondary);
    return (secondaryControls(vmcs) & SECONDARY_EPT) === 0;
  });
}

/** Frames for the guest's paging structures that have their guest-physical numbers. */
function identityFrames(memory: HostMemory, tablesPage: number): Map<number, number> {
  if (tablesPage < memory.framesUsed || tablesPage >= IDENTITY_LIMIT) {
    const [least, limit] = [memory.framesUsed, IDENTITY_LIMIT].map((page) => page * 4096);
    const message = `without EPT, expected an address from ${least} to below ${limit}`;
    throw new LitmusProblem(["guest", "tables"], message);
  }
  memory.allocate(tablesPage + IDENTITY_TABLES - memory.framesUsed);
  return new Map(
    Array.from({ length: IDENTITY_TABLES }, (_, i) => [tablesPage + i, tablesPage + i]),
  );
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

/** What a test says of units' options, and of one that it designs, by their names. */
function unitSections({ machine }: LitmusTest): Readonly<Record<string, unknown>> {
  const said = Object.entries(machine ?? {}).filter(([name]) => {
    return UNITS.some((unit) => unit.name === name);
  });
  const designed = machine?.unit === undefined ? [] : [[DESIGNED.name, machine.unit] as const];
  return Object.fromEntries([...said, ...designed]);
}

function geometryOf({ machine }: LitmusTest): Geometry {
  const entries = machine?.unit?.entries;
  if (entries !== undefined && machine?.geometry?.logEntries !== undefined) {
    throw new LitmusProblem(["machine", "geometry", "logEntries"], "machine.unit.entries says it");
  }
  const own = entries === undefined ? {} : { logEntries: entries };
  return { ...DEFAULT_GEOMETRY, ...defined(machine?.geometry ?? {}), ...own };
}

function createVcpus(
  test: LitmusTest,
  vcpus: Map<string, Vcpu>,
  memory: HostMemory,
  ept: Ept,
  tables: GuestTables,
  units: readonly Unit[],
): Vcpu {
  const { geometry } = ept;
  const capabilities = { ...DEFAULT_CAPABILITIES, ...defined(test.machine?.capabilities ?? {}) };
  const options = {
    format: ept.format,
    capabilities,
    compatibility: test.machine?.compatibility ?? "sdm",
    units: units.map((unit) => {
      const has = Object.entries(capabilities).find(([name]) => name === unit.declaration.name);
      return unit.processorSide(has?.[1] !== false && suits(unit, ept.format));
    }),
  } as const;
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
    emptyLog(vmcs, units, options.units, geometry);
    const logs = memory.allocate(logFrames(geometry) * logsOf(units));
    writeField(vmcs, Field.logAddress, pageAddressLow(logs), pageAddressHigh(logs));
    const vcpu: Vcpu = {
      name,
      vmcs,
      mmu,
      counters: new Float64Array(COUNTER_COUNT),
      guest: new GuestPages(name, 0, false),
      inGuest: false,
      lastEvent: null,
      copiedLogs: 0,
      registers: new Map(),
    };
    vcpus.set(name, vcpu);
    first ??= vcpu;
  }
  return present(first, "the first vCPU");
}

/** The index as software leaves it in an empty log of the unit that is selected: of the first if none is. */
function emptyLog(
  vmcs: Vmcs,
  units: readonly Unit[],
  sides: readonly LogUnit[],
  geometry: Geometry,
): void {
  const secondary = secondaryControls(vmcs);
  const selected = sides.findIndex((side) => isSelected(sides, side, secondary));
  itemAt(units, Math.max(0, selected)).empty(vmcs, geometry);
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
  const on: ControlsSetup = { ...defaultControls(ept.format), ...test.controls, ...setup.controls };
  writeControls(vmcs, on);
  const [low, high] = eptPointer(ept, on.accessedDirty ?? false);
  writeField(vmcs, Field.eptPointer, low, high);
  writeField(vmcs, Field.vpid, on.vpid ? position + 1 : 0);
  writeField(vmcs, Field.guestRflags, RFLAGS_FIXED | RFLAGS_IF);
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

/** The three words of controls. */
function writeControls(vmcs: Vmcs, on: ControlsSetup): void {
  const bits = (...all: readonly (readonly [boolean | undefined, number])[]): number =>
    all.reduce((sum, [set, bit]) => (set === true ? sum | bit : sum), 0);
  const pin = bits(
    [on.externalInterruptExiting, PIN_EXTERNAL_INTERRUPT_EXITING],
    [on.nmiExiting, PIN_NMI_EXITING],
    [on.virtualNmis, PIN_VIRTUAL_NMIS],
  );
  const primary = bits(
    [on.activateSecondary, PRIMARY_ACTIVATE_SECONDARY],
    [on.interruptWindowExiting, PRIMARY_INTERRUPT_WINDOW_EXITING],
    [on.nmiWindowExiting, PRIMARY_NMI_WINDOW_EXITING],
  );
  const secondary = bits(
    [on.ept, SECONDARY_EPT],
    [on.vpid, SECONDARY_VPID],
    ...Object.entries(on).map(
      ([name, set]) => [set, UNIT_CONTROLS[name] ?? FORMAT_CONTROLS[name] ?? 0] as const,
    ),
  );
  writeField(vmcs, Field.pinBasedControls, pin, 0);
  writeField(vmcs, Field.primaryControls, primary | PRIMARY_HLT_EXITING, 0);
  writeField(vmcs, Field.secondaryControls, secondary, 0);
}

/** The guest's operating system maps something, or changes one of its entries. */
export function mapGuest(machine: Machine, item: GuestItem, path: readonly PropertyKey[]): void {
  const { tables, geometry } = machine;
  spend(machine, item.count ?? 1, path);
  const isPae = tables.paging === "pae";
  const limit = isPae ? paePages(geometry) : 2 ** Math.min(31, longModeBits(geometry) - 13);
  const page = Math.floor(item.linear / 4096);
  if (page >= limit || page < (isPae ? 0 : -limit)) {
    throw new LitmusProblem([...path, "linear"], "no linear address of this paging mode");
  }
  const problem = tables.apply(item);
  if (problem !== null) throw new LitmusProblem(path, problem);
}

/** VM entry takes a PAE guest's PDPTEs from the VMCS: they start as memory has them. */
function loadInitialPdptes({ memory, tables }: Machine, { vmcs }: Vcpu): void {
  if (tables.paging !== "pae") return;
  for (let i = 0; i < 4; i++) {
    const word = tables.pdpteWord(i);
    writeField(
      vmcs,
      Field.guestPdpte0 + i,
      wordAt(memory.words, word),
      wordAt(memory.words, word + 1),
    );
  }
}

/** Fields that stand for state of the processor have few values. */
const VALUES: Partial<Readonly<Record<FieldName, number>>> = {
  guestPaging: Object.keys(GuestPaging).length,
  guestMode: 1 << Object.keys(GuestMode).length,
  activeLog: 2,
  fullLogs: 4,
};

/** VMWRITE of several fields. */
export function writeFields(vcpu: Vcpu, fields: VmcsFields, path: readonly PropertyKey[]): void {
  const { units } = vcpu.mmu;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const name = fieldNamed(key);
    const values = VALUES[name];
    if (values !== undefined && value >= BigInt(values)) {
      throw new LitmusProblem([...path, key], `expected a number below ${values}`);
    }
    const secondary = secondaryControls(vcpu.vmcs);
    const selected = units.find((unit) => isSelected(units, unit, secondary));
    vmwrite(vcpu.vmcs, name, value, selected?.index);
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** An object without the fields that are undefined. */
function defined<T extends object>(object: T): Defined<T> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
