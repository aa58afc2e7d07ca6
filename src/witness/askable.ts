/** Whether a processor can be asked what a test asks; and the test for that processor. */
import { type Capabilities, DEFAULT_CAPABILITIES } from "../hardware/capabilities.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../hardware/geometry.ts";
import { SECONDARY_MODE_BASED_EXECUTE, SECONDARY_PML } from "../hardware/vmcs.ts";
import type { LitmusTest } from "../litmus/load.ts";
import type { ControlsSetup } from "../litmus/setupSchema.ts";
import { NotAsked } from "./notAsked.ts";
import type { Processor } from "./output.ts";

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

/** What the processor can do, in the emulator's words. */
export function capabilitiesOf(processor: Processor): Capabilities {
  const has = (name: keyof Capabilities) => {
    const bit = CAPABILITY_BITS[name];
    if (bit === undefined) return DEFAULT_CAPABILITIES[name];
    return ((processor.eptCapabilities >> bit) & 1n) === 1n;
  };
  const entries = Object.keys(DEFAULT_CAPABILITIES).map((name) => [name, has(nameOf(name))]);
  const found: Partial<Capabilities> = Object.fromEntries(entries);
  const pml = (processor.secondaryAllowed & SECONDARY_PML) !== 0;
  return { ...DEFAULT_CAPABILITIES, ...found, pml, prl: false };
}

function nameOf(name: string): keyof Capabilities {
  for (const known of CAPABILITY_NAMES) if (known === name) return known;
  throw new Error(`no capability ${name}`);
}
const CAPABILITY_NAMES = [
  ...(["executeOnly", "pages2M", "pages1G", "accessedDirty", "memoryTypeUC"] as const),
  ...(["memoryTypeWB", "walkLength5", "advancedViolationInformation", "pml", "prl"] as const),
  ...(["inveptSingleContext", "inveptAllContexts", "invvpidIndividualAddress"] as const),
  ...(["invvpidSingleContext", "invvpidAllContexts", "invvpidRetainingGlobals"] as const),
  ...(["supervisorShadowStack", "cr0PagingFixed"] as const),
];

/** What no real processor has otherwise. */
const REAL_GEOMETRY = ["eptLevels", "guestLevels", "indexBits"] as const;

/**
 * The test for a processor: its capabilities and its physical-address width.
 * @throws NotAsked, which names what the test needs
 */
export function askable(test: LitmusTest, processor: Processor): LitmusTest {
  const { machine = {} } = test;
  if (machine.compatibility === "kvm") throw new NotAsked("nested KVM, which is no processor");
  const { geometry = {} } = machine;
  for (const name of REAL_GEOMETRY) {
    if (geometry[name] === undefined || geometry[name] === DEFAULT_GEOMETRY[name]) continue;
    throw new NotAsked(`a machine with ${name} ${geometry[name]}`);
  }
  const bits = processor.physicalAddressBits;
  if (geometry.physicalAddressBits !== undefined && geometry.physicalAddressBits !== bits) {
    throw new NotAsked(`physical addresses of ${geometry.physicalAddressBits} bits`);
  }
  if ((geometry.logEntries ?? 0) > 512) throw new NotAsked("a log of more than one page");
  refuseCapabilities(machine.capabilities ?? {}, processor);
  for (const setup of [
    test.controls,
    ...Object.values(test.vcpus ?? {}).map((one) => one.controls),
  ]) {
    refuseControls(setup ?? {}, processor);
  }
  const width: Partial<Geometry> = { physicalAddressBits: bits };
  const capabilities = { ...capabilitiesOf(processor), cr0PagingFixed: false };
  return {
    ...test,
    machine: { ...machine, geometry: { ...geometry, ...width }, capabilities },
  };
}

function refuseCapabilities(
  wanted: NonNullable<NonNullable<LitmusTest["machine"]>["capabilities"]>,
  processor: Processor,
): void {
  if (wanted.cr0PagingFixed === true) {
    throw new NotAsked("a guest without paging: the image's own code is paged");
  }
  if (wanted.prl === true) throw new NotAsked("page reference logging");
  const has = { ...capabilitiesOf(processor), cr0PagingFixed: wanted.cr0PagingFixed };
  for (const name of CAPABILITY_NAMES) {
    const value = wanted[name];
    if (value === undefined || value === has[name]) continue;
    throw new NotAsked(`a processor ${value ? "with" : "without"} ${name}`);
  }
}

function refuseControls(controls: ControlsSetup, processor: Processor): void {
  if (controls.prl === true || controls.prlFilter === true) {
    throw new NotAsked("page reference logging");
  }
  const modeBased = (processor.secondaryAllowed & SECONDARY_MODE_BASED_EXECUTE) !== 0;
  if (controls.modeBasedExecute === true && !modeBased) {
    throw new NotAsked("mode-based execute control, which this processor lacks");
  }
}
