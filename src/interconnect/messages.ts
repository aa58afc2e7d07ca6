/**
 * The control plane's vocabulary: every message that actors exchange. Who sends what to whom stands
 * beside each type. Payloads are plain data, so that a message can be logged, compared and replayed. What
 * the fields hold is said once, here: the types of the program and the schemas of what files hold.
 */
import { UNIT_MESSAGES } from "../units/messages.ts";
import {
  actor,
  count,
  cycles,
  type Fields,
  flag,
  knownWord,
  oneOf,
  page,
  pcpu,
  setOf,
  statistic,
  text,
  turn,
  type Value,
  type Variant,
  Variants,
  vcpu,
  vcpuOrNone,
  violatedPage,
  vm,
  whole,
  word,
} from "./fields.ts";

/** An actor's address. 0 is nobody. Names are in the directory of the system. */
export type ActorId = number;

const techniqueNames: string[] = ["none"];
/** How a VM's accesses can be tracked: not at all, or as one of the techniques that have been named so far. */
export const TECHNIQUE_NAMES: readonly string[] = techniqueNames;
export const technique = knownWord(() => TECHNIQUE_NAMES);
/** How a VM's accesses are tracked: a name of the registry of techniques, or "none". */
export type Technique = string;

/** From now on messages can name this technique. The registry calls it (src/hypervisor/techniques/all.ts). */
export function nameTechnique(name: string): void {
  if (!techniqueNames.includes(name)) techniqueNames.push(name);
}

export const harvestMode = word(["clean", "peek"]);
/** Xen's log-dirty operations: CLEAN returns the bitmap and starts a new round, PEEK only looks. */
export type HarvestMode = Value<typeof harvestMode>;

export const armError = word(["EINVAL"]);
/** Why a tracker was not armed. */
export type ArmError = Value<typeof armError>;

