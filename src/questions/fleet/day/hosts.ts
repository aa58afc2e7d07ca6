/**
 * Which VM is on which host, with how many pages; and what is set aside on a host for a VM that is on its way. The
 * memory of a VM that migrates is held on both hosts, once on each, until it is over.
 */

import { numberAt, wordAt } from "../../../lookup.ts";

const NONE = -1;

export class Hosts {
  readonly count: number;
  /** Pages of each. */
  readonly memory: number;
  /** By VM: the host that it is on, and the one that it is to go to; -1: none. */
  readonly hostOf: Int32Array;
  readonly targetOf: Int32Array;
  /** By VM: pages that it is to have. */
  readonly sizeOf: Int32Array;
  /** By host: pages of the VMs that are on it, and pages set aside for others. */
  readonly taken: Float64Array;
  readonly setAside: Float64Array;
  /** By host: VMs that are on it, and VMs that are to come. */
  readonly residents: Int32Array;
  readonly expected: Int32Array;
  /** By host: whether it takes no VMs any more. */
  readonly closed: Uint8Array;
  /** Lists of residents: the first of each host; by VM those beside it. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #on = 0;

  constructor(hosts: number, memory: number, vms: number) {
    this.count = hosts;
    this.memory = memory;
    this.hostOf = new Int32Array(vms).fill(NONE);
    this.targetOf = new Int32Array(vms).fill(NONE);
    this.sizeOf = new Int32Array(vms);
    this.taken = new Float64Array(hosts);
    this.setAside = new Float64Array(hosts);
    this.residents = new Int32Array(hosts);
    this.expected = new Int32Array(hosts);
    this.closed = new Uint8Array(hosts);
    this.#first = new Int32Array(hosts).fill(NONE);
    this.#next = new Int32Array(vms).fill(NONE);
    this.#previous = new Int32Array(vms).fill(NONE);
  }

  /** Hosts that have a VM, or are to get one: the others can be switched off. */
  get on(): number {
    return this.#on;
  }

  isOn(host: number): boolean {
    return wordAt(this.residents, host) + wordAt(this.expected, host) > 0;
  }

  /** Pages that are neither taken nor set aside; below 0 if VMs have grown beyond what there is. */
  room(host: number): number {
    return this.memory - numberAt(this.taken, host) - numberAt(this.setAside, host);
  }

  /** The part of their sizes that VMs of a host have: all shrink alike where it has too little (docs/overcommit.md). */
  scale(host: number): number {
    const wanted = numberAt(this.taken, host) + numberAt(this.setAside, host);
    return wanted > this.memory ? this.memory / wanted : 1;
  }

  /** Pages that a VM is left. */
  left(vm: number): number {
    return wordAt(this.sizeOf, vm) * this.scale(wordAt(this.hostOf, vm));
  }

  /** Puts a VM that is nowhere on a host. */
  place(vm: number, host: number): void {
    if (this.hostOf[vm] !== NONE) throw new Error(`VM ${vm} is on a host`);
    const wasOn = this.isOn(host);
    const first = wordAt(this.#first, host);
    this.#next[vm] = first;
    this.#previous[vm] = NONE;
    if (first !== NONE) this.#previous[first] = vm;
    this.#first[host] = vm;
    this.hostOf[vm] = host;
    this.residents[host] = wordAt(this.residents, host) + 1;
    this.taken[host] = numberAt(this.taken, host) + wordAt(this.sizeOf, vm);
    this.#changed(host, wasOn);
  }

  /** Takes a VM off its host. */
  remove(vm: number): void {
    const host = wordAt(this.hostOf, vm);
    const wasOn = this.isOn(host);
    const [before, after] = [wordAt(this.#previous, vm), wordAt(this.#next, vm)];
    if (before === NONE) this.#first[host] = after;
    else this.#next[before] = after;
    if (after !== NONE) this.#previous[after] = before;
    this.hostOf[vm] = NONE;
    this.residents[host] = wordAt(this.residents, host) - 1;
    this.taken[host] = numberAt(this.taken, host) - wordAt(this.sizeOf, vm);
    this.#changed(host, wasOn);
  }

  /** Sets aside on another host what a VM has. */
  reserve(vm: number, host: number): void {
    const wasOn = this.isOn(host);
    this.targetOf[vm] = host;
    this.expected[host] = wordAt(this.expected, host) + 1;
    this.setAside[host] = numberAt(this.setAside, host) + wordAt(this.sizeOf, vm);
    this.#changed(host, wasOn);
  }

  release(vm: number): void {
    const host = wordAt(this.targetOf, vm);
    const wasOn = this.isOn(host);
    this.targetOf[vm] = NONE;
    this.expected[host] = wordAt(this.expected, host) - 1;
    this.setAside[host] = numberAt(this.setAside, host) - wordAt(this.sizeOf, vm);
    this.#changed(host, wasOn);
  }

  /** A VM is where it was to go. */
  arrive(vm: number): void {
    const host = wordAt(this.targetOf, vm);
    this.remove(vm);
    this.release(vm);
    this.place(vm, host);
  }

  /** Gives a VM another size, wherever it is. */
  resize(vm: number, size: number): void {
    const more = size - wordAt(this.sizeOf, vm);
    const [host, target] = [wordAt(this.hostOf, vm), wordAt(this.targetOf, vm)];
    if (host !== NONE) this.taken[host] = numberAt(this.taken, host) + more;
    if (target !== NONE) this.setAside[target] = numberAt(this.setAside, target) + more;
    this.sizeOf[vm] = size;
  }

  /** VMs that are on a host, into `into`. @returns how many */
  residentsOf(host: number, into: Int32Array): number {
    let count = 0;
    for (let vm = wordAt(this.#first, host); vm !== NONE; vm = wordAt(this.#next, vm))
      into[count++] = vm;
    return count;
  }

  #changed(host: number, wasOn: boolean): void {
    this.#on += Number(this.isOn(host)) - Number(wasOn);
  }
}
