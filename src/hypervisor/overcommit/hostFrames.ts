/**
 * The host's frames for guests' data: who has each one and which are free. A frame that is taken from a
 * VM goes a way before it is free: every CPU must have executed INVEPT, and what the frame held must
 * be on the disk. Frames go that way in order, so it is one queue with three parts.
 */

import { DATA_FRAME_BASE } from "../../hardware/memory.ts";
import { type NormalForm, type Words, whilePagesStay, wholeOf } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, itemAt, numbers, wordAt, words } from "../../lookup.ts";

/** `owner` of a free frame, and of one on its way to become free; else 1 + the VM's number. */
export const NOBODY = 0;
export const LEAVING = -1;

/** Words of the state: numbers of frames, but for the first. */
const At = {
  free: 0,
  /** Where the ring begins. */
  first: 1,
  beingWritten: 2,
  waitingForInvept: 3,
  /** Have entered since INVEPT was asked for. */
  entered: 4,
} as const;

/** Words of `passed`: frames since the start. */
const Passed = { in: 0, out: 1 } as const;

export class HostFrames implements Part {
  readonly name = "hostFrames";
  /** Frames in all: numbers from DATA_FRAME_BASE. */
  readonly frames: number;
  readonly owner: Int32Array;
  /** A stack of free frames. */
  readonly free: Int32Array;
  /** The queue, in a ring: frame, VM and page that lost it, and whether its content must be written. */
  readonly leaving: Int32Array;
  readonly leavingVm: Int32Array;
  readonly leavingPage: Int32Array;
  readonly mustWrite: Int32Array;
  readonly state = words(5);
  readonly passed = numbers(2);

  constructor(frames: number) {
    this.frames = frames;
    this.owner = new Int32Array(frames);
    this.free = new Int32Array(frames);
    this.leaving = new Int32Array(frames);
    this.leavingVm = new Int32Array(frames);
    this.leavingPage = new Int32Array(frames);
    this.mustWrite = new Int32Array(frames);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { owner, free, leaving, leavingVm, leavingPage, mustWrite, state, passed } = this;
    return { owner, free, leaving, leavingVm, leavingPage, mustWrite, state, passed };
  }

  get freeFrames(): number {
    return this.state[At.free];
  }

  /** Frames on their way to become free. */
  get leavingFrames(): number {
    return this.state[At.beingWritten] + this.state[At.waitingForInvept] + this.state[At.entered];
  }

  /** Frames that have entered the queue since the start. */
  get framesIn(): number {
    return this.passed[Passed.in];
  }

  /** Frames that have left the queue since the start. */
  get framesOut(): number {
    return this.passed[Passed.out];
  }

  /** At the start: a frame that a VM has. */
  own(frame: number, vm: number): void {
    const index = frame - DATA_FRAME_BASE;
    if (index < 0 || index >= this.frames) throw new Error(`frame ${frame} is not the host's`);
    if (this.owner[index] !== NOBODY) throw new Error(`frame ${frame} belongs to two VMs`);
    this.owner[index] = vm + 1;
  }

  /** At the start, after own(): all others are free. The lowest is handed out first. */
  collectFree(): void {
    this.state[At.free] = 0;
    for (let index = this.frames - 1; index >= 0; index--) {
      if (this.owner[index] === NOBODY) this.#push(index);
    }
  }

  #push(index: number): void {
    this.free[this.state[At.free]] = index;
    this.state[At.free] += 1;
  }
}

/** Hands out a free frame. The caller has made sure that there is one. */
export function takeFrame(frames: HostFrames, vm: number): number {
  const { state, free, owner } = frames;
  if (state[At.free] === 0) throw new Error("no frame is free");
  state[At.free] -= 1;
  const index = wordAt(free, state[At.free]);
  owner[index] = vm + 1;
  return DATA_FRAME_BASE + index;
}

/** A page of a VM has lost its frame, which enters the queue. */
export function leaveFrame(
  frames: HostFrames,
  frame: number,
  vm: number,
  page: number,
  write: boolean,
): void {
  const { state, leaving, leavingVm, leavingPage, mustWrite, owner, passed } = frames;
  const index = frame - DATA_FRAME_BASE;
  const at = (state[At.first] + frames.leavingFrames) % frames.frames;
  leaving[at] = index;
  leavingVm[at] = vm;
  leavingPage[at] = page;
  mustWrite[at] = write ? 1 : 0;
  owner[index] = LEAVING;
  state[At.entered] += 1;
  passed[Passed.in] += 1;
}

