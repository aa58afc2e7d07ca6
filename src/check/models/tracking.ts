/** A VM under a tracking technique, harvested at any moment: one model for every technique that finds written pages. */

import { toolstackMachine } from "../../../machines/toolstack.ts";
import { TOUCHED, WRITTEN } from "../../hardware/guestForm.ts";
import { techniqueOn } from "../../hypervisor/techniques/all.ts";
import { isNoted, type Technique } from "../../hypervisor/techniques/technique.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";
import { UNITS } from "../../units/all.ts";
import type { Model } from "../engine/model.ts";
import { type Commands, type SystemModelOptions, systemModel } from "../hypervisor/systemModel.ts";
import { over, type Predicate, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";
import { betweenWriteAndMark, deviceProperties, type ModelDevice } from "./devices.ts";
import { LoggedEntries } from "./loggedEntries.ts";
import { ifOperatorWaits } from "./operatorCommands.ts";
import {
  HARVEST_STANDS_STILL,
  logProperties,
  noPageLost,
  noStaleTranslations,
  pausedVcpusRunAgain,
  protocolProperties,
  ringProperties,
  standsStill,
} from "./properties.ts";
import { ifSlotsStay } from "./slotCommands.ts";
import { type SmallSystemOptions, smallSystem } from "./smallSystem.ts";
import {
  COUNTED_WAS_ACCESSED,
  countedWasAccessed,
  indexInRange,
  noFlagWithoutAccess,
  servedLogIsEmpty,
} from "./stepChecks.ts";

export type TrackingOptions = SmallSystemOptions &
  Pick<SystemModelOptions, "reads" | "halts"> & {
    /** The largest count of a page's log entries that is told apart; default 1. */
    readonly countsTo?: number;
    /** What the person at the console may do at any moment; default: nothing. */
    readonly commands?: Commands;
    /** A device that writes the VM's memory; default: none. */
    readonly device?: ModelDevice;
  };

/** A system model with the properties of its technique. */
export function trackingModel(name: string, options: TrackingOptions): Model {
  const { technique } = options;
  const { device, pv = false, live = false } = options;
  const system = smallSystem(options);
  const { reads = true, halts = false, commands, countsTo = 1 } = options;
  const declared = techniqueOn(system.world.config.units, technique);
  const logged = declared?.logsMisses === true ? new LoggedEntries(system, countsTo) : null;
  return systemModel(system, {
    name,
    reads,
    halts,
    ...(commands === undefined ? {} : { commands }),
    ...(device === undefined ? {} : { choosers: [device.chooser] }),
    staysOnCpu: commands === undefined && options.harvests === false && options.cpus === undefined,
    countsTo,
    ...(logged === null ? {} : { besides: (vm) => [logged.form(vm)] }),
    owed: owedBy(declared),
    ...(options.slots === undefined ? {} : { pagesDiffer: IN_SLOTS }),
    ...(options.piece === undefined ? {} : { pagesDiffer: IN_ORDER }),
    ...(pv && options.pages > 1 ? { pagesDiffer: THE_HYPERVISORS } : {}),
    ...(options.lazyTypes === true ? { pagesDiffer: IN_REGIONS } : {}),
    ...(device?.plan.tracking === "vhost" ? { pagesDiffer: USED_RING } : {}),
    stepChecks: [
      indexInRange,
      noFlagWithoutAccess,
      servedLogIsEmpty,
      ...(isExact(system, options, declared) ? [countedWasAccessed] : []),
      ...(logged === null ? [] : [logged.check]),
    ],
    properties: [
      ...[...protocolProperties(system), ...techniqueProperties(system, options)].map((property) =>
        commandedProperty(options, property),
      ),
      ...(logged?.properties() ?? []),
      ...(options.piece !== undefined && options.piece < options.pages
        ? pieceProperties(options, declared)
        : []),
      ...(pv && live && options.harvests !== false
        ? [betweenWriteAndMark("the hypervisor's")]
        : []),
      ...(device === undefined ? [] : deviceProperties(system, options.harvests !== false)),
      standsStill(system, HARVEST_STANDS_STILL, ["harvesting"], mayRun(system)),
      ...(isExact(system, options, declared)
        ? [{ kind: "step", name: COUNTED_WAS_ACCESSED } as const]
        : []),
    ],
  });
}

/** What must come to pass where somebody gives commands at any moment. */
function commandedProperty({ commands, slots }: TrackingOptions, property: Property): Property {
  if (commands === undefined) return property;
  return slots === undefined ? ifOperatorWaits(property) : ifSlotsStay(property);
}

/** What its harvests have to report. PRL owes nothing: what a TLB holds it cannot see. */
function owedBy(technique: Technique | null): number {
  if (technique?.logsMisses === true) return 0;
  return technique?.findsWritten === false ? TOUCHED : WRITTEN;
}

/** What must be seen in a model of work in pieces, or it would be none. */
function pieceProperties(
  { technique, harvests, pages }: TrackingOptions,
  declared: Technique | null,
): Property[] {
  // Between two messages a tracker is "preparing" only if there are pieces to come.
  const during = (phase: string, toolstack: ActorSnapshot, tracker: ActorSnapshot): boolean =>
    toolstack.value === phase && tracker.value === "preparing";
  const runs = (phase: string): Predicate =>
    over(["toolstack", "vm0/tracker", "vcpu0"], (...[toolstack, tracker, vcpu]: Three) => {
      return during(phase, toolstack, tracker) && vcpu.value === "guest";
    });
  const comes = (actor: string, state: string): Predicate =>
    over(["vm0/tracker", actor], (tracker: ActorSnapshot, other: ActorSnapshot) => {
      return tracker.value === "preparing" && other.value === state;
    });
  const seen = (name: string, that: Predicate): Property => ({ kind: "sometimes", name, that });
  // The unit that logs for it alone, and stops the guest when its log is full.
  const stopping = UNITS.find(({ name, whenFull }) => {
    return name === technique && whenFull.kind === "exit";
  });
  // Rings are harvested in one piece.
  const isHarvest = harvests !== false && declared?.usesRing !== true;
  return [
    seen("a guest runs between two pieces of arming", runs("arming")),
    ...(isHarvest
      ? [seen("a guest runs between two pieces of a harvest", runs("harvesting"))]
      : []),
    ...(technique === "writeProtect"
      ? [seen("a violation is handled between two pieces", comes("pcpu0/dispatcher", "handling"))]
      : []),
    // It takes two pages that are armed already, and one that is not.
    ...(stopping !== undefined && pages > 2
      ? [seen("a log is full between two pieces", comes(`vcpu0/${stopping.name}`, "full"))]
      : []),
  ];
}

type Three = readonly [ActorSnapshot, ActorSnapshot, ActorSnapshot];

const IN_ORDER = "pages are not alike: a harvest in pieces takes them one by one, the lowest first";

const THE_HYPERVISORS = "pages are not alike: the hypervisor writes the first";

const USED_RING = "pages are not alike: the last is the queue's used ring";

const IN_REGIONS = "pages are not alike: what a misconfiguration resolves is a region of them";

const IN_SLOTS = "pages are not alike: slots are ranges of them";

/** A VM whose logs have been drained may run again. There is one in models of it. */
function mayRun(system: System): (toolstack: ActorSnapshot) => boolean {
  const read = contextReader(system, "toolstack", toolstackMachine);
  return (toolstack) => {
    const { letsRun, begun } = read(toolstack);
    return letsRun && begun > 0;
  };
}

/** Whether the processor itself notes accesses: see countedWasAccessed. */
function isExact(
  system: System,
  { commands, device, pv = false }: TrackingOptions,
  declared: Technique | null,
): boolean {
  const { format } = system.world.config.mmu;
  const isExactly = declared !== null && isNoted(declared, format) && declared.logsMisses !== true;
  // The mark of a device, or of the hypervisor, comes after the harvest that may have reported its write.
  return commands === undefined && device === undefined && !pv && isExactly;
}

function techniqueProperties(system: System, { technique }: TrackingOptions): Property[] {
  const common = [...noStaleTranslations(system), ...pausedVcpusRunAgain(system)];
  const declared = techniqueOn(system.world.config.units, technique);
  if (declared?.logsMisses === true) return [...common, ...logProperties(system)];
  return [
    ...noPageLost(),
    ...common,
    ...(declared?.usesRing === true ? ringProperties(system) : []),
    ...logProperties(system),
  ];
}
