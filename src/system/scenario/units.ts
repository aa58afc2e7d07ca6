/** The page-logging units of a scenario's processors: what it says of their options, and the one that it designs. */
import { formatNamed } from "../../hardware/formats/all.ts";
import type { EntryFormat } from "../../hardware/formats/entryFormat.ts";
import { sections, unitOf } from "../../hypervisor/techniques/all.ts";
import { configuredUnits, DESIGNED, formatFor, writeLog } from "../../units/all.ts";
import type { Unit } from "../../units/unit.ts";
import { configured } from "../operations/all.ts";
import type { Scenario } from "../scenarioSchema.ts";

/** What a scenario says of techniques, by their sections' names. */
export function sectionsIn({ tracker }: Scenario): Readonly<Record<string, unknown>> {
  const names = sections().map(({ name }) => name);
  const given = Object.entries(tracker).filter(
    ([name, value]) => names.includes(name) && value !== undefined,
  );
  return Object.fromEntries(given);
}

/**
 * In the order of their list. The processors have the unit that the scenario designs if it is asked for, or may come to be:
 * a handler on the pVM CPU is as dear as its dearest unit, and what is compared with this one is not to pay for it.
 */
export function scenarioUnits(scenario: Scenario): readonly Unit[] {
  const { operation, faults, tracker, machine } = scenario;
  const isAsked =
    tracker.technique === DESIGNED.name || configured(operation, faults).operatorDecides;
  const designed = isAsked ? { [DESIGNED.name]: machine.unit } : {};
  return configuredUnits({ ...sectionsIn(scenario), ...designed });
}

/** Of its second-level entries: what it says, or what goes with the unit that logs for its technique. */
export function scenarioFormat(scenario: Scenario): EntryFormat {
  const { operation, faults, tracker, machine } = scenario;
  if (machine.entryFormat !== undefined) return formatNamed(machine.entryFormat);
  const technique = configured(operation, faults).technique(tracker.technique);
  const units = scenarioUnits(scenario);
  return formatFor(unitOf(technique, units, writeLog(units, tracker.ring.source)));
}

/** Entries of each log. A unit that the scenario designs may say its own. */
export function logEntriesOf({ machine, tracker }: Scenario): number {
  const isDesigned = tracker.technique === DESIGNED.name;
  return (isDesigned ? machine.unit?.entries : undefined) ?? machine.logEntries;
}
