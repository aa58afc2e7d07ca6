/** The device of a tracker actor: one VM's entries, logs and bitmaps, through the technique that is armed. */

import type { ChosenPages, TrackerReply, TrackerRequest } from "../../machines/trackerContext.ts";
import { attributesAt, findLeaf, setAttributes } from "../hardware/ept.ts";
import { allowsNow, isWriteFault, missingFlags } from "../hardware/formats/entryFormat.ts";
import { landed } from "../hardware/writesInFlight.ts";
import type { HypervisorCosts } from "../hypervisor/costs.ts";
import { markByVcpu } from "../hypervisor/deviceWrites.ts";
import {
  addAll,
  clearMark,
  clearMarks,
  countMarked,
  type DirtyBitmap,
  forEachMarked,
  markDirty,
  nextMarked,
} from "../hypervisor/dirtyBitmap.ts";
import { collectDma, startDmaTracking } from "../hypervisor/dmaTracking.ts";
import { resolveAll, resolveTypes } from "../hypervisor/lazyTypes.ts";
import { mergeAll } from "../hypervisor/logDirty.ts";
import { Work } from "../hypervisor/tableWork.ts";
import { techniqueOn } from "../hypervisor/techniques/all.ts";
import { reapRings } from "../hypervisor/techniques/dirtyRing.ts";
import { type ExitWork, NOT_OURS, type Technique } from "../hypervisor/techniques/technique.ts";
import { writeProtect } from "../hypervisor/techniques/writeProtect.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { HarvestMode, Message, Technique as TechniqueName } from "../interconnect/messages.ts";
import { itemAt, present } from "../lookup.ts";
import { NO_UNIT, type UnitName } from "../units/all.ts";
import { type VmPiece, vcpuMemory, vmMemories } from "./memoryNames.ts";
import { pvOf } from "./pvPages.ts";
import { TrackerSlots } from "./trackerSlots.ts";
import type { Found } from "./verdict/rounds.ts";
import type { VmState, World } from "./world.ts";

type Harvested = Extract<Message, { type: "harvested" }>;

export class TrackerDevice implements Device<TrackerRequest, TrackerReply> {
  readonly #vm: VmState;
  readonly #number: number;
  readonly #hasRings: boolean;
  readonly #slots: TrackerSlots | null;

  /** @param number of its VM */
  constructor(world: World, number: number) {
    const { vms, config } = world;
    this.#vm = itemAt(vms, number);
    this.#number = number;
    const { slots } = this.#vm.tracked;
    this.#slots = slots === null ? null : new TrackerSlots(world, this.#vm, slots);
    this.#hasRings = techniqueOn(config.units, config.tracking.technique)?.usesRing === true;
  }

  /** Told by the system when a snapshot is restored: which technique is armed is the machine's state. */
  set technique(name: TechniqueName) {
    this.#vm.armed.technique = this.#vm.armed.named(name);
  }

