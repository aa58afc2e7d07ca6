/**
 * What the fields of machines' contexts hold, so that they can be given other numbers. Every field of every
 * machine that a model with symmetry has is named here; one that is not is an error.
 */
import type { CheckpointLiveContext } from "../../../machines/checkpointLive.ts";
import type { CheckpointStopContext } from "../../../machines/checkpointStop.ts";
import type { DispatcherContext, PendingInvept } from "../../../machines/dispatcher.ts";
import type { EstimationContext } from "../../../machines/estimation.ts";
import type { EstimatorContext } from "../../../machines/estimatorContext.ts";
import type { MmuContext } from "../../../machines/mmu.ts";
import type { OperatorContext } from "../../../machines/operator.ts";
import type { PmlUnitContext } from "../../../machines/pmlUnit.ts";
import type { PrlUnitContext } from "../../../machines/prlUnit.ts";
import type { DrainedLog, Job, PvmCpuContext } from "../../../machines/pvmCpu.ts";
import type { CpuSlot, SchedulerContext } from "../../../machines/scheduler.ts";
import type { ToolstackContext } from "../../../machines/toolstack.ts";
import type { TrackerContext } from "../../../machines/trackerContext.ts";
import type { VcpuContext } from "../../../machines/vcpu.ts";
import type { ActorId } from "../../interconnect/messages.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import { type Permutation, renamedList } from "./permutation.ts";
import { renamedMessage } from "./renaming.ts";

/** What else must be known to rename a context. */
export interface RenamedActor extends Permutation {
  /** The VM that the actor belongs to, -1 for none: whose pages messages in its context name. */
  readonly vm: number;
}

/**
 * same: nothing that is exchanged (a count, a word, a VM). vcpus, actors: a list in which order matters.
 * byVcpu: a list with an entry for each vCPU.
 */
const KINDS = {
  same: (value: unknown) => value,
  // -1: none.
  vcpu: (value: number, { vcpu }: RenamedActor) => (value < 0 ? value : vcpu(value)),
  vcpus: (value: readonly number[], { vcpu }: RenamedActor) => value.map(vcpu),
  pcpu: (value: number, { pcpu }: RenamedActor) => pcpu(value),
  actor: (value: ActorId, { actor }: RenamedActor) => actor(value),
  actors: (value: readonly ActorId[], { actor }: RenamedActor) => value.map(actor),
  byVcpu: (value: readonly unknown[], { vcpu }: RenamedActor) => renamedList(value, vcpu),
  actorsByVcpu: (value: readonly ActorId[], { vcpu, actor }: RenamedActor) =>
    renamedList(value.map(actor), vcpu),
  actorsByPcpu: (value: readonly ActorId[], { pcpu, actor }: RenamedActor) =>
    renamedList(value.map(actor), pcpu),
  cpus: (value: readonly CpuSlot[], { vcpu, pcpu }: RenamedActor) => {
    const cpus = value.map((cpu) => ({ ...cpu, vcpu: cpu.vcpu < 0 ? cpu.vcpu : vcpu(cpu.vcpu) }));
    return renamedList(cpus, pcpu);
  },
  // By VM.
  pausedBy: (value: SchedulerContext["pausedBy"], { actor }: RenamedActor) =>
    value.map((requesters) => requesters.map(actor)),
  invepts: (value: readonly PendingInvept[], { actor }: RenamedActor) =>
    value.map((one) => ({ ...one, tracker: actor(one.tracker) })),
  jobs: (value: readonly Job[], { actor }: RenamedActor) =>
    value.map((job) => ({ ...job, requester: actor(job.requester) })),
  // A set, kept in the order of vCPUs.
  drained: (value: readonly DrainedLog[], { vcpu }: RenamedActor) =>
    value
      .map((log) => ({ ...log, vcpu: vcpu(log.vcpu) }))
      .sort((one, other) => one.vcpu - other.vcpu),
  message: (value: TrackerContext["answer"], actor: RenamedActor) =>
    renamedMessage(value, actor.vm, actor),
  messages: (value: TrackerContext["deferred"], actor: RenamedActor) =>
    value.map((message) => renamedMessage(message, actor.vm, actor)),
  // Reports, which are no state.
  empty: (value: readonly unknown[]) => {
    if (value.length > 0) throw new Error("a list in a model with symmetry that should be empty");
    return value;
  },
  // Pages of a sample: models draw none.
  none: (value: unknown) => {
    if (value !== null) throw new Error("a sample of pages in a model with symmetry");
    return value;
  },
} as const;

type Kind = keyof typeof KINDS;
type Kinds<Context> = { readonly [Field in keyof Context]-?: Kind };

const vcpu: Kinds<VcpuContext> = {
  vcpu: "vcpu",
  vm: "same",
  scheduler: "actor",
  exitCycles: "same",
  entryCycles: "same",
  mmu: "actor",
  dispatcher: "actor",
  exits: "same",
  entries: "same",
  finished: "same",
  entryFailure: "same",
  lastExit: "same",
};

const pmlUnit: Kinds<PmlUnitContext> = { vcpu: "actor", fullEvents: "same" };

const prlUnit: Kinds<PrlUnitContext> = {
  vcpu: "vcpu",
  handlerCpu: "actor",
  vector: "same",
  ipiCycles: "same",
  ipis: "same",
};

const mmu: Kinds<MmuContext> = {
  pcpu: "pcpu",
  self: "actor",
  vcpus: "actorsByVcpu",
  pmlUnits: "actorsByVcpu",
  prlUnits: "actorsByVcpu",
  vcpu: "vcpu",
  kicked: "same",
};

