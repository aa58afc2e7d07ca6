/**
 * The control plane's vocabulary: every message that actors exchange. Who sends what to whom stands
 * beside each type. Payloads are plain data, so that a message can be logged, compared and replayed. What
 * the fields hold is said once, here: the types of the program and the schemas of what files hold.
 */
import {
  actor,
  count,
  cycles,
  type Fields,
  flag,
  list,
  oneOf,
  page,
  pcpu,
  text,
  type Value,
  type Variant,
  Variants,
  vcpu,
  vcpuOrNone,
  vm,
  whole,
  word,
} from "./fields.ts";

/** An actor's address. 0 is nobody. Names are in the directory of the system. */
export type ActorId = number;

export const TECHNIQUE_NAMES = [
  "none",
  "writeProtect",
  "presentBit",
  "accessedDirtyScan",
  "pml",
  "prl",
  "dirtyRing",
] as const;
export const technique = word(TECHNIQUE_NAMES);
/** How a VM's accesses are tracked. */
export type Technique = Value<typeof technique>;

/** Which unit of the processor logs for a technique. */
export type LogUnit = "none" | "pml" | "prl";

export const harvestMode = word(["clean", "peek"]);
/** Xen's log-dirty operations: CLEAN returns the bitmap and starts a new round, PEEK only looks. */
export type HarvestMode = Value<typeof harvestMode>;

export const armError = word(["EINVAL"]);
/** Why a tracker was not armed. */
export type ArmError = Value<typeof armError>;