  get #technique(): Technique | null {
    return this.#vm.armed.technique;
  }

  touches(request: TrackerRequest): string[] {
    const own = (...pieces: readonly VmPiece[]): string[] => vmMemories(this.#number, ...pieces);
    // A ring at its limit is reaped in the step that finds it so.
    const all = [
      ...own("paging", "truth", "tracked", "rings"),
      ...this.#vm.vcpus.map((vcpu) => vcpuMemory(vcpu)),
    ];
    switch (request.op) {
      case "flushed":
        return own("truth", "tracked");
      case "goOn":
        // Of disarming and arming the controls were the first piece; of a harvest, the logs and the rings.
        return own("paging", "truth", "tracked");
      case "resolveTypes":
        return own("paging");
      case "markPv":
        return own("truth", "tracked", ...(this.#hasRings ? (["rings"] as const) : []));
      case "serveLogFull":
        return this.#hasRings ? all : [vcpuMemory(request.vcpu), ...own("tracked")];
      case "serveViolation":
        if (this.#slots !== null) return [vcpuMemory(request.vcpu), ...own("paging", "tracked")];
        return this.#hasRings ? all : own("paging", "tracked");
      default:
        return all;
    }
  }

  perform(request: TrackerRequest): TrackerReply {
    switch (request.op) {
      case "arm":
        return this.#arm(request.technique, request.pages);
      case "harvest":
        return this.#harvest(request.mode, request.pages);
      case "disarm":
        return this.#disarm();
      case "goOn":
        return this.#goOn();
      case "flushed": {
        const { rounds } = this.#vm;
        if (rounds?.flushing === true) rounds.flushed();
        return { type: "flushNoted" };
      }
      case "serveLogFull": {
        const { vcpu, dispatcher } = request;
        const { tracked } = this.#vm;
        // The log was full when tracking ended, and is read already: the next entry loads controls without it.
        const late = spurious(tracked.costs);
        return served(this.#technique?.serveLogFull(tracked, vcpu) ?? late, dispatcher, vcpu);
      }
      case "serveViolation": {
        const { vcpu, page, dispatcher, qualification } = request;
        const { tracked } = this.#vm;
        const { format } = tracked.ept;
        const write = isWriteFault(format, qualification);
        const own = this.#setFlags(page, qualification);
        if (own !== null) return served(own, dispatcher, -1);
        if (this.#slots !== null) return this.#slots.serve(request);
        const work = this.#technique?.serveViolation(tracked, vcpu, page, write) ?? NOT_OURS;
        if (work.fix !== "notOurs") return served(work, dispatcher, -1);
        const leaf = findLeaf(tracked.ept, page);
        if (leaf === null) return { type: "pageMissing", vcpu, page, dispatcher };
        const allowed = allowsNow(format, attributesAt(tracked.ept, leaf.word), qualification);
        return served(allowed ? spurious(tracked.costs) : work, dispatcher, -1);
      }
      case "resolveTypes":
        return this.#resolveTypes(request);
      case "markPv":
        return this.#markPv(request.vcpu, request.dispatcher);
      case "setRegion":
        return this.#ofSlots.setRegion(request);
      case "commitRegion":
        return this.#ofSlots.commit();
      case "reapRings": {
        const { costs } = this.#vm.tracked;
        return { type: "ringsReaped", cycles: costs.ringExit + reapRings(this.#vm.tracked) };
      }
    }
  }

  /** Where the processor leaves them to software, the flags that an access lacks (RISC-V Svade). Null: it lacks something else. */
  #setFlags(page: number, qualification: number): ExitWork | null {
    const { ept, costs } = this.#vm.tracked;
    const leaf = findLeaf(ept, page);
    if (leaf === null) return null;
    const missing = missingFlags(ept.format, attributesAt(ept, leaf.word), qualification);
    if (missing === 0) return null;
    setAttributes(ept, leaf.word, missing);
    return spurious(costs);
  }

  /** A misconfiguration of a VM whose types do not change lazily finds nothing to resolve. */
  #resolveTypes({
    vcpu,
    page,
    dispatcher,
  }: Extract<TrackerRequest, { op: "resolveTypes" }>): TrackerReply {
    const { tracked, vcpus } = this.#vm;
    const { ept, costs, lazyTypes } = tracked;
    const by = this.#technique?.changesTypes ?? null;
    const entries = lazyTypes ? resolveTypes(ept, by, page) : 0;
    const cycles = costs.violationHandler + entries * costs.protectPage;
    return { type: "typesResolved", entries, vcpu, vcpus, dispatcher, cycles };
  }

  /** It takes no time beside that from the write to here. */
  #markPv(vcpu: number, dispatcher: number): TrackerReply {
    const { tracked, guest } = this.#vm;
    const pages = pvOf(this.#vm).pages(vcpu);
    const isFull = markByVcpu(pages, tracked, vcpu, this.#technique);
    for (const page of pages) if (guest.inFlight !== null) landed(guest.inFlight, page);
    const told = { dispatcher, cycles: 0, drainedVcpu: -1, loading: true } as const;
    return isFull ? { type: "ringFull", ...told } : { type: "exitServed", fixed: true, ...told };
  }

  get #ofSlots(): TrackerSlots {
    return present(this.#slots, "the memory slots of a VM whose slots are changed");
  }

  /** Without the memory for logs the VM is tracked by write protection, silently, as Xen does. */
  #arm(name: TechniqueName, pages: ChosenPages): TrackerReply {
    const { tracked } = this.#vm;
    tracked.work.begin(Work.arm);
    const { armed } = this.#vm;
    let technique = armed.named(name)!;
    const { ept, costs, lazyTypes } = tracked;
    // What looks at entries itself finds none that is not resolved (Xen ept_get_entry, ept_set_entry).
    const looks = lazyTypes && technique.changesTypes === undefined;
    const resolved = looks ? resolveAll(ept) * costs.protectPage : 0;
    let cycles = technique.arm(tracked, pages);
    if (cycles === null) {
      technique = armed.named(writeProtect.name)!;
      cycles = technique.arm(tracked, null) ?? 0;
    }
    if (tracked.dma !== null) startDmaTracking(tracked.dma);
    // Its exits are served from the first piece on.
    armed.technique = technique;
    this.#vm.rounds?.armed(technique);
    return this.#endArmed(technique, resolved + cycles, technique.unit(tracked));
  }

  #endArmed(technique: Technique, cycles: number, unit: UnitName): TrackerReply {
    const { work } = this.#vm.tracked;
    const answer = { type: "armed", technique: technique.name } as const;
    if (!work.endPiece(cycles)) return { type: "pieceDone", cycles, unit, answer };
    work.end();
    return { type: "tablesChanged", cycles, unit, answer };
  }

  /** The next piece of what is under way. */
  #goOn(): TrackerReply {
    const { tracked } = this.#vm;
    const technique = this.#technique!;
    switch (tracked.work.work) {
      case Work.arm:
        return this.#endArmed(technique, technique.arm(tracked, null) ?? 0, NO_UNIT);
      case Work.harvest:
        return this.#harvestPiece(technique, null);
      case Work.disarm:
        return this.#disarmPiece(technique, NO_UNIT);
      case Work.none:
        throw new Error("the next piece of nothing");
    }
  }

  /** Logs are drained, the bitmaps read, and for CLEAN the pages armed again (paging_log_dirty_op). */
  #harvest(mode: HarvestMode, pages: ChosenPages): TrackerReply {
    const { tracked, rounds } = this.#vm;
    const technique = this.#technique!;
    tracked.work.begin(Work.harvest);
    clearMarks(tracked.handedOver);
    if (mode === "peek") return this.#peek(technique);
    rounds?.began();
    return this.#harvestPiece(technique, pages);
  }

  /** Nothing is taken, so it is no work on the table. */
  #peek(technique: Technique): TrackerReply {
    const { tracked, rounds } = this.#vm;
    const { dirty, touched, handedOver, work } = tracked;
    work.end();
    const cycles = this.#collect(technique);
    addAll(technique.findsWritten ? dirty : touched, handedOver);
    const found = { written: dirty, touched };
    const answer = { ...this.#report(technique, found), cycles };
    rounds?.peeked(technique, found);
    return { type: "harvestPeeked", cycles, answer };
  }

  /** Pages of this piece are collected, armed again, and taken out of the bitmap: what comes later is another round's. */
  #harvestPiece(technique: Technique, pages: ChosenPages): TrackerReply {
    const { tracked, rounds } = this.#vm;
    const { work } = tracked;
    const collected = this.#collect(technique);
    const cycles = collected + technique.rearm(tracked, pages);
    this.#handOver(technique);
    if (!work.endPiece(cycles)) return piece(cycles);
    const found = this.#found(technique);
    const answer = { ...this.#report(technique, found), cycles: work.cycles };
    rounds?.harvested(technique, found, pages !== null || technique.samples === true);
    this.#forget(technique);
    work.end();
    return { type: "tablesChanged", cycles, unit: technique.unit(tracked), answer };
  }

  /**
   * Drains first, so that no logged page is lost (Xen vmx_vcpu_disable_pml), and hands over what no harvest has
   * reported; then clears the controls, then the entries become ordinary again (vmx_domain_disable_pml).
   */
  #disarm(): TrackerReply {
    const { tracked, rounds } = this.#vm;
    const technique = this.#technique!;
    tracked.work.begin(Work.disarm);
    clearMarks(tracked.handedOver);
    rounds?.began();
    return this.#disarmPiece(technique, technique.unit(tracked));
  }

  /** @param unit the one to be told now */
  #disarmPiece(technique: Technique, unit: UnitName): TrackerReply {
    const { tracked, rounds, reportedTouched } = this.#vm;
    const { ept, mergedLevel, costs, work, handedOver } = tracked;
    let cycles = this.#collect(technique);
    cycles += technique.disarm(tracked);
    this.#handOver(technique);
    if (!work.endPiece(cycles)) return piece(cycles, unit);
    const found = this.#found(technique);
    this.#report(technique, found);
    rounds?.disarmed(technique, found, reportedTouched);
    this.#forget(technique);
    if (mergedLevel > 1) cycles += mergeAll(ept, mergedLevel) * costs.splitHandler;
    this.#vm.armed.technique = null;
    work.end();
    const pages = countMarked(handedOver);
    const answer = { type: "disarmed", ...(pages === 0 ? {} : { pages }) } as const;
    return { type: "tablesChanged", cycles, unit, answer };
  }

  /** All that is known of the round, by the technique and of DMA that nobody marks; the latter in the first piece. */
  #collect(technique: Technique): number {
    const { tracked } = this.#vm;
    const cycles = technique.collect(tracked);
    if (tracked.dma === null || !tracked.work.begins) return cycles;
    return cycles + collectDma(tracked.dma, tracked, technique);
  }

  /** The pages of this piece go from the bitmap to whoever asked. */
  #handOver({ findsWritten }: Technique): void {
    const { dirty, touched, handedOver, work } = this.#vm.tracked;
    const end = work.next < 0 ? Number.POSITIVE_INFINITY : work.next;
    moveMarks(findsWritten ? dirty : touched, handedOver, work.from, end);
  }

  /** What the harvest has found: its pages are handed over, and what else it can tell is in the bitmap still. */
  #found({ findsWritten }: Technique): Found {
    const { dirty, touched, handedOver } = this.#vm.tracked;
    return findsWritten
      ? { written: handedOver, touched }
      : { written: dirty, touched: handedOver };
  }

  /** What the harvest has found beside the pages that are handed over. */
  #forget({ findsWritten }: Technique): void {
    clearMarks(findsWritten ? this.#vm.tracked.touched : this.#vm.tracked.dirty);
  }

  /** Counts of this round; null where the technique cannot know. Guest page tables are counted apart. */
  #report({ findsWritten, findsTouched }: Technique, found: Found): Omit<Harvested, "cycles"> {
    const { config, reportedWritten, reportedTouched } = this.#vm;
    const { written, touched } = found;
    const main = findsTouched && !findsWritten ? touched : written;
    let guestPageTables = 0;
    forEachMarked(main, (page) => {
      if (page >= config.pages) guestPageTables++;
    });
    addAll(written, reportedWritten);
    addAll(touched, reportedTouched);
    return {
      type: "harvested",
      pagesWritten: findsWritten ? countBelow(written, config.pages) : null,
      pagesTouched: findsTouched ? countBelow(touched, config.pages) : null,
      guestPageTables,
    };
  }
}

/** There is more to do. @param unit the one to be told now */
function piece(cycles: number, unit: UnitName = NO_UNIT): TrackerReply {
  return { type: "pieceDone", cycles, unit, answer: null };
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

function moveMarks(source: DirtyBitmap, to: DirtyBitmap, from: number, end: number): void {
  let page = nextMarked(source, from);
  while (page >= 0 && page < end) {
    markDirty(to, page);
    clearMark(source, page);
    page = nextMarked(source, page + 1);
  }
}

/** Marked pages among the first `pages`. */
export function countBelow(bitmap: DirtyBitmap, pages: number): number {
  let found = countMarked(bitmap);
  forEachMarked(bitmap, (page) => {
    if (page >= pages) found--;
  });
  return found;
}
