/** What the migration machine is given, remembers, exchanges with its device, and decides. */
import type { ConvergeState } from "../src/hypervisor/migration/autoConverge.ts";
import { afterBatch, beforeRound } from "../src/hypervisor/migration/policy.ts";
import {
  type MigrationRound,
  NO_PROGRESS,
  type Progress,
  statsOf,
} from "../src/hypervisor/migration/progress.ts";
import type { SaveWork } from "../src/hypervisor/migration/saveWork.ts";
import type { AfterBatch, BeforeRound, Policy } from "../src/hypervisor/migration/stats.ts";
import { type SendEmission, send } from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { type Message, technique } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const migrationInput = {
  self: kind.actor,
  scheduler: kind.actor,
  sampler: kind.actor,
  // 0 = there is none.
  throttle: kind.actor,
  // Both hosts' sides in post-copy; 0 = there is none.
  sender: kind.actor,
  receiver: kind.actor,
  // Of the VM that migrates.
  tracker: kind.actor,
  vm: kind.vm,
  // VMs in all; the others just run.
  vms: kind.count,
  technique: technique,
  policy: kind.setting<Policy>(),
  // The link: what a batch takes.
  latencyCycles: kind.cycles,
  cyclesPerByte: kind.cycles,
  // What both sides do for a batch beside.
  save: kind.setting<SaveWork>(),
  // Pages of a batch at most.
  batchPages: kind.count,
  // When the migration begins.
  startCycles: kind.cycles,
  // How often the VM migrates again, each time from where it is, and how long after the last time.
  repeats: kind.count,
  repeatCycles: kind.cycles,
  // From the first start: when the operator aborts, when the link fails; -1 = never.
  abortCycles: kind.timeOrNone,
  linkFailCycles: kind.timeOrNone,
  // From the start: when it goes on as post-copy; -1 = by its policy, or when the operator says so.
  postcopyCycles: kind.timeOrNone,
  // From a link's failure in post-copy: when there is another link; -1 = when the operator says so.
  recoverCycles: kind.timeOrNone,
  // How long the run goes on after a completed migration, and after another one; -1 = till the workloads' end.
  settleCycles: kind.timeOrNone,
  goOnCycles: kind.timeOrNone,
  // When the run ends in any case; 0 = not by time.
  deadlineCycles: kind.cycles,
  // Whether devices are drained where the VMs stop; absent: there are none.
  drainsDevices: kind.flag.exactOptional(),
  // A planted fault: pages of a CLEANed bitmap are not sent when the policy then says stop.
  forgetsCleaned: kind.flag,
} as const satisfies kind.Fields;
export type MigrationInput = kind.Values<typeof migrationInput>;

const cancelledBy = kind.word(["nobody", "operator", "deadline", "link", "policy"]);
/** Who ended the migration before its time. */
export type CancelledBy = kind.Value<typeof cancelledBy>;

const round = {
  iteration: kind.statistic(kind.count),
  live: kind.flag,
  pagesSent: kind.statistic(kind.count),
  bytes: kind.statistic(kind.count),
  startTime: kind.cycles,
  duration: kind.statistic(kind.cycles),
  dirtyAfter: kind.count.nullable(),
  dirtyRate: kind.count.nullable(),
} as const satisfies kind.FieldsOf<MigrationRound>;

/** What it reports of itself is no matter of its policy. */
const progress: kind.Schema<Progress> = kind.record({
  startTime: kind.timeOrNone,
  armedTime: kind.timeOrNone,
  endTime: kind.timeOrNone,
  suspendTime: kind.timeOrNone,
  resumeTime: kind.timeOrNone,
  lastSyncTime: kind.timeOrNone,
  iteration: kind.count,
  dirtyPages: kind.countOrNone,
  pendingPages: kind.count,
  leastPending: kind.statistic(kind.countOrNone),
  pagesSent: kind.statistic(kind.count),
  bytesSent: kind.statistic(kind.count),
  bytesAtSync: kind.statistic(kind.count),
  bytesArrived: kind.statistic(kind.count),
  round: kind.record(round).nullable(),
  rounds: kind.statistic(kind.list(kind.record(round))),
  bandwidth: kind.cycles,
  windowStart: kind.cycles,
  windowBytes: kind.count,
  slices: kind.count,
  sliceOver: kind.flag,
} satisfies kind.FieldsOf<Progress>);

