/** Every page-logging unit: the one list. A new one is a folder and a line here; what others ask of units follows from it. */

import type * as z from "zod";
import { formatNamed } from "../hardware/formats/all.ts";
import type { EntryFormat } from "../hardware/formats/entryFormat.ts";
import { EPT } from "../hardware/formats/ept.ts";
import type { LogUnit } from "../hardware/mmu.ts";
import { Field, type FieldName } from "../hardware/vmcs.ts";
import { namesOf } from "../lookup.ts";
import { amdPml } from "./amdPml/declaration.ts";
import { hdbss } from "./hdbss/declaration.ts";
import { machineUnit } from "./machineUnit/declaration.ts";
import { machineUnitSection } from "./machineUnit/section.ts";
import { overflowLog } from "./overflowLog/declaration.ts";
import { OWN_CONTROLS, type OwnUnit, ownUnit } from "./own.ts";
import { pml } from "./pml/declaration.ts";
import { prl } from "./prl/declaration.ts";
import type { Unit, UnitDeclaration, UnitVerb } from "./unit.ts";

/** In the order of their numbers, which snapshots know: a new one comes last. */
const LIST = [pml, prl, overflowLog, machineUnit, amdPml, hdbss] as const;

/** Their types, where a constant's name is to be known. */
export type Listed = (typeof LIST)[number];

const all: UnitDeclaration[] = [...LIST];

/** Those of users behind the others, once they are registered. What is derived below is of those that are built in. */
export const UNITS: readonly UnitDeclaration[] = all;

/** The unit that a scenario designs: a machine has it if its scenario says what it is. */
export const DESIGNED: typeof machineUnit = machineUnit;

/** How a scenario says what it is. */
export const DESIGN_SECTION: typeof machineUnitSection = machineUnitSection;

/** Those that are what they are, whatever a scenario says. */
export const FIXED_UNITS: readonly Listed[] = LIST.filter((unit) => unit !== machineUnit);

/** From now on processors have this unit. @throws UserError if it is none */
export function addUnit(own: OwnUnit): UnitDeclaration {
  const unit = ownUnit(own, all.length - LIST.length);
  all.push(unit);
  return unit;
}

/** Which unit logs: its name, or none of them. */
export type UnitName = string;
export const NO_UNIT = "none";

/** The number of a unit in the list; -1 for none. */
export function unitNumber(name: UnitName): number {
  return UNITS.findIndex((unit) => unit.name === name);
}

/** Sections by unit's name -> units whose options are settled, in the order of the list. */
export function configuredUnits(sections: Readonly<Record<string, unknown>> = {}): readonly Unit[] {
  return UNITS.map(({ name, configure }) => configure(sections[name]));
}

/** The unit of that name among these; null for none. @throws if there is no such unit */
export function unitNamed(units: readonly Unit[], name: UnitName): Unit | null {
  if (name === NO_UNIT) return null;
  const found = units.find(({ declaration }) => declaration.name === name);
  if (found === undefined) throw new Error(`there is no unit "${name}"`);
  return found;
}

/** Whether a processor whose second-level entries have this format can have a unit. */
export function suits({ declaration }: Unit, { name }: EntryFormat): boolean {
  return declaration.formats.includes(name);
}

/** Units of a machine whose second-level entries have this format: its processors have not got those that do not go with it. */
export function unitsOn(format: EntryFormat, units: readonly Unit[]): readonly Unit[] {
  return units.map((unit) => (suits(unit, format) ? unit : { ...unit, absent: true }));
}

/** The format of a machine's entries, where nobody says it: that of the unit which is to log. Null: none is. */
export function formatFor(unit: Unit | null): EntryFormat {
  return unit === null || suits(unit, EPT) ? EPT : formatNamed(unit.declaration.formats[0]);
}

/** Why a unit cannot have a log of so many entries, and which could; null if it can. */
export function logProblem(unit: Unit, entries: number): string | null {
  if (entries <= unit.entriesMax) return null;
  const longer = unit.declaration.whereLonger;
  const others = longer === null ? "" : `; ${longer}`;
  return `expected at most ${unit.entriesMax}: ${unit.whyNoMore}${others}`;
}

/** Secondary controls of all units, by the names that litmus tests give them. */
export const UNIT_CONTROLS: Readonly<Record<string, number>> = Object.assign(
  {},
  ...UNITS.map(({ controls }) => controls),
);

