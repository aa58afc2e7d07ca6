/** The devices of a VM in post-copy: of the source, which sends, and of the destination, where the guest runs. */
import type {
  PostcopyReceiverReply,
  PostcopyReceiverRequest,
} from "../../../../machines/postcopyReceiver.ts";
import type {
  PostcopySenderReply,
  PostcopySenderRequest,
} from "../../../../machines/postcopySender.ts";
import { findLeaf } from "../../../hardware/ept.ts";
import { countMarked } from "../../../hypervisor/dirtyBitmap.ts";
import {
  awaited,
  beginWait,
  Count,
  endWaits,
  isMissing,
  loseFlight,
  type Moving,
  placePage,
  receivedBitmapBytes,
  reloadBitmap,
  reportReceived,
  requestPage,
  takeNext,
  takeRequested,
} from "../../../hypervisor/migration/postcopy.ts";
import type { Device } from "../../../interconnect/emissions.ts";
import { wordAt } from "../../../lookup.ts";
import { OPERATION_MEMORY, vmMemories } from "../../memoryNames.ts";

/** Bytes on the link of these pages of the source, so many. */
export type PageBytes = (pages: number, zeroPages: number) => number;

export interface SenderMemory {
  readonly moving: Moving;
  readonly bytesOf: PageBytes;
  /** Whether those bytes depend on what the pages contain. */
  readonly findsZeroPages: boolean;
}

export class SenderDevice implements Device<PostcopySenderRequest, PostcopySenderReply> {
  readonly #moving: Moving;
  readonly #vm: number;
  readonly #bytesOf: PageBytes;
  readonly #findsZeroPages: boolean;
  readonly #now: () => number;

  /** @param vm number of the VM that moves */
  constructor({ moving, bytesOf, findsZeroPages }: SenderMemory, vm: number, now: () => number) {
    this.#vm = vm;
    this.#findsZeroPages = findsZeroPages;
    this.#moving = moving;
    this.#bytesOf = bytesOf;
    this.#now = now;
  }

  touches(): string[] {
    const own = this.#findsZeroPages ? vmMemories(this.#vm, "truth") : [];
    return [OPERATION_MEMORY, ...own];
  }

  perform(request: PostcopySenderRequest): PostcopySenderReply {
    const moving = this.#moving;
    switch (request.op) {
      case "take":
        return this.#take(request.pages);
      case "request": {
        const { page, atOnce } = request;
        if (!atOnce)
          return { type: "requested", page, bytes: 0, queued: requestPage(moving, page) };
        const bytes = takeRequested(moving, page) ? this.#bytesOf(1, this.#zeros(page)) : 0;
        return { type: "requested", page, bytes, queued: false };
      }
      case "reload":
        reloadBitmap(moving);
        return { type: "reloaded" };
    }
  }

  /** What was requested, however much, and others up to the limit. */
  #take(atMost: number): PostcopySenderReply {
    const { requests, flight } = this.#moving.hosts;
    const urgent = requests.count;
    let unlimited = 0;
    let pages = 0;
    let zero = 0;
    for (; pages < Math.max(atMost, urgent); pages++) {
      if (pages === urgent) unlimited = this.#bytesOf(pages, zero);
      const page = takeNext(this.#moving);
      if (page < 0) break;
      flight.push(page);
      zero += this.#zeros(page);
    }
    const bytes = this.#bytesOf(pages, zero);
    if (pages <= urgent) unlimited = bytes;
    return { type: "taken", now: this.#now(), pages, bytes, unlimited };
  }

  /** 1: the page is all zero, as it was when the VM started. Tables are not. */
  #zeros(page: number): number {
    if (!this.#findsZeroPages) return 0;
    const { tables, versions } = this.#moving.hosts.source;
    const isTable =
      tables !== null && page >= tables.firstPage && page < tables.firstPage + tables.count;
    return wordAt(versions, page) === 0 && !isTable ? 1 : 0;
  }
}

export class ReceiverDevice implements Device<PostcopyReceiverRequest, PostcopyReceiverReply> {
  readonly #moving: Moving;
  readonly #vm: number;
  readonly #handlerCycles: number;
  readonly #now: () => number;

  /** @param handlerCycles of an EPT violation */
  constructor(moving: Moving, vm: number, handlerCycles: number, now: () => number) {
    this.#moving = moving;
    this.#vm = vm;
    this.#handlerCycles = handlerCycles;
    this.#now = now;
  }

  touches(): string[] {
    return [OPERATION_MEMORY, ...vmMemories(this.#vm, "paging", "truth")];
  }

  perform(request: PostcopyReceiverRequest): PostcopyReceiverReply {
    const { hosts, destination } = this.#moving;
    switch (request.op) {
      case "fault":
        return this.#fault(request);
      case "place": {
        const woken: number[] = [];
        for (let i = 0; i < request.pages; i++) woken.push(...this.#place(hosts.flight.shift()));
        return this.#placed(woken);
      }
      case "placeUrgent":
        return this.#placed(this.#place(request.page));
      case "lose":
        loseFlight(hosts);
        return { type: "lost" };
      case "answer":
        reportReceived(this.#moving);
        return { type: "answered", pages: awaited(hosts), bytes: receivedBitmapBytes(destination) };
    }
  }

  /** Another vCPU may have been first, and the page has come meanwhile. */
  #fault({
    vm,
    vcpu,
    page,
    dispatcher,
  }: Extract<PostcopyReceiverRequest, { op: "fault" }>): PostcopyReceiverReply {
    const { hosts, vm: moved } = this.#moving;
    const exit = { type: "faulted", dispatcher, cycles: this.#handlerCycles } as const;
    // Another VM's.
    if (vm !== this.#vm) return { ...exit, answer: "nothing", page: -1 };
    if (!isMissing(hosts, page)) {
      const isThere = findLeaf(moved.ept, page) !== null;
      return { ...exit, answer: isThere ? "there" : "nothing", page: -1 };
    }
    hosts.tallies[Count.faults] += 1;
    const asks = beginWait(hosts, vcpu, page, this.#now());
    return { ...exit, answer: "waits", page: asks ? page : -1 };
  }

  #place(page: number): number[] {
    if (page < 0) throw new Error("a page arrives that is not on its way");
    placePage(this.#moving, page);
    return endWaits(this.#moving.hosts, page, this.#now());
  }

  #placed(woken: readonly number[]): PostcopyReceiverReply {
    return { type: "placed", woken, left: this.#moving.hosts.missing };
  }
}

/** Pages that are still at the source alone. */
export function pagesLeft({ queue, hosts }: Moving): number {
  return Math.max(countMarked(queue.marks), hosts.missing);
}