/** Each message's fields, but for its type. */
export const MESSAGES = {
  // vCPU -> MMU: VM entry. The MMU loads the controls and runs the guest until something happens.
  enterGuest: { vcpu },
  // MMU -> itself, at the guest's local time: run the next burst.
  continueGuest: {},
  // Dispatcher -> MMU: an interrupt for this CPU; the guest exits at the next instruction boundary.
  kick: {},
  // MMU or PML unit -> vCPU: the guest stopped here.
  guestStopped: { reason: count, qualification: count, page },
  // MMU -> vCPU -> dispatcher: VMfail, a control field is invalid.
  entryFailed: { failure: text },
  // MMU -> PML unit: an event needs the log and the index is out of range.
  pmlIndexOutOfRange: {},
  // MMU -> PRL unit: the log became full; the guest runs on.
  prlLogFilled: {},
  // vCPU -> dispatcher of its CPU.
  vmExit: { vcpu, vm, reason: count, qualification: count, page },
  // Dispatcher -> vCPU: the exit is handled, enter again.
  resume: {},
  // Dispatcher -> vCPU: leave the CPU; for good if an exit could not be handled.
  // It waits for a page if `waits`: then it may not run before "wakeVcpu".
  deschedule: { crashed: flag, waits: flag },
  // Dispatcher -> tracker of the VM: an exit that concerns tracking. Answered by "handled".
  logFullExit: { vcpu, dispatcher: actor },
  eptViolation: { vcpu, page, qualification: count, dispatcher: actor },
  // Tracker -> pager: the page has no frame. Answered by "handled" or, if it takes long, "vcpuMustWait".
  pageFault: { vm, vcpu, page, dispatcher: actor },
  // Pager -> dispatcher: the CPU is free for others until the page is there.
  vcpuMustWait: {},
  // Pager -> scheduler: it is there.
  wakeVcpu: { vcpu },
  // Pager -> itself: a page's content has come; the oldest frames in the queue have been written.
  pageArrived: { vm, page, frame: count },
  pagesWritten: { count },
  // Tracker -> dispatcher, after the handler's time. Not fixed: the access can never succeed.
  handled: { fixed: flag },
  // Tracker -> itself: the handler that found a dirty ring at its limit is done; user space reaps. -1: its
  // log was not drained.
  reapDue: { drainedVcpu: vcpuOrNone, dispatcher: actor },
  // Tracker -> PML unit: VMWRITE of the index, 511 again.
  pmlIndexReset: {},
  // Tracker -> PML or PRL unit.
  enableLog: {},
  disableLog: {},
  // PRL unit -> pVM CPU: the LAPIC's interrupt.
  ipi: { vector: count, vcpu },
  // pVM CPU -> itself, when the log-full handler has copied the logs.
  logsCopied: {},
  // pVM CPU -> itself, when its processes have had their time and the handler goes on.
  handlerDue: {},
  // pVM CPU -> PRL unit: the new instruction, reload log state from the VMCS in memory.
  remoteReload: {},
  // Tracker -> dispatcher of each CPU: INVEPT single-context there. Answered by "inveptDone".
  inveptRequest: { vm, tracker: actor },
  inveptDone: { pcpu },
  // Toolstack -> tracker, and the answers. `pages`: with present-bit invalidation, these pages alone.
  arm: { technique, requester: actor, pages: list(page).exactOptional() },
  armed: { technique },
  // It is armed already, and stays as it is, by this technique: Xen's answer (paging_log_dirty_enable).
  armRefused: { vm, error: armError, technique },
  // `pages`: with present-bit invalidation, the pages of the next round; else those that were touched. `live`: the VM
  // may run when the tracker has answered "harvestBegun", and not only after "harvested".
  harvest: {
    mode: harvestMode,
    requester: actor,
    pages: list(page).exactOptional(),
    live: flag.exactOptional(),
  },
  harvestBegun: { vm },
  // Tracker -> itself: the next piece of what it does to the table.
  pieceDue: {},
  harvested: {
    pagesWritten: count.nullable(),
    pagesTouched: count.nullable(),
    guestPageTables: count,
    cycles,
  },
  disarm: { requester: actor },
  // `pages`: what was logged since the last harvest is handed over, so many pages; absent if there are none.
  disarmed: { pages: count.exactOptional() },
  // Toolstack -> scheduler, and the answers.
  startVm: { vm },
  pauseVm: { vm, requester: actor },
  vmPaused: { vm },
  unpauseVm: { vm },
  // Operator -> scheduler: hold one vCPU, and let it go.
  pauseVcpu: { vcpu },
  unpauseVcpu: { vcpu },
  // System -> operator: harvest out of turn; track by another technique; make so many percent of the
  // accesses writes (negative: as the workload has it).
  harvestNow: { vm },
  switchTracker: { vm, technique },
  setWriteIntensity: { vm, percent: whole },
  // System -> session: begin this operation (a number in its list); bring the present one to its end.
  startOperation: { operation: count },
  abortOperation: {},
  // A hosted operation's main actor -> session: it has come to its last state (XState's done.actor).
  operationEnded: {},
  // Scheduler -> dispatcher, and dispatcher -> vCPU: run on this CPU.
  schedule: { vcpu, pcpu, mmu: actor, dispatcher: actor },
  // Scheduler -> dispatcher: take the CPU from its vCPU at the next exit.
  preempt: {},
  // vCPU -> scheduler: off the CPU, for good if halted.
  descheduled: { vcpu, halted: flag, waits: flag },
  // Scheduler -> itself.
  timesliceEnd: { pcpu, slice: count },
  // Scheduler -> toolstack: the last vCPU of a VM has halted.
  vmHalted: { vm },
  // System -> toolstack: begin.
  begin: {},
  // Toolstack -> itself: time for a harvest; time is up.
  harvestDue: {},
  deadline: {},
  // Checkpointing toolstack -> itself: time for a checkpoint; the epoch has its length; the pages are
  // copied; the storage has acknowledged the checkpoint.
  checkpointDue: {},
  epochDue: {},
  checkpointCopied: {},
  checkpointWritten: {},
  // Migrating toolstack -> itself: the migration begins; a batch of pages has arrived; the destination
  // can resume the VM; the operator aborts; the link fails; the run has gone on long enough.
  migrationDue: {},
  // `attempt`: of a migration that is done again, which one; absent in the first. What was under way when one was
  // given up arrives all the same.
  batchArrived: { attempt: count.exactOptional() },
  destinationReady: { attempt: count.exactOptional() },
  abortDue: {},
  linkDown: {},
  settled: {},
  // Migrating toolstack -> throttle: the share of time, in percent, that the VM shall not run.
  setThrottle: { percent: count },
  // Throttle -> itself. `turn` counts slices and sleeps, so that an earlier timer is recognised.
  throttleSliceEnd: { turn: count },
  throttleWake: { turn: count },
  // Operation -> sampler: count the guest's accesses from now on; and sampler -> itself.
  startSampling: {},
  sampleDue: {},
  // Estimation toolstack -> estimator of a VM, and the answers: arm the tracker; begin; make an end.
  prepareEstimation: { requester: actor },
  estimatorReady: { vm },
  watchVm: {},
  endEstimation: {},
  estimationEnded: { vm },
  // Estimator -> toolstack: a new estimate. Estimator -> itself: an interval is over.
  estimate: { vm, pages: count },
  intervalDue: {},
  // Controller of an overcommitted host -> itself; controller -> balloon of a VM: the size it shall have.
  controlDue: {},
  setTarget: { pages: count },
  // Balloon -> itself: the guest's work is done; balloon -> pager, and the answer: frames are free again,
  // and so many pages are still too many.
  inflateDue: {},
  giveBack: { vm, pages: count },
  gaveBack: { surplus: count, stuck: flag },
  // A process of the pVM -> its CPU, and the answer: work that takes so long; `spent` is work of
  // hypercalls that the process has already waited for. pVM CPU -> itself: the job's time is over.
  compute: { cycles, spent: cycles, requester: actor },
  computed: {},
  jobDue: {},
  // Toolstack -> itself; toolstack -> pVM CPU, and the answer: how busy it has been since the start.
  loadDue: {},
  loadQuery: { requester: actor },
  loadReport: { cpu: actor, handlerCycles: cycles, jobCycles: cycles },
} as const satisfies Readonly<Record<string, Fields>>;

/**
 * What an actor says when its work is done. It does not keep to the order of what the actor says meanwhile to the same
 * receiver: a tracker that serves an exit of a CPU may ask that CPU for an INVEPT before it is done.
 */
export function isEndOfWork(type: string): boolean {
  return type === "handled";
}

export type MessageType = keyof typeof MESSAGES;

/** A message of one type: its type and the fields above. */
type Typed<Type extends MessageType> = Type extends MessageType
  ? Variant<"type", Type, (typeof MESSAGES)[Type]>
  : never;

export type Message = Typed<MessageType>;

/** Messages as a file may hold them: of these types, with these fields and no others. */
export const messages = new Variants("type", MESSAGES);

/** A field that holds a message. */
export const message = oneOf<Message>(messages);

/** A message on its way, as the interconnect orders, logs and delivers it. */
export interface Delivery {
  /** Position in the total order of posts: the tie-breaker at equal times. */
  readonly sequence: number;
  /** Virtual time of delivery, in cycles. */
  readonly time: number;
  readonly from: ActorId;
  readonly to: ActorId;
  readonly message: Message;
}
