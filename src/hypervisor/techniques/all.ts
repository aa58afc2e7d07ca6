/** Every tracking technique: the one list, from which names, schemas, tables and models are derived. */

import * as z from "zod";
import { UserError } from "../../errors.ts";
import { nameTechnique } from "../../interconnect/messages.ts";
import {
  addUnit,
  DESIGNED,
  FIRST_UNIT,
  FIXED_UNITS,
  NO_UNIT,
  UNITS,
  type UnitSection,
  type UnitTechniqueName,
  unitNamed,
} from "../../units/all.ts";
import type { OwnUnit } from "../../units/own.ts";
import type { Unit, UnitDeclaration } from "../../units/unit.ts";
import { accessedDirtyScan } from "./accessedDirtyScan.ts";
import { accessLogTechnique } from "./accessLog.ts";
import { dirtyLogTechnique } from "./dirtyLog.ts";
import { dirtyRing } from "./dirtyRing.ts";
import { mincore } from "./mincore.ts";
import { type OwnTracker, ownTechnique } from "./own.ts";
import { presentBit } from "./presentBit.ts";
import { softDirty } from "./softDirty.ts";
import type { Technique, TechniqueName, TechniqueSection } from "./technique.ts";
import { userfaultfd } from "./userfaultfd.ts";
import { writeProtect } from "./writeProtect.ts";

/** The technique of a unit alone. */
function ofUnit(unit: UnitDeclaration): Technique {
  const technique = unit.finds === "writes" ? dirtyLogTechnique(unit) : accessLogTechnique(unit);
  const { name, section: schema } = unit;
  return schema === null ? technique : { ...technique, section: { name, schema } };
}

const ofUnits = FIXED_UNITS.map(ofUnit);
/** Units that were there before the dirty ring was. */
const FIRST_UNITS = 2;

// In the order of their numbers in saved states: a new one comes last.
const BUILT_IN: readonly Technique[] = [
  writeProtect,
  presentBit,
  accessedDirtyScan,
  ...ofUnits.slice(0, FIRST_UNITS),
  dirtyRing,
  ...ofUnits.slice(FIRST_UNITS),
  userfaultfd,
  softDirty,
  mincore,
];

type OwnFile =
  | typeof writeProtect
  | typeof presentBit
  | typeof accessedDirtyScan
  | typeof dirtyRing
  | typeof userfaultfd
  | typeof softDirty
  | typeof mincore;
/** Names of those that are built in. */
export type BuiltInTechnique = "none" | OwnFile["name"] | UnitTechniqueName;

/** Where nothing is said: the first unit's, which every processor with hardware logging has. */
export const DEFAULT_TECHNIQUE: BuiltInTechnique = FIRST_UNIT;

/** Sections of `tracker` of those that are built in. */
export type SectionOf = Extract<OwnFile, { readonly section: unknown }>["section"] | UnitSection;

/** Fields of `tracker` that are no technique's, and sections that are called otherwise. */
const RESERVED = [
  "technique",
  "logLimit",
  "largePagesReturn",
  "splitEagerly",
  "lazyTypes",
  "initiallySet",
  "manualProtect",
  "armedTwice",
  "preemptEvery",
  "ring",
  "keep",
];

const all = new Map<string, Technique>(BUILT_IN.map((one) => [one.name, one]));
const listed: TechniqueName[] = ["none", ...all.keys()];
for (const name of all.keys()) nameTechnique(name);
nameTechnique(DESIGNED.name);

function isTaken(name: string): boolean {
  return name === "none" || name === DESIGNED.name || all.has(name) || RESERVED.includes(name);
}

/** From now on scenarios, messages and people can name this tracker. @throws UserError if the name is taken, or it is none */
export function addTracker(own: OwnTracker): void {
  const { name } = own;
  if (isTaken(name)) throw new UserError(`tracker "${name}": there is one of this name already`);
  all.set(name, ownTechnique(own));
  listed.push(name);
  nameTechnique(name);
}

