/** The device of a tracker actor: one VM's entries, logs and bitmaps, through the technique that is armed. */
import type { ChosenPages, TrackerReply, TrackerRequest } from "../../machines/tracker.ts";
import { findLeaf } from "../hardware/ept.ts";
import { EPT_RWX } from "../hardware/eptEntry.ts";
import { Qualification } from "../hardware/exit.ts";
import type { HypervisorCosts } from "../hypervisor/costs.ts";
import {
  clearMarks,
  countMarked,
  type DirtyBitmap,
  forEachMarked,
  markDirty,
} from "../hypervisor/dirtyBitmap.ts";
import { mergeAll } from "../hypervisor/logDirty.ts";
import { techniqueNamed } from "../hypervisor/techniques/all.ts";
import { reapRings } from "../hypervisor/techniques/dirtyRing.ts";
import { type ExitWork, NOT_OURS, type Technique } from "../hypervisor/techniques/technique.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { HarvestMode, Message, Technique as TechniqueName } from "../interconnect/messages.ts";
import type { VmState } from "./world.ts";

type Harvested = Extract<Message, { type: "harvested" }>;

export class TrackerDevice implements Device<TrackerRequest, TrackerReply> {
  readonly #vm: VmState;

  constructor(vm: VmState) {
    this.#vm = vm;
  }

  /** Told by the system when a snapshot is restored: which technique is armed is the machine's state. */
  set technique(name: TechniqueName) {
    this.#vm.armed.technique = techniqueNamed(name);
  }

