/**
 * Fields of a scenario that its plan does not read: whatever they say, the run is the same. A file may have them, as one
 * that is run with several trackers does; an option that sets one is a mistake (src/runs/scenarioFile.ts).
 */
import type { FieldPath } from "../../config/fieldPath.ts";
import {
  DESIGNED_TECHNIQUE,
  sections,
  TECHNIQUES,
  techniqueOn,
  unitOf,
} from "../../hypervisor/techniques/all.ts";
import { writeLog } from "../../units/all.ts";
import { configured } from "../operations/all.ts";
import type { Scenario } from "../scenarioSchema.ts";
import { scenarioUnits } from "./units.ts";

export interface UnreadField {
  readonly path: FieldPath;
  /** Why it is not read, without the field's name. */
  readonly why: string;
}

/** None where the operator may arm any technique: the run may come to read all of them. */
export function unreadFields(scenario: Scenario): readonly UnreadField[] {
  const { tracker } = scenario;
  const operation = configured(scenario.operation, scenario.faults);
  if (operation.operatorDecides) return [];
  const technique = operation.technique(tracker.technique);
  const units = scenarioUnits(scenario);
  const unit = unitOf(technique, units, writeLog(units, tracker.ring.source));
  const read = [techniqueOn(units, technique)?.section?.name, unit?.declaration.name];
  const unused = sections().filter(({ name }) => !read.includes(name));
  const isDecided = TECHNIQUES.every((name) => operation.technique(name) === technique);
  return [
    ...(isDecided || !operation.tracks
      ? [{ path: ["tracker", "technique"], why: whyNoTechnique(operation) }]
      : []),
    ...(technique === DESIGNED_TECHNIQUE
      ? designsLog(scenario)
      : [{ path: ["machine", "unit"], why: `technique "${technique}" does not use it` }]),
    ...unused.map(({ name }) => ({
      path: ["tracker", name],
      why: `technique "${technique}" does not read it`,
    })),
    ...(unit === null
      ? [{ path: ["tracker", "logLimit"], why: `technique "${technique}" has no logs` }]
      : []),
  ];
}

/** Its own length comes first. */
function designsLog({ machine: { unit } }: Scenario): UnreadField[] {
  if (unit?.entries === undefined) return [];
  return [{ path: ["machine", "logEntries"], why: "machine.unit.entries says it" }];
}

function whyNoTechnique({ kind, estimator, tracks }: ReturnType<typeof configured>): string {
  if (!tracks) return `operation "${kind}" tracks nothing as it is asked for here`;
  const who = estimator === null ? `operation "${kind}"` : "an estimator";
  return `${who} chooses its own way of tracking`;
}
