/** From a scenario to a system that is ready to run. */
import { totalmem } from "node:os";
import { createWorkload } from "../../workloads/schema.ts";
import type { Workload } from "../../workloads/workload.ts";
import { FieldError, fieldError, UserError } from "../errors.ts";
import { LINEAR_PAGES_MAX } from "../hardware/accessLoop.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../hardware/geometry.ts";
import { logProblem } from "../hardware/logLimits.ts";
import { DATA_FRAME_BASE } from "../hardware/memory.ts";
import { RING_RESERVED } from "../hypervisor/dirtyRing.ts";
import {
  sectionDefaults,
  sections,
  techniqueNamed,
  techniques,
  unitOf,
} from "../hypervisor/techniques/all.ts";
import { TRACKER_FAULTS, type TrackerFault } from "../hypervisor/trackedVm.ts";
import type { LogicKind } from "./actors.ts";
import { OPERATION_FAULTS } from "./operation.ts";
import type { CheckpointSink } from "./operations/checkpoint/sink.ts";
import { initialSizes } from "./operations/overcommit/sizes.ts";
import { createOperation, needsContents, operationTechnique } from "./operations/schema.ts";
import { scenarioDigest } from "./scenarioDigest.ts";
import type { Scenario } from "./scenarioSchema.ts";
import { System } from "./system.ts";
import { asPlanned } from "./systemPlan.ts";
import { expectedFrames } from "./world.ts";
import { BLOCK_ACCESSES, type VmPlan, type WorldPlan } from "./worldPlan.ts";

const LEAF_LEVELS = { "4K": 1, "2M": 2, "1G": 3 } as const;
/** PAE maps four times 1 GiB. */
const PAE_PAGES = 1 << 20;
const PAGE_BYTES = 4096;
/** Truth, bitmaps and versions of a page, at most about. */
const BOOKKEEPING_BYTES = 8;
/** What an overcommitted host notes for each of its frames. */
const HOST_FRAME_BYTES = 24;

export interface BuildOptions {
  /** Where relative names of trace files start. */
  readonly directory?: string;
  readonly logic?: LogicKind;
  /**
   * Where the checkpoints of a checkpoint scenario go; default: memory. What a scenario names is not opened
   * here: only whoever was told so by a person opens a file for writing.
   */
  readonly checkpointSink?: CheckpointSink | undefined;
}

/** Builds a system. Throws UserError, a FieldError where it can, if the scenario asks for what cannot be. */
export function buildSystem(scenario: Scenario, options: BuildOptions = {}): System {
  const { machine, tracker } = scenario;
  const geometry: Geometry = {
    ...DEFAULT_GEOMETRY,
    logEntries: machine.logEntries,
    tlb: machine.tlb,
  };
  const { variant, slotRule, doubleBuffer, filterGuestTables } = tracker.prl;
  const configured = scenario.vms.map((vm, number) => vmConfig(scenario, vm, number, options));
  checkNames(configured);
  checkLogs(scenario);
  const vms = atTheStart(scenario, configured, geometry);
  checkMemory({ geometry, vms });
  checkHost(scenario);
  checkFaults(scenario);
  checkPieces(scenario);
  checkEnd(scenario, vms);
  return new System(
    {
      world: {
        geometry,
        pcpus: machine.cpus,
        vms,
        blockAccesses: BLOCK_ACCESSES,
        mmu: {
          compatibility: machine.compatibility,
          costs: machine.costs.processor,
          prl: { variant, slotRule, doubleBuffer },
        },
        tracking: {
          technique: operationTechnique(scenario.operation, tracker.technique),
          costs: machine.costs.hypervisor,
          logLimit: tracker.logLimit ?? -1,
          filterGuestTables,
          ringEntries: tracker.ring.entries,
          ringReserved: RING_RESERVED,
          ringFromPml: tracker.ring.source === "pml",
          largePagesReturn: tracker.largePagesReturn === true,
          initiallySet: tracker.initiallySet === true,
          armedTwice: tracker.armedTwice,
          options: { ...sectionDefaults(), ...sectionsIn(scenario) },
          preemptEvery: tracker.preemptEvery ?? 0,
          faults: TRACKER_FAULTS.filter((fault) => scenario.faults.includes(fault)),
        },
      },
      pvmCpus: machine.pvmCpus,
      prlHandlers: [],
      judgesRounds: true,
      replace: asPlanned,
      handlerBudget: machine.handlerBudget,
      energy: machine.costs.energy,
      quantumCycles: machine.quantum,
      timesliceCycles: machine.timeslice,
      operation: createOperation(
        scenario.operation,
        scenario.until ?? 0,
        OPERATION_FAULTS.filter((fault) => scenario.faults.includes(fault)),
        { scenario: scenarioDigest(scenario), sink: options.checkpointSink },
        scenario.seed,
      ),
    },
    options.logic,
  );
}

