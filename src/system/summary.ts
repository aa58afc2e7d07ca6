/** What a run amounts to: numbers for people and programs, all read from a system's state. */

import type { AnyStateMachine, ContextFrom } from "xstate";
import { type DispatcherContext, dispatcherMachine } from "../../machines/dispatcher.ts";
import { pagerMachine } from "../../machines/pager.ts";
import { postcopyReceiverMachine } from "../../machines/postcopyReceiver.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import type { KernelCounts } from "../../workloads/workload.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { type CounterName, readCounters } from "../hardware/counters.ts";
import { countTruth, type PageCounts } from "../hardware/guestPages.ts";
import { countMarked } from "../hypervisor/dirtyBitmap.ts";
import { techniqueOn } from "../hypervisor/techniques/all.ts";
import { trackingBytes } from "../hypervisor/trackingMemory.ts";
import type { Technique } from "../interconnect/messages.ts";
import { EXIT_REASONS } from "../units/exits.ts";
import { contextOf } from "./actorContexts.ts";
import { type DeviceWork, deviceWork } from "./deviceWork.ts";
import { type Energy, energyOf } from "./energy.ts";
import { type AnyResult, knownResult } from "./operations/all.ts";
import { isMeant, type RolePattern } from "./roles.ts";
import type { Stuck, System } from "./system.ts";
import { countBelow } from "./trackerDevice.ts";
import { harvestsOf, type VmHarvests } from "./verdict/harvestVerdict.ts";
import { type Standstill, standstillOf } from "./verdict/standstill.ts";
import { assertTimeConserved, type CpuTime, timeLedger } from "./verdict/timeLedger.ts";
import { brokenPromises } from "./verdict/verdict.ts";

export interface RunSummary {
  /** What was armed last, by which `reported` goes; what was asked for, where nothing was or the VMs' differ (`harvests`). */
  readonly technique: Technique;
  /** What the scenario or its operation asks for. Without memory for logs write protection is armed in its place. */
  readonly asked: Technique;
  /** False if the run was interrupted, or could go no further. */
  readonly complete: boolean;
  /** Virtual time of the whole run, in cycles. */
  readonly time: number;
  readonly messages: number;
  readonly accesses: number;
  readonly writes: number;
  readonly l1TlbMisses: number;
  readonly tlbMisses: number;
  readonly walks: number;
  readonly walkReferences: number;
  readonly flagUpdates: number;
  readonly logEntries: number;
  readonly logFull: number;
  readonly missedGpas: number;
  /** Log-full interrupts that PRL sent to the pVM. */
  readonly ipis: number;
  /** VM exits by number of the basic exit reason. */
  readonly exits: Readonly<Record<string, number>>;
  /**
   * Cycles of all vCPUs by cause: the guest's own work, T_PTW, T_x, T_e, T_h; and those that a vCPU was
   * held back until its dirty ring was reset.
   */
  readonly cycles: {
    readonly guest: number;
    readonly ptw: number;
    readonly exit: number;
    readonly entry: number;
    readonly handler: number;
    readonly waiting: number;
  };
  /** What each CPU spent its time on, also the pVM's: of each they add up to `time`. */
  readonly cpus: readonly CpuTime[];
  /** Bytes that the hypervisor keeps for the tracking of all VMs: logs, rings, bitmaps, counts. */
  readonly trackingBytes: number;
  /** What the pVM's CPUs did. */
  readonly pvm: {
    readonly handlerRuns: number;
    readonly logsServed: number;
    readonly coalescedIpis: number;
    /** Cycles of PRL's log-full interrupts: T_x, T_e, T_h. A pending one, once unmasked, is an exit of its own. */
    readonly exit: number;
    readonly entry: number;
    readonly handler: number;
    /** Cycles of processes, such as estimators, without their hypercalls. */
    readonly processes: number;
    /** Cycles of arming and harvesting: hypercalls of the toolstack or of a process. */
    readonly control: number;
  };
  readonly energy: Energy;
  /** What the guests' kernels did; not there if no guest has one. */
  readonly kernels?: KernelCounts;
  /** What devices wrote by DMA; not there if no VM has one. */
  readonly devices?: readonly DeviceWork[];
  /** Distinct pages that the VMs' programs and devices used, exactly. */
  readonly truth: PageCounts;
  /** Distinct pages that the tracker reported; null where it cannot know. Guest page tables apart. */
  readonly reported: {
    readonly pagesWritten: number | null;
    readonly pagesTouched: number | null;
    readonly guestPageTables: number;
  };
  /** What came of the operation. */
  readonly operation: AnyResult;
  /** Each VM's harvests, held against what it did in each round. */
  readonly harvests: readonly VmHarvests[];
  /** If the run could go no further: who waits for what; or who got a message that it does not take. */
  readonly standstill: Standstill | null;
  readonly stuck: Stuck | null;
  /** Of VMs with memory slots. */
  readonly slots?: readonly SlotCounts[];
  /**
   * Whatever went wrong, a sentence each: an operation that failed, a VM that died, a harvest that lost a
   * page, a run that could go no further.
   */
  readonly failures: readonly string[];
}

