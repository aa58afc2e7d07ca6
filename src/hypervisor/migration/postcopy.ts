/**
 * Both hosts of a VM in post-copy (QEMU, migration/postcopy-ram.c and ram.c). At the switch the VM stops; what is dirty then is
 * discarded at the destination, so that the guest, which runs there from now on, faults on it. The source's memory stays as it
 * was; its bitmap only loses bits. The VM's own tables and contents are the destination's from the switch on.
 */
import { type Ept, forEachLeaf, mapPage, ordinaryLeaf, unmapLeaf } from "../../hardware/ept.ts";
import type { GuestPages } from "../../hardware/guestPages.ts";
import {
  copiesForm,
  type Extent,
  joined,
  type NormalForm,
  type PageCopies,
  whilePagesStay,
} from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, numberAt, numbers, wordAt, words } from "../../lookup.ts";
import { clearMark, isMarked, markDirty, nextMarked } from "../dirtyBitmap.ts";
import type { GuestTables } from "../guestTables.ts";
import { copyBetween, copyPage, Destination, isThere, loadPage, sameCopy } from "./destination.ts";
import { fifoForm, PageFifo } from "./pageFifo.ts";
import { clearQueue, type SendQueue } from "./sendQueue.ts";

/** How a migration may go on as post-copy (the capability postcopy-ram). */
export interface PostcopyRule {
  /** Live rounds after which it does so by itself; -1: never. */
  readonly rounds: number;
  /** postcopy-preempt: requested pages have a channel of their own. */
  readonly preempt: boolean;
  /** max-postcopy-bandwidth, bytes a second, of pages that nobody has requested; 0 = unlimited, as QEMU's. */
  readonly maxBandwidth: number;
}

/** Of PostcopyHosts.tallies. */
export const Count = {
  faults: 0,
  /** Cycles that vCPUs waited for pages, of those that have come; and the longest wait. */
  waited: 1,
  longest: 2,
  /** Pages that were discarded at the switch, and ranges of them. */
  discarded: 3,
} as const;

/** Of PostcopyHosts.at. */
const Place = { cursor: 0, missing: 1 } as const;

/** Bytes of a range in the command that discards it: where it begins and its length (ram_discard: two 64-bit words). */
const RANGE_BYTES = 16;

export class PostcopyHosts implements Part {
  readonly name = "migration/postcopy";
  readonly statistics = ["tallies"];
  /** The source's memory since the switch. */
  readonly source: Destination;
  /** Pages on their way, in order, but for those that go by a channel of their own. */
  readonly flight: PageFifo;
  /** Pages that were requested, and are still to be sent. */
  readonly requests: PageFifo;
  /** By page: its frame while it is not mapped, because it was discarded and has not come; else 0. */
  readonly frames: Int32Array;
  /** A bit per page: the destination has it, as it has told the source. */
  readonly reported: Int32Array;
  /** By vCPU: the page that it waits for and since when; -1: it waits for none. */
  readonly waits: Int32Array;
  readonly since: Float64Array;
  readonly tallies = numbers(4);
  /** Where the source goes on: behind the page that it sent last. And how many pages are missing. */
  readonly at = words(2);

  constructor(pages: number, vcpus: number, tables: GuestTables | null, frameWords: number) {
    this.source = new Destination("migration/source", pages, tables, frameWords);
    this.flight = new PageFifo("migration/flight", pages);
    this.requests = new PageFifo("migration/requests", pages);
    this.frames = new Int32Array(pages);
    this.reported = new Int32Array(this.source.present.length);
    this.waits = new Int32Array(vcpus).fill(-1);
    this.since = new Float64Array(vcpus).fill(-1);
  }

  /** Pages that are still to come. */
  get missing(): number {
    return this.at[Place.missing];
  }

  get parts(): readonly Part[] {
    return [this, this.source, this.flight, this.requests];
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { frames, reported, waits, since, tallies, at } = this;
    return { frames, reported, waits, since, tallies, at };
  }
}

/** The VM, whose tables and contents are the destination's after the switch. */
export interface MovingVm {
  readonly ept: Ept;
  readonly guest: GuestPages;
}

/** What waits to be sent, and to where. */
export interface Moving {
  readonly vm: MovingVm;
  readonly hosts: PostcopyHosts;
  readonly queue: SendQueue;
  readonly destination: Destination;
}

/** Bytes of the package that is sent at the switch, as far as they depend on the pages: the ranges to discard. */
export function packageBytes({ marks }: SendQueue): number {
  let ranges = 0;
  let last = -2;
  for (let page = nextMarked(marks, 0); page >= 0; page = nextMarked(marks, page + 1)) {
    if (page !== last + 1) ranges++;
    last = page;
  }
  return ranges * RANGE_BYTES;
}

