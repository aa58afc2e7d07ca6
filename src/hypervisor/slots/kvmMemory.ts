/**
 * The memory of a VM as KVM keeps it: slots, a dirty bitmap for each that logs, or a dirty ring for each vCPU; and the calls by
 * which a VMM changes and reads them (virt/kvm/kvm_main.c, dirty_ring.c; api.rst 4.8, 4.35, 4.117, 7.18, 8.29). Pages are
 * mapped when they are first accessed, in leaves of 4 KiB, as KVM maps every page of a slot that logs.
 */
import { type Ept, findLeaf, forEachLeaf, mapPage, ordinaryLeaf } from "../../hardware/ept.ts";
import { DATA_FRAME_BASE } from "../../hardware/memory.ts";
import { itemAt } from "../../lookup.ts";
import { clearMark, DirtyBitmap, forEachMarked, isMarked, markDirty } from "../dirtyBitmap.ts";
import { checkRingSize, DirtyRing, ringHarvest, ringPush, ringReset } from "../dirtyRing.ts";
import { type DirtyTechnique, fixWrite, rearmPage } from "../logDirty.ts";
import {
  changeOf,
  isReadOnly,
  type KvmError,
  logsWrites,
  type MemoryRegion,
  type MemorySlot,
  SLOTS_MAX,
  slotOf,
  slotOfPage,
} from "./memorySlot.ts";

/** Flags of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
const MANUAL_PROTECT = 1;
const INITIALLY_SET = 2;
const RING_ENTRY_BYTES = 16;
/** KVM_CLEAR_DIRTY_LOG works on words of the bitmap. */
const WORD_PAGES = 64;
/** An entry of a ring names a slot and a page of it: the emulator keeps both in one word. */
const OFFSET_BITS = 20;
const RING_SLOTS_MAX = 1 << (31 - OFFSET_BITS);

export interface RingEntry {
  readonly slot: number;
  /** From the slot's first page on. */
  readonly page: number;
}

/** How a fault of a guest was served: the access is tried again, or it is one to no memory (KVM_EXIT_MMIO). */
export type Served = "retry" | "device";

export interface KvmMemoryOptions {
  /** Entries of the log of the processors' unit that finds writes; 0: write protection does (kvm_cpu_dirty_log_size). */
  readonly logEntries: number;
  /** All processors are to drop what they cache of the EPT. */
  readonly flush: () => void;
  /** The frame behind the VMM's first page; default: the first frame of data. */
  readonly firstFrame?: number;
  /** The VMM has memory behind all of its pages, as after it has written or locked them; default: behind none. */
  readonly isPopulated?: boolean;
  /** A planted fault: see slotArmedByPosition. */
  readonly armsByPosition?: boolean;
}

export class KvmMemory {
  readonly slots = new Map<number, MemorySlot>();
  /** Those that are there, in the order of their pages: made when it is asked for. */
  #inOrder: readonly MemorySlot[] | null = null;
  /** The slot that is being moved or deleted: it maps nothing, and whoever touches it tries again (KVM_MEMSLOT_INVALID). */
  #invalid: number | null = null;
  /** The slot that was found last: pages that follow one another are mostly in one. */
  #found: MemorySlot | null = null;
  /** One for each vCPU, while rings are on. */
  readonly rings: DirtyRing[] = [];
  readonly #ept: Ept;
  readonly #options: KvmMemoryOptions;
  readonly #technique: DirtyTechnique;
  /** The VMM's pages that have memory behind them: others read as the zero page, which nobody may write. */
  readonly #populated = new Set<number>();
  #vcpus = 0;
  #manual = 0;
  #ringEntries = 0;
  #ringBitmap = false;

  constructor(ept: Ept, options: KvmMemoryOptions) {
    this.#ept = ept;
    this.#options = options;
    this.#technique = options.logEntries > 0 ? "dirtyFlag" : "writeProtect";
  }

  /** KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 (kvm_vm_ioctl_enable_cap_generic). */
  enableManualProtect(flags: number): KvmError | null {
    const allowed = (flags & MANUAL_PROTECT) !== 0 ? MANUAL_PROTECT | INITIALLY_SET : 0;
    if ((flags & ~allowed) !== 0) return "EINVAL";
    this.#manual = flags;
    return null;
  }