/** What messages are for, in colours and in filters; "operator" is what a person says. */
export const MESSAGE_KINDS = [
  "run",
  "exit",
  "log",
  "interrupt",
  "flush",
  "track",
  "schedule",
  "operation",
  "operator",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** All that is to be said of a type of message. */
export interface MessageRow {
  /** But for its type. */
  readonly fields: Fields;
  readonly kind: Exclude<MessageKind, "operator">;
  /**
   * Of page logging (VEE21 fig. 1): 1 the CPU logs, 2 the log is full, 3 the handler copies it and sets the index
   * back, 4 the operation uses what was collected, 5 the log is switched off.
   */
  readonly step?: 1 | 2 | 3 | 4 | 5;
  /**
   * Of a message to oneself. atWill: it stands for somebody's choice, or for what nobody waits for, and may also never
   * come. inOrder: it comes in the order of sending, as a disk writes one request after the other (disk.ts); others
   * come in any order.
   */
  readonly timer?: "atWill" | "inOrder";
  /**
   * Sent twice before it is taken it is as good as once. interrupt: one is pending or none; a remote reload reads memory
   * when it is executed. report: told for people alone. turn: a timer that carries the number of a turn, of which the
   * receiver takes only that of the present one; whoever begins a turn sends its timer, so none of them is missed.
   */
  readonly twice?: "interrupt" | "report" | "turn";
  /**
   * Why it keeps no order with what is sent to the same receiver meanwhile. work: how much comes before it is a
   * statistic. delay: the same where it is sent with a delay, as at the end of a handler. endOfWork: a tracker that serves an exit of a CPU may ask that CPU for an INVEPT before it is done.
   */
  readonly after?: "work" | "delay" | "endOfWork";
  /** A timer that goes round for ever, and by itself moves nobody. */
  readonly idle?: true;
}

/** Each type of message. */
export const MESSAGES = {
  // vCPU -> MMU: VM entry. The MMU loads the controls and runs the guest until something happens.
  enterGuest: { fields: { vcpu }, kind: "run" },
  // MMU -> itself, at the guest's local time: run the next burst.
  continueGuest: { fields: {}, kind: "run" },
  // Dispatcher -> MMU: an interrupt for this CPU; the guest exits at the next instruction boundary.
  kick: { fields: {}, kind: "interrupt", twice: "interrupt" },
  // MMU or page-logging unit -> vCPU: the guest stopped here.
  guestStopped: {
    fields: { reason: count, qualification: count, page: violatedPage },
    kind: "exit",
  },
  // MMU -> vCPU -> dispatcher: VMfail, a control field is invalid.
  entryFailed: { fields: { failure: text }, kind: "exit" },
  // MMU -> unit: its log is full; tracker -> unit: it is empty again.
  ...UNIT_MESSAGES,
  // vCPU -> dispatcher of its CPU.
  vmExit: {
    fields: { vcpu, vm, reason: count, qualification: count, page: violatedPage },
    kind: "exit",
  },
  // Dispatcher -> vCPU: the exit is handled, enter again.
  resume: { fields: {}, kind: "run", after: "work" },
  // Dispatcher -> vCPU: leave the CPU; for good if an exit could not be handled.
  // It waits for a page if `waits`: then it may not run before "wakeVcpu".
  deschedule: { fields: { crashed: flag, waits: flag }, kind: "schedule", after: "work" },
  // Dispatcher -> tracker of the VM: an exit that concerns tracking. Answered by "handled".
  logFullExit: { fields: { vcpu, dispatcher: actor }, kind: "log", step: 3 },
  eptViolation: { fields: { vcpu, page, qualification: count, dispatcher: actor }, kind: "exit" },
  // Tracker -> pager: the page has no frame. Answered by "handled" or, if it takes long, "vcpuMustWait".
  pageFault: { fields: { vm, vcpu, page, dispatcher: actor }, kind: "operation" },
  // Pager -> dispatcher: the CPU is free for others until the page is there.
  vcpuMustWait: { fields: {}, kind: "operation" },
  // Pager -> scheduler: it is there.
  wakeVcpu: { fields: { vcpu }, kind: "operation" },
  // Pager -> itself: a page's content has come; the oldest frames in the queue have been written.
  pageArrived: { fields: { vm, page, frame: count }, kind: "operation" },
  pagesWritten: { fields: { count }, kind: "operation", timer: "inOrder" },
  // Tracker -> dispatcher, after the handler's time. Not fixed: the access can never succeed.
  handled: { fields: { fixed: flag }, kind: "exit", after: "endOfWork" },
  // Tracker -> itself: the handler that found a dirty ring at its limit is done; user space reaps. -1: its
  // log was not drained.
  reapDue: { fields: { drainedVcpu: vcpuOrNone, dispatcher: actor }, kind: "operation" },
  // Tracker -> page-logging unit.
  enableLog: { fields: {}, kind: "log", step: 1 },
  disableLog: { fields: {}, kind: "log", step: 5 },
  // Page-logging unit -> pVM CPU: the LAPIC's interrupt.
  ipi: { fields: { vector: count, vcpu }, kind: "interrupt", step: 2, twice: "interrupt" },
  // pVM CPU -> itself, when the log-full handler has copied the logs.
  logsCopied: { fields: {}, kind: "log", step: 3 },
  // pVM CPU -> itself, when its processes have had their time and the handler goes on.
  handlerDue: { fields: {}, kind: "log", step: 3 },
  // pVM CPU -> page-logging unit: the new instruction, reload log state from the VMCS in memory.
  remoteReload: { fields: {}, kind: "log", step: 3, twice: "interrupt" },
  // Tracker -> dispatcher of each CPU: INVEPT single-context there. Answered by "inveptDone".
  inveptRequest: { fields: { vm, tracker: actor }, kind: "flush" },
  inveptDone: { fields: { pcpu }, kind: "flush" },
  // Toolstack -> tracker, and the answers. `pages`: with present-bit invalidation, these pages alone.
  arm: {
    fields: { technique, requester: actor, pages: setOf(page).exactOptional() },
    kind: "track",
  },
  armed: { fields: { technique }, kind: "track" },
  // It is armed already, and stays as it is, by this technique: Xen's answer (paging_log_dirty_enable).
  armRefused: { fields: { vm, error: armError, technique }, kind: "track" },
  // `pages`: with present-bit invalidation, the pages of the next round; else those that were touched. `live`: the VM
  // may run when the tracker has answered "harvestBegun", and not only after "harvested".
  harvest: {
    fields: {
      mode: harvestMode,
      requester: actor,
      pages: setOf(page).exactOptional(),
      live: flag.exactOptional(),
    },
    kind: "track",
    step: 4,
  },
  harvestBegun: { fields: { vm }, kind: "operation" },
  // Tracker -> itself: the next piece of what it does to the table.
  pieceDue: { fields: {}, kind: "operation" },
  harvested: {
    fields: {
      pagesWritten: statistic(count.nullable()),
      pagesTouched: statistic(count.nullable()),
      guestPageTables: statistic(count),
      cycles: statistic(cycles),
    },
    kind: "track",
    step: 4,
  },
  disarm: { fields: { requester: actor }, kind: "track", step: 5 },
  // `pages`: what was logged since the last harvest is handed over, so many pages; absent if there are none.
  disarmed: { fields: { pages: count.exactOptional() }, kind: "track", step: 5 },
  // Toolstack -> scheduler, and the answers.
  startVm: { fields: { vm }, kind: "schedule" },
  pauseVm: { fields: { vm, requester: actor }, kind: "schedule" },
  vmPaused: { fields: { vm }, kind: "schedule" },
  unpauseVm: { fields: { vm }, kind: "schedule" },
  // Operator -> scheduler: hold one vCPU, and let it go.
  pauseVcpu: { fields: { vcpu }, kind: "schedule" },
  unpauseVcpu: { fields: { vcpu }, kind: "schedule" },
  // System -> operator: harvest out of turn; track by another technique; make so many percent of the
  // accesses writes (negative: as the workload has it).
  harvestNow: { fields: { vm }, kind: "operation" },
  switchTracker: { fields: { vm, technique }, kind: "operation" },
  setWriteIntensity: { fields: { vm, percent: whole }, kind: "operation" },
  // System -> session: begin this operation (a number in its list); bring the present one to its end.
  startOperation: { fields: { operation: count }, kind: "operation" },
  abortOperation: { fields: {}, kind: "operation" },
  // A hosted operation's main actor -> session: it has come to its last state (XState's done.actor).
  operationEnded: { fields: {}, kind: "operation" },
  // Scheduler -> dispatcher, and dispatcher -> vCPU: run on this CPU.
  schedule: { fields: { vcpu, pcpu, mmu: actor, dispatcher: actor }, kind: "schedule" },
  // Scheduler -> dispatcher: take the CPU from its vCPU at the next exit.
  preempt: { fields: {}, kind: "schedule" },
  // vCPU -> scheduler: off the CPU, for good if halted.
  descheduled: { fields: { vcpu, halted: flag, waits: flag }, kind: "schedule" },
  // Scheduler -> itself.
  timesliceEnd: { fields: { pcpu, slice: turn }, kind: "schedule", twice: "turn", idle: true },
  // Scheduler -> toolstack: the last vCPU of a VM has halted.
  vmHalted: { fields: { vm }, kind: "schedule" },
  // System -> toolstack: begin.
  begin: { fields: {}, kind: "operation" },
  // Toolstack -> itself: time for a harvest; time is up.
  harvestDue: { fields: {}, kind: "operation", timer: "atWill" },
  deadline: { fields: {}, kind: "operation", timer: "atWill" },
  // Checkpointing toolstack -> itself: time for a checkpoint; the epoch has its length; the pages are
  // copied; the storage has acknowledged the checkpoint.
  checkpointDue: { fields: {}, kind: "operation", timer: "atWill" },
  epochDue: { fields: {}, kind: "operation" },
  checkpointCopied: { fields: {}, kind: "operation", step: 4 },
  checkpointWritten: { fields: {}, kind: "operation", step: 4 },
  // Migrating toolstack -> itself: the migration begins; a batch of pages has arrived; the destination
  // can resume the VM; the operator aborts; the link fails; the run has gone on long enough.
  migrationDue: { fields: {}, kind: "operation", timer: "atWill" },
  // `attempt`: of a migration that is done again, which one; absent in the first. What was under way when one was
  // given up arrives all the same.
  batchArrived: { fields: { attempt: count.exactOptional() }, kind: "operation", step: 4 },
  destinationReady: { fields: { attempt: count.exactOptional() }, kind: "operation" },
  abortDue: { fields: {}, kind: "operation", timer: "atWill" },
  linkDown: { fields: {}, kind: "operation", timer: "atWill" },
  settled: { fields: {}, kind: "operation", timer: "atWill" },
  // Migrating toolstack -> throttle: the share of time, in percent, that the VM shall not run.
  setThrottle: { fields: { percent: count }, kind: "operation" },
  // Throttle -> itself. `turn` counts slices and sleeps, so that an earlier timer is recognised.
  throttleSliceEnd: { fields: { turn }, kind: "operation", twice: "turn" },
  throttleWake: { fields: { turn }, kind: "operation", twice: "turn" },
  // Operation -> sampler: count the guest's accesses from now on; and sampler -> itself.
  startSampling: { fields: {}, kind: "operation" },
  sampleDue: { fields: {}, kind: "operation", timer: "atWill", idle: true },
  // Estimation toolstack -> estimator of a VM, and the answers: arm the tracker; begin; make an end.
  prepareEstimation: { fields: { requester: actor }, kind: "operation" },
  estimatorReady: { fields: { vm }, kind: "operation" },
  watchVm: { fields: {}, kind: "operation" },
  endEstimation: { fields: {}, kind: "operation" },
  estimationEnded: { fields: { vm }, kind: "operation" },
  // Estimator -> toolstack: a new estimate. Estimator -> itself: an interval is over.
  estimate: {
    fields: { vm, pages: statistic(count) },
    kind: "operation",
    step: 4,
    twice: "report",
  },
  intervalDue: { fields: {}, kind: "operation" },
  // Controller of an overcommitted host -> itself; controller -> balloon of a VM: the size it shall have.
  controlDue: { fields: {}, kind: "operation" },
  setTarget: { fields: { pages: count }, kind: "operation" },
  // Balloon -> itself: the guest's work is done; balloon -> pager, and the answer: frames are free again,
  // and so many pages are still too many.
  inflateDue: { fields: {}, kind: "operation" },
  giveBack: { fields: { vm, pages: count }, kind: "operation" },
  gaveBack: { fields: { surplus: count, stuck: flag }, kind: "operation" },
  // A process of the pVM -> its CPU, and the answer: work that takes so long; `spent` is work of
  // hypercalls that the process has already waited for. pVM CPU -> itself: the job's time is over.
  compute: {
    fields: { cycles: statistic(cycles), spent: statistic(cycles), requester: actor },
    kind: "operation",
  },
  computed: { fields: {}, kind: "operation" },
  jobDue: { fields: {}, kind: "operation" },
  // Toolstack -> itself; toolstack -> pVM CPU, and the answer: how busy it has been since the start.
  loadDue: { fields: {}, kind: "operation", timer: "atWill", idle: true },
  loadQuery: { fields: { requester: actor }, kind: "operation", twice: "report" },
  loadReport: {
    fields: { cpu: actor, handlerCycles: statistic(cycles), jobCycles: statistic(cycles) },
    kind: "operation",
    twice: "report",
  },
} as const satisfies Readonly<Record<string, MessageRow>>;

export type MessageType = keyof typeof MESSAGES;

/** What the table says of a type; undefined if there is no such type. */
export function rowOf(type: string): MessageRow | undefined {
  const rows: Readonly<Record<string, MessageRow>> = MESSAGES;
  return Object.hasOwn(rows, type) ? rows[type] : undefined;
}

/** A message of one type: its type and the fields above. */
type Typed<Type extends MessageType> = Type extends MessageType
  ? Variant<"type", Type, (typeof MESSAGES)[Type]["fields"]>
  : never;

export type Message = Typed<MessageType>;

/** Messages as a file may hold them: of these types, with these fields and no others. */
export const messages: Variants<Message> = new Variants(
  "type",
  Object.fromEntries(Object.entries(MESSAGES).map(([type, { fields }]) => [type, fields])),
);

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
