/** From a scenario to a system that is ready to run. */
import { createWorkload } from "../../workloads/schema.ts";
import type { Workload } from "../../workloads/workload.ts";
import { UserError } from "../errors.ts";
import { LINEAR_PAGES_MAX } from "../hardware/accessLoop.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../hardware/geometry.ts";
import { RING_RESERVED } from "../hypervisor/dirtyRing.ts";
import type { LogicKind } from "./actors.ts";
import { createOperation } from "./operations/schema.ts";
import type { Scenario } from "./scenarioSchema.ts";
import { System } from "./system.ts";
import type { VmConfig } from "./world.ts";

const LEAF_LEVELS = { "4K": 1, "2M": 2, "1G": 3 } as const;
/** PAE maps four times 1 GiB. */
const PAE_PAGES = 1 << 20;

export interface BuildOptions {
  /** Where relative names of trace files start. */
  readonly directory?: string;
  readonly logic?: LogicKind;
}

/** Builds a system. Throws UserError if the scenario asks for what cannot be. */
export function buildSystem(scenario: Scenario, options: BuildOptions = {}): System {
  const { machine, tracker } = scenario;
  const geometry: Geometry = {
    ...DEFAULT_GEOMETRY,
    logEntries: machine.logEntries,
    tlb: machine.tlb,
  };
  const { variant, slotRule, doubleBuffer, filterGuestTables } = tracker.prl;
  return new System(
    {
      world: {
        geometry,
        pcpus: machine.cpus,
        vms: scenario.vms.map((vm, number) => vmConfig(scenario, vm, number, options)),
        mmu: {
          compatibility: machine.compatibility,
          costs: machine.costs.processor,
          prl: { variant, slotRule, doubleBuffer },
        },
        tracking: {
          technique: tracker.technique,
          costs: machine.costs.hypervisor,
          logLimit: tracker.logLimit ?? -1,
          filterGuestTables,
          ringEntries: tracker.ring.entries,
          ringReserved: RING_RESERVED,
          ringFromPml: tracker.ring.source === "pml",
          faults: scenario.faults,
        },
      },
      pvmCpus: machine.pvmCpus,
      quantumCycles: machine.quantum,
      timesliceCycles: machine.timeslice,
      operation: createOperation(scenario.operation, scenario.until ?? 0),
    },
    options.logic,
  );
}

function vmConfig(
  scenario: Scenario,
  vm: Scenario["vms"][number],
  number: number,
  { directory }: BuildOptions,
): VmConfig {
  const name = vm.name ?? `vm${number}`;
  const workloads = Array.from({ length: vm.vcpus }, (_, vcpu): Workload => {
    const surroundings = {
      seed: scenario.seed,
      ...(directory === undefined ? {} : { directory }),
    };
    return createWorkload(vm.workload, `${name}/workload${vcpu}`, surroundings);
  });
  const touched = Math.max(...workloads.map(({ pages }) => pages));
  const pages = vm.memory ?? touched;
  if (touched > pages) {
    throw new UserError(
      `VM "${name}": its workload uses ${touched} pages, its memory has ${pages}`,
    );
  }
  const limit = vm.paging === "pae" ? PAE_PAGES : LINEAR_PAGES_MAX;
  if (pages > limit) {
    throw new UserError(
      `VM "${name}": ${pages} pages; with paging "${vm.paging}" at most ${limit}`,
    );
  }
  return {
    name,
    pages,
    paging: vm.paging,
    leafLevel: LEAF_LEVELS[vm.pageSize],
    keepVersions: vm.contents,
    workloads,
  };
}
