/** Whether a processor can be asked what a test asks; and the test for that processor. */
import { type Capabilities, DEFAULT_CAPABILITIES } from "../hardware/capabilities.ts";
import { EPT } from "../hardware/formats/ept.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../hardware/geometry.ts";
import { SECONDARY_MODE_BASED_EXECUTE } from "../hardware/vmcs.ts";
import type { LitmusTest } from "../litmus/load.ts";
import type { ControlsSetup } from "../litmus/setupSchema.ts";
import { UNITS } from "../units/all.ts";
import type { UnitDeclaration } from "../units/unit.ts";
import { NotAsked } from "./notAsked.ts";
import type { Processor } from "./output.ts";

/** CPUID Fn8000_000A EDX: reads of a guest's tables can be reads (APM vol. 2 15.25.6). */
export const SVM_READ_ONLY_GUEST_TABLES = 1n << 21n;

/** Bits of IA32_VMX_EPT_VPID_CAP (SDM vol. 3D A.10). */
const CAPABILITY_BITS: Partial<Readonly<Record<keyof Capabilities, bigint>>> = {
  executeOnly: 0n,
  walkLength5: 7n,
  memoryTypeUC: 8n,
  memoryTypeWB: 14n,
  pages2M: 16n,
  pages1G: 17n,
  accessedDirty: 21n,
  advancedViolationInformation: 22n,
  supervisorShadowStack: 23n,
  inveptSingleContext: 25n,
  inveptAllContexts: 26n,
  invvpidIndividualAddress: 40n,
  invvpidSingleContext: 41n,
  invvpidAllContexts: 42n,
  invvpidRetainingGlobals: 43n,
};

/** Whether there are processors with EPT that have a unit. */
function isIntels({ isReal, formats }: UnitDeclaration): boolean {
  return isReal && formats.includes(EPT.name);
}

/** Which page-logging units the processor has, by their names. */
function unitsOf({ secondaryAllowed }: Processor): Record<string, boolean> {
  const has = UNITS.map((unit) => {
    const { name, controls } = unit;
    const bits = Object.values(controls);
    return [name, isIntels(unit) && bits.every((bit) => (secondaryAllowed & bit) !== 0)];
  });
  return Object.fromEntries(has);
}

/** What the processor can do, in the emulator's words. */
export function capabilitiesOf(
  processor: Processor,
): Capabilities & Readonly<Record<string, boolean>> {
  const has = (name: keyof Capabilities) => {
    const bit = processor.entryFormat === EPT.name ? CAPABILITY_BITS[name] : undefined;
    if (bit === undefined) return DEFAULT_CAPABILITIES[name];
    return ((processor.eptCapabilities >> bit) & 1n) === 1n;
  };
  const entries = Object.keys(DEFAULT_CAPABILITIES).map((name) => [name, has(nameOf(name))]);
  const found: Partial<Capabilities> = Object.fromEntries(entries);
  return { ...DEFAULT_CAPABILITIES, ...found, ...unitsOf(processor) };
}

function nameOf(name: string): keyof Capabilities {
  for (const known of CAPABILITY_NAMES) if (known === name) return known;
  throw new Error(`no capability ${name}`);
}
const CAPABILITY_NAMES = [
  ...(["executeOnly", "pages2M", "pages1G", "accessedDirty", "memoryTypeUC"] as const),
  ...(["memoryTypeWB", "walkLength5", "advancedViolationInformation"] as const),
  ...(["inveptSingleContext", "inveptAllContexts", "invvpidIndividualAddress"] as const),
  ...(["invvpidSingleContext", "invvpidAllContexts", "invvpidRetainingGlobals"] as const),
  ...(["supervisorShadowStack", "cr0PagingFixed"] as const),
];

/** What no real processor has otherwise. */
const REAL_GEOMETRY = ["eptLevels", "guestLevels", "indexBits"] as const;

/** A test for a processor, and whether it names other capabilities or another width than the processor has. */
export interface Askable {
  readonly test: LitmusTest;
  readonly adapted: boolean;
}

/**
 * The test for a processor: with its capabilities and its physical-address width, whatever the test names. Tables and
 * steps are the test's; what is expected is what the emulator then does.
 * @throws NotAsked, which names what the test needs
 */
