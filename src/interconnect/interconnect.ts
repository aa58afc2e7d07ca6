/**
 * Carries messages between actors: owns virtual time, the sequence numbers and the queue. Each actor
 * has a port, an RxJS Subject that its messages arrive on; `delivered` shows every message to whoever
 * subscribes. Observers must not post.
 */
import { type Observable, Subject } from "rxjs";
import { UserError } from "../errors.ts";
import { EventQueue } from "./eventQueue.ts";
import { type ActorId, type Delivery, type Message, rowOf } from "./messages.ts";

export interface InterconnectSnapshot {
  readonly now: number;
  readonly sequence: number;
  readonly queue: readonly Delivery[];
}

/** A Subject whose next() is a plain loop: RxJS's makes an iterator and a closure for each value. */
class Port extends Subject<Delivery> {
  override next(delivery: Delivery): void {
    const { observers } = this;
    for (let i = 0; i < observers.length; i++) observers[i]!.next(delivery);
  }
}

/** A message was sent late by a wire that has no latency. */
export class DelayOnWireError extends Error {}

/** Whether two messages come in the order in which they are due, whoever decides about it. */
function isOrdered(one: Delivery, other: Delivery): boolean {
  return one.from === other.from && one.to === other.to && endsWork(one) === endsWork(other);
}

function endsWork({ message }: Delivery): boolean {
  return rowOf(message.type)?.after === "endOfWork";
}

/** Messages delivered at one time; what takes more than that does not end. */
const AT_ONCE_MOST = 1_000_000;

/** Messages without delay follow one another for ever. */
export class TimeStandsStillError extends Error {
  readonly delivery: Delivery;

  constructor(delivery: Delivery) {
    const { message, time } = delivery;
    super(
      `time stands still at cycle ${time}: after ${AT_ONCE_MOST} messages without delay comes "${message.type}"`,
    );
    this.delivery = delivery;
  }
}

/** Virtual time is exact up to here, in cycles: 43 days at 2.4 GHz. */
const TIME_MAX = Number.MAX_SAFE_INTEGER;

/** @throws UserError of a time that could not be told from others, and not be read back from a log */
function timeOf(now: number, delay: number, { type }: Message): number {
  const time = now + delay;
  if (time <= TIME_MAX) return time;
  throw new UserError(
    `"${type}" would come at cycle ${time.toLocaleString("en")}; virtual time ends at ${TIME_MAX.toLocaleString("en")}`,
  );
}

/** Says of a message between two actors why it may not be delayed: the wire's name; null if it may. */
export type WireRule = (from: ActorId, to: ActorId, type: Message["type"]) => string | null;

export class Interconnect {
  readonly #queue = new EventQueue();
  readonly #ports: Port[] = [];
  readonly #delivered = new Port();
  #now = 0;
  #sequence = 0;
  /** Messages delivered one after another at this time. */
  #atOnce = 0;
  #wires: WireRule = () => null;

  /** Every message, after its receiver and its receiver's device have handled it. */
  get delivered(): Observable<Delivery> {
    return this.#delivered;
  }

  /** Virtual time, in cycles. */
  get now(): number {
    return this.#now;
  }

  /** Messages posted so far. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Opens the port of a new actor and returns its address. */
  openPort(): { readonly id: ActorId; readonly port: Observable<Delivery> } {
    const port = new Port();
    this.#ports.push(port);
    return { id: this.#ports.length, port };
  }

  /** From now on messages are refused that are delayed on a wire which has no latency. */
  enforce(wires: WireRule): void {
    this.#wires = wires;
  }

  #refuseDelay(from: ActorId, to: ActorId, delay: number, { type }: Message): void {
    const wire = this.#wires(from, to, type);
    if (wire === null) return;
    throw new DelayOnWireError(
      `message "${type}" with a delay of ${delay} cycles on the wire ${wire}, which has none`,
    );
  }