const throttleStep = { time: kind.cycles, percent: kind.count } as const satisfies kind.Fields;
/** The throttle from a time on. */
export type ThrottleStep = kind.Values<typeof throttleStep>;

const attempt = { progress, cancelledBy } as const satisfies kind.Fields;
/** A migration that another one has followed. */
export type Attempt = kind.Values<typeof attempt>;

/** What its state holds besides its input. */
export const migrationFields = {
  progress,
  // The migrations before this one, completed or given up.
  earlier: kind.list(kind.record(attempt)),
  converge: kind.record({
    since: kind.cycles,
    dirtiedBytes: kind.count,
    sentBytes: kind.count,
    highCount: kind.count,
    percent: kind.count,
  } satisfies kind.FieldsOf<ConvergeState>),
  throttleSteps: kind.statistic(kind.list(kind.record(throttleStep))),
  // The policy has said that the round under way is the last live one.
  stopsAfterRound: kind.flag,
  cancelledBy,
  // Post-copy was asked for. Which link both hosts use, counted, and whether it has failed.
  postcopyAsked: kind.flag,
  link: kind.count,
  linkIsDown: kind.flag,
  halted: kind.count,
  // The comparison of the two hosts: "none" before it.
  comparison: kind.word(["none", "equal", "different"]),
  // The first page that differs, or -1.
  firstDifference: kind.pageOrNone,
} as const satisfies kind.Fields;

export interface MigrationContext extends MigrationInput, kind.Values<typeof migrationFields> {}

export type MigrationRequest =
  | { readonly op: "clock" }
  | { readonly op: "queueAll" }
  | { readonly op: "queueHarvest"; readonly forget: boolean }
  // Of the VM, which is paused: what its guest's machine is in the midst of comes to its end.
  | { readonly op: "finishStep" }
  | { readonly op: "takeBatch"; readonly pages: number }
  | { readonly op: "compare" }
  // Post-copy: the package of the switch is made; the VM is the destination's; what was sent is compared.
  | { readonly op: "package" | "switchOver" | "compareSent" };

export type MigrationReply =
  | { readonly type: "clock"; readonly now: number }
  | { readonly type: "stepFinished" }
  | {
      readonly type: "queued";
      readonly now: number;
      /** Pages of the harvest, and pages that wait now. */
      readonly found: number;
      readonly pending: number;
    }
  | {
      readonly type: "batchTaken";
      readonly now: number;
      readonly pages: number;
      readonly bytes: number;
      /** Pages among them that the destination had not yet. */
      readonly fresh: number;
      readonly pending: number;
    }
  | { readonly type: "packaged"; readonly bytes: number }
  // Pages that are at the source alone.
  | { readonly type: "switched"; readonly now: number; readonly missing: number }
  | { readonly type: "compared"; readonly now: number; readonly firstDifference: number };

export type MigrationEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "migrationDue"
          | "vmPaused"
          | "vmHalted"
          | "armed"
          | "armRefused"
          | "harvested"
          | "disarmed"
          | "batchArrived"
          | "destinationReady"
          | "abortDue"
          | "linkDown"
          | "settled"
          | "postcopyDue"
          | "packageArrived"
          | "postcopyEnded"
          | "recoverDue"
          | "deadline";
      }
    >
  | MigrationReply;

/** A migration begins: the first, or one from where the last has brought the VM. */
export function begun(context: MigrationContext, now: number): Partial<MigrationContext> {
  const { progress, earlier, cancelledBy } = context;
  const isFirst = progress.startTime < 0;
  return {
    progress: { ...NO_PROGRESS, startTime: now, lastSyncTime: now },
    earlier: isFirst ? earlier : [...earlier, { progress, cancelledBy }],
    cancelledBy: isFirst ? cancelledBy : "nobody",
    throttleSteps: [],
    comparison: "none",
    postcopyAsked: false,
  };
}

