/** The state a litmus test starts from: machine, controls, EPT, guest paging structures, vCPUs. */

import * as z from "zod";
import { DEFAULT_CAPABILITIES } from "../hardware/capabilities.ts";
import { FORMAT_CONTROLS, FORMAT_NAMES } from "../hardware/formats/all.ts";
import { Compatibility } from "../hardware/mmu.ts";
import { Field, GuestPaging } from "../hardware/vmcs.ts";
import { recordOf } from "../lookup.ts";
import { DESIGN_SECTION, fieldName, UNIT_CONTROLS, UNIT_FIELDS, UNITS } from "../units/all.ts";
import {
  address,
  bool,
  flags,
  hostAddress,
  int,
  linearAddress,
  list,
  named,
  namesOf,
  oneOf,
  rights,
  signedWord64,
  text,
  word64,
} from "./scalars.ts";

/** One optional schema for each name of a list. */
function optionals<K extends string, T extends z.ZodType>(
  names: readonly K[],
  schema: T,
): Record<K, z.ZodOptional<T>> {
  return recordOf(names, () => schema.optional());
}

/** Flags that units bring along. */
function ofUnits(names: readonly string[]): Record<string, z.ZodOptional<typeof bool>> {
  return optionals(names, bool);
}

const tlbLevel = named({
  sets: int(1, 4096).refine((sets) => (sets & (sets - 1)) === 0, {
    error: "expected a power of two",
  }),
  ways: int(1, 64),
});

const geometry = named({
  eptLevels: int(1, 5).optional(),
  guestLevels: int(1, 5).optional(),
  indexBits: int(1, 9).optional(),
  logEntries: int(1, 1 << 20).optional(),
  physicalAddressBits: int(36, 52).optional(),
  tlb: named({ l1: tlbLevel, l1Large: tlbLevel, l2: tlbLevel }).optional(),
});

/** What of a page-logging unit's options is the machine's, by the unit's name. */
const unitOptions = Object.fromEntries(
  UNITS.filter(({ machineOptions }) => Object.keys(machineOptions).length > 0).map(
    ({ name, machineOptions }) => {
      const options = Object.entries(machineOptions).map(([option, values]) => {
        return [option, (values === "flag" ? bool : oneOf(values)).optional()];
      });
      return [name, named(Object.fromEntries(options)).optional()];
    },
  ),
);

const machine = named({
  entryFormat: oneOf(FORMAT_NAMES).optional(),
  compatibility: oneOf(namesOf(Compatibility)).optional(),
  capabilities: named({
    ...optionals(namesOf(DEFAULT_CAPABILITIES), bool),
    ...ofUnits(UNITS.map(({ name }) => name)),
  }).optional(),
  ...unitOptions,
  unit: DESIGN_SECTION.optional(),
  geometry: geometry.optional(),
});

/** The controls that a test can switch; the others are VMCS fields. */
export const CONTROLS = [
  "ept",
  "accessedDirty",
  "vpid",
  "modeBasedExecute",
  "nmiExiting",
  "virtualNmis",
  "externalInterruptExiting",
  "activateSecondary",
  "unrestrictedGuest",
  "interruptWindowExiting",
  "nmiWindowExiting",
] as const;
const controls = named({
  ...optionals(CONTROLS, bool),
  ...ofUnits(Object.keys(FORMAT_CONTROLS).filter((name) => !CONTROLS.some((own) => own === name))),
  ...ofUnits(Object.keys(UNIT_CONTROLS)),
});

/** Values for VMCS fields, by the names that units give them. */
/** A field that several units use has a name of each of them. */
const fieldNames = new Set([...namesOf(Field).map(fieldName), ...UNIT_FIELDS.keys()]);
export const vmcsFields = named(optionals([...fieldNames], signedWord64));

/** Page sizes by level: the name on the real machine; in a small one, the size of that level. */
export const PAGE_SIZES = ["4K", "2M", "1G"] as const;
const MEMORY_TYPES = ["UC", "WC", "WT", "WP", "WB"] as const;
const memoryType = z.union([oneOf(MEMORY_TYPES), int(0, 7)], {
  error: "expected UC, WC, WT, WP, WB or a number from 0 to 7",
});

/** A mapping, or with `level` a change to the entry at that level. */
export const eptItem = named({
  gpa: address,
  count: int(1, 1 << 18).optional(),
  size: oneOf(PAGE_SIZES).optional(),
  hpa: hostAddress.optional(),
  permissions: rights.optional(),
  memoryType: memoryType.optional(),
  flags: flags.optional(),
  level: int(1, 5).optional(),
  entry: word64.optional(),
  set: word64.optional(),
  clear: word64.optional(),
});

/** The same for the guest's paging structures. */
export const guestItem = named({
  linear: linearAddress,
  gpa: address.optional(),
  count: int(1, 1 << 16).optional(),
  size: oneOf(PAGE_SIZES).optional(),
  rights: rights.optional(),
  flags: flags.optional(),
  level: int(1, 5).optional(),
  entry: word64.optional(),
  set: word64.optional(),
  clear: word64.optional(),
});

/** What the guest's own control registers say. */
export const guestMode = {
  paging: oneOf(namesOf(GuestPaging)).optional(),
  user: bool.optional(),
  writeProtect: bool.optional(),
  noExecute: bool.optional(),
};

const guest = named({
  ...guestMode,
  tables: address.optional(),
  map: list(guestItem).optional(),
});

const vcpu = named({
  processor: text.optional(),
  controls: controls.optional(),
  vmcs: vmcsFields.optional(),
});

/** The fields of a test before its steps. */
export const setupShape = {
  machine: machine.optional(),
  controls: controls.optional(),
  vmcs: vmcsFields.optional(),
  guest: guest.optional(),
  ept: list(eptItem).optional(),
  vcpus: z.record(z.string(), vcpu, { error: "expected a map from names to vCPUs" }).optional(),
};

export type EptItem = z.output<typeof eptItem>;
export type GuestItem = z.output<typeof guestItem>;
export type VcpuSetup = z.output<typeof vcpu>;
export type ControlsSetup = z.output<typeof controls>;
export type VmcsFields = z.output<typeof vmcsFields>;
const setup = z.object(setupShape);
export type Setup = z.output<typeof setup>;