  /** The same of KVM_CAP_DIRTY_LOG_RING_ACQ_REL (kvm_vm_ioctl_enable_dirty_log_ring). */
  enableRing(bytes: number): KvmError | null {
    const problem = checkRingSize(bytes / RING_ENTRY_BYTES, this.#options.logEntries);
    if (problem !== null) return problem;
    if (this.#ringEntries > 0 || this.#vcpus > 0) return "EINVAL";
    this.#ringEntries = bytes / RING_ENTRY_BYTES;
    return null;
  }

  /** The same of KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, where the kernel offers it: not on x86. */
  enableRingBitmap(isOffered: boolean): KvmError | null {
    if (!isOffered || this.#ringEntries === 0 || this.slots.size > 0) return "EINVAL";
    this.#ringBitmap = true;
    return null;
  }

  /** KVM_CREATE_VCPU. Returns its number. */
  createVcpu(): number {
    const number = this.#vcpus++;
    if (this.#ringEntries > 0) {
      const { logEntries } = this.#options;
      this.rings.push(new DirtyRing(`vCPU ${number}`, this.#ringEntries, logEntries));
    }
    return number;
  }

  /** Whether logs are taken by CLEAR alone. */
  get isManual(): boolean {
    return (this.#manual & MANUAL_PROTECT) !== 0;
  }

  get inOrder(): readonly MemorySlot[] {
    this.#inOrder ??= [...this.slots.values()].sort(
      (one, other) => one.firstPage - other.firstPage,
    );
    return this.#inOrder;
  }

  #slotOfPage(page: number): MemorySlot | null {
    const found = this.#found;
    if (found !== null && page >= found.firstPage && page - found.firstPage < found.pages) {
      return found;
    }
    this.#found = slotOfPage(this.inOrder, page);
    return this.#found;
  }

  /** Whether a page is in some slot. */
  isMemory(page: number): boolean {
    return this.#slotOfPage(page) !== null;
  }

  get invalid(): number | null {
    return this.#invalid;
  }

  /** The first half of moving or deleting a slot: a copy that maps nothing takes its place (kvm_invalidate_memslot). */
  invalidate(id: number): void {
    this.#invalid = id;
    this.#zapAll();
  }

  /** What has been saved is put back. */
  putBack(slots: readonly MemorySlot[], invalid: number | null): void {
    this.slots.clear();
    for (const slot of slots) this.slots.set(slot.id, slot);
    this.#inOrder = null;
    this.#found = null;
    this.#invalid = invalid;
  }

  /** KVM_SET_USER_MEMORY_REGION; of what was invalidated, the second half (kvm_commit_memory_region). */
  setRegion(region: MemoryRegion): KvmError | null {
    const change = changeOf(this.slots, region);
    const isZapped = this.#invalid === region.slot;
    this.#inOrder = null;
    this.#found = null;
    this.#invalid = null;
    switch (change) {
      case "nothing":
        return null;
      case "delete":
        this.slots.delete(region.slot);
        if (!isZapped) this.#zapAll();
        return null;
      case "create":
      case "move":
      case "flags":
        break;
      default:
        return change;
    }
    const old = this.slots.get(region.slot);
    const slot = slotOf(region, this.#bitmapFor(region, old));
    this.slots.set(slot.id, slot);
    if (change === "move" && !isZapped) this.#zapAll();
    else if (change === "flags" && logsWrites(slot)) this.#armSlot(slot);
    return null;
  }

  /** Kept while a slot logs on, as when it moves; else begun anew (kvm_prepare_memory_region). */
  #bitmapFor(region: MemoryRegion, old?: MemorySlot): DirtyBitmap | null {
    const slot = slotOf(region, null);
    if (!logsWrites(slot)) return null;
    if (old?.bitmap) return old.bitmap;
    if (this.#ringEntries > 0 && !this.#ringBitmap) return null;
    const bitmap = new DirtyBitmap(`slot ${slot.id}`, slot.pages);
    if (this.#beginsSet()) for (let page = 0; page < slot.pages; page++) markDirty(bitmap, page);
    return bitmap;
  }

  #beginsSet(): boolean {
    return (this.#manual & INITIALLY_SET) !== 0;
  }

  /** Nothing at all with INITIALLY_SET: the first CLEAR of a page arms it (kvm_mmu_slot_apply_flags). */
  #armSlot({ firstPage, pages }: MemorySlot): void {
    if (this.#beginsSet()) return;
    for (let i = 0; i < pages; i++) rearmPage(this.#ept, this.#technique, firstPage + i);
    this.#options.flush();
  }

  /** KVM_X86_QUIRK_SLOT_ZAP_ALL, which is on unless the VMM turns it off: all mappings of the VM go. */
  #zapAll(): void {
    const { words } = this.#ept.memory;
    forEachLeaf(this.#ept, (word) => {
      words[word] = 0;
      words[word + 1] = 0;
    });
    this.#options.flush();
  }

  /** KVM_GET_DIRTY_LOG (kvm_get_dirty_log_protect): the pages, ascending from the slot's first one. */
  getDirtyLog(id: number): readonly number[] | KvmError {
    const slot = this.#logOf(id);
    if (typeof slot === "string") return slot;
    const pages: number[] = [];
    forEachMarked(slot.bitmap, (page) => pages.push(page));
    if (!this.isManual) this.#clear(slot, slot.bitmap, pages);
    return pages;
  }

  /**
   * KVM_CLEAR_DIRTY_LOG (kvm_clear_dirty_log_protect).
   * @param pages of the mask, from the slot's first page on; those that are not dirty stay as they are
   */
  clearDirtyLog(
    id: number,
    first: number,
    count: number,
    pages: readonly number[],
  ): KvmError | null {
    if (this.#hasNoBitmaps()) return "ENXIO";
    if (first % WORD_PAGES !== 0) return "EINVAL";
    const slot = this.#logOf(id);
    if (typeof slot === "string") return slot;
    if (first > slot.pages || count > slot.pages - first) return "EINVAL";
    if (count % WORD_PAGES !== 0 && first + count !== slot.pages) return "EINVAL";
    const { bitmap } = slot;
    const inRange = pages.filter((page) => page >= first && page < first + count);
    this.#clear(
      slot,
      bitmap,
      inRange.filter((page) => isMarked(bitmap, page)),
    );
    return null;
  }

  #hasNoBitmaps(): boolean {
    return this.#ringEntries > 0 && !this.#ringBitmap;
  }

  #logOf(id: number): (MemorySlot & { readonly bitmap: DirtyBitmap }) | KvmError {
    if (this.#hasNoBitmaps()) return "ENXIO";
    if (id >= SLOTS_MAX) return "EINVAL";
    const slot = this.slots.get(id);
    if (slot === undefined || slot.bitmap === null) return "ENOENT";
    return { ...slot, bitmap: slot.bitmap };
  }

  #clear(slot: MemorySlot, bitmap: DirtyBitmap, pages: readonly number[]): void {
    const { firstPage } = this.#options.armsByPosition ? (this.inOrder[slot.id] ?? slot) : slot;
    for (const page of pages) {
      clearMark(bitmap, page);
      rearmPage(this.#ept, this.#technique, firstPage + page);
    }
    if (pages.length > 0) this.#options.flush();
  }

  /** The VMM takes entries of a vCPU's ring, in order, and marks them as harvested. @param most at most as many */
  collect(vcpu: number, most = Number.POSITIVE_INFINITY): RingEntry[] {
    const entries: RingEntry[] = [];
    ringHarvest(itemAt(this.rings, vcpu), (entry) => entries.push(fromWord(entry)), most);
    return entries;
  }

  /** KVM_RESET_DIRTY_RINGS: how many entries were given back. Those of a slot that has gone, or shrunk, arm nothing. */
  resetRings(): number | KvmError {
    if (this.#ringEntries === 0) return "EINVAL";
    let reset = 0;
    for (const ring of this.rings) {
      reset += ringReset(ring, (first, low, high) => this.#rearmRun(first, low, high));
    }
    if (reset > 0) this.#options.flush();
    return reset;
  }

  /** A mask is of one slot, and is heeded if its last page is in it (kvm_reset_dirty_gfn). */
  #rearmRun(first: number, low: number, high: number): void {
    const { slot: id, page } = fromWord(first);
    const slot = this.slots.get(id);
    const last = page + (high !== 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(low));
    if (slot === undefined || last >= slot.pages) return;
    for (let i = 0; i < WORD_PAGES; i++) {
      const isSet = i < 32 ? low & (1 << i) : high & (1 << (i - 32));
      if (isSet !== 0) rearmPage(this.#ept, this.#technique, slot.firstPage + page + i);
    }
  }

  /** An EPT violation of a vCPU: maps the page, or gives back the right to write (kvm_mmu_page_fault). */
  serveViolation(vcpu: number, page: number, write: boolean): Served {
    const slot = this.#slotOfPage(page);
    if (slot === null || (write && isReadOnly(slot))) return "device";
    if (slot.id === this.#invalid) return "retry";
    const userPage = slot.userPage + page - slot.firstPage;
    const { isPopulated = false } = this.#options;
    if (write && !isPopulated) this.#populate(userPage);
    if (findLeaf(this.#ept, page) !== null) {
      // Another vCPU has mapped it meanwhile: the access is tried again (RET_PF_SPURIOUS).
      if (!write) return "retry";
      fixWrite(this.#ept, this.#technique, page, (dirty) => this.markGuestPage(vcpu, dirty));
      return "retry";
    }
    const isWritable = !isReadOnly(slot) && (isPopulated || this.#populated.has(userPage));
    this.#map(page, userPage, isWritable);
    if (isWritable) this.markGuestPage(vcpu, page);
    return "retry";
  }

  /**
   * A leaf that may be written has D set from the start, so that no log has it, and is marked at once: the first read of a
   * page may report it as dirty (make_spte).
   */
  #map(page: number, userPage: number, isWritable: boolean): void {
    const { format } = this.#ept;
    const bits = isWritable
      ? ordinaryLeaf(format)
      : (format.ramLeaf & ~format.write) | format.accessed;
    const { firstFrame = DATA_FRAME_BASE } = this.#options;
    mapPage(this.#ept, page, firstFrame + userPage, 1, bits);
  }

  /**
   * The first write to a page of the VMM's makes a page of its own of the zero page: guests that have read this one lose
   * their mapping (kvm_mmu_notifier_invalidate_range_start).
   */
  #populate(userPage: number): void {
    if (this.#populated.has(userPage)) return;
    this.#populated.add(userPage);
    const { words } = this.#ept.memory;
    for (const slot of this.slots.values()) {
      const offset = userPage - slot.userPage;
      if (offset < 0 || offset >= slot.pages) continue;
      const leaf = findLeaf(this.#ept, slot.firstPage + offset);
      if (leaf === null) continue;
      words[leaf.word] = 0;
      words[leaf.word + 1] = 0;
    }
    this.#options.flush();
  }

  /**
   * A vCPU has written to a guest-physical page: a fault, or the log of its processor, tells (mark_page_dirty_in_slot).
   * @param vcpu null: the kernel has, and no vCPU is loaded
   * @returns whether it is recorded, as it is not where the slot does not log, or there are rings alone and no vCPU
   */
  markGuestPage(vcpu: number | null, page: number): boolean {
    const slot = this.#slotOfPage(page);
    if (slot === null || !logsWrites(slot)) return false;
    const offset = page - slot.firstPage;
    const ring = vcpu === null ? undefined : this.rings[vcpu];
    if (ring !== undefined) ringPush(ring, toWord({ slot: slot.id, page: offset }));
    else if (slot.bitmap !== null) markDirty(slot.bitmap, offset);
    return ring !== undefined || slot.bitmap !== null;
  }

  /** The VMM writes to its own memory: no log has it. */
  writtenByVmm(userPage: number): void {
    this.#populate(userPage);
  }
}

function toWord({ slot, page }: RingEntry): number {
  if (slot >= RING_SLOTS_MAX || page >= 1 << OFFSET_BITS) {
    throw new Error(`a ring's entry cannot name page ${page} of slot ${slot}`);
  }
  return (slot << OFFSET_BITS) | page;
}

function fromWord(word: number): RingEntry {
  return { slot: word >>> OFFSET_BITS, page: word & ((1 << OFFSET_BITS) - 1) };
}
