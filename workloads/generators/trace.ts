/** Plays a trace of a real program. */

import { resolve } from "node:path";
import { z } from "zod";
import { UserError } from "../../src/errors.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import type { ByteSource } from "../../src/io/byteSource.ts";
import { packagePath } from "../../src/io/packageFiles.ts";
import { byteAt, itemAt, numberAt, numbers, wordAt } from "../../src/lookup.ts";
import { RUNS_MAX } from "../trace/format.ts";
import { TraceReader } from "../trace/reader.ts";
import { placements } from "../trace/relocate.ts";
import { damageNote, scanTrace, type TraceScan } from "../trace/scan.ts";
import type { GuestConsole } from "../workload.ts";
import { commonFields, Generator, repeated, repeatField } from "./generator.ts";

const SHIPPED = "shipped:";

export const traceSchema = z
  .strictObject({
    kind: z.literal("trace"),
    file: z
      .string()
      .min(1)
      .describe(
        'trace file, relative to the scenario file; "shipped:NAME" is one that comes with Trackvisor',
      ),
    placement: z
      .enum(placements)
      .default("compact")
      .describe(
        "compact: pages numbered by first use; regions: whole 1 GiB regions numbered by first use; guest-physical pages keep their numbers",
      ),
    passes: repeatField.default(1).describe("times that the trace is played"),
    ...commonFields,
  })
  .describe("the recorded accesses of a real program");

export type TraceConfig = z.infer<typeof traceSchema>;

/** Position within the trace: block, run within it, accesses of that run already played. */
const BLOCK = 0;
const RUN = 1;
const USED = 2;

/** Plays a trace, wherever its bytes are. */
export class TracePlayer extends Generator {
  /** One sentence for the user if the trace is damaged and only its start is played. */
  warning: string | undefined;
  /** CRC-32 of the accesses: tells whether two runs played the same trace. */
  readonly digest: number;
  /** Whether its pages are guest-physical: the guest's own paging is in it, if anywhere. */
  readonly guestPhysical: boolean;
  private readonly file: string | ByteSource;
  private readonly scan: TraceScan;
  private readonly position = numbers(3);
  /** The block that is being played, decoded and relocated; -1 if none. Follows from `position`. */
  private loaded = -1;
  private runs = 0;
  private readonly words = new Int32Array(RUNS_MAX);
  private readonly lengths = new Int32Array(RUNS_MAX);

  /**
   * Reads the whole trace once, to know its pages and how far it is sound.
   * @param file its name, or its bytes
   * @throws UserError if the file cannot be read, is no trace, or has no sound accesses.
   */
  constructor(
    name: string,
    config: Pick<TraceConfig, "placement" | "passes" | "gap" | "accesses">,
    seed: number,
    file: string | ByteSource,
  ) {
    const scan = scanTrace(file, config.placement);
    const warning = damageNote(scan);
    if (scan.accesses === 0) throw new UserError(warning ?? `${scan.path}: holds no accesses`);
    const guestPhysical = scan.addresses === "guestPhysical";
    if (guestPhysical && config.placement !== "compact") {
      throw new UserError(
        `${scan.path}: its pages are guest-physical and keep their numbers: no placement "${config.placement}"`,
      );
    }
    super(name, scan.linearPages, config, seed, repeated(config.passes, scan.accesses));
    this.file = file;
    this.guestPhysical = guestPhysical;
    this.scan = scan;
    this.warning = warning;
    this.digest = scan.digest;
  }

  override arrays(): Record<string, WordArray> {
    return { ...super.arrays(), position: this.position };
  }

  /** Its console, if the trace tells what was printed: of the first time that it is played. */
  get console(): GuestConsole | undefined {
    const { printed } = this.scan;
    if (printed === undefined) return undefined;
    return { shown: (most) => printed.upTo(this.accessesMade, most), exitCode: undefined };
  }

  protected override generate(block: Int32Array, count: number): void {
    const { position, words, lengths } = this;
    let done = 0;
    while (done < count) {
      if (this.loaded !== position[BLOCK]) this.load(position[BLOCK]);
      let run = position[RUN];
      let used = position[USED];
      const runs = this.runs;
      while (done < count && run < runs) {
        const word = wordAt(words, run);
        const end = Math.min(count, done + wordAt(lengths, run) - used);
        used += end - done;
        while (done < end) block[done++] = word;
        if (used === lengths[run]) {
          used = 0;
          run++;
        }
      }
      if (run === runs) {
        run = 0;
        position[BLOCK] = (position[BLOCK] + 1) % this.scan.blocks;
      }
      position[RUN] = run;
      position[USED] = used;
    }
  }

  private load(index: number): void {
    const { scan, words, lengths } = this;
    const reader = new TraceReader(this.file);
    try {
      reader.seek(itemAt(scan.offsets, index), itemAt(scan.numbers, index));
      const block = reader.next();
      if (block === undefined || reader.blockChecksum !== scan.checksums[index]) {
        throw new UserError(`${scan.path}: changed while it was played (block ${index + 1})`);
      }
      // Most runs are on the page of the last run of their kind.
      const lastPage = new Float64Array(4).fill(-1);
      const lastWord = new Int32Array(4);
      const { pages, kinds, count } = block;
      for (let i = 0; i < count; i++) {
        const page = numberAt(pages, i);
        const kind = byteAt(kinds, i);
        if (lastPage[kind] !== page) {
          lastPage[kind] = page;
          lastWord[kind] = (scan.relocation.linearPage(page) << 2) | kind;
        }
        words[i] = wordAt(lastWord, kind);
      }
      lengths.set(block.lengths.subarray(0, count));
      this.runs = block.count;
      this.loaded = index;
    } finally {
      reader.close();
    }
  }
}

/** Plays a trace file. */
export class TraceWorkload extends TracePlayer {
  /** @param directory where relative file names start; @throws UserError as TracePlayer does */
  constructor(name: string, config: TraceConfig, seed: number, directory: string) {
    super(name, config, seed, tracePath(config.file, directory));
  }
}

/**
 * The path of a trace file.
 * @param file as in a scenario; "shipped:NAME" is workloads/traces/NAME.tvtrace of this package
 * @throws UserError if no such trace is shipped.
 */
export function tracePath(file: string, directory: string): string {
  if (!file.startsWith(SHIPPED)) return resolve(directory, file);
  const name = file.slice(SHIPPED.length);
  const path = /^[\w-]+$/.test(name) ? packagePath("workloads", "traces", `${name}.tvtrace`) : null;
  if (path !== null) return path;
  throw new UserError(`no trace "${name}" is shipped with Trackvisor`);
}
