/** Plays the trace of a whole machine: its accesses, what its processor translated and flushed, and its time. */

import { UserError } from "../../src/errors.ts";
import { TracedPaging } from "../../src/hardware/tracedPaging.ts";
import { type ByteSource, sourceOf } from "../../src/io/byteSource.ts";
import { itemAt } from "../../src/lookup.ts";
import { TraceReader } from "../trace/reader.ts";
import type { RunBlock } from "../trace/runs.ts";
import { damageNote, scanTrace, type TraceScan } from "../trace/scan.ts";
import type { GuestConsole } from "../workload.ts";
import type { Pace } from "./generator.ts";
import { StreamPlayer } from "./streamPlayer.ts";

export class MachineTracePlayer extends StreamPlayer {
  override readonly pages: number;
  override readonly guestPhysical = true;
  override readonly endless = false;
  /** One sentence for the user, if there is something that he should know. */
  warning: string | undefined;
  /** CRC-32 of the whole: tells whether two runs played the same. */
  readonly digest: number;
  readonly #file: string | ByteSource;
  readonly #scan: TraceScan;
  #loaded = -1;
  #block: RunBlock | undefined;

  /**
   * @param file a trace of a machine: its name, or its bytes
   * @param pages of guest-physical memory; default: as many as the trace names
   * @throws UserError if it cannot be read, or holds no accesses
   */
  constructor(name: string, pace: Pace, file: string | ByteSource, pages?: number) {
    const scan = scanTrace(file, "compact");
    const warning = damageNote(scan);
    if (scan.accesses === 0) throw new UserError(warning ?? `${scan.path}: holds no accesses`);
    super(name, pace, new TracedPaging());
    this.warning = warning;
    this.pages = Math.max(pages ?? 0, scan.linearPages);
    this.digest = scan.digest;
    this.#file = file;
    this.#scan = scan;
  }

  /** Of a recording that is in memory. */
  static source(name: string, trace: Uint8Array): ByteSource {
    return sourceOf(name, Buffer.from(trace.buffer, trace.byteOffset, trace.byteLength));
  }

  /** Its console, if the trace tells what was printed. */
  get console(): GuestConsole | undefined {
    const { printed } = this.#scan;
    if (printed === undefined) return undefined;
    return { shown: (most) => printed.upTo(this.made, most), exitCode: undefined };
  }

  protected override blockAt(index: number): RunBlock | undefined {
    if (index >= this.#scan.blocks) return undefined;
    if (this.#loaded === index) return this.#block;
    const reader = new TraceReader(this.#file);
    try {
      reader.seek(itemAt(this.#scan.offsets, index), itemAt(this.#scan.numbers, index));
      const block = reader.next();
      if (block === undefined || reader.blockChecksum !== this.#scan.checksums[index]) {
        throw new UserError(`${this.#scan.path}: changed while it was played (block ${index + 1})`);
      }
      this.#block = block;
      this.#loaded = index;
      return block;
    } finally {
      reader.close();
    }
  }
}
