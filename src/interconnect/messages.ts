/**
 * The control plane's vocabulary: every message that actors exchange. Payloads are plain data, so that a message
 * can be logged, compared and replayed. Who sends it to whom, and what the fields hold, is said once, here: the
 * types of the program and the schemas of what files hold.
 */
import { UNIT_MESSAGES } from "../units/messages.ts";
import { DEVICE_MESSAGES } from "./deviceMessages.ts";
import {
  actor,
  count,
  cycles,
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
import type { MessageRow } from "./messageRow.ts";
import { MIGRATION_MESSAGES } from "./migrationMessages.ts";

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

/** Who asks trackers, and gets their answers. */
const ASKERS = ["toolstack", "estimator", "operator"] as const;
/** Who brings pages that are not there: of an overcommitted host; of the destination of post-copy. */
const PAGERS = ["pager", "receiver"] as const;

/** Each type of message. */
export const MESSAGES = {
  // VM entry. The MMU loads the controls and runs the guest until something happens.
  enterGuest: { from: "vcpu", to: "mmu", fields: { vcpu }, kind: "run" },
  // Run the next burst, at the guest's local time.
  continueGuest: { from: "mmu", to: "itself", fields: {}, kind: "run" },
  // An interrupt for this CPU; the guest exits at the next instruction boundary.
  kick: { from: "dispatcher", to: "mmu", fields: {}, kind: "interrupt", twice: "interrupt" },
  // The guest stopped here.
  guestStopped: {
    from: ["mmu", "logUnit"],
    to: "vcpu",
    fields: { reason: count, qualification: count, page: violatedPage },
    kind: "exit",
  },
  // VMfail, a control field is invalid.
  entryFailed: {
    from: ["mmu", "vcpu"],
    to: ["vcpu", "dispatcher"],
    fields: { failure: text },
    kind: "exit",
  },
  // A log is full; it is empty again.
  ...UNIT_MESSAGES,
  vmExit: {
    from: "vcpu",
    to: "dispatcher",
    fields: { vcpu, vm, reason: count, qualification: count, page: violatedPage },
    kind: "exit",
  },
  // The exit is handled, enter again.
  resume: { from: "dispatcher", to: "vcpu", fields: {}, kind: "run", after: "work" },
  // Leave the CPU; for good if an exit could not be handled.
  // It waits for a page if `waits`: then it may not run before "wakeVcpu".
  deschedule: {
    from: "dispatcher",
    to: "vcpu",
    fields: { crashed: flag, waits: flag },
    kind: "schedule",
    after: "work",
  },
  // An exit that concerns tracking. Answered by "handled".
  logFullExit: {
    from: "dispatcher",
    to: "tracker",
    fields: { vcpu, dispatcher: actor },
    kind: "log",
    step: 3,
  },
  eptViolation: {
    from: "dispatcher",
    to: "tracker",
    fields: { vcpu, page, qualification: count, dispatcher: actor },
    kind: "exit",
  },
  eptMisconfiguration: {
    from: "dispatcher",
    to: "tracker",
    fields: { vcpu, page, dispatcher: actor },
    kind: "exit",
  },
  // The page has no frame. Answered by "handled" or, if it takes long, "vcpuMustWait".
  pageFault: {
    from: "tracker",
    to: PAGERS,
    fields: { vm, vcpu, page, dispatcher: actor },
    kind: "operation",
  },
  // The CPU is free for others until the page is there.
  vcpuMustWait: { from: PAGERS, to: "dispatcher", fields: {}, kind: "operation" },
  // The page is there.
  wakeVcpu: { from: PAGERS, to: "scheduler", fields: { vcpu }, kind: "operation" },
  // A page's content has come; the oldest frames in the queue have been written.
  pageArrived: {
    from: "pager",
    to: "itself",
    fields: { vm, page, frame: count },
    kind: "operation",
  },
  pagesWritten: {
    from: "pager",
    to: "itself",
    fields: { count },
    kind: "operation",
    timer: "inOrder",
  },
  // After the handler's time. Not fixed: the access can never succeed.
  handled: {
    from: ["tracker", ...PAGERS],
    to: "dispatcher",
    fields: { fixed: flag },
    kind: "exit",
    after: "endOfWork",
  },
  // The handler that found a dirty ring at its limit is done; user space reaps. -1: its
  // log was not drained.
  reapDue: {
    from: "tracker",
    to: "itself",
    fields: { drainedVcpu: vcpuOrNone, dispatcher: actor },
    kind: "operation",
  },
  enableLog: { from: "tracker", to: "logUnit", fields: {}, kind: "log", step: 1 },
  disableLog: { from: "tracker", to: "logUnit", fields: {}, kind: "log", step: 5 },
  // The LAPIC's interrupt.
  ipi: {
    from: "logUnit",
    to: "pvmCpu",
    fields: { vector: count, vcpu },
    kind: "interrupt",
    step: 2,
    twice: "interrupt",
  },
  // The log-full handler has copied the logs.
  logsCopied: { from: "pvmCpu", to: "itself", fields: {}, kind: "log", step: 3 },
  // Its processes have had their time, and the handler goes on.
  handlerDue: { from: "pvmCpu", to: "itself", fields: {}, kind: "log", step: 3 },
  // The new instruction: reload log state from the VMCS in memory.
  remoteReload: {
    from: "pvmCpu",
    to: "logUnit",
    fields: {},
    kind: "log",
    step: 3,
    twice: "interrupt",
  },
  // INVEPT single-context there. Answered by "inveptDone".
  inveptRequest: {
    from: ["tracker", "pager"],
    to: "dispatcher",
    fields: { vm, tracker: actor },
    kind: "flush",
  },
  inveptDone: { from: "dispatcher", to: ["tracker", "pager"], fields: { pcpu }, kind: "flush" },
  // `pages`: with present-bit invalidation, these pages alone.
  arm: {
    from: [...ASKERS, "tracker"],
    to: "tracker",
    fields: { technique, requester: actor, pages: setOf(page).exactOptional() },
    kind: "track",
  },
  armed: { from: "tracker", to: ASKERS, fields: { technique }, kind: "track" },
  // It is armed already, and stays as it is, by this technique: Xen's answer (paging_log_dirty_enable).
  armRefused: {
    from: "tracker",
    to: ASKERS,
    fields: { vm, error: armError, technique },
    kind: "track",
  },
  // `pages`: with present-bit invalidation, the pages of the next round; else those that were touched. `live`: the VM
  // may run when the tracker has answered "harvestBegun", and not only after "harvested".
  harvest: {
    from: [...ASKERS, "tracker"],
    to: "tracker",
    fields: {
      mode: harvestMode,
      requester: actor,
      pages: setOf(page).exactOptional(),
      live: flag.exactOptional(),
    },
    kind: "track",
    step: 4,
  },
  harvestBegun: { from: "tracker", to: ASKERS, fields: { vm }, kind: "operation" },
  // The next piece of what it does to the table.
  pieceDue: { from: "tracker", to: "itself", fields: {}, kind: "operation" },
  harvested: {
    from: "tracker",
    to: ASKERS,
    fields: {
      pagesWritten: statistic(count.nullable()),
      pagesTouched: statistic(count.nullable()),
      guestPageTables: statistic(count),
      cycles: statistic(cycles),
    },
    kind: "track",
    step: 4,
  },
  // Make, move, change or delete a memory slot (KVM_SET_USER_MEMORY_REGION), in pages; 0 of them: it is deleted.
  setRegion: {
    from: ["system", "tracker"],
    to: "tracker",
    fields: { slot: count, flags: count, firstPage: page, pages: count, userPage: count },
    kind: "track",
  },
  disarm: {
    from: [...ASKERS, "tracker"],
    to: "tracker",
    fields: { requester: actor },
    kind: "track",
    step: 5,
  },
  // `pages`: what was logged since the last harvest is handed over, so many pages; absent if there are none.
  disarmed: {
    from: "tracker",
    to: ASKERS,
    fields: { pages: count.exactOptional() },
    kind: "track",
    step: 5,
  },
  ...DEVICE_MESSAGES,
  // Hold one vCPU, and let it go.
  pauseVcpu: { from: "system", to: "scheduler", fields: { vcpu }, kind: "schedule" },
  unpauseVcpu: { from: "system", to: "scheduler", fields: { vcpu }, kind: "schedule" },
  // Harvest out of turn; track by another technique; make so many percent of the
  // accesses writes (negative: as the workload has it).
  harvestNow: { from: "system", to: "operator", fields: { vm }, kind: "operation" },
  switchTracker: { from: "system", to: "operator", fields: { vm, technique }, kind: "operation" },
  setWriteIntensity: {
    from: "system",
    to: "operator",
    fields: { vm, percent: whole },
    kind: "operation",
  },
  // Typed on the console of the VM's guest, with the key Enter behind it or without.
  typeText: {
    from: "system",
    to: "operator",
    fields: { vm, text, enter: flag },
    kind: "operation",
  },
  // Begin this operation (a number in its list); bring the present one to its end.
  startOperation: {
    from: "system",
    to: "toolstack",
    fields: { operation: count },
    kind: "operation",
  },
  abortOperation: { from: "system", to: "toolstack", fields: {}, kind: "operation" },
  // A hosted operation has come to its last state (XState's done.actor).
  operationEnded: { from: "toolstack", to: "toolstack", fields: {}, kind: "operation" },
  // Run on this CPU: of the vCPU, its dispatcher.
  schedule: {
    from: ["scheduler", "dispatcher"],
    to: ["dispatcher", "vcpu"],
    fields: { vcpu, pcpu, mmu: actor, dispatcher: actor },
    kind: "schedule",
  },
  // Take the CPU from its vCPU at the next exit.
  preempt: { from: "scheduler", to: "dispatcher", fields: {}, kind: "schedule" },
  // Off the CPU, for good if halted.
  descheduled: {
    from: "vcpu",
    to: "scheduler",
    fields: { vcpu, halted: flag, waits: flag },
    kind: "schedule",
  },
  timesliceEnd: {
    from: "scheduler",
    to: "itself",
    fields: { pcpu, slice: turn },
    kind: "schedule",
    twice: "turn",
    idle: true,
  },
  // The last vCPU of a VM has halted.
  vmHalted: { from: "scheduler", to: "toolstack", fields: { vm }, kind: "schedule" },
  begin: { from: ["system", "toolstack"], to: "toolstack", fields: {}, kind: "operation" },
  // Time for a harvest; time is up.
  harvestDue: { from: "toolstack", to: "itself", fields: {}, kind: "operation", timer: "atWill" },
  deadline: {
    from: ["system", "toolstack"],
    to: "toolstack",
    fields: {},
    kind: "operation",
    timer: "atWill",
  },
  // Time for a checkpoint; the epoch has its length; the pages are
  // copied; the storage has acknowledged the checkpoint.
  checkpointDue: {
    from: ["system", "toolstack"],
    to: "toolstack",
    fields: {},
    kind: "operation",
    timer: "atWill",
  },
  epochDue: { from: "toolstack", to: "itself", fields: {}, kind: "operation" },
  checkpointCopied: { from: "toolstack", to: "itself", fields: {}, kind: "operation", step: 4 },
  checkpointWritten: { from: "toolstack", to: "itself", fields: {}, kind: "operation", step: 4 },
  ...MIGRATION_MESSAGES,
  // The share of time, in percent, that the VM shall not run.
  setThrottle: { from: "toolstack", to: "throttle", fields: { percent: count }, kind: "operation" },
  // `turn` counts slices and sleeps, so that an earlier timer is recognised.
  throttleSliceEnd: {
    from: "throttle",
    to: "itself",
    fields: { turn },
    kind: "operation",
    twice: "turn",
  },
  throttleWake: {
    from: "throttle",
    to: "itself",
    fields: { turn },
    kind: "operation",
    twice: "turn",
  },
  // Count the guest's accesses from now on.
  startSampling: { from: "toolstack", to: "sampler", fields: {}, kind: "operation" },
  sampleDue: {
    from: "sampler",
    to: "itself",
    fields: {},
    kind: "operation",
    timer: "atWill",
    idle: true,
  },
  // Arm the tracker; begin; make an end.
  prepareEstimation: {
    from: "toolstack",
    to: "estimator",
    fields: { requester: actor },
    kind: "operation",
  },
  estimatorReady: { from: "estimator", to: "toolstack", fields: { vm }, kind: "operation" },
  watchVm: { from: "toolstack", to: "estimator", fields: {}, kind: "operation" },
  endEstimation: { from: "toolstack", to: "estimator", fields: {}, kind: "operation" },
  estimationEnded: { from: "estimator", to: "toolstack", fields: { vm }, kind: "operation" },
  // A new estimate; an interval is over.
  estimate: {
    from: "estimator",
    to: "toolstack",
    fields: { vm, pages: statistic(count) },
    kind: "operation",
    step: 4,
    twice: "report",
  },
  intervalDue: { from: "estimator", to: "itself", fields: {}, kind: "operation" },
  // Time to decide on sizes; the size that a balloon's VM shall have.
  controlDue: { from: "toolstack", to: "itself", fields: {}, kind: "operation" },
  setTarget: { from: "toolstack", to: "balloon", fields: { pages: count }, kind: "operation" },
  // The guest's work is done; pages are given back, and the answer: frames are free again,
  // and so many pages are still too many.
  inflateDue: { from: "balloon", to: "itself", fields: {}, kind: "operation" },
  giveBack: { from: "balloon", to: "pager", fields: { vm, pages: count }, kind: "operation" },
  gaveBack: {
    from: "pager",
    to: "balloon",
    fields: { surplus: count, stuck: flag },
    kind: "operation",
  },
  // Work that takes so long, and the answer; `spent` is work of
  // hypercalls that the process has already waited for. The job's time is over.
  compute: {
    from: "estimator",
    to: "pvmCpu",
    fields: { cycles: statistic(cycles), spent: statistic(cycles), requester: actor },
    kind: "operation",
  },
  computed: { from: "pvmCpu", to: "estimator", fields: {}, kind: "operation" },
  jobDue: { from: "pvmCpu", to: "itself", fields: {}, kind: "operation" },
  // How busy a CPU has been since the start: asked when it is time, and answered.
  loadDue: {
    from: "toolstack",
    to: "itself",
    fields: {},
    kind: "operation",
    timer: "atWill",
    idle: true,
  },
  loadQuery: {
    from: "toolstack",
    to: "pvmCpu",
    fields: { requester: actor },
    kind: "operation",
    twice: "report",
  },
  loadReport: {
    from: "pvmCpu",
    to: "toolstack",
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
