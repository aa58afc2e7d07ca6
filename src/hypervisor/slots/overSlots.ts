/**
 * A technique that keeps a dirty bitmap, on a VM whose memory is KVM's slots: arming turns the logging of every slot on,
 * a harvest is a GET of each slot, and under manual protection its CLEAR afterwards. What a processor's unit has logged
 * goes into the logs of the slots first.
 */
import { unitNamed } from "../../units/all.ts";
import { countMarked, forEachMarked, isMarked, markDirty } from "../dirtyBitmap.ts";
import { Work } from "../tableWork.ts";
import { disableLogs, enableLogs } from "../techniques/logControls.ts";
import type { Technique } from "../techniques/technique.ts";
import type { TrackedVm } from "../trackedVm.ts";
import type { MemorySlot } from "./memorySlot.ts";
import type { VmSlots } from "./vmSlots.ts";

const made = new WeakMap<Technique, Technique>();
const bases = new WeakMap<Technique, Technique>();

/** @param base writes are found as by this one; of those that keep a dirty bitmap (Technique.beginsSet) */
export function overSlots(base: Technique): Technique {
  const known = made.get(base);
  if (known !== undefined) return known;
  const technique: Technique = {
    ...base,
    arm: (vm) => arm(base, vm),
    collect: (vm) => collect(base, vm),
    rearm: (vm) => rearm(vm),
    disarm: (vm) => disarm(base, vm),
    serveLogFull(vm, vcpu) {
      const slots = slotsOf(vm);
      const work = base.serveLogFull({ ...vm, dirty: slots.drained }, vcpu);
      slots.markDrained();
      return work;
    },
    // Those of pages that are not mapped, too: the tracker's device has them served by the slots, armed or not.
    serveViolation: () => {
      throw new Error("violations of a VM with slots are served by its slots");
    },
  };
  made.set(base, technique);
  bases.set(technique, base);
  return technique;
}

function slotsOf({ slots }: TrackedVm): VmSlots {
  if (slots === null) throw new Error("a VM without slots");
  return slots;
}

function arm(base: Technique, vm: TrackedVm): number | null {
  const slots = slotsOf(vm);
  const unit = unitNamed(vm.units, base.unit(vm));
  const { from, most, begins } = vm.work;
  if (begins && unit !== null && !enableLogs(vm, unit)) return null;
  const piece = slots.pieceFrom(from, most);
  slots.setTracked(true, piece);
  vm.work.next = slots.pageAfter(from, most);
  return vm.initiallySet ? 0 : pagesOf(piece) * vm.costs.protectPage;
}

/**
 * GET: without manual protection it arms what it gives, so that each slot's is part of its piece; else all of them come
 * first, and the pieces are their CLEARs.
 */
function collect(base: Technique, vm: TrackedVm): number {
  const slots = slotsOf(vm);
  const { work, costs } = vm;
  const cycles = drain(base, vm);
  const { isManual } = slots.kvm;
  if (isManual && !work.begins) return cycles;
  // Who only looks takes nothing.
  const take = work.work === Work.none ? look : get;
  const most = isManual ? Number.POSITIVE_INFINITY : work.most;
  let pages = 0;
  for (const slot of slots.pieceFrom(work.from, most)) pages += take(vm, slot);
  return cycles + (isManual ? 0 : pages * costs.protectPage);
}

/** What a unit has logged goes into the logs of the slots. */
function drain(base: Technique, vm: TrackedVm): number {
  const slots = slotsOf(vm);
  const cycles = base.collect({ ...vm, dirty: slots.drained });
  slots.markDrained();
  return cycles;
}

function get(vm: TrackedVm, slot: MemorySlot): number {
  const pages = slotsOf(vm).kvm.getDirtyLog(slot.id);
  if (typeof pages === "string") return 0;
  for (const page of pages) markDirty(vm.dirty, firstPageOf(vm, slot) + page);
  return pages.length;
}

function look(vm: TrackedVm, { firstPage, bitmap }: MemorySlot): number {
  if (bitmap === null) return 0;
  forEachMarked(bitmap, (page) => markDirty(vm.dirty, firstPage + page));
  return countMarked(bitmap);
}

/** Where a VMM looks for a slot's pages. With the planted fault the gaps before it are left out. */
function firstPageOf(vm: TrackedVm, { firstPage }: MemorySlot): number {
  if (!vm.faults.includes("slotsInWrongPlace")) return firstPage;
  const before = slotsOf(vm).kvm.inOrder.filter((other) => other.firstPage < firstPage);
  return before.reduce((sum, { pages }) => sum + pages, 0);
}

/** CLEAR of what the GET of this harvest gave, slot by slot. */
function rearm(vm: TrackedVm): number {
  const slots = slotsOf(vm);
  const { from, most } = vm.work;
  let pages = 0;
  if (slots.kvm.isManual) {
    for (const { id, firstPage, pages: count, bitmap } of slots.pieceFrom(from, most)) {
      if (bitmap === null) continue;
      const mask: number[] = [];
      forEachMarked(bitmap, (page) => {
        if (isMarked(vm.dirty, firstPage + page)) mask.push(page);
      });
      slots.kvm.clearDirtyLog(id, 0, count, mask);
      pages += mask.length;
    }
  }
  vm.work.next = slots.pageAfter(from, most);
  return pages * vm.costs.protectPage;
}

/** Entries stay as they are: who writes to one that lacks a right is given it back (fast_page_fault). */
function disarm(base: Technique, vm: TrackedVm): number {
  const slots = slotsOf(vm);
  const { from, most, begins } = vm.work;
  if (begins && unitNamed(vm.units, base.unit(vm)) !== null) disableLogs(vm);
  slots.setTracked(false, slots.pieceFrom(from, most));
  vm.work.next = slots.pageAfter(from, most);
  return 0;
}

function pagesOf(slots: readonly MemorySlot[]): number {
  return slots.reduce((sum, { pages }) => sum + pages, 0);
}

/**
 * Takes the log of a slot that goes or moves, as QEMU does before it lets go of one (kvm_set_phys_mem); here nobody can
 * write to it any more. Returns the cycles.
 * @param technique that is armed
 */
export function harvestLeaving(vm: TrackedVm, technique: Technique, slot: MemorySlot): number {
  const base = bases.get(technique);
  if (base === undefined) throw new Error(`technique ${technique.name} knows no slots`);
  return drain(base, vm) + look(vm, slot) * vm.costs.protectPage;
}
