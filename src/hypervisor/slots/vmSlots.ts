/**
 * The memory slots of a VM that a scenario gives some: KVM's side is KvmMemory, and this is what a VMM does with it. Its own
 * bitmap is by guest-physical page, as cloud-hypervisor's MemoryRangeTable is: what a slot's log has is put there.
 */
import type { Ept } from "../../hardware/ept.ts";
import { type NormalForm, whilePagesStay } from "../../hardware/normalForm.ts";
import { elementAt, type Part, PartError, type WordArray } from "../../hardware/part.ts";
import { fieldOf, numberAt } from "../../lookup.ts";
import { clearMarks, DirtyBitmap, forEachMarked, markDirty } from "../dirtyBitmap.ts";
import { KvmMemory, type Served } from "./kvmMemory.ts";
import {
  changeOf,
  type KvmError,
  logsWrites,
  type MemoryRegion,
  type MemorySlot,
  PAGE_BYTES,
  SlotFlag,
} from "./memorySlot.ts";

/** A region as KVM_SET_USER_MEMORY_REGION takes it, in pages. */
export interface RegionPlan {
  readonly slot: number;
  /** Bits of SlotFlag. */
  readonly flags: number;
  readonly firstPage: number;
  /** 0: the slot is deleted. */
  readonly pages: number;
  /** Of the VMM's memory. */
  readonly userPage: number;
}

export interface SlotsPlan {
  /** Those that the VM begins with. */
  readonly regions: readonly RegionPlan[];
  /** What is changed, and when: cycles since the start, ascending. */
  readonly changes: readonly { readonly at: number; readonly region: RegionPlan }[];
  /** Pages of the VMM's memory behind all of them. */
  readonly userPages: number;
}

export function regionOf(plan: RegionPlan): MemoryRegion {
  return {
    slot: plan.slot,
    flags: plan.flags,
    guestAddress: plan.firstPage * PAGE_BYTES,
    bytes: plan.pages * PAGE_BYTES,
    userAddress: plan.userPage * PAGE_BYTES,
  };
}

/** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2's flags: GET and CLEAR; the same from logs that begin with all bits set. */
const MANUAL = { off: 0, on: 1, initiallySet: 3 } as const;

/** Words of a slot in the table, and those of the change under way. */
const Row = { slot: 0, flags: 1, firstPage: 2, pages: 3, userPage: 4, own: 5 } as const;
const ROW_WORDS = 6;
const NO_SLOT = -1;
const PAGES_PER_WORD = 32;

/** Words of the counts. */
const Count = { deviceAccesses: 0, changes: 1, refused: 2 } as const;

export interface VmSlotsOptions {
  readonly plan: SlotsPlan;
  /** The frame behind the VMM's first page. */
  readonly firstFrame: number;
  /** Entries of the log of the processors' unit that finds writes; 0: write protection does. */
  readonly logEntries: number;
  readonly manualProtect: boolean;
  readonly initiallySet: boolean;
  readonly faults: readonly string[];
}

export class VmSlots implements Part {
  readonly name: string;
  readonly statistics = ["counts"];
  readonly kvm: KvmMemory;
  /** What a unit's log had: from there it goes into the logs of the slots. Empty between two steps. */
  readonly drained: DirtyBitmap;
  /** Accesses to no memory; changes that were made; changes that KVM refused. */
  readonly counts = new Float64Array(Object.keys(Count).length);
  /** Slots that their owner wants logged, whether or not the VM is tracked. */
  readonly #own = new Set<number>();
  #changing: RegionPlan | null = null;
  /** Whether there is other memory at the region's place than before. */
  #isNew = false;
  /** How many slots are ever planned, and the pages of the largest. */
  readonly #planned: { readonly slots: number; readonly pages: number };
  /** Whether the VM is tracked: then every slot logs. */
  #isTracked = false;
  /** KVM's last error, for people. */
  lastError: KvmError | null = null;

