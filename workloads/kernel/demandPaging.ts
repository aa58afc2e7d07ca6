/**
 * The memory of a guest's kernel: a program's page has a frame of its own from its first write on (Linux do_anonymous_page,
 * mm/memory.c). Before that, reads see the shared page of zeros. The frame is zeroed before the program gets it, the kernel
 * writes the entry that maps it, and what a program gives back is used again first (free_unref_page puts a page at the
 * head of its processor's list, mm/page_alloc.c). A timer tick writes some pages of the kernel's own.
 *
 * Guest-physical memory, from page 0: the program's page tables, the page of zeros, the kernel's own pages, frames.
 * So which pages a guest dirties follows from what its program writes, and how often it allocates.
 */
import { z } from "zod";
import { duration } from "../../src/config/units.ts";
import { UserError } from "../../src/errors.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../../src/hardware/accessLoop.ts";
import type { WordArray } from "../../src/hardware/part.ts";
import { itemAt, numbers, wordAt, words } from "../../src/lookup.ts";
import type { KernelCounts, Workload } from "../workload.ts";

/** 4 KiB of eight bytes an entry. */
const ENTRIES = 512;

export const kernelSchema = z
  .strictObject({
    fault: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1000)
      .describe("cycles of a page fault: entry, allocation, the entry that maps the page"),
    zeroPage: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1092)
      .describe("cycles to zero a frame: 0.455 us, by the study's own series (docs/workloads.md)"),
    tick: duration
      .prefault("4ms")
      .describe("of the guest's own time between two timer ticks (CONFIG_HZ 250)"),
    tickPages: z
      .int()
      .min(0)
      .max(65_536)
      .default(8)
      .describe("pages of its own that the kernel writes at a tick; assumed"),
  })
  .describe(
    "the guest's kernel gives a program memory at its first touch, zeroed, and takes back what it frees; default: each page of the program is always the same page of the VM",
  );

export type KernelConfig = z.output<typeof kernelSchema>;

/** Accesses of the program that are taken at a time. */
const TAKEN = 256;
/** What an access becomes at most: the frame is zeroed, the entry written, the access done. */
const WORDS_MAX = 3;

/** Words of the state. */
const At = {
  /** Place of the next access among those taken from the program, and their end. */
  taken: 0,
  takenEnd: 1,
  /** What of the present access is left. */
  made: 2,
  madeEnd: 3,
  /** The next page table that is cleared since the program gave its memory back, and page of a tick that is written. */
  clearing: 4,
  ticking: 5,
  /** Frames that are free. */
  free: 6,
} as const;

/** Doubles, so that they count to 2^53. */
const Count = {
  faults: 0,
  zeroed: 1,
  /** Accesses given that are the kernel's own, before the last block; and in it. */
  kernelBefore: 2,
  kernelNow: 3,
  /** Cycles of work since the last tick. */
  sinceTick: 4,
} as const;

export class DemandPaging implements Workload {
  readonly name: string;
  readonly pages: number;
  readonly endless: boolean;
  readonly program: Workload;
  /** Of the accesses that fill() gave last. */
  gap = 0;
  lead = 0;
  readonly #config: KernelConfig;
  readonly #tables: number;
  readonly #zeroPage: number;
  /** Frame of each of the program's pages; 0: none. */
  readonly #frames: Int32Array;
  /** A stack: what was given back last is used first. */
  readonly #free: Int32Array;
  readonly #taken = new Int32Array(TAKEN);
  readonly #made = words(WORDS_MAX);
  readonly #state = words(7);
  readonly #counts = numbers(5);

  /**
   * @param pages of the VM; as many as are needed if it is not said
   * @throws UserError if the program is one that has a kernel, or memory is too small
   */
  constructor(program: Workload, config: KernelConfig, pages?: number) {
    if (program.guestPhysical === true || program.traced !== undefined) {
      throw new UserError("its guest has a kernel of its own, which gives memory itself");
    }
    if (program.console !== undefined) {
      throw new UserError("its guest runs beside the emulator; a kernel is for what is recorded");
    }
    this.#tables = Math.ceil(program.pages / ENTRIES);
    this.#zeroPage = this.#tables;
    const first = this.#zeroPage + 1 + config.tickPages;
    const least = first + program.pages;
    if (pages !== undefined && pages < least) {
      throw new UserError(
        `its program uses ${program.pages} pages and its kernel ${first}; its memory has ${pages}`,
      );
    }
    this.program = program;
    this.name = program.name;
    this.pages = pages ?? least;
    this.endless = program.endless === true;
    this.gap = program.gap;
    this.#config = config;
    this.#frames = new Int32Array(program.pages);
    // The lowest first.
    const last = this.pages - 1;
    this.#free = Int32Array.from({ length: this.pages - first }, (_, i) => last - i);
    this.#state[At.free] = this.#free.length;
    this.#state[At.clearing] = this.#tables;
    this.#state[At.ticking] = config.tickPages;
  }