const dispatcher: Kinds<DispatcherContext> = {
  pcpu: "pcpu",
  self: "actor",
  mmu: "actor",
  vcpus: "actorsByVcpu",
  trackers: "actors",
  inveptCycles: "same",
  interruptCycles: "same",
  vcpu: "vcpu",
  invepts: "invepts",
  leaving: "same",
  crashed: "same",
  waits: "same",
  exits: "same",
  workCycles: "same",
  handlerCycles: "same",
};

const scheduler: Kinds<SchedulerContext> = {
  self: "actor",
  toolstack: "actor",
  timesliceCycles: "same",
  mmus: "actorsByPcpu",
  dispatchers: "actorsByPcpu",
  vmOfVcpu: "byVcpu",
  cpus: "cpus",
  waiting: "vcpus",
  turns: "vcpus",
  halted: "vcpus",
  held: "vcpus",
  sleeping: "vcpus",
  wokenEarly: "vcpus",
  pausedBy: "pausedBy",
};

const tracker: Kinds<TrackerContext> = {
  vm: "same",
  self: "actor",
  dispatchers: "actorsByPcpu",
  pager: "actor",
  pmlUnits: "actorsByVcpu",
  prlUnits: "actorsByVcpu",
  skipInvept: "same",
  armedTwice: "same",
  technique: "same",
  requester: "actor",
  awaited: "same",
  answer: "message",
  deferred: "messages",
  letsRun: "same",
  heldBack: "actors",
  violations: "same",
  drains: "same",
  handlerCycles: "same",
  controlCycles: "same",
};

const pvmCpu: Kinds<PvmCpuContext> = {
  self: "actor",
  prlUnits: "actorsByVcpu",
  interruptCycles: "same",
  entryCopyCycles: "same",
  reloadCycles: "same",
  handlerBudget: "same",
  pending: "same",
  drained: "drained",
  ipis: "same",
  coalesced: "same",
  handlerRuns: "same",
  inARow: "same",
  rowCycles: "same",
  logsServed: "same",
  handlerCycles: "same",
  jobs: "jobs",
  working: "same",
  preemptedCycles: "same",
  jobCycles: "same",
  hypercallCycles: "same",
};

const toolstack: Kinds<ToolstackContext> = {
  self: "actor",
  scheduler: "actor",
  trackers: "actors",
  technique: "same",
  harvestCycles: "same",
  deadlineCycles: "same",
  live: "same",
  letsRun: "same",
  begun: "same",
  missing: "same",
  refused: "same",
  halted: "same",
  ending: "same",
  round: "same",
  rounds: "same",
};

const operator: Kinds<OperatorContext> = {
  self: "actor",
  scheduler: "actor",
  trackers: "actors",
  vm: "same",
  technique: "same",
  pagesWritten: "same",
  pagesTouched: "same",
  error: "same",
};

const checkpointLive: Kinds<CheckpointLiveContext> = {
  self: "actor",
  scheduler: "actor",
  trackers: "actors",
  technique: "same",
  epochCycles: "same",
  deadlineCycles: "same",
  missing: "same",
  refused: "same",
  halted: "same",
  ending: "same",
  started: "same",
  writing: "same",
  writeCycles: "same",
  lateEpochs: "same",
  failures: "same",
};

const checkpointStop: Kinds<CheckpointStopContext> = {
  self: "actor",
  scheduler: "actor",
  vms: "same",
  times: "same",
  deadlineCycles: "same",
  missing: "same",
  halted: "same",
  ending: "same",
  dueSoFar: "same",
  failures: "same",
};

const estimation: Kinds<EstimationContext> = {
  self: "actor",
  scheduler: "actor",
  estimators: "actors",
  pvmCpus: "actors",
  loadCycles: "same",
  deadlineCycles: "same",
  missing: "same",
  halted: "same",
  ending: "same",
  looks: "same",
  loads: "empty",
  estimates: "same",
};

const estimator: Kinds<EstimatorContext> = {
  vm: "same",
  self: "actor",
  toolstack: "actor",
  scheduler: "actor",
  tracker: "actor",
  pvmCpu: "actor",
  rule: "same",
  intervalCycles: "same",
  footprintPages: "same",
  bitmapWords: "same",
  wakeCycles: "same",
  scanCycles: "same",
  progress: "same",
  interval: "same",
  lost: "same",
  sample: "none",
  ask: "same",
  pause: "same",
  point: "same",
  ends: "same",
  forget: "same",
  spent: "same",
  ending: "same",
  points: "same",
  stableAt: "same",
};

/** By machine. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  vcpu,
  pmlUnit,
  prlUnit,
  mmu,
  dispatcher,
  scheduler,
  tracker,
  pvmCpu,
  toolstack,
  operator,
  checkpointLive,
  checkpointStop,
  estimation,
  estimator,
  storage: {},
};

/** @throws if the machine, or a field of its context, is not named here */
export function renamedState(
  machine: string,
  { value, context }: ActorSnapshot,
  actor: RenamedActor,
): ActorSnapshot {
  const entries = Object.entries(context).map(([field, part]) => {
    const kind = FIELDS[machine]?.[field];
    if (kind === undefined) throw new Error(`what "${field}" of ${machine} holds is not known`);
    return [field, KINDS[kind](part as never, actor)];
  });
  return { value, context: Object.fromEntries(entries) };
}
