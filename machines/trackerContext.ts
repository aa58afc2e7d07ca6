/** What a tracker remembers, what it asks of its device and is answered, and what it is told. */
import * as kind from "../src/interconnect/fields.ts";
import type { EventOf } from "../src/interconnect/machineTypes.ts";
import {
  type ActorId,
  type HarvestMode,
  type Message,
  message,
  type Technique,
  technique,
} from "../src/interconnect/messages.ts";
import type { UnitName } from "../src/units/all.ts";

/**
 * Xen's paging_log_dirty_enable returns -EINVAL if log-dirty mode is on (xen/arch/x86/mm/paging.c). In KVM a slot
 * whose flags are as they were is no change, and that is success (__kvm_set_memory_region: "Nothing to change").
 */
export type ArmedTwice = "xen" | "kvm";

/** What it is set up with. */
export const trackerInput = {
  vm: kind.vm,
  self: kind.actor,
  dispatchers: kind.listBy("pcpu", kind.actor),
  // Who gives pages their frames on an overcommitted host; 0 if every page has one.
  pager: kind.actor,
  // Page-logging units of this VM's vCPUs, by unit's number and vCPU; 0 where the vCPU is another VM's.
  units: kind.list(kind.listBy("vcpu", kind.actor)),
  // A planted fault: answers without having INVEPT executed.
  skipInvept: kind.flag,
  // Whose answer a tracker that is armed already gives to another arm.
  armedTwice: kind.word(["xen", "kvm"]),
} as const satisfies kind.Fields;
export type TrackerInput = kind.Values<typeof trackerInput>;

/** What its state holds besides its input. */
export const trackerFields = {
  technique: technique,
  requester: kind.deadIn(kind.actor, "logging", "off", "changing"),
  // INVEPTs, one for each CPU and request, that are not acknowledged yet.
  awaited: kind.count,
  // What the requester is told after the last acknowledgement.
  answer: kind.deadIn(message, "logging", "off", "preparing", "changing"),
  // Requests that came in the middle of another one.
  deferred: kind.list(message),
  // Whether the requester is told when the harvest's first piece is done, so that the VM may run.
  letsRun: kind.flag,
  // Dispatchers whose vCPUs wait for the INVEPTs of their ring's reset.
  heldBack: kind.list(kind.actor),
  // vCPUs of which a misconfiguration that finds nothing to resolve is accepted.
  spurious: kind.setOf(kind.vcpu),
  // Exits served, by kind, and the cycles of their handlers: T_h.
  violations: kind.statistic(kind.count),
  misconfigurations: kind.statistic(kind.count),
  drains: kind.statistic(kind.count),
  handlerCycles: kind.statistic(kind.cycles),
  // Cycles spent arming, harvesting and disarming.
  controlCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface TrackerContext extends TrackerInput, kind.Values<typeof trackerFields> {}

/** A region of memory as KVM_SET_USER_MEMORY_REGION takes it, in pages (src/hypervisor/slots/vmSlots.ts). */
export type Region = Omit<EventOf<Message, "setRegion">, "type">;

/** Null: every page. */
export type ChosenPages = readonly number[] | null;

export type TrackerRequest =
  | { readonly op: "arm"; readonly technique: Technique; readonly pages: ChosenPages }
  | { readonly op: "harvest"; readonly mode: HarvestMode; readonly pages: ChosenPages }
  | { readonly op: "disarm" }
  /** The next piece of one of these. */
  | { readonly op: "goOn" }
  /** Every CPU has executed INVEPT: nothing goes through an old translation any more. */
  | { readonly op: "flushed"; readonly after: Message["type"] }
  | { readonly op: "serveLogFull"; readonly vcpu: number; readonly dispatcher: ActorId }
  | { readonly op: "reapRings" }
  /** What is marked as unresolved on the way to a page. */
  | {
      readonly op: "resolveTypes";
      readonly vcpu: number;
      readonly page: number;
      readonly dispatcher: ActorId;
    }
  /** What the hypervisor has written for a vCPU that it loads. */
  | { readonly op: "markPv"; readonly vcpu: number; readonly dispatcher: ActorId }
  | { readonly op: "setRegion"; readonly region: Region }
  /** Every CPU has executed INVEPT since the change of a slot began. */
  | { readonly op: "commitRegion" }
  | {
      readonly op: "serveViolation";
      readonly vcpu: number;
      readonly page: number;
      readonly qualification: number;
      readonly dispatcher: ActorId;
    };

type Harvested = Extract<Message, { type: "harvested" }>;

export type TrackerReply =
  // Entries were changed: every CPU must flush before `answer` is sent.
  | {
      readonly type: "tablesChanged";
      readonly cycles: number;
      readonly unit: UnitName;
      readonly answer: Message;
    }
  // As tablesChanged, but there is more to do. `unit`: to be told now; `answer`: of arming, which has begun.
  | {
      readonly type: "pieceDone";
      readonly cycles: number;
      readonly unit: UnitName;
      readonly answer: Message | null;
    }
  | { readonly type: "flushNoted" }
  | { readonly type: "harvestPeeked"; readonly cycles: number; readonly answer: Harvested }
  | {
      readonly type: "exitServed";
      readonly dispatcher: ActorId;
      readonly fixed: boolean;
      readonly cycles: number;
      /** The vCPU whose log was emptied and its index set back, or -1. */
      readonly drainedVcpu: number;
      /** It was no exit: the vCPU is being loaded. */
      readonly loading?: true;
    }
  // As exitServed, but the vCPU's dirty ring is at its soft limit: it may not run on before a reset.
  | {
      readonly type: "ringFull";
      readonly dispatcher: ActorId;
      readonly cycles: number;
      readonly drainedVcpu: number;
      readonly loading?: true;
    }
  // Entries that were written, and the VM's vCPUs.
  | {
      readonly type: "typesResolved";
      readonly entries: number;
      readonly vcpu: number;
      readonly vcpus: readonly number[];
      readonly dispatcher: ActorId;
      readonly cycles: number;
    }
  | { readonly type: "ringsReaped"; readonly cycles: number }
  // A change of a slot has begun: every CPU must flush before it is committed. Or there is nothing to change.
  | { readonly type: "regionBegun"; readonly cycles: number }
  | { readonly type: "regionKept" }
  | { readonly type: "regionCommitted" }
  // The page that was touched has no frame.
  | {
      readonly type: "pageMissing";
      readonly vcpu: number;
      readonly page: number;
      readonly dispatcher: ActorId;
    };

export type TrackerEvent =
  | Extract<
      Message,
      {
        type:
          | "arm"
          | "harvest"
          | "disarm"
          | "inveptDone"
          | "logFullExit"
          | "eptViolation"
          | "eptMisconfiguration"
          | "pvWritten"
          | "reapDue"
          | "pieceDue"
          | "setRegion";
      }
    >
  | TrackerReply;