/** INVEPT is asked for: it covers all frames that have entered since the last one. Returns how many. */
export function beginFlush(frames: HostFrames): number {
  const { state } = frames;
  const entered = state[At.entered];
  state[At.waitingForInvept] += entered;
  state[At.entered] = 0;
  return entered;
}

/**
 * Every CPU has executed INVEPT. Returns the frames that it covered, and how many of them must be written.
 * @param visit is told the pages that lost them
 */
export function endFlush(
  frames: HostFrames,
  visit: (vm: number, page: number) => void,
): { readonly count: number; readonly writes: number } {
  const { state, leavingVm, leavingPage, mustWrite } = frames;
  const count = state[At.waitingForInvept];
  let writes = 0;
  for (let i = 0; i < count; i++) {
    const at = (state[At.first] + state[At.beingWritten] + i) % frames.frames;
    visit(wordAt(leavingVm, at), wordAt(leavingPage, at));
    writes += wordAt(mustWrite, at);
  }
  state[At.beingWritten] += count;
  state[At.waitingForInvept] = 0;
  return { count, writes };
}

/** The oldest frames in the queue have been written: they are free. */
export function freeFrames(frames: HostFrames, count: number): void {
  const { state, leaving, free, owner, passed } = frames;
  for (let i = 0; i < count; i++) {
    const index = wordAt(leaving, state[At.first]);
    state[At.first] = (state[At.first] + 1) % frames.frames;
    owner[index] = NOBODY;
    free[state[At.free]] = index;
    state[At.free] += 1;
  }
  state[At.beingWritten] -= count;
  passed[Passed.out] += count;
}

/** Some turns, frames or cycles later nothing is another one. */
export const LATER = 3;

export function framesForm(frames: HostFrames): NormalForm {
  const queue = ["leaving", "leavingVm", "leavingPage", "mustWrite"];
  return {
    extents: wholeOf([frames]),
    lists: ["owner", "free", ...queue, "leavingState", "passed"],
    save: () => savedFrames(frames),
    restore: (words) => restoreFrames(frames, words),
    scramble: () => moveQueue(frames),
    renumber: whilePagesStay,
  };
}

/** The queue of frames from its first, and the rest without what has been. */
function savedFrames(frames: HostFrames): Words {
  const { owner, free, leaving, leavingVm, leavingPage, mustWrite, state, passed } = frames;
  const queue = (list: Int32Array): number[] =>
    Array.from({ length: frames.leavingFrames }, (_, i) =>
      wordAt(list, (state[At.first] + i) % frames.frames),
    );
  return {
    owner: Array.from(owner),
    free: Array.from(free.subarray(0, state[At.free])),
    leaving: queue(leaving),
    leavingVm: queue(leavingVm),
    leavingPage: queue(leavingPage),
    mustWrite: queue(mustWrite),
    leavingState: Array.from(state.subarray(At.beingWritten)),
    passed: [passed[Passed.in] - passed[Passed.out]],
  };
}

function restoreFrames(frames: HostFrames, lists: Words): void {
  const put = (list: Int32Array, from: readonly number[]): void => {
    list.fill(0);
    list.set(from);
  };
  frames.owner.set(fieldOf(lists, "owner"));
  put(frames.free, fieldOf(lists, "free"));
  put(frames.leaving, fieldOf(lists, "leaving"));
  put(frames.leavingVm, fieldOf(lists, "leavingVm"));
  put(frames.leavingPage, fieldOf(lists, "leavingPage"));
  put(frames.mustWrite, fieldOf(lists, "mustWrite"));
  frames.state.set([fieldOf(lists, "free").length, 0, ...fieldOf(lists, "leavingState")]);
  frames.passed.set([itemAt(fieldOf(lists, "passed"), 0), 0]);
}

/** The same queue, some frames later. */
function moveQueue({
  leaving,
  leavingVm,
  leavingPage,
  mustWrite,
  state,
  passed,
}: HostFrames): void {
  for (const list of [leaving, leavingVm, leavingPage, mustWrite]) {
    const last = wordAt(list, list.length - 1);
    list.copyWithin(1, 0);
    list[0] = last;
  }
  state[At.first] = (state[At.first] + 1) % leaving.length;
  passed[Passed.in] += LATER;
  passed[Passed.out] += LATER;
}
