/**
 * A scenario, resolved: every name, size and rule across its fields. It comes out as a plan without optional fields, or as
 * all that is wrong with it, each mistake with its field, before any memory is built. Guests alone are made meanwhile: what
 * a trace plays, and how many pages, it has to be asked.
 */
import { Problems } from "../../errors.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../../hardware/geometry.ts";
import { DATA_FRAME_BASE } from "../../hardware/memory.ts";
import { RING_RESERVED } from "../../hypervisor/dirtyRing.ts";
import { sectionDefaults } from "../../hypervisor/techniques/all.ts";
import { TRACKER_FAULTS } from "../../hypervisor/trackedVm.ts";
import { configured } from "../operations/all.ts";
import type { PlannedOperation } from "../operations/declaration.ts";
import { scenarioDigest } from "../scenarioDigest.ts";
import type { Scenario } from "../scenarioSchema.ts";
import { asPlanned, type SystemPlan } from "../systemPlan.ts";
import { expectedFrames } from "../world.ts";
import { BLOCK_ACCESSES, type TrackingPlan, type WorldPlan } from "../worldPlan.ts";
import { gib, guestMemory, PAGE_BYTES } from "./memoryText.ts";
import { checkEnd, operationFaults, RULES, type RuleSubject } from "./rules.ts";
import { logEntriesOf, scenarioFormat, scenarioUnits, sectionsIn } from "./units.ts";
import { checkNames, vmPlans } from "./vmPlans.ts";

export interface ScenarioPlan {
  readonly system: Omit<SystemPlan, "operation">;
  readonly operation: PlannedOperation;
  /** Frames that the host has for its VMs; null: as many as they need. */
  readonly hostFrames: number | null;
}

/**
 * @param directory where relative names of trace files start
 * @throws FieldError with everything that is wrong
 */
export function resolveScenario(scenario: Scenario, directory = "."): ScenarioPlan {
  const problems = new Problems();
  const plan = resolveInto(problems, scenario, directory);
  problems.refuse();
  if (plan === null) throw new Error("a scenario without mistakes has no plan");
  return plan;
}

function resolveInto(
  problems: Problems,
  scenario: Scenario,
  directory: string,
): ScenarioPlan | null {
  const { machine } = scenario;
  const operation = configured(scenario.operation, scenario.faults);
  const technique = operation.technique(scenario.tracker.technique);
  const units = scenarioUnits(scenario);
  const subject: RuleSubject = { scenario, operation, technique, units };
  checkNames(scenario, problems);
  for (const rule of RULES) rule(subject, problems);
  const known = problems.found.length;
  const vms = vmPlans(scenario, operation.needsContents, directory, problems);
  if (vms === null) return null;
  checkEnd(subject, vms, problems);
  const geometry: Geometry = {
    ...DEFAULT_GEOMETRY,
    logEntries: logEntriesOf(scenario),
    tlb: machine.tlb,
  };
  const firstPages = operation.firstPages(vms, geometry.indexBits, problems);
  const world: Omit<WorldPlan, "tracking"> = {
    geometry,
    pcpus: machine.cpus,
    // On an overcommitted host the VMs do not begin with all of their memory.
    vms: vms.map((vm, number) => ({
      ...vm,
      initialPages: firstPages?.[number] ?? vm.initialPages,
    })),
    blockAccesses: BLOCK_ACCESSES,
    mmu: {
      format: scenarioFormat(scenario),
      compatibility: machine.compatibility,
      costs: machine.costs.processor,
    },
    units,
  };
  // Of VMs that cannot be their tables are of no interest.
  if (problems.found.length === known) checkTables(world, problems);
  const planned = operation.resolve(
    {
      world,
      technique,
      deadlineCycles: scenario.until ?? 0,
      faults: operationFaults(scenario),
      seed: scenario.seed,
      scenario: scenarioDigest(scenario),
    },
    problems,
  );
  return {
    system: { ...systemOf(scenario), world: { ...world, tracking: trackingOf(subject) } },
    operation: planned,
    hostFrames: operation.hostFrames,
  };
}

function systemOf({ machine }: Scenario): Omit<ScenarioPlan["system"], "world"> {
  return {
    pvmCpus: machine.pvmCpus,
    handlerCpus: [],
    judgesRounds: true,
    replace: asPlanned,
    handlerBudget: machine.handlerBudget,
    energy: machine.costs.energy,
    quantumCycles: machine.quantum,
    timesliceCycles: machine.timeslice,
  };
}

function trackingOf({ scenario, technique }: RuleSubject): TrackingPlan {
  const { tracker, machine, faults } = scenario;
  return {
    technique,
    costs: machine.costs.hypervisor,
    logLimit: tracker.logLimit ?? -1,
    ringEntries: tracker.ring.entries,
    ringReserved: RING_RESERVED,
    ringSource: tracker.ring.source,
    largePagesReturn: tracker.largePagesReturn === true,
    splitEagerly: tracker.splitEagerly === true,
    initiallySet: tracker.initiallySet === true,
    lazyTypes: tracker.lazyTypes === true,
    manualProtect: tracker.manualProtect === true,
    armedTwice: tracker.armedTwice,
    options: { ...sectionDefaults(), ...sectionsIn(scenario) },
    preemptEvery: tracker.preemptEvery ?? 0,
    faults: TRACKER_FAULTS.filter((fault) => faults.includes(fault)),
  };
}

/** Paging structures must fit into the frames that have bytes. */
function checkTables(world: Pick<WorldPlan, "geometry" | "vms">, problems: Problems): void {
  const frames = expectedFrames(world);
  if (frames <= DATA_FRAME_BASE) return;
  const most = gib(DATA_FRAME_BASE * PAGE_BYTES);
  const needed = gib(frames * PAGE_BYTES);
  problems.addWhole(
    ["vms"],
    `${guestMemory(world.vms)}: needs ${needed} of paging structures, at most ${most}`,
  );
}