/** What came of a VM's memory slots. */
export interface SlotCounts {
  readonly vm: string;
  /** Slots that there are in the end. */
  readonly slots: number;
  /** Changes that were made, and those that KVM refused. */
  readonly changes: number;
  readonly refused: number;
  /** Accesses to no memory, and writes to read-only slots. */
  readonly deviceAccesses: number;
}

/**
 * @param standstill of the run, where a ProgressWatch has found one
 * @throws Error if time was not conserved: a fault of the program
 */
export function summarize(
  system: System,
  standstill: Standstill | null = standstillOf(system),
): RunSummary {
  const broken = brokenPromises(system, standstill);
  // Where nobody moves any more, time passes that nobody spends.
  if (!broken.some(({ promise }) => promise === "the run goes on")) assertTimeConserved(system);
  const { config, interconnect } = system;
  const sum = countersOf(system);
  const contexts = contextsOf(system);
  const { dispatchers, pvmCpus } = contexts;
  const operation = knownResult(system.result());
  const harvests = harvestsOf(system);
  const asked = config.world.tracking.technique;
  const { cpus } = timeLedger(system);
  const cycles = cyclesOf(sum, contexts, cpus);
  const pvm = pvmWork(contexts, config.world.tracking.costs);
  const events = eventsOf(sum);
  const kernels = kernelsOf(system);
  const devices = deviceWork(system);
  return {
    technique: armedTechnique(asked, harvests),
    asked,
    complete: system.done,
    time: interconnect.now,
    messages: interconnect.sequence,
    ...events,
    logFull: sum("logFull"),
    missedGpas: sum("missedGpas"),
    ipis: total(pvmCpus.map(({ ipis }) => ipis)),
    exits: countExits(dispatchers),
    cycles,
    cpus,
    trackingBytes: bytesOfTracking(system),
    pvm,
    energy: energyOf(
      {
        ...events,
        zeroedPages: kernels?.zeroedPages ?? 0,
        seconds: interconnect.now / CYCLES_PER_SECOND,
        busyCycles: busyCycles(cycles, pvm),
      },
      config.energy,
    ),
    ...(kernels === null ? {} : { kernels }),
    ...slotCountsOf(system),
    ...(devices === null ? {} : { devices }),
    truth: sumTruth(system),
    reported: reportedPages(system, harvests),
    operation,
    harvests,
    standstill,
    stuck: system.stuck,
    failures: [...operation.failures, ...broken.map(({ what }) => what)],
  };
}

function slotCountsOf({ world }: System): Pick<RunSummary, "slots"> {
  const slots = world.vms.flatMap(({ config, tracked }): SlotCounts[] => {
    if (tracked.slots === null) return [];
    const { kvm, changes, refused, deviceAccesses } = tracked.slots;
    return [{ vm: config.name, slots: kvm.slots.size, changes, refused, deviceAccesses }];
  });
  return slots.length === 0 ? {} : { slots };
}

/** A counter of the processors, over all vCPUs. */
type CounterSum = (name: CounterName) => number;

function countersOf({ world }: System): CounterSum {
  const counters = world.vcpus.map(({ counters }) => readCounters(counters.values));
  return (name) => total(counters.map((one) => one[name]));
}

/** The contexts of the actors that count something. */
interface CountingContexts {
  readonly dispatchers: readonly DispatcherContext[];
  readonly trackers: readonly ContextFrom<typeof trackerMachine>[];
  readonly pagers: readonly { readonly handlerCycles: number }[];
  readonly vcpus: readonly ContextFrom<typeof vcpuMachine>[];
  readonly pvmCpus: readonly ContextFrom<typeof pvmCpuMachine>[];
}

function contextsOf({ actors }: System): CountingContexts {
  const contexts = <Machine extends AnyStateMachine>(
    machine: Machine,
    pattern: RolePattern,
  ): ContextFrom<Machine>[] =>
    actors
      .filter(({ role }) => isMeant(role, pattern))
      .map((actor) => contextOf({ machine: actor.machine, context: actor.live.context }, machine));
  return {
    dispatchers: contexts(dispatcherMachine, { kind: "dispatcher" }),
    trackers: contexts(trackerMachine, { kind: "tracker" }),
    pagers: [
      ...contexts(pagerMachine, { helper: "pager" }),
      ...contexts(postcopyReceiverMachine, { helper: "receiver" }),
    ],
    vcpus: contexts(vcpuMachine, { kind: "vcpu" }),
    pvmCpus: contexts(pvmCpuMachine, { kind: "pvmCpu" }),
  };
}

function cyclesOf(
  sum: CounterSum,
  { dispatchers, trackers, pagers, vcpus }: CountingContexts,
  cpus: readonly CpuTime[],
): RunSummary["cycles"] {
  return {
    guest: sum("guestCycles"),
    ptw: sum("walkCycles"),
    exit: total(vcpus.map(({ exits, exitCycles }) => exits * exitCycles)),
    entry: total(vcpus.map(({ entries, entryCycles }) => entries * entryCycles)),
    handler: total(
      [...trackers, ...dispatchers, ...pagers].map(({ handlerCycles }) => handlerCycles),
    ),
    waiting: total(cpus.map(({ cycles: own }) => own["waiting"] ?? 0)),
  };
}