/** Also what was given up. A copy that is not the VM is not migrated further, nor is a VM that has halted. */
export function isToBeRepeated(context: MigrationContext): boolean {
  const { earlier, repeats, comparison, halted, vms } = context;
  return earlier.length < repeats && comparison !== "different" && halted < vms;
}

/** What its messages to itself say of which attempt they are. */
export function attemptOf({ earlier }: MigrationContext): { readonly attempt?: number } {
  return earlier.length === 0 ? {} : { attempt: earlier.length };
}

/** The first reason counts, and none after the destination has resumed the VM. */
export function cancelled(context: MigrationContext, by: CancelledBy): Partial<MigrationContext> {
  const over = context.cancelledBy !== "nobody" || context.progress.resumeTime >= 0;
  return over ? {} : { cancelledBy: by };
}

/** Whether the migration goes on as post-copy now (migration_iteration_run): the operator has said so, or its rule does. */
export function goesPostcopy({
  policy,
  progress,
  postcopyAsked,
}: Pick<MigrationContext, "policy" | "progress" | "postcopyAsked">): boolean {
  const rule = policy.kind === "qemu" ? policy.postcopy : undefined;
  if (rule === undefined) return false;
  return postcopyAsked || (rule.rounds >= 0 && progress.iteration >= rule.rounds);
}

/** The policy's answer before a round. Nothing to send, or the fault, makes "send, then stop" a mere "stop". */
export function answerBefore({
  policy,
  progress,
  forgetsCleaned,
}: Pick<MigrationContext, "policy" | "progress" | "forgetsCleaned">): BeforeRound {
  const answer = beforeRound(policy, statsOf(progress));
  const skipped = progress.pendingPages === 0 || forgetsCleaned;
  return answer === "sendThenStop" && skipped ? "stop" : answer;
}

/** The policy's answer after a batch. */
export function answerAfter({
  policy,
  progress,
  stopsAfterRound,
}: Pick<MigrationContext, "policy" | "progress" | "stopsAfterRound">): AfterBatch {
  const answer = afterBatch(policy, statsOf(progress));
  return answer === "harvest" && stopsAfterRound ? "stop" : answer;
}

/** Timers to itself; those that are not to be have a negative delay. */
export function timers(
  { self }: MigrationContext,
  ...list: readonly (readonly [Message, number])[]
): SendEmission[] {
  return list
    .filter(([, delay]) => delay >= 0)
    .map(([message, delay]) => send(self, message, delay));
}

export function pause({ scheduler, vm, self }: MigrationContext): SendEmission {
  return send(scheduler, { type: "pauseVm", vm, requester: self });
}

export function unpause({ scheduler, vm }: MigrationContext): SendEmission {
  return send(scheduler, { type: "unpauseVm", vm });
}

export function throttle({ throttle: to }: MigrationContext, percent: number): SendEmission[] {
  return to === 0 ? [] : [send(to, { type: "setThrottle", percent })];
}

/** The timers of a first start; a migration that is repeated has none of its own. */
export function firstTimers(context: MigrationContext): SendEmission[] {
  if (context.earlier.length > 0) return [];
  const { abortCycles, linkFailCycles, postcopyCycles } = context;
  return timers(
    context,
    [{ type: "abortDue" }, abortCycles],
    [{ type: "linkDown" }, linkFailCycles],
    [{ type: "postcopyDue" }, postcopyCycles],
  );
}

/** The run goes on for a while, after a completed migration or another one. */
export function settling(context: MigrationContext): SendEmission[] {
  const { progress, settleCycles, goOnCycles } = context;
  const rest = progress.resumeTime >= 0 ? settleCycles : goOnCycles;
  return timers(context, [{ type: "settled" }, rest]);
}

/** The link has failed: both hosts of post-copy are told; and when there is another one, if that is known. */
export function linkLost(context: MigrationContext): SendEmission[] {
  const { sender, receiver, link, recoverCycles } = context;
  const lost = { type: "linkLost", link } as const;
  return [
    send(sender, lost),
    send(receiver, lost),
    ...timers(context, [{ type: "recoverDue" }, recoverCycles]),
  ];
}
