/**
 * Records a run: every intervention and every delivered message in order, a digest of the receiver's
 * state behind each message, and at checkpoints digests of all memory and all actors.
 */
import type { Subscription } from "rxjs";
import type { Delivery } from "../interconnect/messages.ts";
import type { Intervention } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import type { LogEnd } from "./format.ts";
import { headerOf, type Origin } from "./identity.ts";
import { StateDigests } from "./stateDigest.ts";
import { type LogSink, LogWriter } from "./writer.ts";

/** Messages to the first checkpoint, and between two at most, if memory is small. */
const CHECKPOINT_FIRST = 256;
const CHECKPOINT_MESSAGES = 16384;
/** Words of memory digested for each message, on average at most: a few percent of a run's time. */
const WORDS_PER_MESSAGE = 8;

export class Recorder {
  /** Why recording has ended early: a sink that cannot take more. The run goes on without it. */
  failure: unknown = null;
  readonly #system: System;
  readonly #writer: LogWriter;
  readonly #states: StateDigests;
  readonly #subscriptions: readonly Subscription[];
  #nextCheckpoint: number;

  /**
   * Begins to record a system that has delivered nothing yet.
   * @param blockBytes see LogWriter
   * @throws whatever the sink throws
   */
  constructor(system: System, origin: Origin, sink: LogSink, blockBytes?: number) {
    this.#system = system;
    this.#states = new StateDigests(system);
    this.#nextCheckpoint = nextCheckpoint(system, 0);
    this.#writer = new LogWriter(sink, headerOf(system, origin), blockBytes);
    this.#subscriptions = [
      system.interconnect.delivered.subscribe((delivery) => this.#delivered(delivery)),
      system.interventions.subscribe((intervention) => this.#intervened(intervention)),
    ];
  }

  /** Messages recorded so far. */
  get messages(): number {
    return this.#writer.messages;
  }

  /** Writes the rest and the end marker. @throws what the sink has thrown */
  finish(): LogEnd {
    this.stop();
    if (this.failure !== null) throw this.failure;
    this.#checkpoint();
    return this.#writer.finish(this.#system.done);
  }

  /** Stops without an end marker. */
  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #delivered(delivery: Delivery): void {
    if (this.failure !== null) return;
    // RxJS would report an error later, and to nobody.
    try {
      const { sequence } = this.#system.interconnect;
      this.#writer.message(delivery, sequence, this.#states.of(delivery.to));
      if (this.#writer.messages === this.#nextCheckpoint) this.#checkpoint();
    } catch (error) {
      this.failure = error;
    }
  }

  #intervened(intervention: Intervention): void {
    if (this.failure !== null) return;
    try {
      this.#writer.intervention(intervention);
    } catch (error) {
      this.failure = error;
    }
  }

  #checkpoint(): void {
    this.#writer.checkpoint(Object.values(this.#system.digests()));
    this.#nextCheckpoint = nextCheckpoint(this.#system, this.messages);
  }
}

/** After how many messages the next checkpoint is due: often at first, and seldom where it costs much. */
function nextCheckpoint(system: System, messages: number): number {
  let words = 0;
  for (const part of system.parts()) {
    for (const array of Object.values(part.arrays())) words += array.byteLength / 4;
  }
  const often = Math.min(Math.max(messages, CHECKPOINT_FIRST), CHECKPOINT_MESSAGES);
  return messages + Math.max(often, Math.ceil(words / WORDS_PER_MESSAGE));
}
