/** The one interface of all tracking techniques: each says everything of itself in its own file; all.ts lists them. */
import type * as z from "zod";
import type { EntryFormat } from "../../hardware/formats/entryFormat.ts";
import type { Technique as TechniqueName } from "../../interconnect/messages.ts";
import type { UnitName } from "../../units/all.ts";
import type { DirtyTechnique, Fix } from "../logDirty.ts";
import type { TrackedVm, TrackerFault } from "../trackedVm.ts";

export type { TechniqueName };

export interface ExitWork {
  readonly fix: Fix;
  readonly cycles: number;
  /** The vCPU may not run on until its ring is reset. */
  readonly ringFull: boolean;
}

/** What others need to know of a technique. */
export interface TechniqueTelling {
  readonly name: TechniqueName;
  /** For people: what it finds, and what it costs the guest. */
  readonly finds: string;
  readonly costs: string;
  /** What it can tell: first writes, first touches. */
  readonly findsWritten: boolean;
  readonly findsTouched: boolean;
  /** It watches some pages of its own choice (TrackedVm.sampled), and owes no others. */
  readonly samples?: true;
  /** What it finds is what is in memory: pages of earlier rounds, too, and none that the host has swapped out. */
  readonly findsResident?: true;
  /** It logs TLB misses, with counts: what a TLB holds it does not see, and a large leaf is one page. */
  readonly logsMisses?: true;
  /** What tells of an access: its exit, flags of entries, or a log of the processor's. See isNoted. */
  readonly toldBy: "exits" | "flags" | "log";
  /** Whether guests exit for it on a processor that sets the flags it reads. See exitsOn. */
  readonly exits: boolean;
  /** Whether arming and harvests change entries of the table, so that they can be done in pieces. */
  readonly armsEntries: boolean;
  /** A large leaf stays whole until it is written (TrackedVm.splitsEagerly: or is split when it is armed). */
  readonly splitsAtWrite?: true;
  /** By what it finds first writes, if the types of all pages may change lazily, as Xen's do (TrackedVm.lazyTypes). */
  readonly changesTypes?: DirtyTechnique;
  /** A dirty bitmap of it may begin with all bits set (KVM_DIRTY_LOG_INITIALLY_SET). */
  readonly beginsSet?: true;
  /** It needs a ring for each vCPU, which is made with the machine. */
  readonly usesRing?: true;
  /** Numbers that it keeps for each VM, made with the machine. */
  readonly words?: number;
  /** Planted faults that are its own. */
  readonly faults?: readonly TrackerFault[];
  /** Its section of a scenario's `tracker`. A new one is optional: digests of scenarios are of what is written there. */
  readonly section?: TechniqueSection;
  /** Ways to set it that answer differently, and are compared with the others. */
  readonly variants?: readonly TechniqueVariant[];
  /** The least machine in which all that it does can be seen: what the checker explores (src/check/trackingModels.ts). */
  readonly model: { readonly pages: number; readonly logEntries: number; readonly reads: 0 | 1 };
}

/** Whether the processor itself notes what it finds, with the access: a log, or flags where a walk sets them. Else an exit does, before it. */
export function isNoted({ toldBy }: TechniqueTelling, { flags }: EntryFormat): boolean {
  return toldBy === "log" || (toldBy === "flags" && flags !== "never");
}

/**
 * Whether guests exit for it with such entries: with flags that software sets, the access that lacks one is a guest-page
 * fault (RISC-V privileged architecture, Svade).
 */
export function exitsOn(technique: TechniqueTelling, format: EntryFormat): boolean {
  return technique.exits || (technique.toldBy === "flags" && !isNoted(technique, format));
}

export interface TechniqueSection {
  readonly name: string;
  readonly schema: z.ZodType;
}

/** What a scenario says in a technique's section, with its defaults. */
export function optionsOf<Schema extends z.ZodType>(
  { options }: TrackedVm,
  { name }: { readonly name: string; readonly schema: Schema },
): NonNullable<z.output<Schema>> {
  return options[name] as NonNullable<z.output<Schema>>;
}

export interface TechniqueVariant {
  readonly name: string;
  /** Fields of `tracker`, each by its path. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * A technique's operations on a VM. Each returns the cycles it takes. The caller has INVEPT executed after arm,
 * rearm and disarm. `pages` is a choice of pages, null for all; present-bit invalidation alone can choose.
 *
 * Arm, collect with rearm, and collect with disarm are called once for each piece of vm.work, and do that piece: what
 * concerns the whole VM, such as controls and logs, in the first. Between two pieces the VM may run, and exits are served;
 * where logs are drained it stands still for the first.
 */
export interface Technique extends TechniqueTelling {
  /** The unit of the processor that logs for it. */
  unit(vm: Pick<TrackedVm, "ringUnit">): UnitName;
  /** Begins the first round. Returns null when resources are missing: the tracker falls back to write protection. */
  arm(vm: TrackedVm, pages: readonly number[] | null): number | null;
  /** Moves all that is known of this round into vm.dirty and vm.touched. */
  collect(vm: TrackedVm): number;
  /** Begins a new round; vm.dirty and vm.touched still hold the last one. */
  rearm(vm: TrackedVm, pages: readonly number[] | null): number;
  /** The VM's entries become ordinary again. The last round has been collected. */
  disarm(vm: TrackedVm): number;
  /** The exit of a vCPU whose log is full. */
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
