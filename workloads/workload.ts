/** What a guest does: a stream of accesses, made in blocks, whose whole state can be saved. */
import type { Part } from "../src/hardware/part.ts";
import type { TracedPaging } from "../src/hardware/tracedPaging.ts";

/** The console of a guest that runs beside the emulator, or was recorded with what it printed. */
export interface GuestConsole {
  /** What it has printed up to the present moment of the emulator's time; of that at most the last so many bytes. */
  shown(most?: number): Uint8Array;
  /** How one that runs beside has ended; undefined if it has not, or a limit has ended it. */
  readonly exitCode: number | undefined;
  /** Somebody types; absent: the guest has no input. */
  type?(bytes: Uint8Array): void;
}

/**
 * The machine of a guest that runs beside the emulator. It has states at the ends of its steps alone: what is read is as it
 * is at the end of the step under way, and what is moved has to be whole.
 */
export interface GuestMachine {
  /** The bytes of some of its pages, page after page; valid until the next call. */
  read(pages: readonly number[]): Uint8Array;
  /** Ends the step under way: what is left of it is done by no processor. @param visit takes its accesses, packed as in fill() */
  finishStep(visit: (word: number) => void): void;
  /** Its state without its memory. To be called when it is whole. */
  suspend(): Uint8Array;
  /** It goes on in a machine that has this state, of suspend(), and this memory, and nothing else. To be called when it is whole. */
  resume(state: Uint8Array, memory: Uint8Array): void;
  /**
   * The state and the memory that it goes on from, as another process has stored them: its own state says which.
   * @returns whether it is that one
   */
  adopt(state: Uint8Array, memory: Uint8Array): boolean;
}

/** What a guest's kernel has done (kernel/demandPaging.ts). */
export interface KernelCounts {
  readonly faults: number;
  readonly zeroedPages: number;
}

export interface Workload extends Part {
  /** The linear pages it uses are 0 to pages - 1. */
  readonly pages: number;
  /** Cycles of other work of the guest before each access of those that fill() gave last. */
  readonly gap: number;
  /** Whether its pages are guest-physical, so that the guest has no paging of its own. */
  readonly guestPhysical?: boolean;
  /** Cycles of other work before the first access that fill() gave last, beside the gap. */
  readonly lead?: number;
  /** The guest's own paging, if its stream has it: fill() changes it for the accesses that it gives. */
  readonly traced?: TracedPaging | undefined;
  /** Its console, if what it prints is known. */
  readonly console?: GuestConsole | undefined;
  /** Its machine, if that can be looked at. */
  readonly machine?: GuestMachine;
  /** Whether the program gave all of its memory back, and has it as new, before the first access that fill() gave last. */
  readonly freed?: boolean;
  /** What the guest's kernel has done for it, if one is there; and its accesses among those done. */
  readonly kernel?: KernelCounts;
  kernelAccesses?(part: number): number;
  /** Whether it never ends by itself. */
  readonly endless?: boolean;
  /**
   * Writes the next accesses to the start of `block`, packed as src/hardware/accessLoop.ts defines.
   * @returns how many; fewer than block.length only at the end, 0 once it has ended.
   */
  fill(block: Int32Array): number;
}