  get kernel(): KernelCounts {
    return { faults: this.#counts[Count.faults], zeroedPages: this.#counts[Count.zeroed] };
  }

  arrays(): Record<string, WordArray> {
    return {
      ...this.program.arrays(),
      frames: this.#frames,
      free: this.#free,
      taken: this.#taken,
      taking: this.#made,
      kernel: this.#state,
      kernelCounts: this.#counts,
    };
  }

  /** The kernel's accesses among those done. @param part of the accesses that fill() gave last that are done, 0 to 1 */
  kernelAccesses(part: number): number {
    const counts = this.#counts;
    return counts[Count.kernelBefore] + Math.round(counts[Count.kernelNow] * part);
  }

  fill(block: Int32Array): number {
    const state = this.#state;
    const counts = this.#counts;
    const made = this.#made;
    const { tick, tickPages } = this.#config;
    const tables = this.#tables;
    counts[Count.kernelBefore] = counts[Count.kernelBefore] + counts[Count.kernelNow];
    let cycles = 0;
    let kernel = 0;
    let done = 0;
    while (done < block.length) {
      if (state[At.madeEnd] > state[At.made]) {
        // The last one is the program's own.
        if (state[At.made] + 1 < state[At.madeEnd]) kernel++;
        block[done++] = wordAt(made, state[At.made]);
        state[At.made] = state[At.made] + 1;
      } else if (state[At.clearing] < tables) {
        block[done++] = written(state[At.clearing]);
        state[At.clearing] = state[At.clearing] + 1;
        kernel++;
      } else if (state[At.ticking] < tickPages) {
        block[done++] = written(this.#zeroPage + 1 + state[At.ticking]);
        state[At.ticking] = state[At.ticking] + 1;
        kernel++;
      } else {
        const taken = this.#take();
        if (taken < 0) break;
        cycles += taken;
        counts[Count.sinceTick] = counts[Count.sinceTick] + taken;
        if (counts[Count.sinceTick] >= tick && tick > 0) {
          counts[Count.sinceTick] = 0;
          state[At.ticking] = 0;
        }
      }
    }
    counts[Count.kernelNow] = kernel;
    // All of the time is kept; within a block it is spread evenly.
    this.gap = done === 0 ? 0 : Math.floor(cycles / done);
    this.lead = cycles - this.gap * done;
    return done;
  }

  /** The program's next access, with what the kernel does for it. Returns cycles of work; negative at the program's end. */
  #take(): number {
    const { program } = this;
    const state = this.#state;
    let cycles = 0;
    if (state[At.taken] === state[At.takenEnd]) {
      state[At.taken] = 0;
      state[At.takenEnd] = program.fill(this.#taken);
      if (state[At.takenEnd] === 0) return -1;
      cycles = program.lead ?? 0;
      if (program.freed === true) {
        this.#takeBack();
        return cycles;
      }
    }
    const word = wordAt(this.#taken, state[At.taken]);
    state[At.taken] = state[At.taken] + 1;
    return cycles + program.gap + this.#access(word >>> ACCESS_PAGE_SHIFT, word & KIND);
  }

  /** Returns the cycles that the kernel works for it. */
  #access(page: number, kind: number): number {
    const { fault, zeroPage } = this.#config;
    const counts = this.#counts;
    const made = this.#made;
    const state = this.#state;
    const frame = wordAt(this.#frames, page);
    const writes = kind === AccessKind.write || kind === AccessKind.readModifyWrite;
    state[At.made] = 0;
    if (frame > this.#zeroPage || (frame !== 0 && !writes)) {
      made[0] = (frame << ACCESS_PAGE_SHIFT) | kind;
      state[At.madeEnd] = 1;
      return 0;
    }
    counts[Count.faults] = counts[Count.faults] + 1;
    const entry = written(Math.floor(page / ENTRIES));
    if (!writes) {
      this.#frames[page] = this.#zeroPage;
      made[0] = entry;
      made[1] = (this.#zeroPage << ACCESS_PAGE_SHIFT) | kind;
      state[At.madeEnd] = 2;
      return fault;
    }
    const own = this.#allocate();
    this.#frames[page] = own;
    counts[Count.zeroed] = counts[Count.zeroed] + 1;
    made[0] = written(own);
    made[1] = entry;
    made[2] = (own << ACCESS_PAGE_SHIFT) | kind;
    state[At.madeEnd] = 3;
    return fault + zeroPage;
  }

  #allocate(): number {
    const top = this.#state[At.free] - 1;
    // There are as many frames as the program has pages, at least.
    if (top < 0) throw new Error("a guest's kernel has no free frame");
    this.#state[At.free] = top;
    return wordAt(this.#free, top);
  }

  /** All that the program has, from its first page: its tables are cleared, and its frames are free. */
  #takeBack(): void {
    const frames = this.#frames;
    let top = this.#state[At.free];
    for (let page = 0; page < frames.length; page++) {
      const frame = wordAt(frames, page);
      if (frame > this.#zeroPage) this.#free[top++] = frame;
      frames[page] = 0;
    }
    this.#state[At.free] = top;
    this.#state[At.clearing] = 0;
  }
}

const KIND = (1 << ACCESS_PAGE_SHIFT) - 1;

function written(page: number): number {
  return (page << ACCESS_PAGE_SHIFT) | AccessKind.write;
}

/** A guest's workloads, one for each vCPU, given a kernel. @throws UserError if they cannot have one */
export function withKernel(
  programs: readonly Workload[],
  config: KernelConfig,
  pages?: number,
): readonly Workload[] {
  if (programs.length > 1) {
    throw new UserError(`its kernel serves one vCPU; expected 1, not ${programs.length}`);
  }
  return [new DemandPaging(itemAt(programs, 0), config, pages)];
}