/** All of them: software that turns logging off clears these. */
export const LOG_CONTROLS: number = Object.values(UNIT_CONTROLS).reduce(
  (controls, control) => controls | control,
  OWN_CONTROLS,
);

type SectionsOf<Unit> = Unit extends {
  readonly name: infer Name;
  readonly section: infer Schema extends z.ZodType;
}
  ? { readonly name: Name; readonly schema: Schema }
  : never;
/** Sections of a scenario's `tracker`, and names of techniques, that are units'. */
export type UnitSection = SectionsOf<Listed>;
export type UnitTechniqueName = Listed["name"];
export const FIRST_UNIT: UnitTechniqueName = LIST[0].name;

type WritesOf<Unit> = Unit extends {
  readonly finds: "writes";
  readonly mayLose: false;
  readonly name: infer Name;
}
  ? Name
  : never;
/** Units that log every first write, and can feed a dirty ring. */
export type WriteLogName = WritesOf<Listed>;
export const WRITE_LOGS: readonly WriteLogName[] = LIST.flatMap((unit) =>
  unit.finds === "writes" && !unit.mayLose ? [unit.name] : [],
);

/** The unit that feeds a dirty ring from a source; null: write protection does. */
export function writeLog(units: readonly Unit[], source: string): Unit | null {
  return source === "writeProtect" ? null : unitNamed(units, source);
}

type OnSome = Listed["onSomeVcpus"];
/** Planted faults of units. */
export type UnitFault = Exclude<OnSome, null>;
export const UNIT_FAULTS: readonly UnitFault[] = LIST.flatMap(({ onSomeVcpus }) =>
  onSomeVcpus === null ? [] : [onSomeVcpus],
);

type UnionOfCosts<Unit> = Unit extends { readonly costs: infer Costs } ? keyof Costs : never;
/** Costs of units, by the names that scenarios give them, in cycles. */
export type UnitCosts = Readonly<Record<UnionOfCosts<Listed>, number>>;
export const DEFAULT_UNIT_COSTS: UnitCosts = Object.assign({}, ...UNITS.map(({ costs }) => costs));

/** What VM entry may find wrong with them. */
export const UNIT_FAILURES: readonly string[] = UNITS.flatMap(({ failures }) => failures);

const FIELD_NAMES: readonly FieldName[] = namesOf(Field);

/** Names that units give to VMCS fields, with the fields that they name. */
export const UNIT_FIELDS: ReadonlyMap<string, FieldName> = new Map(
  UNITS.flatMap(({ fields }) => Object.entries(fields)),
);

/** The field that people and files call so. @throws if there is none */
export function fieldNamed(name: string): FieldName {
  const field = UNIT_FIELDS.get(name) ?? FIELD_NAMES.find((one) => one === name);
  if (field === undefined) throw new Error(`there is no VMCS field "${name}"`);
  return field;
}

/** The name that a VMCS field has for people and in files. */
export function fieldName(field: FieldName): string {
  for (const [name, named] of UNIT_FIELDS) if (named === field) return name;
  return field;
}

/** Entries that a unit's log may have at most, whatever its options. */
export function mostOf(name: UnitName): number {
  const unit = UNITS.find((one) => one.name === name);
  if (unit === undefined) throw new Error(`there is no unit "${name}"`);
  return unit.entriesMax;
}

/** The longest log that any of them may have. */
export const MOST_LOG_ENTRIES = Math.max(...UNITS.map(({ entriesMax }) => entriesMax));

/** Verbs of litmus steps that are units' own. */
export const UNIT_VERBS: ReadonlyMap<string, UnitVerb> = new Map(
  UNITS.flatMap(({ verbs }) => Object.entries(verbs)),
);

/** Registers that are units' own and no VMCS fields, by the names that litmus tests ask for. */
export const UNIT_REGISTERS: readonly string[] = UNITS.flatMap(({ registers = [] }) => registers);

/** Names of litmus expectations that a log has become full. */
export const LOG_FULL_EXPECTATIONS: readonly string[] = UNITS.flatMap(({ fullExpectation }) =>
  fullExpectation === null ? [] : [fullExpectation],
);

/** The units of a processor that has all of them. @param sections of their options, by their names */
export function processorUnits(sections: Readonly<Record<string, unknown>> = {}): LogUnit[] {
  return configuredUnits(sections).map((unit) => unit.processorSide(true));
}