  get #technique(): Technique | null {
    return this.#vm.armed.technique;
  }

  perform(request: TrackerRequest): TrackerReply {
    switch (request.op) {
      case "arm":
        return this.#arm(request.technique, request.pages);
      case "harvest":
        return this.#harvest(request.mode, request.pages);
      case "disarm":
        return this.#disarm();
      case "serveLogFull": {
        const { vcpu, dispatcher } = request;
        const { tracked } = this.#vm;
        // The log was full when tracking ended, and is read already: the next entry loads controls without it.
        const late = spurious(tracked.costs);
        return served(this.#technique?.serveLogFull(tracked, vcpu) ?? late, dispatcher, vcpu);
      }
      case "serveViolation": {
        const { vcpu, page, dispatcher, qualification } = request;
        const write = (qualification & Qualification.write) !== 0;
        const { tracked } = this.#vm;
        const work = this.#technique?.serveViolation(tracked, vcpu, page, write) ?? NOT_OURS;
        if (work.fix !== "notOurs") return served(work, dispatcher, -1);
        const leaf = findLeaf(tracked.ept, page);
        if (leaf === null) return { type: "pageMissing", vcpu, page, dispatcher };
        const wanted = qualification & EPT_RWX;
        const allowed = (tracked.ept.memory.words[leaf.word]! & wanted) === wanted;
        return served(allowed ? spurious(tracked.costs) : work, dispatcher, -1);
      }
      case "reapRings": {
        const { costs } = this.#vm.tracked;
        return { type: "ringsReaped", cycles: costs.ringExit + reapRings(this.#vm.tracked) };
      }
    }
  }

  /** Without the memory for logs the VM is tracked by write protection, silently, as Xen does. */
  #arm(name: TechniqueName, pages: ChosenPages): TrackerReply {
    const { tracked } = this.#vm;
    let technique = techniqueNamed(name)!;
    let cycles = technique.arm(tracked, pages);
    if (cycles === null) {
      technique = techniqueNamed("writeProtect")!;
      cycles = technique.arm(tracked, null) ?? 0;
    }
    this.#vm.armed.technique = technique;
    this.#vm.rounds?.armed(technique);
    const answer = { type: "armed", technique: technique.name } as const;
    return { type: "tablesChanged", cycles, unit: technique.unit(tracked), answer };
  }

  /** Logs are drained, the bitmaps read, and for CLEAN the pages armed again (paging_log_dirty_op). */
  #harvest(mode: HarvestMode, pages: ChosenPages): TrackerReply {
    const { tracked } = this.#vm;
    const technique = this.#technique!;
    const collected = technique.collect(tracked);
    const found = this.#report(technique);
    this.#handOver(technique);
    this.#vm.rounds?.harvested(technique, mode === "clean", pages !== null);
    if (mode === "peek") {
      const answer = { ...found, cycles: collected };
      return { type: "harvestPeeked", cycles: collected, answer };
    }
    const cycles = collected + technique.rearm(tracked, pages);
    clearMarks(tracked.dirty);
    clearMarks(tracked.touched);
    const answer = { ...found, cycles };
    return { type: "tablesChanged", cycles, unit: technique.unit(tracked), answer };
  }

  /**
   * Drains first, so that no logged page is lost (Xen vmx_vcpu_disable_pml), and hands over what no harvest has
   * reported; then clears the controls, then the entries become ordinary again (vmx_domain_disable_pml).
   */
  #disarm(): TrackerReply {
    const { tracked } = this.#vm;
    const technique = this.#technique!;
    const unit = technique.unit(tracked);
    const { ept, mergedLevel, costs } = tracked;
    let cycles = technique.collect(tracked);
    this.#report(technique);
    this.#handOver(technique);
    this.#vm.rounds?.disarmed(technique, this.#vm.reportedTouched);
    clearMarks(tracked.dirty);
    clearMarks(tracked.touched);
    cycles += technique.disarm(tracked);
    if (mergedLevel > 1) cycles += mergeAll(ept, mergedLevel) * costs.splitHandler;
    this.#vm.armed.technique = null;
    const pages = countMarked(tracked.handedOver);
    const answer = { type: "disarmed", ...(pages === 0 ? {} : { pages }) } as const;
    return { type: "tablesChanged", cycles, unit, answer };
  }

  /** The round's pages, for whoever asked. */
  #handOver({ findsWritten }: Technique): void {
    const { dirty, touched, handedOver } = this.#vm.tracked;
    clearMarks(handedOver);
    addAll(findsWritten ? dirty : touched, handedOver);
  }

  /** Counts of this round; null where the technique cannot know. Guest page tables are counted apart. */
  #report({ findsWritten, findsTouched }: Technique): Omit<Harvested, "cycles"> {
    const { tracked, config, reportedWritten, reportedTouched } = this.#vm;
    const found = findsTouched && !findsWritten ? tracked.touched : tracked.dirty;
    let guestPageTables = 0;
    forEachMarked(found, (page) => {
      if (page >= config.pages) guestPageTables++;
    });
    addAll(tracked.dirty, reportedWritten);
    addAll(tracked.touched, reportedTouched);
    return {
      type: "harvested",
      pagesWritten: findsWritten ? countBelow(tracked.dirty, config.pages) : null,
      pagesTouched: findsTouched ? countBelow(tracked.touched, config.pages) : null,
      guestPageTables,
    };
  }
}

/** What exited is there by now: the access just retries (KVM is_access_allowed, RET_PF_SPURIOUS; handle_pml_full). */
function spurious({ violationHandler }: HypervisorCosts): ExitWork {
  return { fix: "granted", cycles: violationHandler, ringFull: false };
}

function served(work: ExitWork, dispatcher: number, drainedVcpu: number): TrackerReply {
  const { fix, cycles, ringFull } = work;
  const fixed = fix !== "notOurs";
  if (ringFull) return { type: "ringFull", dispatcher, cycles, drainedVcpu };
  return { type: "exitServed", dispatcher, fixed, cycles, drainedVcpu: fixed ? drainedVcpu : -1 };
}

function addAll(from: DirtyBitmap, to: DirtyBitmap): void {
  forEachMarked(from, (page) => markDirty(to, page));
}

/** Marked pages among the first `pages`. */
export function countBelow(bitmap: DirtyBitmap, pages: number): number {
  let found = countMarked(bitmap);
  forEachMarked(bitmap, (page) => {
    if (page >= pages) found--;
  });
  return found;
}
