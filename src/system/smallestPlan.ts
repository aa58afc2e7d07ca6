/** The smallest plan: what kernel VMs, models and tests start from, and change where they are about something. */
import type { Workload } from "../../workloads/workload.ts";
import { DEFAULT_PROCESSOR_COSTS } from "../hardware/costs.ts";
import { EPT } from "../hardware/formats/ept.ts";
import { DEFAULT_GEOMETRY } from "../hardware/geometry.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../hypervisor/costs.ts";
import { sectionDefaults } from "../hypervisor/techniques/all.ts";
import { configuredUnits } from "../units/all.ts";
import { DEFAULT_ENERGY_COSTS } from "./energy.ts";
import { measure } from "./operations/measure.ts";
import { asPlanned, HANDLER_BUDGET, type SystemPlan } from "./systemPlan.ts";
import { BLOCK_ACCESSES, type TrackingPlan, type VmPlan, type WorldPlan } from "./worldPlan.ts";

/** What is other than in the smallest plan. */
export interface PlanChanges {
  readonly system?: Partial<Omit<SystemPlan, "world">>;
  readonly world?: Partial<Omit<WorldPlan, "vms" | "tracking">>;
  readonly tracking?: Partial<TrackingPlan>;
}

/** As long as anybody needs, and exact in a floating-point number. */
const LONG_CYCLES = 1e9;

/**
 * VMs that nobody tracks, on one CPU, measured to the end of their workloads.
 * @param vms as `smallestVm` plans them
 */
export function smallestPlan(
  vms: readonly VmPlan[],
  { system = {}, world = {}, tracking = {} }: PlanChanges = {},
): SystemPlan {
  return {
    world: {
      geometry: DEFAULT_GEOMETRY,
      pcpus: 1,
      vms,
      mmu: { format: EPT, compatibility: "sdm", costs: DEFAULT_PROCESSOR_COSTS },
      units: configuredUnits(),
      blockAccesses: BLOCK_ACCESSES,
      tracking: {
        technique: "none",
        costs: DEFAULT_HYPERVISOR_COSTS,
        logLimit: -1,
        ringEntries: 256,
        ringReserved: 0,
        ringSource: "writeProtect",
        largePagesReturn: false,
        splitEagerly: false,
        initiallySet: false,
        lazyTypes: false,
        manualProtect: false,
        armedTwice: "xen",
        options: sectionDefaults(),
        preemptEvery: 0,
        faults: [],
        ...tracking,
      },
      ...world,
    },
    pvmCpus: 1,
    handlerCpus: [],
    handlerBudget: HANDLER_BUDGET,
    energy: DEFAULT_ENERGY_COSTS,
    quantumCycles: LONG_CYCLES,
    timesliceCycles: LONG_CYCLES,
    judgesRounds: true,
    operation: measure({ harvestCycles: 0, live: false, deadlineCycles: 0 }),
    replace: asPlanned,
    ...system,
  };
}

/**
 * A VM without paging of its own, mapped by 4 KiB leaves, with all of its memory.
 * @param workloads one for each vCPU
 */
export function smallestVm(
  name: string,
  pages: number,
  workloads: readonly Workload[],
  changes: Partial<VmPlan> = {},
): VmPlan {
  return {
    name,
    pages,
    paging: "off",
    leafLevel: 1,
    keepVersions: false,
    waits: false,
    initialPages: pages,
    slots: null,
    workloads,
    devices: [],
    pv: null,
    ...changes,
  };
}
