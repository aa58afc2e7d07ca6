/**
 * Records a run: every intervention and every delivered message in order, a digest of the receiver's
 * state behind each message, and at checkpoints digests of all memory and all actors.
 */
import type { Subscription } from "rxjs";
import { encodeFrame, extendDigest, PAYLOAD_MAX } from "../../workloads/trace/format.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { Intervention } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import { BlockEncoder } from "./encoder.ts";
import { encodeEnd, encodePreamble, FrameType } from "./format.ts";
import { headerOf, type Origin } from "./identity.ts";
import { StateDigests } from "./stateDigest.ts";

/** Where a log's bytes go. */
export interface LogSink {
  /** Appends whole blocks. */
  write(bytes: Uint8Array): void;
  /** Nothing more will come: the log is whole. */
  finish(): void;
}

/** Messages to the first checkpoint, and between two at most, if memory is small. */
const CHECKPOINT_FIRST = 256;
const CHECKPOINT_MESSAGES = 16384;
/** Words of memory digested for each message, on average at most: a few percent of a run's time. */
const WORDS_PER_MESSAGE = 8;

export class Recorder {
  /** Why recording has ended early: a sink that cannot take more. The run goes on without it. */
  failure: unknown = null;
  readonly #system: System;
  readonly #sink: LogSink;
  readonly #encoder = new BlockEncoder();
  readonly #states: StateDigests;
  readonly #subscriptions: readonly Subscription[];
  #frames = 0;
  #messages = 0;
  #digest = 0;
  #nextCheckpoint: number;

  /**
   * Begins to record a system that has delivered nothing yet.
   * @throws whatever the sink throws
   */
  constructor(system: System, origin: Origin, sink: LogSink) {
    this.#system = system;
    this.#sink = sink;
    this.#states = new StateDigests(system);
    this.#nextCheckpoint = nextCheckpoint(system, 0);
    const header = Buffer.from(JSON.stringify(headerOf(system, origin)));
    if (header.length > PAYLOAD_MAX) throw new Error("the scenario is too large to be recorded");
    sink.write(Buffer.concat([encodePreamble(), this.#frame(FrameType.header, header)]));
    this.#encoder.begin(0, 0, 0);
    this.#subscriptions = [
      system.interconnect.delivered.subscribe((delivery) => this.#delivered(delivery)),
      system.interventions.subscribe((intervention) => this.#intervened(intervention)),
    ];
  }

  /** Messages recorded so far. */
  get messages(): number {
    return this.#messages;
  }

  /** Writes the rest and the end marker. @throws what the sink has thrown */
  finish(): void {
    this.stop();
    if (this.failure !== null) throw this.failure;
    this.#checkpoint();
    this.#flush();
    const { done, interconnect } = this.#system;
    const end = { messages: this.#messages, time: interconnect.now, complete: done };
    this.#sink.write(this.#frame(FrameType.end, encodeEnd({ ...end, digest: this.#digest })));
    this.#sink.finish();
  }

  /** Stops without an end marker. */
  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #delivered(delivery: Delivery): void {
    if (this.failure !== null) return;
    // RxJS would report an error later, and to nobody.
    try {
      this.#encoder.message(delivery, this.#states.of(delivery.to));
      if (++this.#messages === this.#nextCheckpoint) this.#checkpoint();
      if (this.#encoder.full) this.#flush();
    } catch (error) {
      this.failure = error;
    }
  }

  #intervened(intervention: Intervention): void {
    if (this.failure !== null) return;
    try {
      this.#encoder.intervention(intervention);
      if (this.#encoder.full) this.#flush();
    } catch (error) {
      this.failure = error;
    }
  }

  #checkpoint(): void {
    this.#encoder.checkpoint(Object.values(this.#system.digests()));
    this.#nextCheckpoint = nextCheckpoint(this.#system, this.#messages);
  }

  #flush(): void {
    const frame = this.#frame(FrameType.entries, this.#encoder.payload);
    this.#digest = extendDigest(this.#digest, frame.readUInt32LE(12));
    this.#sink.write(frame);
    this.#encoder.begin(this.#messages, this.#system.interconnect.now, this.#digest);
  }

  #frame(type: number, payload: Buffer): Buffer {
    return Buffer.concat([encodeFrame(type, this.#frames++, payload), payload]);
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