  /** @param pages of guest-physical memory */
  constructor(name: string, ept: Ept, pages: number, options: VmSlotsOptions) {
    const { plan, firstFrame, logEntries, manualProtect, initiallySet } = options;
    this.name = name;
    this.drained = new DirtyBitmap(`${name}/drained`, pages);
    const all = [...plan.regions, ...plan.changes.map(({ region }) => region)];
    this.#planned = {
      slots: new Set(all.map(({ slot }) => slot)).size,
      pages: Math.max(...all.map((region) => region.pages)),
    };
    // The tracker has INVEPT executed after each of its steps that takes something away.
    const flush = (): void => {};
    const armsByPosition = options.faults.includes("slotArmedByPosition");
    this.kvm = new KvmMemory(ept, {
      logEntries,
      firstFrame,
      isPopulated: true,
      armsByPosition,
      flush,
    });
    const manual = initiallySet ? MANUAL.initiallySet : manualProtect ? MANUAL.on : MANUAL.off;
    this.kvm.enableManualProtect(manual);
    for (const region of plan.regions) {
      this.#noteOwn(region);
      // All is mapped: what is to be logged is armed when logging begins.
      for (const one of [withoutLog(region), region]) {
        const error = this.kvm.setRegion(regionOf(one));
        if (error !== null) throw new Error(`slot ${region.slot}: ${error}`);
      }
    }
  }

  /** A row for each slot that there is or is planned, as many words of bits in each as the largest takes. */
  arrays(): Readonly<Record<string, WordArray>> {
    const slots = [...this.kvm.slots.values()];
    const rows = Math.max(this.#planned.slots, slots.length);
    const most = slots.reduce((sum, { pages }) => Math.max(sum, pages), this.#planned.pages);
    const words = Math.ceil(most / PAGES_PER_WORD);
    const table = new Int32Array(ROW_WORDS * (rows + 1)).fill(NO_SLOT);
    const bits = new Int32Array(words * rows);
    slots.forEach(({ id, flags, firstPage, pages, userPage, bitmap }, row) => {
      const plan = { slot: id, flags, firstPage, pages, userPage };
      table.set(wordsOf(plan, this.#own), ROW_WORDS * row);
      if (bitmap !== null) bits.set(bitmap.bits, words * row);
    });
    if (this.#changing !== null) table.set(wordsOf(this.#changing, this.#own), ROW_WORDS * rows);
    const invalid = this.kvm.invalid ?? NO_SLOT;
    const state = Int32Array.of(Number(this.#isTracked), invalid, Number(this.#isNew));
    return { table, bits, state, counts: this.counts };
  }

  /** In place of writing into its arrays, which are copies. Any numbers stand for some slots. */
  put(arrays: Readonly<Record<string, WordArray>>): void {
    const table = fieldOf(arrays, "table");
    const bits = fieldOf(arrays, "bits");
    const state = fieldOf(arrays, "state");
    const rows = table.length / ROW_WORDS - 1;
    const words = bits.length / rows;
    if (!Number.isInteger(words) || !Number.isInteger(rows) || state.length !== 3) {
      throw new PartError(`snapshot of "${this.name}" has another shape`);
    }
    this.#own.clear();
    this.#isTracked = elementAt(state, 0) === 1;
    this.#isNew = elementAt(state, 2) === 1;
    this.#changing = this.#planAt(table, rows);
    const slots = Array.from({ length: rows }, (_, row): MemorySlot | null => {
      const plan = this.#planAt(table, row);
      return plan === null ? null : slotFrom(plan, bits, words, row);
    });
    const invalid = elementAt(state, 1);
    this.kvm.putBack(
      slots.filter((slot) => slot !== null),
      invalid < 0 ? null : invalid,
    );
    const { counts } = arrays;
    if (counts !== undefined) this.counts.set(counts);
  }

  #planAt(words: WordArray, row: number): RegionPlan | null {
    const at = (field: number): number => elementAt(words, row * ROW_WORDS + field);
    const slot = at(Row.slot);
    if (slot < 0) return null;
    if (at(Row.own) === 1) this.#own.add(slot);
    const [firstPage, pages] = [at(Row.firstPage), at(Row.pages)];
    return { slot, flags: at(Row.flags), firstPage, pages, userPage: at(Row.userPage) };
  }

  get deviceAccesses(): number {
    return numberAt(this.counts, Count.deviceAccesses);
  }

  get changes(): number {
    return numberAt(this.counts, Count.changes);
  }

  get refused(): number {
    return numberAt(this.counts, Count.refused);
  }

  /** The slots that log, in the order of their pages. */
  get logging(): readonly MemorySlot[] {
    return this.kvm.inOrder.filter((slot) => logsWrites(slot));
  }

  /** Those of a piece of the tracker's work: the next one from a page on, or all from there on. */
  pieceFrom(page: number, most: number): readonly MemorySlot[] {
    const rest = this.kvm.inOrder.filter(({ firstPage }) => firstPage >= page);
    return most === Number.POSITIVE_INFINITY ? rest : rest.slice(0, 1);
  }

  /** The first page of the slot after one, or -1. */
  pageAfter(page: number, most: number): number {
    if (most === Number.POSITIVE_INFINITY) return -1;
    return this.kvm.inOrder.filter(({ firstPage }) => firstPage >= page)[1]?.firstPage ?? -1;
  }

  /** A write-protected leaf, or one that is not mapped, was touched. */
  serve(vcpu: number, page: number, write: boolean): Served {
    const served = this.kvm.serveViolation(vcpu, page, write);
    if (served === "device") this.counts[Count.deviceAccesses] = this.deviceAccesses + 1;
    return served;
  }

  /** What a unit's log had goes into the logs of the slots; what lies in none, or in one that does not log, is dropped. */
  markDrained(): void {
    forEachMarked(this.drained, (page) => this.kvm.markGuestPage(null, page));
    clearMarks(this.drained);
  }

  /** A VM is tracked, or not any more. What its owner had logged before is begun anew: only now do units log. @param slots of it */
  setTracked(on: boolean, slots: readonly MemorySlot[]): void {
    this.#isTracked = on;
    for (const slot of slots) {
      const { id, flags, firstPage, pages, userPage } = slot;
      const plan = { slot: id, flags, firstPage, pages, userPage };
      if (on) this.kvm.setRegion(regionOf(withoutLog(plan)));
      this.kvm.setRegion(regionOf(this.#wanted(plan)));
    }
  }

  /** Who wants a slot logged: its owner, and the tracker (memory_region_get_dirty_log_mask). */
  #wanted(region: RegionPlan): RegionPlan {
    const isReadOnlySlot = (region.flags & SlotFlag.readOnly) !== 0;
    const logs = (this.#isTracked && !isReadOnlySlot) || this.#own.has(region.slot);
    return { ...region, flags: (region.flags & ~SlotFlag.log) | (logs ? SlotFlag.log : 0) };
  }

  #noteOwn({ slot, flags }: RegionPlan): void {
    if ((flags & SlotFlag.log) === 0) this.#own.delete(slot);
    else this.#own.add(slot);
  }

  /**
   * Begins a change (KVM_SET_USER_MEMORY_REGION). What moves or goes maps nothing from now on.
   * @param dropsLogging a planted fault: what others want logged is not asked
   * @returns whether processors have to flush, and `commit` has to follow; else nothing is changed
   */
  begin(asked: RegionPlan, dropsLogging: boolean): boolean {
    const owned = this.#own.has(asked.slot);
    this.#noteOwn(asked);
    const region = dropsLogging ? asked : this.#wanted(asked);
    const change = changeOf(this.kvm.slots, regionOf(region));
    if (isError(change)) {
      if (owned) this.#own.add(asked.slot);
      else this.#own.delete(asked.slot);
      this.lastError = change;
      this.counts[Count.refused] = this.refused + 1;
      return false;
    }
    if (change === "nothing") return false;
    this.#changing = region;
    this.#isNew = change === "create" || change === "move";
    if (change === "move" || change === "delete") this.kvm.invalidate(region.slot);
    else this.kvm.setRegion(regionOf(region));
    return true;
  }

  /** The slot whose log goes, or moves, with the change that was begun; null: none does. */
  get leaving(): MemorySlot | null {
    const slot = this.kvm.slots.get(this.kvm.invalid ?? -1);
    return slot !== undefined && logsWrites(slot) ? slot : null;
  }

  /** The second half. @returns pages at which there is other memory than before */
  commit(): readonly [first: number, end: number] {
    const region = this.#changing;
    if (region === null) throw new Error("no change of a slot has begun");
    if (this.kvm.invalid !== null) this.kvm.setRegion(regionOf(region));
    if (region.pages === 0) this.#own.delete(region.slot);
    this.#changing = null;
    this.counts[Count.changes] = this.changes + 1;
    const { firstPage, pages } = region;
    return [firstPage, this.#isNew ? firstPage + pages : firstPage];
  }
}

function withoutLog(region: RegionPlan): RegionPlan {
  return { ...region, flags: region.flags & ~SlotFlag.log };
}

function isError(change: ReturnType<typeof changeOf>): change is KvmError {
  return change.startsWith("E");
}

function wordsOf(plan: RegionPlan, own: ReadonlySet<number>): number[] {
  const { slot, flags, firstPage, pages, userPage } = plan;
  return [slot, flags, firstPage, pages, userPage, Number(own.has(slot))];
}

/** @param words of bits in a row */
function slotFrom(plan: RegionPlan, bits: WordArray, words: number, row: number): MemorySlot {
  const { slot: id, flags, firstPage, userPage } = plan;
  const pages = Math.max(0, Math.min(plan.pages, PAGES_PER_WORD * words));
  const bitmap = (flags & SlotFlag.log) === 0 ? null : new DirtyBitmap(`slot ${id}`, pages);
  if (bitmap !== null) {
    for (let page = 0; page < pages; page++) {
      const word = elementAt(bits, words * row + (page >>> 5));
      if ((word & (1 << (page & 31))) !== 0) markDirty(bitmap, page);
    }
  }
  return { id, flags, firstPage, userPage, pages, bitmap };
}

/** What KVM and the VMM know of a VM's slots. Pages are not alike where slots are ranges of them. */
export function slotsForm(slots: VmSlots, vm: number): NormalForm {
  const arrays = ["table", "bits", "state"] as const;
  const nameOf = (): string => `the memory slots of VM ${vm}`;
  return {
    extents: arrays.map((array) => ({ part: slots, array, nameOf })),
    lists: arrays.map((array) => `slots.${array}`),
    save() {
      const now = slots.arrays();
      return Object.fromEntries(
        arrays.map((array) => [`slots.${array}`, Array.from(fieldOf(now, array))]),
      );
    },
    restore(words) {
      const saved = arrays.map((array) => {
        return [array, Int32Array.from(fieldOf(words, `slots.${array}`))] as const;
      });
      slots.put(Object.fromEntries(saved));
    },
    scramble() {},
    renumber: whilePagesStay,
  };
}