export function askable(test: LitmusTest, processor: Processor): Askable {
  const { machine = {} } = test;
  if (machine.compatibility === "kvm") throw new NotAsked("nested KVM, which is not a processor");
  if ((machine.entryFormat ?? EPT.name) !== processor.entryFormat) {
    if (processor.entryFormat === EPT.name) {
      throw new NotAsked("second-level entries of another format than EPT");
    }
    refuseVmx(test);
  }
  const { geometry = {} } = machine;
  for (const name of REAL_GEOMETRY) {
    if (geometry[name] === undefined || geometry[name] === DEFAULT_GEOMETRY[name]) continue;
    throw new NotAsked(`a machine with ${name} ${geometry[name]}`);
  }
  const bits = processor.physicalAddressBits;
  const otherWidth = (geometry.physicalAddressBits ?? bits) !== bits;
  if ((geometry.logEntries ?? 0) > 512) throw new NotAsked("a log of more than one page");
  const otherCapabilities = hasOtherCapabilities(machine.capabilities ?? {}, processor);
  for (const setup of [
    test.controls,
    ...Object.values(test.vcpus ?? {}).map((one) => one.controls),
  ]) {
    refuseControls(setup ?? {}, processor);
    const readOnly = isOn(setup ?? {}, "readOnlyGuestTables");
    if (readOnly && (processor.svmFeatures & SVM_READ_ONLY_GUEST_TABLES) === 0n) {
      throw new NotAsked("read-only guest page tables, which this processor lacks");
    }
  }
  const width: Partial<Geometry> = { physicalAddressBits: bits };
  const capabilities = { ...capabilitiesOf(processor), cr0PagingFixed: false };
  const { entryFormat } = processor;
  const own = { ...machine, geometry: { ...geometry, ...width }, capabilities, entryFormat };
  return { test: { ...test, machine: own }, adapted: otherWidth || otherCapabilities };
}

/** What other tests of EPT say that means the same with nested page tables: accesses, mappings, tables of the guest's. */
const COMMON_STEPS = [
  ...["read", "write", "fetch", "readModifyWrite", "run", "iret", "invlpg", "movToCr3"],
  ...["ept", "guest", "invvpid"],
];
const COMMON_PERMISSIONS = ["rwx", "rw-", "r-x", "r--", "-", "---"];

/** A test of EPT is one of nested paging if nothing in it is VMX's own. @throws NotAsked, which names what is */
function refuseVmx(test: LitmusTest): void {
  if (Object.keys(test.controls ?? {}).some((name) => name !== "vpid")) {
    throw new NotAsked("controls of VMX");
  }
  if (test.vmcs !== undefined || test.vcpus !== undefined) throw new NotAsked("fields of a VMCS");
  if (test.guest?.paging === "pae") throw new NotAsked("PDPTEs in registers");
  if (Object.keys(test.machine ?? {}).some((name) => name !== "geometry")) {
    throw new NotAsked("a processor with EPT");
  }
  const items = [...(test.ept ?? [])];
  for (const step of test.steps) {
    if (!COMMON_STEPS.some((name) => name in step)) throw new NotAsked("a step of VMX's own");
    if ("ept" in step) items.push(...step.ept);
  }
  for (const { set, clear, permissions = "rwx", memoryType } of items) {
    const raw = set !== undefined || clear !== undefined || memoryType !== undefined;
    if (raw || !COMMON_PERMISSIONS.includes(permissions)) throw new NotAsked("bits of EPT entries");
  }
}

/** Whether the test names a capability otherwise than the processor has it. @throws NotAsked if it is of no processor */
function hasOtherCapabilities(
  wanted: NonNullable<NonNullable<LitmusTest["machine"]>["capabilities"]>,
  processor: Processor,
): boolean {
  if (wanted.cr0PagingFixed === true) {
    throw new NotAsked("a guest without paging: the image's own code is paged");
  }
  for (const unit of UNITS) {
    if (!isIntels(unit) && isOn(wanted, unit.name)) throw new NotAsked(unit.title);
  }
  const has: Readonly<Record<string, boolean | undefined>> = {
    ...capabilitiesOf(processor),
    cr0PagingFixed: wanted.cr0PagingFixed,
  };
  return Object.entries(wanted).some(([name, value]) => value !== undefined && value !== has[name]);
}

function isOn(flags: object, name: string): boolean {
  return Object.entries(flags).some(([flag, value]) => flag === name && value === true);
}

function refuseControls(controls: ControlsSetup, processor: Processor): void {
  for (const unit of UNITS) {
    const isUsed = Object.keys(unit.controls).some((name) => isOn(controls, name));
    if (!isIntels(unit) && isUsed) throw new NotAsked(unit.title);
  }
  const modeBased = (processor.secondaryAllowed & SECONDARY_MODE_BASED_EXECUTE) !== 0;
  if (controls.modeBasedExecute === true && !modeBased) {
    throw new NotAsked("mode-based execute control, which this processor lacks");
  }
}
