/**
 * A run through which one can go forwards and backwards. It is given as a way to build the system and the
 * interventions made in it; everything else follows. Going back is the nearest snapshot before, and the
 * rest of the way forwards.
 */

import { Counter } from "../hardware/counters.ts";
import type { Delivery } from "../interconnect/messages.ts";
import { itemAt, numberAt } from "../lookup.ts";
import type { Intervention } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import { type Kept, SnapshotStore } from "./snapshots.ts";
import { intervene, type TimedIntervention } from "./timedIntervention.ts";

export interface TimelineOptions {
  /** Bytes of memory for snapshots. Default: 256 MiB. */
  readonly memoryBytes?: number;
  /** Messages, about, between two snapshots at least. Default: 1024, and more where memory is large. */
  readonly spacing?: number;
}

/** A message, and where it stands: `position` is the number of messages delivered with it. */
export interface Moment {
  readonly position: number;
  readonly delivery: Delivery;
}

/** Something that changed with a message. */
export interface Change<Value> extends Moment {
  readonly before: Value;
  readonly after: Value;
}

const MEMORY_BYTES = 256 << 20;
/** Accesses of a guest that take about as long as a message. */
const ACCESSES_PER_WORK = 32;
/** Work between two snapshots on the way forwards: what one costs, some ten times over. */
const WORK_MIN = 1024;
const WORDS_PER_WORK = 128;
/** On the way back to a point, snapshots are left before it, closer and closer down to this part of it. */
const CLOSER = 16;

export class Timeline {
  /** The system at the present position: to be looked at. Only this timeline may run or change it. */
  readonly system: System;
  readonly #interventions: TimedIntervention[];
  readonly #snapshots: SnapshotStore;
  readonly #spacingAsked: number | undefined;
  #position = 0;
  /** Interventions made so far. */
  #made = 0;
  #work = 0;
  #accesses = 0;
  #last: Delivery | null = null;
  #delivered: Delivery | null = null;
  #end: number | null = null;
  #workAtSnapshot = 0;

  /**
   * @param system with nothing delivered yet
   * @param interventions in order: positions ascending
   */
  constructor(
    system: System,
    interventions: readonly TimedIntervention[] = [],
    options: TimelineOptions = {},
  ) {
    this.system = system;
    this.#interventions = [...interventions];
    this.#spacingAsked = options.spacing;
    this.#snapshots = new SnapshotStore(options.memoryBytes ?? MEMORY_BYTES);
    system.interconnect.delivered.subscribe((delivery) => {
      this.#delivered = delivery;
    });
    this.#keep();
  }

  /** Messages delivered before the present. */
  get position(): number {
    return this.#position;
  }

  /** Messages of the whole run; null as long as its end has not been seen. */
  get end(): number | null {
    return this.#end;
  }

  /** The message delivered last; null at the start. */
  get last(): Delivery | null {
    return this.#last;
  }

  /** All interventions of the run, those after the present position too. */
  get interventions(): readonly TimedIntervention[] {
    return this.#interventions;
  }

