/** The migrations of a day: so many at a time from a host and to one, each step by step, over links that they share. */

import { CYCLES_PER_SECOND } from "../../../config/units.ts";
import { present, wordAt } from "../../../lookup.ts";
import { policyOf } from "../../../system/operations/migration/precopySchema.ts";
import type { FleetConfig } from "../fleetSchema.ts";
import { Links } from "../links.ts";
import { Precopy, type PrecopySettings, type Step } from "../precopy.ts";
import type { Timeline } from "../timeline.ts";
import type { Guests } from "./guests.ts";
import type { Hosts } from "./hosts.ts";

/** Why a VM goes elsewhere. */
export type Reason = "evacuation" | "relief" | "consolidation";

/** Kinds of events on the timeline; their subject is the migration's number. */
export interface MigrationEvents {
  /** Time is over that a step takes. */
  readonly step: number;
  /** All bytes of a step have been sent. */
  readonly sent: number;
}

/** Migrations that are over, and what they took. Times in cycles. */
export interface MigrationTotals {
  completed: number;
  givenUp: number;
  /** The VM left, or the order was withdrawn at the next look before it began. */
  abandoned: number;
  withdrawn: number;
  byReason: Record<Reason, number>;
  bytes: number;
  time: number;
  longest: number;
  downtime: number;
  longestDowntime: number;
  pvmCycles: number;
  /** Windows between two harvests, and those of them that were longer than any that was measured. */
  windows: number;
  windowsTooLong: number;
}

/** What a migration's end is to others. */
export interface MigrationListener {
  /** The VM is on its target from now on, or stays where it is; nothing is set aside for it any more. */
  ended(vm: number, from: number, to: number, isMoved: boolean): void;
  /** The VM stood still. */
  stoodStill(vm: number, cycles: number): void;
}

interface Migration {
  readonly id: number;
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  readonly reason: Reason;
  readonly begin: number;
  readonly precopy: Precopy;
  /** Of the event that is waited for. */
  version: number;
  /** Behind the bytes under way; null: none are. */
  latency: number | null;
}

type Waiting = Pick<Migration, "vm" | "from" | "to" | "reason">;

export class Migrations {
  readonly totals: MigrationTotals = {
    completed: 0,
    givenUp: 0,
    abandoned: 0,
    withdrawn: 0,
    byReason: { evacuation: 0, relief: 0, consolidation: 0 },
    bytes: 0,
    time: 0,
    longest: 0,
    downtime: 0,
    longestDowntime: 0,
    pvmCycles: 0,
    windows: 0,
    windowsTooLong: 0,
  };
  readonly #guests: Guests;
  readonly #hosts: Hosts;
  readonly #guestOf: Int32Array;
  readonly #timeline: Timeline;
  readonly #events: MigrationEvents;
  readonly #listener: MigrationListener;
  readonly #together: number;
  readonly #settings: PrecopySettings;
  readonly #links: Links;
  readonly #running = new Map<number, Migration>();
  readonly #byVm = new Map<number, Migration>();
  #waiting: Waiting[] = [];
  /** By host: migrations from it and to it that are under way. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  #next = 0;

  constructor(
    { migration, hosts: { count, link } }: FleetConfig,
    parts: {
      readonly guests: Guests;
      readonly hosts: Hosts;
      readonly guestOf: Int32Array;
      readonly timeline: Timeline;
      readonly events: MigrationEvents;
      readonly listener: MigrationListener;
    },
  ) {
    const { policy, batch, latency, together } = migration;
    this.#guests = parts.guests;
    this.#hosts = parts.hosts;
    this.#guestOf = parts.guestOf;
    this.#timeline = parts.timeline;
    this.#events = parts.events;
    this.#listener = parts.listener;
    this.#together = together;
    this.#settings = { policy: policyOf(policy), batchPages: batch, latencyCycles: latency };
    this.#from = new Int32Array(count);
    this.#to = new Int32Array(count);
    this.#links = new Links(count, link, (id, end) => {
      const one = present(this.#running.get(id), "a migration under way");
      parts.timeline.push(end * CYCLES_PER_SECOND, parts.events.sent, id, ++one.version);
    });
  }

  /** Those that have begun. */
  get underWay(): number {
    return this.#running.size;
  }