  /**
   * Posts a message for delivery `delay` cycles from now.
   * @throws DelayOnWireError if the wire between the two has no latency; UserError if virtual time ends before
   */
  post(from: ActorId, to: ActorId, delay: number, message: Message): void {
    if (to < 1 || to > this.#ports.length) {
      throw new Error(`message "${message.type}" to actor ${to}, which does not exist`);
    }
    if (!(delay >= 0)) throw new Error(`message "${message.type}" with delay ${delay}`);
    if (delay > 0) this.#refuseDelay(from, to, delay, message);
    const time = timeOf(this.#now, delay, message);
    const delivery = {
      sequence: ++this.#sequence,
      time,
      from,
      to,
      message,
    };
    this.#queue.push(delivery, this.#now);
  }

  /** Delivers the next message; false if none is left. */
  step(): boolean {
    const delivery = this.#queue.pop();
    if (delivery === undefined) return false;
    if (delivery.time > this.#now) this.#atOnce = 0;
    else if (++this.#atOnce > AT_ONCE_MOST) throw new TimeStandsStillError(delivery);
    this.#deliver(delivery);
    return true;
  }

  /**
   * Delivers a pending message before its turn. It arrives no earlier than it would have; the messages
   * that it overtakes become late. Throws if it is not pending, or may not be delivered next.
   */
  stepTo(sequence: number): void {
    if (!this.mayDeliver(sequence)) {
      throw new Error(`message ${sequence} would overtake one between the same two actors`);
    }
    this.#deliver(this.#queue.take(sequence)!);
  }

  /**
   * Whether a pending message may be delivered next: two actors' messages to each other keep their order.
   * Those to oneself are timers, which end in any order; and see `after` in messages.ts.
   */
  mayDeliver(sequence: number): boolean {
    const pending = this.#queue.list();
    const wanted = this.#pendingOf(sequence);
    if (wanted.from === wanted.to) return true;
    const first = pending.find((one) => isOrdered(one, wanted));
    return first === wanted;
  }

  /** Takes a pending message away: it is never delivered. Throws if it is not pending. */
  drop(sequence: number): void {
    this.#pendingOf(sequence);
    this.#queue.take(sequence);
  }

  /**
   * Delivers a pending message `cycles` later. Pending ones between the same two actors that would now
   * overtake it come at the same time, after it.
   */
  postpone(sequence: number, cycles: number): void {
    if (!(cycles >= 0))
      throw new Error(`message ${sequence} cannot be postponed by ${cycles} cycles`);
    const late = this.#pendingOf(sequence);
    const time = timeOf(late.time, cycles, late.message);
    const pending = this.#queue.list();
    const after = pending.slice(pending.indexOf(late));
    const moved = after.filter((one) => isOrdered(one, late) && one.time < time);
    for (const one of moved) {
      this.#queue.take(one.sequence);
      this.#queue.push({ ...one, time }, this.#now);
    }
  }

  #pendingOf(sequence: number): Delivery {
    const found = this.#queue.list().find((delivery) => delivery.sequence === sequence);
    if (found === undefined) throw new Error(`message ${sequence} is not pending`);
    return found;
  }

  #deliver(queued: Delivery): void {
    // Only a message that another has overtaken is late.
    const delivery = queued.time < this.#now ? { ...queued, time: this.#now } : queued;
    this.#now = delivery.time;
    this.#ports[delivery.to - 1]!.next(delivery);
    if (this.#delivered.observed) this.#delivered.next(delivery);
  }

  /**
   * How far a guest may run: the time of the next message that could affect it. Another CPU's next
   * burst could not, except through memory, and for that the quantum bounds a burst.
   */
  horizon(): number {
    return this.#queue.nextTimeExcept("continueGuest");
  }

  /** When the next message is due; Infinity if there is none. */
  get nextTime(): number {
    return this.#queue.nextTime;
  }

  /** The queued messages in order. */
  pending(): readonly Delivery[] {
    return this.#queue.list();
  }

  save(): InterconnectSnapshot {
    return { now: this.#now, sequence: this.#sequence, queue: this.#queue.list() };
  }

  restore(snapshot: InterconnectSnapshot): void {
    this.#now = snapshot.now;
    this.#sequence = snapshot.sequence;
    this.#queue.restore(snapshot.queue);
  }
}
