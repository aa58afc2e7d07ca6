/** Systems small enough to explore: the real ones in a geometry of a few pages and log entries. */
import { DEFAULT_PROCESSOR_COSTS } from "../../hardware/costs.ts";
import type { EntryFormat } from "../../hardware/formats/entryFormat.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import type { Part } from "../../hardware/part.ts";
import type { SlotsPlan } from "../../hypervisor/slots/vmSlots.ts";
import { unitOf } from "../../hypervisor/techniques/all.ts";
import type { TrackerFault } from "../../hypervisor/trackedVm.ts";
import type { Technique } from "../../interconnect/messages.ts";
import type { OperationFactory } from "../../system/operation.ts";
import { measure } from "../../system/operations/measure.ts";
import type { ActorRole } from "../../system/roles.ts";
import { smallestPlan, smallestVm } from "../../system/smallestPlan.ts";
import { System } from "../../system/system.ts";
import { type ActorParts, asPlanned } from "../../system/systemPlan.ts";
import type { World } from "../../system/world.ts";
import type { DevicePlan, TrackingPlan, VmPlan } from "../../system/worldPlan.ts";
import { configuredUnits, formatFor, writeLog } from "../../units/all.ts";
import type { Unit } from "../../units/unit.ts";
import { ChoosingWorkload } from "../hypervisor/choosingWorkload.ts";

export interface SmallSystemOptions {
  readonly technique: Technique;
  /** vCPUs of each VM. */
  readonly vcpus: readonly number[];
  /** Physical CPUs; default: one for each vCPU. */
  readonly cpus?: number;
  readonly pages: number;
  /** Pages that each VM begins with; default: all. */
  readonly initialPages?: number;
  readonly logEntries: number;
  readonly eptLevels: number;
  /** Of second-level entries; default: what goes with the unit that logs for the technique. */
  readonly format?: EntryFormat;
  readonly pvmCpus?: number;
  /** By vCPU: the pVM CPU that its full log interrupts; default: the first. */
  readonly handlerCpus?: readonly number[];
  /** Level of the leaves that map a VM at first; 2: each maps as many pages as a table has entries. */
  readonly leafLevel?: 1 | 2;
  /** Options of page-logging units, by their names; default: as in a scenario that says nothing. */
  readonly units?: Readonly<Record<string, unknown>>;
  /** Pages that the TLB holds; default: all. */
  readonly tlbPages?: number;
  /** How often the log-full handler serves in a row; default: once. */
  readonly handlerBudget?: number;
  /** Entries of a dirty ring, and those kept free. */
  readonly ringEntries?: number;
  readonly ringReserved?: number;
  readonly ringSource?: string;
  readonly keepVersions?: boolean;
  /** Memory slots of each VM, and how their logs are taken; default: none. */
  readonly slots?: SlotsPlan;
  readonly manualProtect?: boolean;
  /** Types of pages change where they are touched; default: at once. */
  readonly lazyTypes?: boolean;
  readonly faults?: readonly TrackerFault[];
  /** Entries in a piece of the tracker's work; default: all. */
  readonly piece?: number;
  /** VMs run while they are armed and harvested; default: not. */
  readonly live?: boolean;
  /** Harvests at any moment (default), or one at the end. */
  readonly harvests?: boolean;
  /** What writes the memory of each VM by DMA; default: nothing. */
  readonly devices?: readonly DevicePlan[];
  /** Page 0 of each VM is written by the hypervisor whenever a vCPU is loaded; default: not. */
  readonly pv?: boolean;
  /** Default: the measurement. */
  readonly operation?: OperationFactory;
  /** Planted faults: see SystemPlan.replace. `world` and `operation` may be asked for once the system is built. */
  readonly replace?: (
    role: ActorRole,
    parts: ActorParts,
    world: () => World,
    operation: () => readonly Part[],
  ) => ActorParts;
}

/** A delay, of whatever length: to the explorer it only means that the message goes to oneself or another. */
const SOME_TIME = 1;