  /** Snapshots kept, and the bytes they take. */
  get memory(): { readonly snapshots: number; readonly bytes: number } {
    return { snapshots: this.#snapshots.count, bytes: this.#snapshots.bytes };
  }

  /** Goes one message on; null at the end. */
  step(): Delivery | null {
    this.#delivered = null;
    while (this.#delivered === null && this.#made < this.#interventions.length) {
      const next = itemAt(this.#interventions, this.#made);
      if (next.at > this.#position) break;
      this.#made++;
      intervene(this.system, next);
    }
    // An intervention may have delivered one.
    const delivered = this.#delivered !== null || this.system.step();
    if (!delivered) {
      this.#end = this.#position;
      return null;
    }
    this.#position++;
    this.#last = this.#delivered;
    this.#countWork();
    if (this.#work - this.#workAtSnapshot >= this.#spacing) this.#keep();
    return this.#last;
  }

  /** Goes up to so many messages on; returns how many there were. */
  run(messages = Number.POSITIVE_INFINITY): number {
    let delivered = 0;
    while (delivered < messages && this.step() !== null) delivered++;
    return delivered;
  }

  /** Goes to a position, or to the end if that is before it. Returns the position. */
  seek(position: number): number {
    return finish(this.seeking(position));
  }

  /** Goes behind the last message up to a virtual time, in cycles. Returns the position. */
  seekTime(time: number): number {
    return finish(this.seekingTime(time));
  }

  /** seek, a message at a time: each yield says how much of the way is done, as a part of 1. */
  *seeking(position: number): Generator<number, number> {
    const target = Math.max(0, Math.min(position, this.#end ?? position));
    const nearest = this.#snapshots.before(target);
    if (target < this.#position || nearest.position > this.#position) this.#restore(nearest);
    // Snapshots are left before the target: steps back from there are short.
    const least = this.#spacing / CLOSER;
    const from = this.#position;
    while (this.#position < target) {
      if (this.step() === null) break;
      const done = this.#work - this.#workAtSnapshot;
      if (done >= least && done >= target - this.#position) this.#keep();
      yield (this.#position - from) / (target - from);
    }
    return this.#position;
  }

  /** seekTime, in pieces. */
  *seekingTime(time: number): Generator<number, number> {
    const { interconnect } = this.system;
    const nearest = this.#snapshots.upTo(time);
    if (time < interconnect.now || nearest.position > this.#position) this.#restore(nearest);
    const from = interconnect.now;
    while (interconnect.nextTime <= time && this.step() !== null) {
      yield (interconnect.now - from) / (time - from);
    }
    return this.#position;
  }

  /** Goes one message back; false at the start. */
  stepBack(): boolean {
    if (this.#position === 0) return false;
    this.seek(this.#position - 1);
    return true;
  }

  /**
   * Goes back to behind the last message before the present one for which the predicate holds; stays
   * where it is if there is none. The predicate sees the system right after the message.
   */
  runBackTo(predicate: (delivery: Delivery, system: System) => boolean): Moment | null {
    const found = finish(this.lookingBack(this.#position - 1, predicate));
    if (found !== null) this.seek(found.position);
    return found;
  }

  /**
   * The last message up to a position for which the predicate holds, in pieces: each yield says how much of
   * the way is done. Stays where it is, also if it is given up. The predicate sees the messages from one
   * snapshot to the next in order, the last such stretch first; `begin` sees the system before each.
   */
  *lookingBack(
    end: number,
    predicate: (delivery: Delivery, system: System) => boolean,
    begin: (system: System) => void = () => {},
  ): Generator<number, Moment | null> {
    const here = { position: this.#position, made: this.#made };
    let found: Moment | null = null;
    try {
      yield* this.#backwards(
        end,
        (delivery) => {
          if (predicate(delivery, this.system)) found = { position: this.#position, delivery };
          return found;
        },
        () => begin(this.system),
      );
    } finally {
      this.#return(here);
    }
    return found;
  }

  /**
   * The messages from a position to the present once more, in order: to learn what happened there. Stays where it is.
   * @param begin sees the system at that position
   */
  again(from: number, begin: () => void, visit: (delivery: Delivery) => void): void {
    finish(this.goingAgain(from, begin, visit));
  }

  /** again, in pieces: each yield says how much of the way is done. Stays where it is, also if it is given up. */
  *goingAgain(
    from: number,
    begin: () => void = () => {},
    visit: (delivery: Delivery) => void = () => {},
  ): Generator<number, void> {
    const here = { position: this.#position, made: this.#made };
    try {
      if (from < here.position) yield* this.seeking(from);
      begin();
      while (this.#position < here.position) {
        const delivery = this.step();
        if (delivery === null) break;
        visit(delivery);
        yield (this.#position - from) / (here.position - from);
      }
    } finally {
      this.#return(here);
    }
  }

  /** Goes on to behind the next message for which the predicate holds; to the end if there is none. */
  runTo(predicate: (delivery: Delivery, system: System) => boolean): Moment | null {
    for (let delivery = this.step(); delivery !== null; delivery = this.step()) {
      if (predicate(delivery, this.system)) return { position: this.#position, delivery };
    }
    return null;
  }

  /**
   * The last message up to the present that changed something: a watchpoint, backwards. Stays where it is.
   * @param watch what is watched; a number or a text, for instance of watch.ts
   */
  lastChange<Value extends string | number>(
    watch: (system: System) => Value,
  ): Change<Value> | null {
    const here = { position: this.#position, made: this.#made };
    let found: Change<Value> | null = null;
    let before = watch(this.system);
    const way = this.#backwards(
      here.position,
      (delivery) => {
        const after = watch(this.system);
        if (after !== before) found = { position: this.#position, delivery, before, after };
        before = after;
        return found;
      },
      () => {
        before = watch(this.system);
      },
    );
    finish(way);
    this.#return(here);
    return found;
  }

  /**
   * Does something to the run here and now. What had followed is forgotten: from here on this is another
   * run. Throws, and changes nothing, if it cannot be done.
   */
  intervene(intervention: Intervention): void {
    const made: TimedIntervention = { at: this.#position, intervention };
    this.#delivered = null;
    this.system.intervene(intervention);
    this.#interventions.splice(this.#made++, Number.POSITIVE_INFINITY, made);
    this.#snapshots.dropAfter(made.at);
    this.#end = null;
    if (this.#delivered === null) return;
    this.#position++;
    this.#last = this.#delivered;
    this.#countWork();
  }

  /**
   * Visits the messages up to a position, from one snapshot to the next at a time and the last such
   * stretch first, until a visit of a stretch has found something.
   */
  *#backwards(
    end: number,
    visit: (delivery: Delivery) => unknown,
    begin: () => void,
  ): Generator<number, void> {
    let stretchEnd = end;
    while (stretchEnd > 0) {
      const begun = this.#snapshots.before(stretchEnd - 1);
      this.#restore(begun);
      begin();
      let found: unknown = null;
      while (this.#position < stretchEnd) {
        const delivery = this.step();
        if (delivery === null) break;
        found = visit(delivery);
        yield (end - stretchEnd) / end;
      }
      if (found !== null) return;
      stretchEnd = begun.position;
    }
  }

  /** Goes to a position where interventions may have been made already. */
  #return({ position, made }: { readonly position: number; readonly made: number }): void {
    this.seek(position);
    while (this.#made < made) {
      intervene(this.system, itemAt(this.#interventions, this.#made++));
    }
  }

  get #spacing(): number {
    if (this.#spacingAsked !== undefined) return this.#spacingAsked;
    return Math.max(WORK_MIN, this.system.world.memory.words.length / WORDS_PER_WORK);
  }

  #keep(): void {
    const place: Kept = {
      position: this.#position,
      interventions: this.#made,
      work: this.#work,
      time: this.system.interconnect.now,
      last: this.#last,
    };
    this.#snapshots.add(place, this.system.save());
    this.#workAtSnapshot = this.#work;
  }

  #restore(kept: Kept): void {
    this.system.restore(this.#snapshots.get(kept.position));
    this.#position = kept.position;
    this.#made = kept.interventions;
    this.#work = kept.work;
    this.#workAtSnapshot = kept.work;
    this.#accesses = this.#countAccesses();
    this.#last = kept.last;
  }

  #countWork(): void {
    const accesses = this.#countAccesses();
    this.#work += 1 + Math.max(0, accesses - this.#accesses) / ACCESSES_PER_WORK;
    this.#accesses = accesses;
  }

  #countAccesses(): number {
    let accesses = 0;
    for (const { counters } of this.system.world.vcpus) {
      accesses += numberAt(counters.values, Counter.accesses);
    }
    return accesses;
  }
}

/** Goes all of a way that is made in pieces. */
export function finish<Result>(way: Generator<number, Result>): Result {
  let step = way.next();
  while (!step.done) step = way.next();
  return step.value;
}