  /** Orders a migration to the host where room is set aside; begin() lets it begin. */
  order(vm: number, reason: Reason): void {
    const [from, to] = [wordAt(this.#hosts.hostOf, vm), wordAt(this.#hosts.targetOf, vm)];
    this.#waiting.push({ vm, from, to, reason });
  }

  /** Orders that have not begun are void, or those to one host; what was set aside for them is free. */
  withdraw(target?: number): void {
    const still = this.#waiting.filter(({ to }) => target !== undefined && to !== target);
    for (const { vm, to } of this.#waiting) {
      if (target === undefined || to === target) this.#hosts.release(vm);
    }
    this.totals.withdrawn += this.#waiting.length - still.length;
    this.#waiting = still;
  }

  /** Begins what both hosts have a place for, in the order of the orders. */
  begin(now: number): void {
    if (this.#waiting.length === 0) return;
    const still: Waiting[] = [];
    for (const one of this.#waiting) {
      const { from, to } = one;
      if (wordAt(this.#from, from) >= this.#together || wordAt(this.#to, to) >= this.#together)
        still.push(one);
      else this.#start(one, now);
    }
    this.#waiting = still;
  }

  /** An event of the timeline. @returns whether a migration has ended */
  happened(kind: number, id: number, version: number, now: number): boolean {
    const one = this.#running.get(id);
    if (one === undefined || one.version !== version) return false;
    if (kind === this.#events.sent) {
      this.#links.end(id, now / CYCLES_PER_SECOND);
      const latency = one.latency ?? 0;
      one.latency = null;
      this.#timeline.push(now + latency, this.#events.step, id, ++one.version);
      return false;
    }
    return this.#take(one, one.precopy.next(now, this.#links.rateFor(one.from, one.to)), now);
  }

  /** A VM is about to go for good: so is its migration. */
  abandon(vm: number, now: number): void {
    const one = this.#byVm.get(vm);
    if (one === undefined) {
      const isHers = (each: Waiting): boolean => each.vm === vm;
      if (!this.#waiting.some(isHers)) return;
      this.#waiting = this.#waiting.filter((each) => !isHers(each));
      this.#hosts.release(vm);
    } else {
      if (one.latency !== null) this.#links.end(one.id, now / CYCLES_PER_SECOND);
      this.#forget(one);
      this.#hosts.release(vm);
    }
    this.totals.abandoned++;
  }

  #start({ vm, from, to, reason }: Waiting, now: number): void {
    const id = this.#next++;
    const precopy = new Precopy(this.#guest(vm), this.#settings, now);
    const one: Migration = {
      ...{ id, vm, from, to, reason, precopy },
      ...{ begin: now, version: 0, latency: null },
    };
    this.#running.set(id, one);
    this.#byVm.set(vm, one);
    this.#from[from] = wordAt(this.#from, from) + 1;
    this.#to[to] = wordAt(this.#to, to) + 1;
    this.#take(one, precopy.begin(), now);
  }

  /** What the balloon has taken, and what is swapped, is not sent. */
  #guest(vm: number) {
    const guests = this.#guests;
    const { mapped, setup, harvest, harvestPage } = guests.migration(wordAt(this.#guestOf, vm));
    const left = this.#hosts.left(vm);
    const hasAll = left >= wordAt(guests.memory, wordAt(this.#guestOf, vm));
    // With all that it has its tables are sent, too.
    const most = hasAll ? mapped : Math.max(1, Math.min(mapped, Math.floor(left)));
    return {
      mapped: most,
      setup,
      harvest: (pages: number) => harvest + harvestPage * pages,
      dirtied: (window: number) => {
        // It may be another guest by now.
        const guest = wordAt(this.#guestOf, vm);
        this.totals.windows++;
        if (guests.isTooLong(guest, window)) this.totals.windowsTooLong++;
        return Math.min(most, guests.dirtied(guest, window));
      },
    };
  }

  #take(one: Migration, step: Step, now: number): boolean {
    const { id, from, to } = one;
    switch (step.what) {
      case "wait":
        this.#timeline.push(now + step.cycles, this.#events.step, id, ++one.version);
        return false;
      case "send":
        one.latency = step.latency;
        this.#links.start(id, from, to, step.bytes, now / CYCLES_PER_SECOND);
        return false;
      default:
        this.#end(one, step.what === "completed", now);
        return true;
    }
  }

  #end(one: Migration, isMoved: boolean, now: number): void {
    const { vm, from, to, reason, begin, precopy } = one;
    const { totals } = this;
    this.#forget(one);
    totals.bytes += precopy.progress.bytesSent;
    totals.pvmCycles += this.#guests.migration(wordAt(this.#guestOf, vm)).pvmCycles;
    if (isMoved) {
      const time = now - begin;
      const downtime = precopy.downtime ?? 0;
      totals.completed++;
      totals.byReason[reason]++;
      totals.time += time;
      totals.longest = Math.max(totals.longest, time);
      totals.downtime += downtime;
      totals.longestDowntime = Math.max(totals.longestDowntime, downtime);
      this.#listener.stoodStill(vm, downtime);
      this.#hosts.arrive(vm);
    } else {
      totals.givenUp++;
      this.#hosts.release(vm);
    }
    this.#listener.ended(vm, from, to, isMoved);
  }

  #forget({ id, vm, from, to }: Migration): void {
    this.#running.delete(id);
    this.#byVm.delete(vm);
    this.#from[from] = wordAt(this.#from, from) - 1;
    this.#to[to] = wordAt(this.#to, to) - 1;
  }
}