/** Harvests at any moment, or none but the last, and an end at any moment. */
function measureAtAnyMoment(harvests: boolean, live: boolean): OperationFactory {
  return measure({ harvestCycles: harvests ? SOME_TIME : 0, live, deadlineCycles: SOME_TIME });
}

export function smallSystem(options: SmallSystemOptions): System {
  const { replace } = options;
  const units = configuredUnits(options.units);
  const built: { system?: System } = {};
  const world = (): World => built.system!.world;
  const memory = (): readonly Part[] => built.system!.operation.parts;
  built.system = new System(
    smallestPlan(vmsOf(options), {
      world: {
        geometry: geometryOf(options),
        // With a CPU for each vCPU nothing waits for a CPU, and no timeslice ends.
        pcpus: options.cpus ?? options.vcpus.reduce((sum, count) => sum + count, 0),
        mmu: {
          format: formatOf(options, units),
          compatibility: "sdm",
          costs: DEFAULT_PROCESSOR_COSTS,
        },
        units,
        blockAccesses: 1,
      },
      tracking: trackingOf(options),
      system: {
        pvmCpus: options.pvmCpus ?? 1,
        handlerCpus: options.handlerCpus ?? [],
        handlerBudget: options.handlerBudget ?? 1,
        // A burst is one access.
        quantumCycles: 1,
        timesliceCycles: SOME_TIME,
        // The explorer's own properties do, in every state.
        judgesRounds: false,
        operation:
          options.operation ?? measureAtAnyMoment(options.harvests ?? true, options.live ?? false),
        replace:
          replace === undefined ? asPlanned : (role, parts) => replace(role, parts, world, memory),
      },
    }),
  );
  return built.system;
}

function vmsOf(options: SmallSystemOptions): VmPlan[] {
  const { pages, initialPages = pages, leafLevel = 1, keepVersions = false } = options;
  const { slots = null } = options;
  const { devices = [], pv = false } = options;
  return options.vcpus.map((count, vm) => {
    const workloads = Array.from(
      { length: count },
      (_, vcpu) => new ChoosingWorkload(`vm${vm}/choice${vcpu}`, pages),
    );
    return smallestVm(`vm${vm}`, pages, workloads, {
      leafLevel,
      initialPages,
      keepVersions,
      slots,
      devices,
      pv: pv ? { pages: workloads.map(() => [0]), latencyCycles: SOME_TIME } : null,
    });
  });
}

function geometryOf(options: SmallSystemOptions): Geometry {
  const { pages, logEntries, eptLevels, leafLevel = 1, tlbPages = pages } = options;
  const indexBits = Math.max(1, Math.ceil(Math.log2(pages) / eptLevels));
  const largeLeaves = leafLevel > 1 ? Math.ceil(pages / 2 ** indexBits) : 1;
  return {
    eptLevels,
    guestLevels: 4,
    indexBits,
    logEntries,
    // A first level, which holds every page unless something else is asked for, and no second one.
    tlb: {
      l1: { sets: 2 ** Math.ceil(Math.log2(tlbPages)), ways: 1 },
      l1Large: { sets: 2 ** Math.ceil(Math.log2(largeLeaves)), ways: 1 },
      l2: { sets: 1, ways: 0 },
    },
    physicalAddressBits: 43,
  };
}

function formatOf(
  { technique, format, ringSource = "writeProtect" }: SmallSystemOptions,
  units: readonly Unit[],
): EntryFormat {
  return format ?? formatFor(unitOf(technique, units, writeLog(units, ringSource)));
}

function trackingOf(options: SmallSystemOptions): Partial<TrackingPlan> {
  return {
    technique: options.technique,
    ringEntries: options.ringEntries ?? 4,
    ringReserved: options.ringReserved ?? 1,
    ringSource: options.ringSource ?? "writeProtect",
    preemptEvery: options.piece ?? 0,
    manualProtect: options.manualProtect ?? false,
    lazyTypes: options.lazyTypes ?? false,
    faults: options.faults ?? [],
  };
}
