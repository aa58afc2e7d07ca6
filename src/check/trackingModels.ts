/** The models of a VM that is tracked, and harvested at any moment. */

import { techniqueNamed, techniques } from "../hypervisor/techniques/all.ts";
import { fieldOf } from "../lookup.ts";
import { DESIGNED } from "../units/all.ts";
import {
  faultsOf,
  geometry,
  type ModelEntry,
  type Parameter,
  sizesOf,
  type Values,
} from "./modelEntry.ts";
import { withDevice } from "./models/devices.ts";
import { slotCommands, smallSlots } from "./models/slotCommands.ts";
import { smallSystem } from "./models/smallSystem.ts";
import { type TrackingOptions, trackingModel } from "./models/tracking.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { type Design, ENTRIES, type TrackingEntry } from "./trackingEntries.ts";
import { kebab } from "./usualUnits.ts";

/** What PRL has beside it. */
function handlerParameters({ budget = 2, counts = 1 }: TrackingEntry): readonly Parameter[] {
  return [
    {
      name: "budget",
      value: budget,
      min: 1,
      max: 3,
      what: "how often the log-full handler serves in a row",
    },
    {
      name: "counts",
      value: counts,
      min: 1,
      max: 4,
      what: "how often a page was logged is counted to here",
    },
  ];
}

/** What else a scenario says of its unit. */
function designParameters({ whenFull }: Design): readonly Parameter[] {
  const flag = (name: string, what: string): Parameter => ({
    name,
    value: 0,
    min: 0,
    max: 1,
    what,
  });
  return [
    flag("up", "1: the index goes up; 0: down"),
    whenFull === "exit"
      ? flag("gates", "1: a full log stops a walk that sets A alone, too")
      : flag("two", "1: two logs, filled in turn"),
  ];
}

function designOf({ trigger, whenFull }: Design, values: Values): object {
  const direction = values["up"] === 1 ? "up" : "down";
  const more =
    whenFull === "exit"
      ? { gatesAccessed: values["gates"] === 1 }
      : { buffers: values["two"] === 1 ? 2 : 1 };
  return { name: DESIGNED.label, trigger, whenFull, direction, ...more };
}

function pieceParameter(value: number): Parameter {
  return { name: "piece", value, min: 1, max: 4, what: "entries that are handled in a row" };
}

function slotsOf(
  what: NonNullable<TrackingEntry["slots"]>,
  pages: number,
): Partial<TrackingOptions> {
  const commands = what === "changed" ? { commands: slotCommands(pages) } : {};
  return { slots: smallSlots(pages), ...commands };
}

/** Those that are designed here log writes. */
function logsMisses({ technique, design }: TrackingEntry): boolean {
  return design === undefined && techniqueNamed(technique)?.logsMisses === true;
}

function trackingEntry(entry: TrackingEntry): ModelEntry {
  const { technique, vcpus } = entry;
  const options = (values: Values, mutation: Mutation | null): TrackingOptions => ({
    technique,
    vcpus,
    ...(entry.cpus === undefined ? {} : { cpus: entry.cpus }),
    ...sizesOf(values),
    harvests: values["harvests"] === 1,
    handlerBudget: values["budget"] ?? 1,
    countsTo: values["counts"] ?? 1,
    ...(values["piece"] === undefined ? {} : { piece: values["piece"], live: true }),
    ...(entry.slots === undefined ? {} : slotsOf(entry.slots, fieldOf(values, "pages"))),
    ...(entry.device === undefined ? {} : withDevice(fieldOf(values, "pages"), entry.device)),
    ...entry.more,
    ...(entry.design === undefined
      ? {}
      : { units: { [DESIGNED.name]: designOf(entry.design, values) } }),
    ...faultsOf(mutation),
  });
  return {
    name: entry.name,
    what: entry.what,
    parameters: [
      ...geometry(entry.pages, entry.logEntries, entry.reads, entry.levels),
      {
        name: "harvests",
        value: entry.harvests ?? 1,
        min: 0,
        max: 1,
        what: "1: harvests at any moment; 0: one at the end",
      },
      ...(entry.piece === undefined ? [] : [pieceParameter(entry.piece)]),
      ...(entry.design === undefined ? [] : designParameters(entry.design)),
      ...(logsMisses(entry) ? handlerParameters(entry) : []),
    ],
    build: (values, mutation) => trackingModel(entry.name, options(values, mutation)),
    system: (values, mutation) => smallSystem(options(values, mutation)),
  };
}

/** A technique that has no model above has one of the size that it says. */
const OTHERS: readonly TrackingEntry[] = techniques()
  .filter(({ name }) => ENTRIES.every(({ technique }) => technique !== name))
  .map(({ name, finds, model }) => ({
    ...model,
    name: kebab(name),
    what: `${name} (${finds}) on one vCPU`,
    technique: name,
    vcpus: [1],
  }));

export const TRACKING: readonly ModelEntry[] = [...ENTRIES, ...OTHERS].map(trackingEntry);