function pvmWork(
  { pvmCpus, trackers }: CountingContexts,
  { vmExit, vmEntry }: { readonly vmExit: number; readonly vmEntry: number },
): RunSummary["pvm"] {
  const handlerRuns = total(pvmCpus.map(({ handlerRuns }) => handlerRuns));
  const handlerCycles = total(pvmCpus.map(({ handlerCycles }) => handlerCycles));
  return {
    handlerRuns,
    logsServed: total(pvmCpus.map(({ logsServed }) => logsServed)),
    coalescedIpis: total(pvmCpus.map(({ coalesced }) => coalesced)),
    exit: handlerRuns * vmExit,
    entry: handlerRuns * vmEntry,
    handler: handlerCycles - handlerRuns * (vmExit + vmEntry),
    processes: total(pvmCpus.map(({ jobCycles, hypercallCycles }) => jobCycles - hypercallCycles)),
    control: total(trackers.map(({ controlCycles }) => controlCycles)),
  };
}

/** Cycles in which some CPU was at work: the guests', and the pVM's. */
function busyCycles(
  { guest, ptw, exit, entry, handler }: RunSummary["cycles"],
  pvm: RunSummary["pvm"],
): number {
  const guests = guest + ptw + exit + entry + handler;
  const handlerCycles = pvm.exit + pvm.entry + pvm.handler;
  return guests + handlerCycles + pvm.processes + pvm.control;
}

function eventsOf(sum: CounterSum) {
  return {
    accesses: sum("accesses"),
    writes: sum("writes"),
    l1TlbMisses: sum("l1TlbMisses"),
    tlbMisses: sum("tlbMisses"),
    walks: sum("walks"),
    walkReferences: sum("walkReferences"),
    flagUpdates: sum("flagUpdates"),
    logEntries: sum("logEntries"),
  };
}

function kernelsOf({ world }: System): KernelCounts | null {
  const all = world.vcpus.flatMap(({ stream }) => stream.workload.kernel ?? []);
  if (all.length === 0) return null;
  return {
    faults: total(all.map(({ faults }) => faults)),
    zeroedPages: total(all.map(({ zeroedPages }) => zeroedPages)),
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function armedTechnique(asked: Technique, harvests: readonly VmHarvests[]): Technique {
  const armed = new Set(harvests.map(({ technique }) => technique));
  armed.delete("none");
  const [one] = armed;
  return armed.size === 1 && one !== undefined ? one : asked;
}

function countExits(dispatchers: readonly DispatcherContext[]): Record<string, number> {
  const exits: Record<string, number> = {};
  for (const { exits: own } of dispatchers) {
    for (const [name, count] of Object.entries(own)) {
      const reason = String(EXIT_REASONS[name] ?? name);
      exits[reason] = (exits[reason] ?? 0) + count;
    }
  }
  return exits;
}

function sumTruth({ world }: System): PageCounts {
  const counts = world.vms.map(({ guest }) => countTruth(guest));
  return {
    pagesRead: total(counts.map(({ pagesRead }) => pagesRead)),
    pagesWritten: total(counts.map(({ pagesWritten }) => pagesWritten)),
    pagesTouched: total(counts.map(({ pagesTouched }) => pagesTouched)),
  };
}

/** By what is armed, or was last; before that, by what was asked for. */
function bytesOfTracking({ world, config }: System): number {
  const { technique: asked } = config.world.tracking;
  const { geometry } = config.world;
  const ofVms = world.vms.map(({ tracked, rounds, config: { pages } }) => {
    const armed = rounds?.counts.technique ?? "none";
    const technique = techniqueOn(world.config.units, armed === "none" ? asked : armed);
    return technique === null ? 0 : trackingBytes(tracked, technique, geometry, pages);
  });
  return total(ofVms);
}

/** By what was armed, which need not be what was asked for; before that, by what was asked for. */
function reportedPages(
  { world, config }: System,
  harvests: readonly VmHarvests[],
): RunSummary["reported"] {
  const asked = techniqueOn(config.world.units, config.world.tracking.technique);
  const armed = harvests.filter(({ technique }) => technique !== "none");
  const tells = (what: "findsWritten" | "findsTouched"): boolean =>
    armed.length === 0 ? asked?.[what] === true : armed.every((one) => one[what]);
  const written = world.vms.map((vm) => countBelow(vm.reportedWritten, vm.config.pages));
  const touched = world.vms.map((vm) => countBelow(vm.reportedTouched, vm.config.pages));
  const all = world.vms.map((vm) =>
    Math.max(countMarked(vm.reportedWritten), countMarked(vm.reportedTouched)),
  );
  return {
    pagesWritten: tells("findsWritten") ? total(written) : null,
    pagesTouched: tells("findsTouched") ? total(touched) : null,
    guestPageTables: total(all) - Math.max(total(written), total(touched)),
  };
}