/**
 * The VM, which stands still, is the destination's from now on (postcopy_start, ram_discard_range). Returns how many pages are
 * missing there. The destination's processors have never run it: the caller drops their translations.
 */
export function switchOver({ vm, hosts, queue, destination }: Moving): number {
  const { ept, guest } = vm;
  const { marks } = queue;
  const { source } = hosts;
  const pages: number[] = [];
  forEachLeaf(ept, (_word, level, first) => {
    const size = 2 ** ((level - 1) * ept.geometry.indexBits);
    for (let i = 0; i < size; i++) if (first + i < guest.pages) pages.push(first + i);
  });
  for (const page of pages) copyPage(vm, source, page);
  for (const page of pages) {
    if (isMarked(marks, page)) discardPage({ vm, hosts, queue, destination }, page);
    else loadPage(vm, destination, page);
  }
  hosts.at[Place.cursor] = 0;
  hosts.tallies[Count.discarded] = hosts.missing;
  return hosts.missing;
}

/** The page is not there, whatever was (MADV_DONTNEED): the next access faults. */
export function discardPage({ vm, hosts, destination }: Moving, page: number): void {
  const taken = unmapLeaf(vm.ept, page);
  if (taken === null) return;
  hosts.frames[page] = taken.frame;
  hosts.at[Place.missing] += 1;
  destination.present[page >>> 5] = wordAt(destination.present, page >>> 5) & ~(1 << (page & 31));
  vm.guest.versions[page] = 0;
}

/** Whether a page was discarded, and has not come. */
export function isMissing({ frames }: PostcopyHosts, page: number): boolean {
  return frames[page] !== 0;
}

/**
 * A page comes, and the guest may go on with it (postcopy_place_page). One that is there already is left as it is (UFFDIO_COPY
 * fails with EEXIST): the guest may have written it. Returns whether it was missing.
 */
export function placePage({ vm, hosts, destination }: Moving, page: number): boolean {
  const frame = wordAt(hosts.frames, page);
  if (frame === 0) return false;
  copyBetween(hosts.source, destination, page, vm.ept.memory.frameWords);
  mapPage(vm.ept, page, frame, 1, ordinaryLeaf(vm.ept.format));
  hosts.frames[page] = 0;
  hosts.at[Place.missing] -= 1;
  loadPage(vm, destination, page);
  return true;
}

/** A vCPU has faulted on a missing page. Returns whether the page is to be requested: nobody waits for it yet. */
export function beginWait(hosts: PostcopyHosts, vcpu: number, page: number, now: number): boolean {
  const isFirst = !hosts.waits.includes(page);
  hosts.waits[vcpu] = page;
  hosts.since[vcpu] = now;
  return isFirst;
}

/** Those that wait for a page wait no more. Returns them. */
export function endWaits(
  { waits, since, tallies }: PostcopyHosts,
  page: number,
  now: number,
): number[] {
  const woken: number[] = [];
  waits.forEach((awaited, vcpu) => {
    if (awaited !== page) return;
    const cycles = now - numberAt(since, vcpu);
    tallies[Count.waited] += cycles;
    tallies[Count.longest] = Math.max(tallies[Count.longest], cycles);
    waits[vcpu] = -1;
    since[vcpu] = -1;
    woken.push(vcpu);
  });
  return woken;
}

/** Cycles that vCPUs have waited until now for pages that have not come. */
export function openWaits({ since }: PostcopyHosts, now: number): number {
  return since.reduce((sum, time) => (time < 0 ? sum : sum + now - time), 0);
}

/** Pages that vCPUs wait for, each once. */
export function awaited({ waits }: PostcopyHosts): number[] {
  return [...new Set(waits)].filter((page) => page >= 0);
}

/** A page is requested. One that was sent already is on its way: its bit is clear, and nothing comes of it (get_queued_page). */
export function requestPage({ hosts, queue }: Moving, page: number): boolean {
  return isMarked(queue.marks, page) && hosts.requests.push(page);
}

/** The next page to send, its bit cleared; requested ones come before all others; -1: there is none. */
export function takeNext({ hosts, queue }: Moving): number {
  const { marks } = queue;
  for (let page = hosts.requests.shift(); page >= 0; page = hosts.requests.shift()) {
    if (isMarked(marks, page)) return taken(hosts, queue, page);
  }
  let page = nextMarked(marks, hosts.at[Place.cursor]);
  if (page < 0) page = nextMarked(marks, 0);
  return page < 0 ? -1 : taken(hosts, queue, page);
}

