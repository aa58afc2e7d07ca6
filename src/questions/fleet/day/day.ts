/**
 * A virtual day of a fleet: VMs composed from the curves of their kinds, placed, sized, moved and packed together by
 * what one way of sizing makes of them. What they really use is told by the curves alone, and decides nothing.
 *
 * A look gives every VM the size that the estimate of one of its measured windows says; the window is drawn, the same
 * for every way. Between two looks a VM goes through all its windows, each as long as the others.
 */

import { deriveSeed, Random } from "../../../../workloads/random.ts";
import { itemAt, numberAt, present, wordAt } from "../../../lookup.ts";
import type { KindCurves } from "../curves.ts";
import type { FleetConfig } from "../fleetSchema.ts";
import { Timeline } from "../timeline.ts";
import { Guests, type Sizing } from "./guests.ts";
import { Hosts } from "./hosts.ts";
import { Meter } from "./meter.ts";
import { Migrations, type MigrationTotals, type Reason } from "./migrations.ts";
import { Placement } from "./placement.ts";
import { type Population, populationOf } from "./population.ts";

const NONE = -1;

/** Kinds of events; what their subject is. */
const ARRIVE = 0; // VM
const DEPART = 1; // VM
const CHANGE = 2; // index of the change
const EVACUATE = 3; // index of the event in the file
const LOOK = 4;
const STEP = 5; // migration
const SENT = 6; // migration

/** The fleet behind a look. Times in cycles since midnight, memory in pages. */
export interface Point {
  readonly time: number;
  /** Hosts that are on; VMs on them; migrations under way. */
  readonly hosts: number;
  readonly vms: number;
  readonly underWay: number;
  /** Sizes of all VMs on hosts, and what they use in the mean. */
  readonly given: number;
  readonly used: number;
  /** VMs that use more than they are left, in some windows at least. */
  readonly shortVms: number;
  /** The share of the busiest pVM that tracking takes: above 1, it cannot keep up. */
  readonly pvmMost: number;
}

/** Times in cycles since midnight. */
export interface Evacuation {
  readonly host: number;
  readonly from: number;
  /** VMs that were on it. */
  readonly vms: number;
  /** Null: there is still a VM on it at the day's end. */
  until: number | null;
}

/** What came of a day. Times in cycles. */
export interface DayResult {
  readonly sizing: Sizing;
  readonly length: number;
  readonly vms: number;
  /** Hosts that were on: at least, in the mean, at most. */
  readonly hosts: { readonly least: number; readonly mean: number; readonly most: number };
  readonly migrations: Readonly<MigrationTotals>;
  /** Migrations that had not ended. */
  readonly underWay: number;
  readonly evacuations: readonly Readonly<Evacuation>[];
  readonly meter: Readonly<Meter>;
  /** Share of the pVMs of hosts that are on: of tracking and of migrations in the mean, of tracking at most. */
  readonly pvm: { readonly mean: number; readonly most: number };
  /** Looks at a host whose pVM has more to do than it can. */
  readonly overloaded: number;
  /** VMs that waited for a host, and how long all of them together. */
  readonly waited: number;
  readonly waitingCycles: number;
  /** Moves that were wanted at a look and found no room. */
  readonly noRoom: number;
  /** Estimates of VMs, and those of VMs that were short of memory, which were measured with enough. */
  readonly estimates: number;
  readonly estimatesOfShort: number;
  readonly series: readonly Point[];
}

export class Day {
  readonly hosts: Hosts;
  readonly population: Population;
  readonly #config: FleetConfig;
  readonly #sizing: Sizing;
  readonly #guests: Guests;
  readonly #guestOf: Int32Array;
  readonly #placement: Placement;
  readonly #timeline = new Timeline();
  readonly #migrations: Migrations;
  readonly #meter: Meter;
  /** Draws windows for the estimates of a look: one number for each VM of the file, there or not. */
  readonly #windows: Random;
  readonly #draws: Float64Array;
  /** By host. */
  readonly #scales: Float64Array;
  /** VMs that wait for a host, and since when. */
  readonly #waiting = new Map<number, number>();
  readonly #evacuations: Evacuation[] = [];
  readonly #series: Point[] = [];
  readonly #residents: Int32Array;
  #now = 0;
  #waited = 0;
  #waitingCycles = 0;
  #noRoom = 0;
  #overloaded = 0;
  #estimates = 0;
  #estimatesOfShort = 0;

