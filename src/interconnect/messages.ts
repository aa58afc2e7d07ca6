/**
 * The control plane's vocabulary: every message that actors exchange. Who sends what to whom stands
 * beside each type. Payloads are plain data, so that a message can be logged, compared and replayed.
 */

/** An actor's address. 0 is nobody. Names are in the directory of the system. */
export type ActorId = number;

/** How a VM's accesses are tracked. */
export type Technique =
  | "none"
  | "writeProtect"
  | "presentBit"
  | "accessedDirtyScan"
  | "pml"
  | "prl"
  | "dirtyRing";

/** Which unit of the processor logs for a technique. */
export type LogUnit = "none" | "pml" | "prl";

/** Xen's log-dirty operations: CLEAN returns the bitmap and starts a new round, PEEK only looks. */
export type HarvestMode = "clean" | "peek";

export type Message =
  // vCPU -> MMU: VM entry. The MMU loads the controls and runs the guest until something happens.
  | { readonly type: "enterGuest"; readonly vcpu: number }
  // MMU -> itself, at the guest's local time: run the next burst.
  | { readonly type: "continueGuest" }
  // Dispatcher -> MMU: an interrupt for this CPU; the guest exits at the next instruction boundary.
  | { readonly type: "kick" }
  // MMU or PML unit -> vCPU: the guest stopped here.
  | {
      readonly type: "guestStopped";
      readonly reason: number;
      readonly qualification: number;
      readonly page: number;
    }
  // MMU -> vCPU -> dispatcher: VMfail, a control field is invalid.
  | { readonly type: "entryFailed"; readonly failure: string }
  // MMU -> PML unit: an event needs the log and the index is out of range.
  | { readonly type: "pmlIndexOutOfRange" }
  // MMU -> PRL unit: the log became full; the guest runs on.
  | { readonly type: "prlLogFilled" }
  // vCPU -> dispatcher of its CPU.
  | {
      readonly type: "vmExit";
      readonly vcpu: number;
      readonly vm: number;
      readonly reason: number;
      readonly qualification: number;
      readonly page: number;
    }
  // Dispatcher -> vCPU: the exit is handled, enter again.
  | { readonly type: "resume" }
  // Dispatcher -> vCPU: leave the CPU; for good if an exit could not be handled.
  // It waits for a page if `waits`: then it may not run before "wakeVcpu".
  | { readonly type: "deschedule"; readonly crashed: boolean; readonly waits: boolean }
  // Dispatcher -> tracker of the VM: an exit that concerns tracking. Answered by "handled".
  | { readonly type: "logFullExit"; readonly vcpu: number; readonly dispatcher: ActorId }
  | {
      readonly type: "eptViolation";
      readonly vcpu: number;
      readonly page: number;
      readonly qualification: number;
      readonly dispatcher: ActorId;
    }
  // Tracker -> pager: the page has no frame. Answered by "handled" or, if it takes long, "vcpuMustWait".
  | {
      readonly type: "pageFault";
      readonly vm: number;
      readonly vcpu: number;
      readonly page: number;
      readonly dispatcher: ActorId;
    }
  // Pager -> dispatcher: the CPU is free for others until the page is there.
  | { readonly type: "vcpuMustWait" }
  // Pager -> scheduler: it is there.
  | { readonly type: "wakeVcpu"; readonly vcpu: number }
  // Pager -> itself: a page's content has come; the oldest frames in the queue have been written.
  | {
      readonly type: "pageArrived";
      readonly vm: number;
      readonly page: number;
      readonly frame: number;
    }
  | { readonly type: "pagesWritten"; readonly count: number }
  // Tracker -> dispatcher, after the handler's time. Not fixed: the access can never succeed.
  | { readonly type: "handled"; readonly fixed: boolean }
  // Tracker -> itself: the handler that found a dirty ring at its limit is done; user space reaps. -1: its
  // log was not drained.
  | { readonly type: "reapDue"; readonly drainedVcpu: number; readonly dispatcher: ActorId }
  // Tracker -> PML unit: VMWRITE of the index, 511 again.
  | { readonly type: "pmlIndexReset" }
  // Tracker -> PML or PRL unit.
  | { readonly type: "enableLog" }
  | { readonly type: "disableLog" }
  // PRL unit -> pVM CPU: the LAPIC's interrupt.
  | { readonly type: "ipi"; readonly vector: number; readonly vcpu: number }
  // pVM CPU -> itself, when the log-full handler has copied the logs.
  | { readonly type: "logsCopied" }
  // pVM CPU -> itself, when its processes have had their time and the handler goes on.
  | { readonly type: "handlerDue" }
  // pVM CPU -> PRL unit: the new instruction, reload log state from the VMCS in memory.
  | { readonly type: "remoteReload" }
  // Tracker -> dispatcher of each CPU: INVEPT single-context there. Answered by "inveptDone".
  | { readonly type: "inveptRequest"; readonly vm: number; readonly tracker: ActorId }
  | { readonly type: "inveptDone"; readonly pcpu: number }
  // Toolstack -> tracker, and the answers. `pages`: with present-bit invalidation, these pages alone.
  | {
      readonly type: "arm";
      readonly technique: Technique;
      readonly requester: ActorId;
      readonly pages?: readonly number[];
    }
  | { readonly type: "armed"; readonly technique: Technique }
  // `pages`: with present-bit invalidation, the pages of the next round; else those that were touched.
  | {
      readonly type: "harvest";
      readonly mode: HarvestMode;
      readonly requester: ActorId;
      readonly pages?: readonly number[];
    }
  | {
      readonly type: "harvested";
      readonly pagesWritten: number | null;
      readonly pagesTouched: number | null;
      readonly guestPageTables: number;
      /** Work of the CPU that asked. */
      readonly cycles: number;
    }
  | { readonly type: "disarm"; readonly requester: ActorId }
  | { readonly type: "disarmed" }
  // Toolstack -> scheduler, and the answers.
  | { readonly type: "startVm"; readonly vm: number }
  | { readonly type: "pauseVm"; readonly vm: number; readonly requester: ActorId }
  | { readonly type: "vmPaused"; readonly vm: number }
  | { readonly type: "unpauseVm"; readonly vm: number }
  // Operator -> scheduler: hold one vCPU, and let it go.
  | { readonly type: "pauseVcpu"; readonly vcpu: number }
  | { readonly type: "unpauseVcpu"; readonly vcpu: number }
  // System -> operator: harvest out of turn; track by another technique; make so many percent of the
  // accesses writes (negative: as the workload has it).
  | { readonly type: "harvestNow"; readonly vm: number }
  | { readonly type: "switchTracker"; readonly vm: number; readonly technique: Technique }
  | { readonly type: "setWriteIntensity"; readonly vm: number; readonly percent: number }
  // System -> session: begin this operation (a number in its list); bring the present one to its end.
  | { readonly type: "startOperation"; readonly operation: number }
  | { readonly type: "abortOperation" }
  // A hosted operation's main actor -> session: it has come to its last state (XState's done.actor).
  | { readonly type: "operationEnded" }
  // Scheduler -> dispatcher, and dispatcher -> vCPU: run on this CPU.
  | {
      readonly type: "schedule";
      readonly vcpu: number;
      readonly pcpu: number;
      readonly mmu: ActorId;
      readonly dispatcher: ActorId;
    }
  // Scheduler -> dispatcher: take the CPU from its vCPU at the next exit.
  | { readonly type: "preempt" }
  // vCPU -> scheduler: off the CPU, for good if halted.
  | {
      readonly type: "descheduled";
      readonly vcpu: number;
      readonly halted: boolean;
      readonly waits: boolean;
    }
  // Scheduler -> itself.
  | { readonly type: "timesliceEnd"; readonly pcpu: number; readonly slice: number }
  // Scheduler -> toolstack: the last vCPU of a VM has halted.
  | { readonly type: "vmHalted"; readonly vm: number }
  // System -> toolstack: begin.
  | { readonly type: "begin" }
  // Toolstack -> itself: time for a harvest; time is up.
  | { readonly type: "harvestDue" }
  | { readonly type: "deadline" }
  // Checkpointing toolstack -> itself: time for a checkpoint; the epoch has its length; the pages are
  // copied; the storage has acknowledged the checkpoint.
  | { readonly type: "checkpointDue" }
  | { readonly type: "epochDue" }
  | { readonly type: "checkpointCopied" }
  | { readonly type: "checkpointWritten" }
  // Migrating toolstack -> itself: the migration begins; a batch of pages has arrived; the destination
  // can resume the VM; the operator aborts; the link fails; the run has gone on long enough.
  | { readonly type: "migrationDue" }
  | { readonly type: "batchArrived" }
  | { readonly type: "destinationReady" }
  | { readonly type: "abortDue" }
  | { readonly type: "linkDown" }
  | { readonly type: "settled" }
  // Migrating toolstack -> throttle: the share of time, in percent, that the VM shall not run.
  | { readonly type: "setThrottle"; readonly percent: number }
  // Throttle -> itself. `turn` counts slices and sleeps, so that an earlier timer is recognised.
  | { readonly type: "throttleSliceEnd"; readonly turn: number }
  | { readonly type: "throttleWake"; readonly turn: number }
  // Operation -> sampler: count the guest's accesses from now on; and sampler -> itself.
  | { readonly type: "startSampling" }
  | { readonly type: "sampleDue" }
  // Estimation toolstack -> estimator of a VM, and the answers: arm the tracker; begin; make an end.
  | { readonly type: "prepareEstimation"; readonly requester: ActorId }
  | { readonly type: "estimatorReady"; readonly vm: number }
  | { readonly type: "watchVm" }
  | { readonly type: "endEstimation" }
  | { readonly type: "estimationEnded"; readonly vm: number }
  // Estimator -> toolstack: a new estimate. Estimator -> itself: an interval is over.
  | { readonly type: "estimate"; readonly vm: number; readonly pages: number }
  | { readonly type: "intervalDue" }
  // Controller of an overcommitted host -> itself; controller -> balloon of a VM: the size it shall have.
  | { readonly type: "controlDue" }
  | { readonly type: "setTarget"; readonly pages: number }
  // Balloon -> itself: the guest's work is done; balloon -> pager, and the answer: frames are free again,
  // and so many pages are still too many.
  | { readonly type: "inflateDue" }
  | { readonly type: "giveBack"; readonly vm: number; readonly pages: number }
  | { readonly type: "gaveBack"; readonly surplus: number; readonly stuck: boolean }
  // A process of the pVM -> its CPU, and the answer: work that takes so long; `spent` is work of
  // hypercalls that the process has already waited for. pVM CPU -> itself: the job's time is over.
  | {
      readonly type: "compute";
      readonly cycles: number;
      readonly spent: number;
      readonly requester: ActorId;
    }
  | { readonly type: "computed" }
  | { readonly type: "jobDue" }
  // Toolstack -> itself; toolstack -> pVM CPU, and the answer: how busy it has been since the start.
  | { readonly type: "loadDue" }
  | { readonly type: "loadQuery"; readonly requester: ActorId }
  | {
      readonly type: "loadReport";
      readonly cpu: ActorId;
      readonly handlerCycles: number;
      readonly jobCycles: number;
    };

export type MessageType = Message["type"];

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
