/** What a day amounts to: each VM's part is added up whenever something about the VM changes. Times in cycles. */

import { CYCLES_PER_SECOND } from "../../../config/units.ts";
import { byteAt, numberAt, wordAt } from "../../../lookup.ts";
import type { Guests } from "./guests.ts";
import type { Hosts } from "./hosts.ts";

const NONE = -1;

export class Meter {
  /** VMs' time: on a host; of that in windows that use more than the VM is left. */
  vmCycles = 0;
  shortCycles = 0;
  /** Of that on a host, with fewer pages than any guest was measured with. */
  unmeasuredCycles = 0;
  /** Accesses that VMs on hosts would have made, and those that they did not make, by what kept them. */
  offered = 0;
  lostToMemory = 0;
  lostToTracking = 0;
  lostToDowntime = 0;
  /** CPU time of pVMs. */
  pvmCycles = 0;
  /** Hosts' time: on; and too full, so that their VMs had less than their sizes. */
  hostCycles = 0;
  fullCycles = 0;
  /** Hosts that were on, at least and at most. */
  fewest = Number.POSITIVE_INFINITY;
  most = 0;

  readonly #guests: Guests;
  readonly #hosts: Hosts;
  readonly #guestOf: Int32Array;
  /** By VM: since when what follows is so; parts of its time, and accesses a cycle. */
  readonly #since: Float64Array;
  readonly #short: Float64Array;
  readonly #unmeasured: Uint8Array;
  readonly #offered: Float64Array;
  readonly #lostToMemory: Float64Array;
  readonly #lostToTracking: Float64Array;
  readonly #pvm: Float64Array;
  /** By host. */
  readonly #isFull: Uint8Array;
  readonly #fullSince: Float64Array;
  #on = 0;
  #onSince = 0;

  constructor(guests: Guests, hosts: Hosts, guestOf: Int32Array) {
    const vms = guestOf.length;
    this.#guests = guests;
    this.#hosts = hosts;
    this.#guestOf = guestOf;
    this.#since = new Float64Array(vms);
    this.#short = new Float64Array(vms);
    this.#unmeasured = new Uint8Array(vms);
    this.#offered = new Float64Array(vms);
    this.#lostToMemory = new Float64Array(vms);
    this.#lostToTracking = new Float64Array(vms);
    this.#pvm = new Float64Array(vms);
    this.#isFull = new Uint8Array(hosts.count);
    this.#fullSince = new Float64Array(hosts.count);
  }

  /** Something about a VM is other from now on: its guest, its host, or the pages that it is left. */
  changed(vm: number, now: number): void {
    const time = now - numberAt(this.#since, vm);
    this.#since[vm] = now;
    if (numberAt(this.#offered, vm) > 0 && time > 0) {
      this.vmCycles += time;
      this.shortCycles += numberAt(this.#short, vm) * time;
      this.unmeasuredCycles += byteAt(this.#unmeasured, vm) * time;
      this.offered += numberAt(this.#offered, vm) * time;
      this.lostToMemory += numberAt(this.#lostToMemory, vm) * time;
      this.lostToTracking += numberAt(this.#lostToTracking, vm) * time;
      this.pvmCycles += numberAt(this.#pvm, vm) * time;
    }
    if (this.#hosts.hostOf[vm] === NONE) {
      this.#offered[vm] = 0;
      return;
    }
    const guests = this.#guests;
    const guest = wordAt(this.#guestOf, vm);
    const left = this.#hosts.left(vm);
    const offered = numberAt(guests.pace, guest) / CYCLES_PER_SECOND;
    const made = offered * guests.throughput(guest, left);
    this.#offered[vm] = offered;
    this.#short[vm] = guests.shortPart(guest, left);
    this.#unmeasured[vm] = guests.isUnmeasured(guest, left) ? 1 : 0;
    this.#lostToMemory[vm] = offered - made;
    this.#lostToTracking[vm] = made * (1 - numberAt(guests.speed, guest));
    this.#pvm[vm] = numberAt(guests.pvmShare, guest);
  }

  /** What a host has to give is other from now on. @param isFull whether it is too full */
  hostChanged(host: number, isFull: boolean, now: number): void {
    if (this.#isFull[host] === 1) this.fullCycles += now - numberAt(this.#fullSince, host);
    this.#isFull[host] = isFull ? 1 : 0;
    this.#fullSince[host] = now;
  }

  /** Perhaps another number of hosts is on from now on. */
  counted(now: number): void {
    const on = this.#hosts.on;
    if (on === this.#on) return;
    this.#countUntil(now);
    this.#on = on;
  }

  /** A VM stood still for so long. */
  stoodStill(vm: number, cycles: number): void {
    const made =
      numberAt(this.#offered, vm) -
      numberAt(this.#lostToMemory, vm) -
      numberAt(this.#lostToTracking, vm);
    this.lostToDowntime += made * cycles;
  }

  /** Whether a VM uses more than it is left, in some of its windows at least. */
  isShort(vm: number): boolean {
    return numberAt(this.#short, vm) > 0;
  }

  /** The end. */
  close(now: number): void {
    for (let vm = 0; vm < this.#since.length; vm++) this.changed(vm, now);
    for (let host = 0; host < this.#isFull.length; host++) this.hostChanged(host, false, now);
    this.#countUntil(now);
  }

  #countUntil(now: number): void {
    const time = now - this.#onSince;
    this.#onSince = now;
    if (time === 0) return;
    this.hostCycles += this.#on * time;
    this.fewest = Math.min(this.fewest, this.#on);
    this.most = Math.max(this.most, this.#on);
  }
}
