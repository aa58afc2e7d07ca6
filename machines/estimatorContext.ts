/** What an estimator knows, and what it asks of its device: the types of machines/estimator.ts. */
import type { EstimatorRule, Progress } from "../src/hypervisor/wss/estimation.ts";
import type { Forget } from "../src/hypervisor/wss/hotPageLoop.ts";
import * as kind from "../src/interconnect/fields.ts";
import { type HarvestMode, harvestMode } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const estimatorInput = {
  vm: kind.vm,
  self: kind.actor,
  toolstack: kind.actor,
  scheduler: kind.actor,
  tracker: kind.actor,
  // The CPU of the pVM that the process runs on.
  pvmCpu: kind.actor,
  rule: kind.setting<EstimatorRule>(),
  intervalCycles: kind.cycles,
  // f, the guest kernel's footprint, in pages.
  footprintPages: kind.count,
  // Words of the VM's bitmaps.
  bitmapWords: kind.count,
  wakeCycles: kind.cycles,
  scanCycles: kind.cycles,
} as const satisfies kind.Fields;
export type EstimatorInput = kind.Values<typeof estimatorInput>;

const estimatePoint = {
  // Cycles since the estimation began.
  time: kind.cycles,
  // The estimate, f included; null before the first.
  pages: kind.count.nullable(),
  // What was counted at this look, and how many of the guest's page tables besides.
  counted: kind.count,
  guestPageTables: kind.count,
  // Pages really touched in the window that ends here.
  truthPages: kind.count,
  // The process's work on the pVM since the last look.
  pvmCycles: kind.cycles,
  // What the VM has executed so far: cycles of all its vCPUs.
  executedCycles: kind.cycles,
  // The estimation found its stop rule fulfilled.
  stable: kind.flag,
} as const satisfies kind.Fields;
/** One look, as it goes into the series. */
export type EstimatePoint = kind.Values<typeof estimatePoint>;

export const NO_POINT: EstimatePoint = {
  time: 0,
  pages: null,
  counted: 0,
  guestPageTables: 0,
  truthPages: 0,
  pvmCycles: 0,
  executedCycles: 0,
  stable: false,
};

const progress: kind.Schema<Progress> = kind.record({
  prl: kind.record({
    dist: kind.list(kind.count),
    age: kind.count,
    lastGeneration: kind.countOrNone,
    estimate: kind.count,
  }),
  averages: kind.record({ slow: kind.share, fast: kind.share }).nullable(),
  // PRL's loop goes by numbers of its own.
  estimate: kind.statistic(kind.count.nullable()),
  own: kind.json.exactOptional(),
});

/** What its state holds besides its input. */
export const estimatorFields = {
  progress,
  // Intervals that were looked at, and those that came while the process was still busy. They count for samples.
  interval: kind.statistic(kind.count),
  lost: kind.statistic(kind.count),
  // The pages of the next sample; null if none is drawn now.
  sample: kind.setOf(kind.page).nullable(),
  // How the tracker is asked at this look, null if it is not; and whether the VM is paused for it.
  ask: harvestMode.nullable(),
  pause: kind.flag,
  // The look under way. The rest of it goes into the series.
  point: kind.mattersAs(kind.record(estimatePoint), {
    of: ({ pages, stable }) => ({ ...NO_POINT, pages: pages === null ? null : 0, stable }),
    alike: ({ pages, stable }, more) => ({
      time: more,
      pages: pages === null ? null : pages + more,
      counted: more,
      guestPageTables: more,
      truthPages: more,
      pvmCycles: more,
      executedCycles: more,
      stable,
    }),
  }),
  ends: kind.flag,
  forget: kind.word(["nothing", "everything", "generation"]),
  // Cycles of the hypercalls of the look under way.
  spent: kind.statistic(kind.cycles),
  // The toolstack has asked for the end.
  ending: kind.flag,
  points: kind.statistic(kind.list(kind.record(estimatePoint))),
  // Time of the first look that was stable; -1 before.
  stableAt: kind.statistic(kind.timeOrNone),
} as const satisfies kind.Fields;

export interface EstimatorContext extends EstimatorInput, kind.Values<typeof estimatorFields> {}

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
