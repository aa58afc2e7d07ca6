/**
 * What a vhost back end, which emulates a device in a thread or process of its own, tells of its writes: a log in shared
 * memory, a bit for each 4,096 bytes of guest-physical address (VHOST_F_LOG_ALL; Linux drivers/vhost/vhost.c log_write). It
 * sets the bits after the data; who harvests gives it another log first, and reads the old one then (vhost-user
 * SET_LOG_BASE, as cloud-hypervisor's vu_common_ctrl.rs; QEMU's vhost_dev_sync_region exchanges the log's words one by one).
 */
import { type NormalForm, pageBitNames, renumberedBits } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { fieldOf, itemAt, wordAt, words } from "../lookup.ts";
import { forEachMarked } from "./dirtyBitmap.ts";

/** VHOST_PAGE_SIZE. */
export const VHOST_PAGE_BYTES = 4096;

/** Words of VhostLog.state: whether writes are logged, and in which of the two logs. */
const LOGGING = 0;
const BASE = 1;

export class VhostLog implements Part {
  readonly name: string;
  readonly pages: number;
  readonly bits: readonly [Int32Array, Int32Array];
  readonly state = words(2);

  /** @param pages of the VM */
  constructor(name: string, pages: number) {
    this.name = name;
    this.pages = pages;
    const length = Math.ceil(pages / 32);
    this.bits = [new Int32Array(length), new Int32Array(length)];
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const [first, second] = this.bits;
    return { first, second, state: this.state };
  }
}

/** Bytes that were written. */
export interface WrittenBytes {
  readonly address: number;
  readonly length: number;
}

/** Where a queue's used ring is told of a request (struct vring_used: flags, idx, ring). */
export interface UsedRing {
  readonly address: number;
  /** Entries of the ring, and the number of this one. */
  readonly size: number;
  readonly number: number;
}

/** The log begins, empty. */
export function startVhostLog({ bits, state }: VhostLog): void {
  for (const region of bits) region.fill(0);
  state[LOGGING] = 1;
}

/** Sets the bits of what was written; of no bytes none (log_write). */
export function logWrite(log: VhostLog, { address, length }: WrittenBytes): void {
  if (length === 0 || log.state[LOGGING] === 0) return;
  const region = itemAt(log.bits, log.state[BASE]);
  const last = Math.floor((address + length - 1) / VHOST_PAGE_BYTES);
  for (let page = Math.floor(address / VHOST_PAGE_BYTES); page <= last; page++) {
    region[page >>> 5] = wordAt(region, page >>> 5) | (1 << (page & 31));
  }
}

/**
 * A request is completed: its data, then the element of the used ring, then its index, each logged after it is written
 * (vhost_log_write, vhost_add_used_n). @param used null: of a queue without VHOST_VRING_F_LOG
 */
export function logCompletion(log: VhostLog, data: WrittenBytes, used: UsedRing | null): void {
  logWrite(log, data);
  if (used === null) return;
  const element = used.address + 4 + 8 * (used.number % used.size);
  logWrite(log, { address: element, length: 8 });
  logWrite(log, { address: used.address + 2, length: 2 });
}

/** The back end writes its bits elsewhere from now on. Returns what it has written them to. */
export function switchLog({ bits, state }: VhostLog): Int32Array {
  const old = itemAt(bits, state[BASE]);
  state[BASE] = 1 - state[BASE];
  return old;
}

/** Takes all that was logged, and leaves nothing. Returns the words that were looked at. */
export function takeVhostLog(log: VhostLog, visit: (page: number) => void): number {
  const old = switchLog(log);
  forEachMarked({ bits: old }, visit);
  old.fill(0);
  return old.length;
}

/** Between two steps one of the two logs is empty; which of them it is is no state. */
export function vhostForm(log: VhostLog, vm: number): NormalForm {
  const { bits, state, pages } = log;
  const [first, second] = bits;
  const nameOf = pageBitNames(`the vhost log of VM ${vm}`, 1);
  return {
    extents: [
      { part: log, array: "first", nameOf },
      { part: log, array: "second", nameOf },
      { part: log, array: "state", nameOf: () => `whether and where vhost logs of VM ${vm}` },
    ],
    lists: ["vhost", "vhost logging"],
    save: () => ({
      vhost: Array.from(itemAt(bits, state[BASE])),
      "vhost logging": [state[LOGGING]],
    }),
    restore(lists) {
      first.set(fieldOf(lists, "vhost"));
      second.fill(0);
      state[LOGGING] = itemAt(fieldOf(lists, "vhost logging"), 0);
      state[BASE] = 0;
    },
    scramble() {
      const kept = first.slice();
      first.set(second);
      second.set(kept);
      state[BASE] = 1 - state[BASE];
    },
    renumber: (lists, { page }) => ({
      ...lists,
      vhost: renumberedBits(fieldOf(lists, "vhost"), 1, pages, (own) => page(vm, own)),
    }),
  };
}