/** The same of a page-logging unit, and the technique that uses it. @throws UserError if the name is taken, or it is none */
export function addOwnUnit(own: OwnUnit): void {
  const { name } = own;
  if (isTaken(name)) throw new UserError(`unit "${name}": there is a tracker of this name already`);
  all.set(name, ofUnit(addUnit(own)));
  listed.push(name);
  nameTechnique(name);
}

/** Those that were registered, in the order of their registration. */
export function ownTrackerNames(): string[] {
  return [...all.keys()].slice(BUILT_IN.length);
}

/** All names, for schemas and options; "none", the absence of tracking, is the first. Without that of a scenario's unit. */
export const TECHNIQUES: readonly TechniqueName[] = listed;
/** Of a machine whose scenario designs a unit: it is in no list, as it is another in each such scenario. */
export const DESIGNED_TECHNIQUE = DESIGNED.name;

/** The name of a technique, of those that there are now. The types know those that are built in alone. */
export function techniqueField() {
  return z.enum([...TECHNIQUES, DESIGNED_TECHNIQUE] as readonly BuiltInTechnique[]);
}

/** Every technique, in the order of their names. */
export function techniques(): readonly Technique[] {
  return [...all.values()];
}

/** Sections of a scenario's `tracker`, in an order that stays: digests of scenarios are of their text. */
export function sections(): readonly TechniqueSection[] {
  const own = techniques().slice(BUILT_IN.length);
  const inOrder = [...techniques().slice(0, BUILT_IN.length).reverse(), ...own];
  return inOrder.flatMap(({ section }) => (section === undefined ? [] : [section]));
}

/** What each section is where a scenario does not say. */
export function sectionDefaults(): Readonly<Record<string, unknown>> {
  const defaults = sections().map(({ name, schema }) => [name, schema.safeParse({}).data]);
  return Object.fromEntries(defaults);
}

/** The technique of that name; null for "none". @throws for that of a scenario's unit, which is one of a machine */
export function techniqueNamed(name: TechniqueName): Technique | null {
  if (name === DESIGNED.name) throw new Error(`the technique ${name} of which machine?`);
  return all.get(name) ?? null;
}

const ofDesigns = new WeakMap<UnitDeclaration, Technique>();

/** The technique of that name on a machine whose processors have these units; null for "none". */
export function techniqueOn(units: readonly Unit[], name: TechniqueName): Technique | null {
  const unit = name === DESIGNED.name ? unitNamed(units, name) : null;
  if (unit === null) return techniqueNamed(name);
  const { declaration } = unit;
  const technique = ofDesigns.get(declaration) ?? ofUnit(declaration);
  ofDesigns.set(declaration, technique);
  return technique;
}

/** Those that tell every page that was written, as migrations and live checkpoints need. */
export function findsEveryWrite(name: TechniqueName, units: readonly Unit[]): boolean {
  const technique = techniqueOn(units, name);
  return technique?.findsWritten === true && technique.samples !== true;
}

/** Those that differential snapshots can do with: also what finds the pages in memory (Firecracker without track_dirty_pages). */
export function servesDifferences(name: TechniqueName, units: readonly Unit[]): boolean {
  return findsEveryWrite(name, units) || techniqueOn(units, name)?.findsResident === true;
}

/** Whether there are processors on which VMs can be tracked so: a technique that needs no unit takes any. */
export function isOnProcessors(name: TechniqueName): boolean {
  if (name === DESIGNED.name) return false;
  const needed = techniqueNamed(name)?.unit({ ringUnit: null }) ?? NO_UNIT;
  return UNITS.find((unit) => unit.name === needed)?.isReal ?? true;
}

/** The unit of the processor, among these, that logs for a technique; null: none does. `ringUnit`: what feeds a dirty ring. */
export function unitOf(
  technique: TechniqueName,
  units: readonly Unit[],
  ringUnit: Unit | null,
): Unit | null {
  return unitNamed(units, techniqueOn(units, technique)?.unit({ ringUnit }) ?? NO_UNIT);
}
