/** From the emulated machine's host-physical frames to the physical memory of the image. */
import { DATA_FRAME_BASE } from "../hardware/memory.ts";
import { joinWords } from "../hardware/words.ts";
import type { LitmusTest } from "../litmus/load.ts";
import type { Machine } from "../litmus/state.ts";
import { DATA, DATA_PIECES, FRAMES, GIGABYTE } from "./layout.ts";
import { NotAsked } from "./notAsked.ts";

const PIECE_FRAMES = 512;
const GIGABYTE_FRAMES = 1 << 18;
/** Physical-address bits of what is translated; those above are kept as they are. */
const TRANSLATED = (1n << 40n) - 1n;
const WORDS = 512;

/** What a frame with bytes is for. */
export type FrameKind = "EPT" | "guest" | "log";

export class Frames {
  readonly #pieces = new Map<number, number>();
  readonly #gigabytes: ReadonlySet<number>;
  readonly #identity: boolean;
  /** Frames that the machine has handed out so far. */
  used = 0;
  /** Frames that hold guest paging structures. */
  guest: ReadonlySet<number> = new Set();

  /** @param identity whether a guest's memory is where its frames' numbers say, as a guest without EPT has it */
  constructor(test: LitmusTest, identity: boolean) {
    this.#identity = identity;
    const items = [test.ept ?? [], ...test.steps.map((step) => ("ept" in step ? step.ept : []))];
    const large = items.flat().filter((item) => item.size === "1G");
    this.#gigabytes = new Set(
      large.map(({ gpa, hpa }) => {
        const frame = hpa === undefined ? DATA_FRAME_BASE + gpa / 4096 : hpa / 4096;
        return Math.floor(frame / GIGABYTE_FRAMES);
      }),
    );
  }

  /** Physical address of a frame. */
  physical(frame: number): number {
    if (frame < this.used) {
      return (this.#identity && this.guest.has(frame) ? 0 : FRAMES) + frame * 4096;
    }
    if (this.#identity) return (frame - DATA_FRAME_BASE) * 4096;
    if (this.#gigabytes.has(Math.floor(frame / GIGABYTE_FRAMES))) {
      return GIGABYTE + (frame % GIGABYTE_FRAMES) * 4096;
    }
    const number = Math.floor(frame / PIECE_FRAMES);
    let piece = this.#pieces.get(number);
    if (piece === undefined) {
      piece = this.#pieces.size;
      if (piece >= DATA_PIECES) throw new NotAsked(`more than ${DATA_PIECES} regions of 2 MiB`);
      this.#pieces.set(number, piece);
    }
    return DATA + (piece * PIECE_FRAMES + (frame % PIECE_FRAMES)) * 4096;
  }

  /** A word that holds a host-physical address: an EPT entry, the EPT pointer, the log's address. */
  translate(word: bigint): bigint {
    const frame = Number((word & TRANSLATED) >> 12n);
    if (frame === 0) return word;
    return (word & ~TRANSLATED) | BigInt(this.physical(frame)) | (word & 0xfffn);
  }
}

/** What the frames with bytes hold, translated, by physical address; words that are 0 are left out. */
export function contents(
  machine: Machine,
  frames: Frames,
  logs: ReadonlySet<number>,
): Map<number, bigint> {
  const words = new Map<number, bigint>();
  const kinds = frameKinds(machine, logs);
  for (let frame = 1; frame < machine.memory.framesUsed; frame++) {
    const kind = kinds.get(frame) ?? "EPT";
    for (let index = 0; index < WORDS; index++) {
      const value = joinWords(...machine.memory.readEntry(frame, index));
      if (value === 0n) continue;
      const translated = kind === "EPT" ? frames.translate(value) : value;
      words.set(frames.physical(frame) + 8 * index, translated);
    }
  }
  for (const frame of strayFrames(machine)) {
    for (let index = 0; index < WORDS; index++) {
      const value = joinWords(...machine.memory.readEntry(frame, index));
      if (value !== 0n) words.set(frames.physical(frame) + 8 * index, value);
    }
  }
  return words;
}

/** Frames that were never handed out, in which a log lies. */
export function strayFrames({ memory }: Machine): number[] {
  const stray = memory.arrays()["strayFrames"];
  return stray === undefined ? [] : [...new Set(stray)];
}

export function frameKinds(machine: Machine, logs: ReadonlySet<number>): Map<number, FrameKind> {
  const kinds = new Map<number, FrameKind>();
  for (const frame of machine.tables.frames.values()) kinds.set(frame, "guest");
  for (const frame of logs) if (!kinds.has(frame)) kinds.set(frame, "log");
  return kinds;
}