function checkNames(vms: readonly VmPlan[]): void {
  const names = vms.map(({ name }) => name);
  const twice = names.findIndex((name, number) => names.indexOf(name) !== number);
  if (twice < 0) return;
  throw new FieldError(["vms", twice, "name"], `two VMs are called "${names[twice]}"`);
}

/** A log longer than its unit can have would not fill, or its index wrap. */
function checkLogs({ machine, tracker, operation }: Scenario): void {
  const unit = unitOf(operationTechnique(operation, tracker.technique), tracker.ring.source);
  const { variant } = tracker.prl;
  const problem = unit === null ? null : logProblem(unit, machine.logEntries, variant);
  if (problem !== null) throw fieldError(["machine", "logEntries"], problem);
}

/** On an overcommitted host the VMs do not begin with all of their memory. */
function atTheStart(
  { operation }: Scenario,
  vms: readonly VmPlan[],
  { indexBits }: Geometry,
): readonly VmPlan[] {
  if (operation.kind !== "overcommit") return vms;
  const sizes = initialSizes(operation, vms, indexBits);
  return vms.map((vm, number) => ({ ...vm, initialPages: sizes[number]! }));
}

/** The scenario on a host with enough memory for all; null if it need not be compared with that. */
export function referenceScenario(scenario: Scenario, system: System): Scenario | null {
  const { operation } = scenario;
  if (operation.kind !== "overcommit" || !operation.reference) return null;
  const memory = system.config.world.vms.reduce((sum, { pages }) => sum + pages, 0);
  return { ...scenario, operation: { ...operation, memory } };
}

/** Paging structures must fit into the frames that have bytes, and everything into this machine. */
function checkMemory(config: Pick<WorldPlan, "geometry" | "vms">): void {
  const frames = expectedFrames(config);
  const pages = config.vms.reduce((sum, vm) => sum + vm.pages, 0);
  const guest = `${gib(pages * PAGE_BYTES)} of guest memory`;
  if (frames > DATA_FRAME_BASE) {
    const most = gib(DATA_FRAME_BASE * PAGE_BYTES);
    const needed = gib(frames * PAGE_BYTES);
    throw new UserError(`${guest}: needs ${needed} of paging structures, at most ${most}`);
  }
  const needed = frames * PAGE_BYTES + pages * BOOKKEEPING_BYTES;
  if (needed > totalmem()) {
    throw new UserError(`${guest}: needs ${gib(needed)}, this machine has ${gib(totalmem())}`);
  }
}

