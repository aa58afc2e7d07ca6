/** Writes message logs: entries into blocks, blocks into frames, and the end marker. */
import { encodeFrame, extendDigest, PAYLOAD_MAX } from "../../workloads/trace/format.ts";
import { UserError } from "../errors.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { Intervention } from "../system/intervention.ts";
import { BlockEncoder } from "./encoder.ts";
import {
  BLOCK_BYTES,
  encodeEnd,
  encodePreamble,
  FrameType,
  type LogEnd,
  type LogHeader,
} from "./format.ts";

/** Where a log's bytes go. */
export interface LogSink {
  /** Appends whole blocks. */
  write(bytes: Uint8Array): void;
  /** Nothing more will come: the log is whole. */
  finish(): void;
}

export class LogWriter {
  readonly #sink: LogSink;
  readonly #blockBytes: number;
  readonly #encoder = new BlockEncoder();
  #frames = 0;
  #messages = 0;
  #time = 0;
  #digest = 0;

  /**
   * Writes the header.
   * @param blockBytes a block is written when it is this large: what a killed process loses at most
   */
  constructor(sink: LogSink, header: LogHeader, blockBytes: number = BLOCK_BYTES) {
    this.#sink = sink;
    this.#blockBytes = Math.min(blockBytes, BLOCK_BYTES);
    const payload = Buffer.from(JSON.stringify(header));
    if (payload.length > PAYLOAD_MAX) throw new UserError("the scenario is too large for a log");
    sink.write(Buffer.concat([encodePreamble(), this.#frame(FrameType.header, payload)]));
    this.#encoder.begin(0, 0, 0);
  }

  /** Messages written so far. */
  get messages(): number {
    return this.#messages;
  }

  /**
   * @param posted messages posted since the start, when this one had been handled
   * @param digest of the receiver's state after it (stateDigest.ts)
   */
  message(delivery: Delivery, posted: number, digest: number): void {
    this.#encoder.message(delivery, posted, digest);
    this.#messages++;
    this.#time = delivery.time;
    if (this.#encoder.length >= this.#blockBytes) this.#flush();
  }

  intervention(intervention: Intervention): void {
    this.#encoder.intervention(intervention);
    if (this.#encoder.length >= this.#blockBytes) this.#flush();
  }

  /** @param digests of the header's parts, in order */
  checkpoint(digests: readonly string[]): void {
    this.#encoder.checkpoint(digests);
    if (this.#encoder.length >= this.#blockBytes) this.#flush();
  }

  /** Writes the rest and the end marker. @param complete whether the run came to its end */
  finish(complete: boolean): LogEnd {
    if (!this.#encoder.empty) this.#flush();
    const end = { messages: this.#messages, time: this.#time, digest: this.#digest, complete };
    this.#sink.write(this.#frame(FrameType.end, encodeEnd(end)));
    this.#sink.finish();
    return end;
  }

  #flush(): void {
    const frame = this.#frame(FrameType.entries, this.#encoder.payload);
    this.#digest = extendDigest(this.#digest, frame.readUInt32LE(12));
    this.#sink.write(frame);
    this.#encoder.begin(this.#messages, this.#time, this.#digest);
  }

  #frame(type: number, payload: Buffer): Buffer {
    return Buffer.concat([encodeFrame(type, this.#frames++, payload), payload]);
  }
}
