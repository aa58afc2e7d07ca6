/** Which host a VM gets, and which VMs go elsewhere: a host that is closed, one that is too full, one to be emptied. */
import { itemAt, numberAt, wordAt } from "../../../lookup.ts";
import type { FleetConfig } from "../fleetSchema.ts";
import type { Hosts } from "./hosts.ts";

/** Orders a migration of a VM for which room was set aside. */
export type Order = (vm: number) => void;

const NONE = -1;

export class Placement {
  readonly #hosts: Hosts;
  readonly #fit: FleetConfig["placement"]["fit"];
  readonly #most: number;
  /** Hosts that VMs leave: none is put there at the same look. */
  readonly #leaving: Uint8Array;
  readonly #vms: Int32Array;

  constructor({ placement, decisions }: FleetConfig, hosts: Hosts) {
    this.#hosts = hosts;
    this.#fit = placement.fit;
    this.#most = decisions.consolidate;
    this.#leaving = new Uint8Array(hosts.count);
    this.#vms = new Int32Array(hosts.hostOf.length);
  }

  /**
   * A host with room: of those that are on, as `fit` says; one that is off if none of them has.
   * @returns -1 if there is none
   */
  find(size: number, mayTurnOn = true): number {
    const hosts = this.#hosts;
    let [found, off, least] = [NONE, NONE, Number.POSITIVE_INFINITY];
    for (let host = 0; host < hosts.count; host++) {
      if (hosts.closed[host] === 1 || this.#leaving[host] === 1) continue;
      const room = hosts.room(host);
      if (room < size) continue;
      if (!hosts.isOn(host)) {
        if (off === NONE) off = host;
      } else if (this.#fit === "first") {
        return host;
      } else if (room < least) {
        [found, least] = [host, room];
      }
    }
    return found === NONE && mayTurnOn ? off : found;
  }

  /** A look begins: hosts that were left at the last one may be used again. */
  begin(): void {
    this.#leaving.fill(0);
  }

  /** All VMs of a host that is closed go. @returns VMs that find no room */
  evacuate(host: number, order: Order): number {
    let without = 0;
    for (const vm of this.#staying(host)) if (!this.#move(vm, order)) without++;
    return without;
  }

  /** VMs of hosts that are too full go, as few as will do. @returns VMs that find no room */
  relieve(order: Order): number {
    const hosts = this.#hosts;
    let without = 0;
    for (let host = 0; host < hosts.count; host++) {
      if (hosts.closed[host] === 1 || hosts.room(host) >= 0) continue;
      this.#leaving[host] = 1;
      const staying = this.#staying(host);
      // What is on its way to elsewhere goes anyway.
      let excess = -hosts.room(host) - (numberAt(hosts.taken, host) - this.#sum(staying));
      while (excess > 0 && staying.length > 0) {
        // The smallest one that is enough; where none is, the largest: they are in order of size.
        const enough = staying.findLastIndex((vm) => wordAt(hosts.sizeOf, vm) >= excess);
        const at = Math.max(0, enough);
        const vm = itemAt(staying, at);
        staying.splice(at, 1);
        if (this.#move(vm, order)) excess -= wordAt(hosts.sizeOf, vm);
        else without++;
      }
    }
    return without;
  }

  /** Empties hosts, those with the least on them first, if all their VMs find room on others that are on. */
  consolidate(order: Order): void {
    const hosts = this.#hosts;
    const candidates: number[] = [];
    let room = 0;
    for (let host = 0; host < hosts.count; host++) {
      if (!hosts.isOn(host) || hosts.closed[host] === 1 || this.#leaving[host] === 1) continue;
      candidates.push(host);
      room += Math.max(0, hosts.room(host));
    }
    candidates.sort((a, b) => numberAt(hosts.taken, a) - numberAt(hosts.taken, b) || b - a);
    let emptied = 0;
    for (const host of candidates) {
      if (emptied === this.#most) return;
      if (wordAt(hosts.expected, host) > 0) continue;
      const own = Math.max(0, hosts.room(host));
      const staying = this.#staying(host);
      const wanted = this.#sum(staying);
      if (wanted > room - own) continue;
      if (!this.#empty(host, staying, order)) continue;
      room -= own + wanted;
      emptied++;
    }
  }

  /** All or none. */
  #empty(host: number, vms: readonly number[], order: Order): boolean {
    const hosts = this.#hosts;
    this.#leaving[host] = 1;
    for (const [n, vm] of vms.entries()) {
      const target = this.find(wordAt(hosts.sizeOf, vm), false);
      if (target === NONE) {
        for (const before of vms.slice(0, n)) hosts.release(before);
        this.#leaving[host] = 0;
        return false;
      }
      hosts.reserve(vm, target);
    }
    for (const vm of vms) order(vm);
    return true;
  }

  #move(vm: number, order: Order): boolean {
    const target = this.find(wordAt(this.#hosts.sizeOf, vm));
    if (target === NONE) return false;
    this.#hosts.reserve(vm, target);
    order(vm);
    return true;
  }

  /** VMs of a host that are not on their way, the largest first. */
  #staying(host: number): number[] {
    const { sizeOf, targetOf } = this.#hosts;
    const count = this.#hosts.residentsOf(host, this.#vms);
    return [...this.#vms.subarray(0, count)]
      .filter((vm) => targetOf[vm] === NONE)
      .sort((a, b) => wordAt(sizeOf, b) - wordAt(sizeOf, a) || a - b);
  }

  #sum(vms: readonly number[]): number {
    return vms.reduce((sum, vm) => sum + wordAt(this.#hosts.sizeOf, vm), 0);
  }
}
