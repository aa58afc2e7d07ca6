/** The tap of a machine, with its ring: from what is noted to the stream of the guest. */
import { createRing } from "../tap/ring.ts";
import { type MachineSink, MachineStream, type StreamCounts } from "./machineStream.ts";
import type { Pc } from "./v86.ts";
import type { VirtualClock } from "./virtualClock.ts";

const RECORD_WORDS = 3;

/** Of what is noted before begin() nothing is kept. */
export class MachineRecorder {
  readonly counts: StreamCounts;
  readonly put: (linear: number, key: number, count: number) => void;
  readonly #clock: VirtualClock;
  readonly #sink: MachineSink;
  readonly #memoryBytes: number;
  readonly #ring: ReturnType<typeof createRing>;
  /** The machine that is noted, and its stream. */
  #noted: { readonly pc: Pc; readonly stream: MachineStream } | undefined;

  /** @param accesses that it has made before */
  constructor(clock: VirtualClock, sink: MachineSink, memoryBytes: number, accesses: number) {
    this.#clock = clock;
    this.#sink = sink;
    this.#memoryBytes = memoryBytes;
    this.counts = { accesses, physical: 0, flushes: 0, translations: 0 };
    this.#ring = createRing(RECORD_WORDS, {
      full: (words) => {
        const stream = this.#noted?.stream;
        if (stream !== undefined) {
          stream.take(this.#ring.words, words);
          if (stream.isFull) this.#time(stream);
        }
        return 0;
      },
    });
    this.put = this.#ring.put;
  }

  get accesses(): number {
    return this.counts.accesses;
  }

  /**
   * A restored machine has touched all of its pages: what follows is the guest's.
   * @param again whether its guest was noted before: nothing is cached in the processor that it finds now
   */
  begin(pc: Pc, again: boolean): void {
    pc.flush();
    this.#ring.take();
    const { idle } = this.#clock;
    const stream = new MachineStream(this.#sink, this.#memoryBytes, this.counts);
    stream.begin(pc.ramFirst, pc.cr3, this.#clock.ticks() - idle, idle, again);
    this.#noted = { pc, stream };
  }

  /** Of what is noted from now on nothing is kept, up to the next begin(). */
  leave(): void {
    this.#noted = undefined;
  }

  deviceWrote(address: number, bytes: number): void {
    if (this.#noted === undefined) return;
    this.#drain();
    this.#noted.stream.deviceWrote(address, bytes);
  }

  /** All that has been noted, and the time. */
  take(): void {
    this.#drain();
    if (this.#noted !== undefined) this.#time(this.#noted.stream);
  }

  #drain(): void {
    this.#noted?.pc.flush();
    this.#noted?.stream.take(this.#ring.words, this.#ring.take());
  }

  #time(stream: MachineStream): void {
    const { idle } = this.#clock;
    stream.time(this.#clock.ticks() - idle, idle);
  }
}
