/** What an estimator knows, and what it asks of its device: the types of machines/estimator.ts. */
import type { EstimatorRule, Progress } from "../src/hypervisor/wss/estimation.ts";
import type { Forget } from "../src/hypervisor/wss/prlLoop.ts";
import type { ActorId, HarvestMode } from "../src/interconnect/messages.ts";

export interface EstimatorInput {
  readonly vm: number;
  readonly self: ActorId;
  readonly toolstack: ActorId;
  readonly scheduler: ActorId;
  readonly tracker: ActorId;
  /** The CPU of the pVM that the process runs on. */
  readonly pvmCpu: ActorId;
  readonly rule: EstimatorRule;
  readonly intervalCycles: number;
  /** f, the guest kernel's footprint, in pages. */
  readonly footprintPages: number;
  /** Words of the VM's bitmaps. */
  readonly bitmapWords: number;
  readonly wakeCycles: number;
  readonly scanCycles: number;
}

/** One look, as it goes into the series. */
export interface EstimatePoint {
  /** Cycles since the estimation began. */
  readonly time: number;
  /** The estimate, f included; null before the first. */
  readonly pages: number | null;
  /** What was counted at this look, and how many of the guest's page tables besides. */
  readonly counted: number;
  readonly guestPageTables: number;
  /** Pages really touched in the window that ends here. */
  readonly truthPages: number;
  /** The process's work on the pVM since the last look. */
  readonly pvmCycles: number;
  /** What the VM has executed so far: cycles of all its vCPUs. */
  readonly executedCycles: number;
  /** The estimation found its stop rule fulfilled. */
  readonly stable: boolean;
}

export interface EstimatorContext extends EstimatorInput {
  readonly progress: Progress;
  /** Intervals that were looked at, and those that came while the process was still busy. */
  readonly interval: number;
  readonly lost: number;
  /** The pages of the next sample; null if none is drawn now. */
  readonly sample: readonly number[] | null;
  /** How the tracker is asked at this look, null if it is not; and whether the VM is paused for it. */
  readonly ask: HarvestMode | null;
  readonly pause: boolean;
  /** The look under way. */
  readonly point: EstimatePoint;
  readonly ends: boolean;
  readonly forget: Forget;
  /** Cycles of the hypercalls of the look under way. */
  readonly spent: number;
  /** The toolstack has asked for the end. */
  readonly ending: boolean;
  readonly points: readonly EstimatePoint[];
  /** Time of the first look that was stable; -1 before. */
  readonly stableAt: number;
}

export type EstimatorRequest =
  | { readonly op: "begin" }
  | { readonly op: "start" }
  /** `interval`: the one that should be over; `draw`: a new sample is needed if it is. */
  | { readonly op: "look"; readonly interval: number; readonly draw: boolean }
  | { readonly op: "read" }
  | { readonly op: "forget"; readonly what: Forget };

export type EstimatorReply =
  | { readonly type: "begun"; readonly sample: readonly number[] | null }
  | { readonly type: "started" }
  /** The VM has not run long enough: cycles that are missing. */
  | { readonly type: "notDue"; readonly wait: number }
  | {
      readonly type: "due";
      readonly time: number;
      readonly truthPages: number;
      readonly executedCycles: number;
      readonly ask: HarvestMode | null;
      readonly pause: boolean;
      readonly sample: readonly number[] | null;
    }
  | {
      readonly type: "counted";
      readonly pages: number;
      readonly guestPageTables: number;
      readonly scanned: number;
    }
  | { readonly type: "forgotten" };
