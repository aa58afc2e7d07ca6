/** The one interface of all tracking techniques. What each costs the guest and the hypervisor is in its own file. */
import type { LoggingUnit } from "../../hardware/logLimits.ts";
import {
  type LogUnit,
  TECHNIQUE_NAMES,
  type Technique as TechniqueName,
} from "../../interconnect/messages.ts";
import type { Fix } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";

export type { TechniqueName };

/** All names, for schemas and options. "none" is the absence of tracking. */
export const TECHNIQUES = TECHNIQUE_NAMES;

/** The unit of the processor that logs for a technique; null: none does. `ringSource`: what feeds a dirty ring. */
export function unitOf(
  technique: TechniqueName,
  ringSource: "writeProtect" | "pml",
): LoggingUnit | null {
  if (technique === "pml" || technique === "prl") return technique;
  return technique === "dirtyRing" && ringSource === "pml" ? "pml" : null;
}

export interface ExitWork {
  readonly fix: Fix;
  readonly cycles: number;
  /** The vCPU may not run on until its ring is reset. */
  readonly ringFull: boolean;
}

/**
 * A technique's operations on a VM. Each returns the cycles it takes. The caller has INVEPT executed after arm,
 * rearm and disarm. `pages` is a choice of pages, null for all; present-bit invalidation alone can choose.
 *
 * Arm, collect with rearm, and collect with disarm are called once for each piece of vm.work, and do that piece: what
 * concerns the whole VM, such as controls and logs, in the first. Between two pieces the VM may run, and exits are served;
 * where logs are drained it stands still for the first.
 */
export interface Technique {
  readonly name: TechniqueName;
  /** What it can tell: first writes, first touches. */
  readonly findsWritten: boolean;
  readonly findsTouched: boolean;
  unit(vm: TrackedVm): LogUnit;
  /** Begins the first round. Returns null when resources are missing: the tracker falls back to write protection. */
  arm(vm: TrackedVm, pages: readonly number[] | null): number | null;
  /** Moves all that is known of this round into vm.dirty and vm.touched. */
  collect(vm: TrackedVm): number;
  /** Begins a new round; vm.dirty and vm.touched still hold the last one. */
  rearm(vm: TrackedVm, pages: readonly number[] | null): number;
  /** The VM's entries become ordinary again. The last round has been collected. */
  disarm(vm: TrackedVm): number;
  /** Exit 62 of a vCPU. */
  serveLogFull(vm: TrackedVm, vcpu: number): ExitWork;
  /** An EPT violation; `write`: the access was one. */
  serveViolation(vm: TrackedVm, vcpu: number, page: number, write: boolean): ExitWork;
  /** A page is about to lose its frame: what only its leaf, whose low word is given, can tell is noted. */
  pageTaken(vm: TrackedVm, page: number, low: number): void;
  /** A page that had no frame is being touched and gets one. Returns the bits of its leaf in this round. */
  pageReturned(vm: TrackedVm, page: number): number;
}

/** The answer to an exit that is not the technique's doing. */
export const NOT_OURS: ExitWork = { fix: "notOurs", cycles: 0, ringFull: false };