/** Frames that no VM needs cost this machine's memory, too. */
function checkHost({ operation }: Scenario): void {
  if (operation.kind !== "overcommit") return;
  const needed = operation.memory * HOST_FRAME_BYTES;
  if (needed <= totalmem()) return;
  throw fieldError(
    ["operation", "memory"],
    `a host of ${gib(operation.memory * PAGE_BYTES)} needs ${gib(needed)}, this machine has ${gib(totalmem())}`,
  );
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** A planted fault that could do nothing is refused. In a session the operator may arm what he likes. */
function checkFaults({ faults, tracker, operation, vms }: Scenario): void {
  if (operation.kind === "session") return;
  const technique = operationTechnique(operation, tracker.technique);
  const usesPml = unitOf(technique, tracker.ring.source) === "pml";
  const owns = (fault: TrackerFault): boolean =>
    techniqueNamed(technique)?.faults?.includes(fault) === true;
  const has: Readonly<Record<Scenario["faults"][number], readonly [boolean, string]>> = {
    skipInvept: [technique !== "none", "a tracker"],
    harvestBeforeDrain: [owns("harvestBeforeDrain"), techniqueWith("harvestBeforeDrain")],
    pmlOnSomeVcpus: [
      usesPml && vms.some(({ vcpus }) => vcpus > 1),
      "PML, and a VM of several vCPUs",
    ],
    tornEntries: [
      owns("tornEntries") &&
        tracker.preemptEvery !== undefined &&
        operation.kind === "measure" &&
        operation.live === true,
      `${techniqueWith("tornEntries")}, "preemptEvery", and operation "measure" with "live: true"`,
    ],
    cleanedBitmapNotSent: [operation.kind === "migrate", 'operation "migrate"'],
    swapBeforeInvept: [operation.kind === "overcommit", 'operation "overcommit"'],
  };
  faults.forEach((fault, i) => {
    const [isThere, what] = has[fault];
    if (!isThere)
      throw fieldError(["faults", i], `"${fault}" can do nothing here: it needs ${what}`);
  });
}

function techniqueWith(fault: TrackerFault): string {
  const found = techniques().filter(({ faults }) => faults?.includes(fault));
  return `technique ${found.map(({ name }) => `"${name}"`).join(" or ")}`;
}

/** What a scenario says of techniques, by their sections' names. @throws FieldError if one that it uses needs more */
function sectionsIn({ tracker, operation }: Scenario): Readonly<Record<string, unknown>> {
  const names = sections().map(({ name }) => name);
  const given = Object.entries(tracker).filter(([name, section]) => {
    return names.includes(name) && section !== undefined;
  });
  const used = techniqueNamed(operationTechnique(operation, tracker.technique))?.section;
  if (used !== undefined && given.every(([name]) => name !== used.name)) {
    const issue = used.schema.safeParse({}).error?.issues[0];
    if (issue !== undefined) {
      throw fieldError(["tracker", used.name, ...issue.path.map(String)], "this tracker needs it");
    }
  }
  return Object.fromEntries(given);
}

/** What would change nothing, or could not be, is refused. In a session the operator may arm what he likes. */
function checkPieces({ tracker, operation }: Scenario): void {
  if (operation.kind === "session") return;
  const technique = operationTechnique(operation, tracker.technique);
  if (tracker.preemptEvery !== undefined && techniqueNamed(technique)?.armsEntries !== true) {
    throw fieldError(
      ["tracker", "preemptEvery"],
      `technique "${technique}" handles no entries: expected one that arms them`,
    );
  }
  if (operation.kind === "measure" && operation.live === true && technique === "none") {
    throw fieldError(
      ["operation", "live"],
      'technique "none" harvests nothing: expected a tracker',
    );
  }
}

/** A run must end: with a workload that never does, the scenario says when. */
function checkEnd({ operation, until }: Scenario, vms: readonly VmPlan[]): void {
  if (until !== undefined || operation.kind === "migrate") return;
  const endless = vms.findIndex(({ workloads }) => workloads.some((one) => one.endless === true));
  if (endless < 0) return;
  throw new FieldError(
    ["vms", endless, "workload"],
    `VM "${vms[endless]!.name}": its workload never ends; set "until" (or --until), or limit its "accesses"`,
  );
}

function vmConfig(
  scenario: Scenario,
  vm: Scenario["vms"][number],
  number: number,
  { directory }: BuildOptions,
): VmPlan {
  const name = vm.name ?? `vm${number}`;
  const workloads = Array.from({ length: vm.vcpus }, (_, vcpu): Workload => {
    const surroundings = {
      seed: scenario.seed,
      ...(directory === undefined ? {} : { directory }),
    };
    return createWorkload(vm.workload, `${name}/workload${vcpu}`, surroundings);
  });
  if (vm.paging !== "off" && workloads.some((one) => one.guestPhysical === true)) {
    throw new FieldError(
      ["vms", number, "paging"],
      `VM "${name}": the pages of its trace are guest-physical; expected paging "off", not "${vm.paging}"`,
    );
  }
  if (workloads.length > 1 && workloads[0]?.traced !== undefined) {
    throw new FieldError(
      ["vms", number, "vcpus"],
      `VM "${name}": what was recorded is a machine with one processor; expected 1, not ${workloads.length}`,
    );
  }
  const touched = Math.max(...workloads.map(({ pages }) => pages));
  const pages = vm.memory ?? touched;
  if (touched > pages) {
    throw new FieldError(
      ["vms", number, "memory"],
      `VM "${name}": its workload uses ${touched} pages, its memory has ${pages}`,
    );
  }
  const limit = vm.paging === "pae" ? PAE_PAGES : LINEAR_PAGES_MAX;
  if (pages > limit) {
    throw new FieldError(
      ["vms", number, "paging"],
      `VM "${name}": ${pages} pages; with paging "${vm.paging}" at most ${limit}`,
    );
  }
  return {
    name,
    pages,
    initialPages: pages,
    paging: vm.paging,
    leafLevel: LEAF_LEVELS[vm.pageSize],
    keepVersions:
      vm.contents ||
      needsContents(scenario.operation) ||
      // What it loses is seen in the contents alone.
      scenario.faults.includes("swapBeforeInvept"),
    workloads,
  };
}