/** The walk goes on behind a page that was requested, too. */
function taken({ at }: PostcopyHosts, { marks }: SendQueue, page: number): number {
  clearMark(marks, page);
  at[Place.cursor] = page + 1;
  return page;
}

/** Takes a requested page out of its turn; whether it was still to be sent. */
export function takeRequested({ hosts, queue }: Moving, page: number): boolean {
  if (!isMarked(queue.marks, page)) return false;
  taken(hosts, queue, page);
  return true;
}

/** The link has failed: what was on its way is lost. */
export function loseFlight({ flight }: PostcopyHosts): void {
  flight.clear();
}

/** The destination tells the source what it has (ramblock_recv_bitmap_send). What was on its way is lost. */
export function reportReceived({ hosts, destination }: Moving): void {
  hosts.flight.clear();
  hosts.reported.set(destination.present);
}

/**
 * The source's bitmap after a link has failed: the complement of what the destination has received, of the pages that there
 * are (ram_dirty_bitmap_reload). What it had thought to have sent says nothing.
 */
export function reloadBitmap({ hosts, queue }: Moving): void {
  const { source, reported } = hosts;
  clearQueue(queue);
  for (let page = 0; page < source.versions.length; page++) {
    const isReported = (wordAt(reported, page >>> 5) & (1 << (page & 31))) !== 0;
    if (isThere(source, page) && !isReported) markDirty(queue.marks, page);
  }
  hosts.requests.clear();
}

/** Bytes of the received bitmap: a bit a page, in words of 64, its length before it and an end mark behind it (ramblock_recv_bitmap_send). */
export function receivedBitmapBytes({ versions }: Destination): number {
  return 8 + 8 * Math.ceil(versions.length / 64) + 8;
}

/** The first page that has not come as it was at the source when the VM stopped; -1: there is none. */
export function firstLost({ vm, hosts, destination }: Moving): number {
  const { source } = hosts;
  const { frameWords } = vm.ept.memory;
  for (let page = 0; page < source.versions.length; page++) {
    if (!isThere(source, page)) continue;
    if (isMissing(hosts, page) || !isThere(destination, page)) return page;
    if (!sameCopy(source, destination, page, frameWords)) return page;
  }
  return -1;
}

/** But for what pages contain: which are missing, who waits for which, what is requested and on its way. */
export function postcopyForm(hosts: PostcopyHosts): NormalForm {
  const { frames, reported, waits, since, at, flight, requests, source } = hosts;
  const own: NormalForm = {
    extents: [
      ...["frames", "reported", "waits", "since", "at"].map((array) => ({ part: hosts, array })),
      { part: source, array: "present" },
    ],
    lists: ["frames", "reported", "waits", "at", "had"],
    save: () => ({
      frames: Array.from(frames),
      reported: Array.from(reported),
      waits: Array.from(waits),
      at: Array.from(at),
      had: Array.from(source.present),
    }),
    restore(lists) {
      frames.set(fieldOf(lists, "frames"));
      reported.set(fieldOf(lists, "reported"));
      waits.set(fieldOf(lists, "waits"));
      since.set(fieldOf(lists, "waits").map((page) => (page < 0 ? -1 : 0)));
      at.set(fieldOf(lists, "at"));
      source.present.set(fieldOf(lists, "had"));
    },
    scramble() {
      since.forEach((time, vcpu) => {
        if (time >= 0) since[vcpu] = time + 1;
      });
    },
    renumber: whilePagesStay,
  };
  return joined([own, fifoForm(flight), fifoForm(requests)]);
}

/** What pages contain: at the destination, where the guest has them, as it has received them, and at the source; and other copies. */
export function hostContents(
  { hosts, vm: { guest }, destination }: Moving,
  vm: number,
  others: readonly PageCopies[] = [],
  extents: readonly Extent[] = [],
): NormalForm {
  const { source } = hosts;
  const of = (versions: Int32Array): PageCopies => ({
    read: () => versions,
    write: (all) => versions.set(all),
  });
  const copies = [of(guest.versions), of(destination.versions), of(source.versions), ...others];
  const own = [destination, source].flatMap((part) =>
    ["versions", "tableWords"].map((array) => ({ part, array })),
  );
  const arrived: NormalForm = {
    extents: [{ part: destination, array: "present" }],
    lists: ["present"],
    save: () => ({ present: Array.from(destination.present) }),
    restore: (lists) => destination.present.set(fieldOf(lists, "present")),
    scramble() {},
    renumber: whilePagesStay,
  };
  return joined([copiesForm("contents", vm, copies, [...own, ...extents]), arrived]);
}
