/** What the migration machine is given, remembers, exchanges with its device, and decides. */
import type { ConvergeState } from "../src/hypervisor/migration/autoConverge.ts";
import { afterBatch, beforeRound } from "../src/hypervisor/migration/policy.ts";
import { NO_PROGRESS, type Progress, statsOf } from "../src/hypervisor/migration/progress.ts";
import type { AfterBatch, BeforeRound, Policy } from "../src/hypervisor/migration/stats.ts";
import type { ActorId, Message, Technique } from "../src/interconnect/messages.ts";

export interface MigrationInput {
  readonly self: ActorId;
  readonly scheduler: ActorId;
  readonly sampler: ActorId;
  /** 0 = there is none. */
  readonly throttle: ActorId;
  /** Of the VM that migrates. */
  readonly tracker: ActorId;
  readonly vm: number;
  /** VMs in all; the others just run. */
  readonly vms: number;
  readonly technique: Technique;
  readonly policy: Policy;
  /** The link: what a batch takes. */
  readonly latencyCycles: number;
  readonly cyclesPerByte: number;
  /** Pages of a batch at most. */
  readonly batchPages: number;
  /** When the migration begins. */
  readonly startCycles: number;
  /** How often the VM migrates again, each time from where it is, and how long after the last time. */
  readonly repeats: number;
  readonly repeatCycles: number;
  /** From the first start: when the operator aborts, when the link fails; -1 = never. */
  readonly abortCycles: number;
  readonly linkFailCycles: number;
  /** How long the run goes on after a completed migration, and after another one; -1 = till the workloads' end. */
  readonly settleCycles: number;
  readonly goOnCycles: number;
  /** When the run ends in any case; 0 = not by time. */
  readonly deadlineCycles: number;
  /** A planted fault: pages of a CLEANed bitmap are not sent when the policy then says stop. */
  readonly forgetsCleaned: boolean;
}

/** Who ended the migration before its time. */
export type CancelledBy = "nobody" | "operator" | "deadline" | "link" | "policy";

/** The throttle from a time on. */
export interface ThrottleStep {
  readonly time: number;
  readonly percent: number;
}

/** A migration that another one has followed. */
export interface Attempt {
  readonly progress: Progress;
  readonly cancelledBy: CancelledBy;
}

export interface MigrationContext extends MigrationInput {
  readonly progress: Progress;
  /** The migrations before this one, completed or given up. */
  readonly earlier: readonly Attempt[];
  readonly converge: ConvergeState;
  readonly throttleSteps: readonly ThrottleStep[];
  /** The policy has said that the round under way is the last live one. */
  readonly stopsAfterRound: boolean;
  readonly cancelledBy: CancelledBy;
  readonly halted: number;
  /** The comparison of the two hosts: "none" before it. */
  readonly comparison: "none" | "equal" | "different";
  /** The first page that differs, or -1. */
  readonly firstDifference: number;
}

export type MigrationRequest =
  | { readonly op: "clock" }
  | { readonly op: "queueAll" }
  | { readonly op: "queueHarvest"; readonly forget: boolean }
  | { readonly op: "takeBatch"; readonly pages: number }
  | { readonly op: "compare" };

export type MigrationReply =
  | { readonly type: "clock"; readonly now: number }
  | {
      readonly type: "queued";
      readonly now: number;
      /** Pages of the harvest, and pages that wait now. */
      readonly found: number;
      readonly pending: number;
    }
  | {
      readonly type: "batchTaken";
      readonly pages: number;
      readonly bytes: number;
      readonly pending: number;
    }
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
          | "deadline";
      }
    >
  | MigrationReply;

export type EventOf<T extends MigrationEvent["type"]> = Extract<MigrationEvent, { type: T }>;

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