  constructor(config: FleetConfig, kinds: readonly KindCurves[], sizing: Sizing) {
    const population = populationOf(
      config,
      kinds.map(({ name }) => name),
    );
    const { count } = population;
    const guests = new Guests(config, kinds, sizing);
    const hosts = new Hosts(config.hosts.count, config.hosts.memory, count);
    const guestOf = Int32Array.from({ length: count }, (_, vm) =>
      guests.index(wordAt(population.kinds, vm), wordAt(population.seeds, vm)),
    );
    this.#config = config;
    this.#sizing = sizing;
    this.population = population;
    this.hosts = hosts;
    this.#guests = guests;
    this.#guestOf = guestOf;
    this.#meter = new Meter(guests, hosts, guestOf);
    this.#placement = new Placement(config, hosts);
    this.#windows = new Random(deriveSeed(config.seed, "windows"));
    this.#draws = new Float64Array(count);
    this.#scales = new Float64Array(hosts.count).fill(1);
    this.#residents = new Int32Array(count);
    this.#migrations = new Migrations(config, {
      ...{ guests, hosts, guestOf, timeline: this.#timeline, events: { step: STEP, sent: SENT } },
      listener: {
        ended: (vm, from, to) => this.#migrated(vm, from, to),
        stoodStill: (vm, cycles) => this.#meter.stoodStill(vm, cycles),
      },
    });
    this.#schedule();
  }

  /** Cycles since midnight. */
  get now(): number {
    return this.#now;
  }

  /** Lets the next thing happen. @returns false when the day is over */
  step(): boolean {
    const timeline = this.#timeline;
    if (!timeline.pop() || timeline.time >= this.#config.until) return false;
    const { time, kind, subject, version } = timeline;
    this.#now = time;
    switch (kind) {
      case ARRIVE:
        this.#arrive(subject);
        break;
      case DEPART:
        this.#depart(subject);
        break;
      case CHANGE:
        this.#change(subject);
        break;
      case EVACUATE:
        this.#evacuate(subject);
        break;
      case LOOK:
        this.#look();
        break;
      default:
        this.#migrations.happened(kind, subject, version, time);
    }
    this.#meter.counted(time);
    return true;
  }

  /** To the day's end. */
  run(): DayResult {
    while (this.step());
    const length = this.#config.until;
    const meter = this.#meter;
    meter.close(length);
    for (const since of this.#waiting.values()) this.#waitingCycles += length - since;
    const pvmCycles = meter.pvmCycles + this.#migrations.totals.pvmCycles;
    const { pvmCpus } = this.#config.hosts;
    return {
      sizing: this.#sizing,
      length,
      vms: this.population.count,
      hosts: {
        least: Math.min(meter.fewest, meter.most),
        mean: meter.hostCycles / length,
        most: meter.most,
      },
      migrations: this.#migrations.totals,
      underWay: this.#migrations.underWay,
      evacuations: this.#evacuations,
      meter,
      pvm: {
        mean: meter.hostCycles === 0 ? 0 : pvmCycles / (meter.hostCycles * pvmCpus),
        most: this.#series.reduce((most, { pvmMost }) => Math.max(most, pvmMost), 0),
      },
      overloaded: this.#overloaded,
      waited: this.#waited,
      waitingCycles: this.#waitingCycles,
      noRoom: this.#noRoom,
      estimates: this.#estimates,
      estimatesOfShort: this.#estimatesOfShort,
      series: this.#series,
    };
  }

  /** What the file says will happen. The looks come last: at the same time, they see what has happened. */
  #schedule(): void {
    const { count, arrivals, departures, changes } = this.population;
    const timeline = this.#timeline;
    for (let vm = 0; vm < count; vm++) {
      timeline.push(numberAt(arrivals, vm), ARRIVE, vm);
      if (numberAt(departures, vm) < this.#config.until)
        timeline.push(numberAt(departures, vm), DEPART, vm);
    }
    for (const [n, { time }] of changes.entries()) timeline.push(time, CHANGE, n);
    for (const [n, { at }] of this.#config.events.entries()) timeline.push(at, EVACUATE, n);
    this.#draw();
    timeline.push(0, LOOK, 0);
  }

  #draw(): void {
    for (let vm = 0; vm < this.#draws.length; vm++) this.#draws[vm] = this.#windows.next();
  }

  /** Of a VM that is there from the start there is an estimate from before; of a new one nothing is known. */
  #arrive(vm: number): void {
    const guest = wordAt(this.#guestOf, vm);
    const size =
      this.#now === 0
        ? this.#guests.size(guest, numberAt(this.#draws, vm))
        : wordAt(this.#guests.memory, guest);
    this.hosts.resize(vm, size);
    if (this.#place(vm)) return;
    this.#waiting.set(vm, this.#now);
    this.#waited++;
  }

  /** @returns whether there is room */
  #place(vm: number): boolean {
    const host = this.#placement.find(wordAt(this.hosts.sizeOf, vm));
    if (host === NONE) return false;
    this.hosts.place(vm, host);
    this.#meter.changed(vm, this.#now);
    this.#rescale(host);
    return true;
  }

  #depart(vm: number): void {
    if (this.#waiting.has(vm)) {
      this.#waitingCycles += this.#now - present(this.#waiting.get(vm), "a VM that waits");
      this.#waiting.delete(vm);
      return;
    }
    const [host, target] = [wordAt(this.hosts.hostOf, vm), wordAt(this.hosts.targetOf, vm)];
    this.#migrations.abandon(vm, this.#now);
    this.hosts.remove(vm);
    this.#meter.changed(vm, this.#now);
    this.#rescale(host);
    if (target !== NONE) this.#rescale(target);
    this.#emptied(host);
    this.#migrations.begin(this.#now);
  }

  #change(index: number): void {
    const { vm, kind } = itemAt(this.population.changes, index);
    this.#guestOf[vm] = this.#guests.index(kind, wordAt(this.population.seeds, vm));
    if (this.hosts.hostOf[vm] !== NONE) this.#meter.changed(vm, this.#now);
  }

  #evacuate(index: number): void {
    const { evacuate } = itemAt(this.#config.events, index);
    const host = evacuate === "busiest" ? this.#busiest() : evacuate;
    if (host === NONE || this.hosts.closed[host] === 1) return;
    this.hosts.closed[host] = 1;
    this.#migrations.withdraw(host);
    this.#evacuations.push({
      ...{ host, from: this.#now, until: null },
      vms: wordAt(this.hosts.residents, host),
    });
    this.#noRoom += this.#placement.evacuate(host, this.#order("evacuation"));
    this.#rescaleAll();
    this.#emptied(host);
    this.#migrations.begin(this.#now);
  }

  /** Of those that are open, the one whose VMs have the most memory. */
  #busiest(): number {
    const { count, taken, closed } = this.hosts;
    let busiest = NONE;
    for (let host = 0; host < count; host++) {
      if (closed[host] === 1) continue;
      if (busiest === NONE || numberAt(taken, host) > numberAt(taken, busiest)) busiest = host;
    }
    return busiest;
  }

  #look(): void {
    const { hosts } = this;
    if (this.#now > 0) this.#draw();
    this.#migrations.withdraw();
    for (let vm = 0; vm < this.#guestOf.length; vm++) {
      const isPlaced = hosts.hostOf[vm] !== NONE;
      if (!isPlaced && !this.#waiting.has(vm)) continue;
      hosts.resize(vm, this.#guests.size(wordAt(this.#guestOf, vm), numberAt(this.#draws, vm)));
      this.#estimates++;
      if (isPlaced && this.#meter.isShort(vm)) this.#estimatesOfShort++;
    }
    this.#placement.begin();
    for (let host = 0; host < hosts.count; host++) {
      if (hosts.closed[host] === 0) continue;
      this.#noRoom += this.#placement.evacuate(host, this.#order("evacuation"));
    }
    this.#noRoom += this.#placement.relieve(this.#order("relief"));
    for (const [vm, since] of this.#waiting) {
      if (!this.#place(vm)) continue;
      this.#waiting.delete(vm);
      this.#waitingCycles += this.#now - since;
    }
    this.#placement.consolidate(this.#order("consolidation"));
    for (let host = 0; host < hosts.count; host++) this.#scales[host] = Number.NaN;
    this.#rescaleAll();
    this.#migrations.begin(this.#now);
    this.#series.push(this.#point());
    this.#timeline.push(this.#now + this.#config.decisions.every, LOOK, 0);
  }

  #order(reason: Reason): (vm: number) => void {
    return (vm) => this.#migrations.order(vm, reason);
  }

  #migrated(vm: number, from: number, to: number): void {
    this.#meter.changed(vm, this.#now);
    this.#rescale(from);
    this.#rescale(to);
    this.#emptied(from);
    this.#migrations.begin(this.#now);
  }

  /** Notes when a host that is evacuated has no VM any more. */
  #emptied(host: number): void {
    if (this.hosts.closed[host] === 0 || this.hosts.isOn(host)) return;
    const evacuation = this.#evacuations.find((one) => one.host === host);
    if (evacuation !== undefined) evacuation.until ??= this.#now;
  }

  #rescaleAll(): void {
    for (let host = 0; host < this.hosts.count; host++) this.#rescale(host);
  }

  /** The VMs of a host have another part of their sizes. */
  #rescale(host: number): void {
    const scale = this.hosts.scale(host);
    if (scale === this.#scales[host]) return;
    this.#scales[host] = scale;
    this.#meter.hostChanged(host, scale < 1, this.#now);
    const count = this.hosts.residentsOf(host, this.#residents);
    for (let n = 0; n < count; n++) this.#meter.changed(wordAt(this.#residents, n), this.#now);
  }

  #point(): Point {
    const { hosts } = this;
    const { pvmCpus } = this.#config.hosts;
    const busy = new Float64Array(hosts.count);
    const point = { vms: 0, given: 0, used: 0, shortVms: 0 };
    for (let vm = 0; vm < this.#guestOf.length; vm++) {
      const host = wordAt(hosts.hostOf, vm);
      if (host === NONE) continue;
      const guest = wordAt(this.#guestOf, vm);
      busy[host] = numberAt(busy, host) + numberAt(this.#guests.pvmShare, guest) / pvmCpus;
      point.vms++;
      point.given += hosts.left(vm);
      point.used += numberAt(this.#guests.used, guest);
      if (this.#meter.isShort(vm)) point.shortVms++;
    }
    for (const share of busy) if (share > 1) this.#overloaded++;
    return {
      time: this.#now,
      hosts: hosts.on,
      underWay: this.#migrations.underWay,
      pvmMost: busy.reduce((most, share) => Math.max(most, share), 0),
      ...point,
    };
  }
}
