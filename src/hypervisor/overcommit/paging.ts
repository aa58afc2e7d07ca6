/**
 * Paging on an overcommitted host: who touches a page without a frame waits for one; a guest at the size
 * that its balloon leaves it gives up pages of its own first; without a free frame the hypervisor takes
 * pages from the VM that is furthest above its target. Rules of data alone: times are the caller's.
 */

import { deriveSeed, Random } from "../../../workloads/random.ts";
import { wasTouched } from "../../hardware/guestPages.ts";
import { type NormalForm, renumberedList, whilePagesStay } from "../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../hardware/part.ts";
import { fieldOf, itemAt, numberAt, numbers, wordAt } from "../../lookup.ts";
import type { HypervisorCosts } from "../costs.ts";
import { type Disk, readPage, writePages } from "./disk.ts";
import { GuestKernel, type GuestRule } from "./guestKernel.ts";
import {
  beginFlush,
  endFlush,
  freeFrames,
  type HostFrames,
  LATER,
  leaveFrame,
  takeFrame,
} from "./hostFrames.ts";
import { furthestAbove, type HostRule, hostVictim } from "./hostVictims.ts";
import {
  add,
  fillPage,
  keepContent,
  PageState,
  stateBefore,
  Tally,
  unmapPage,
  type VmMemory,
} from "./vmMemory.ts";

export interface PagingRules {
  readonly guest: readonly GuestRule[];
  readonly host: HostRule;
  /** Pages taken at once when one is needed: Linux's SWAP_CLUSTER_MAX is 32. */
  readonly batch: number;
  readonly seed: number;
  readonly costs: HypervisorCosts;
  /** Makes the generator of a stream of random choices; default: a seeded one. */
  readonly random?: (seed: number) => Random;
  /** A planted fault: a page's content is read before the other CPUs have executed INVEPT. */
  readonly swapsUnflushed: boolean;
}

/** A page that will be there in `delay` cycles. */
export interface Arrival {
  readonly vm: number;
  readonly page: number;
  readonly frame: number;
  readonly delay: number;
}

/** What a step of paging leads to. */
export interface Paged {
  /** Work of the CPU that does it, in cycles. */
  readonly cycles: number;
  readonly arrivals: readonly Arrival[];
  /** VMs whose translations every CPU must drop now. */
  readonly flush: readonly number[];
}

/** Words of the waiters' state. */
const At = {
  turnsGiven: 0,
  /** 1 while an INVEPT is under way. */
  flushing: 1,
} as const;

/** Who waits for what: by vCPU. */
class Waiters implements Part {
  readonly name = "waiters";
  /** The page it faulted on last, -1 before; and since when it waits for it, -1 if it does not. */
  readonly pages: Int32Array;
  readonly since: Float64Array;
  /** Its turn among those whose page still needs a frame, 0 if it is not one of them. */
  readonly turns: Float64Array;
  readonly state = numbers(2);
  /** By VM: it has lost a page since the last INVEPT began. */
  readonly unflushed: Int32Array;
  readonly randoms: readonly Random[];
  /** The generators: the explorer draws in their place. */
  readonly settings: readonly string[];

  constructor(vcpus: number, vms: number, { seed, random }: PagingRules) {
    const generator = random ?? ((own: number) => new Random(own));
    this.pages = new Int32Array(vcpus).fill(-1);
    this.since = new Float64Array(vcpus).fill(-1);
    this.turns = new Float64Array(vcpus);
    this.unflushed = new Int32Array(vms);
    this.randoms = Array.from({ length: vms + 1 }, (_, stream) =>
      generator(deriveSeed(seed, `paging${stream}`)),
    );
    this.settings = this.randoms.map((_, stream) => `random${stream}`);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    const { pages, since, turns, state, unflushed, randoms } = this;
    const streams = randoms.map((random, i) => [`random${i}`, random.state] as const);
    return { pages, since, turns, state, unflushed, ...Object.fromEntries(streams) };
  }
}

export class Paging {
  readonly frames: HostFrames;
  readonly disk: Disk;
  readonly memories: readonly VmMemory[];
  readonly parts: readonly Part[];
  readonly #rules: PagingRules;
  readonly #kernels: readonly GuestKernel[];
  readonly #waiters: Waiters;
  /** vCPUs of each VM. */
  readonly #vcpus: readonly (readonly number[])[];
  /** Of the step under way. */
  #cycles = 0;
  #arrivals: Arrival[] = [];

  constructor(
    frames: HostFrames,
    disk: Disk,
    memories: readonly VmMemory[],
    vcpus: readonly (readonly number[])[],
    rules: PagingRules,
  ) {
    this.frames = frames;
    this.disk = disk;
    this.memories = memories;
    this.#vcpus = vcpus;
    this.#rules = rules;
    this.#waiters = new Waiters(vcpus.flat().length, memories.length, rules);
    this.#kernels = memories.map((memory, vm) => {
      return new GuestKernel(memory, itemAt(rules.guest, vm), itemAt(this.#waiters.randoms, vm));
    });
    this.parts = [frames, disk, this.#waiters, ...memories];
  }

  /** Who waits, and for which turn: the order of turns matters, and not what time it is. */
  get waitersForm(): NormalForm {
    return waitersForm(this.#waiters);
  }

  /** A vCPU touched a page that had no frame. Says whether it must wait. */
  fault(vm: number, vcpu: number, page: number, now: number): Paged & { readonly waits: boolean } {
    const memory = itemAt(this.memories, vm);
    const { pages, since, turns, state } = this.#waiters;
    const { costs } = this.#rules;
    this.#begin(costs.violationHandler);
    pages[vcpu] = page;
    const before = wordAt(memory.states, page);
    // Another vCPU was first, and the page has come meanwhile.
    if (before === PageState.resident) return { ...this.#end(), waits: false };
    since[vcpu] = now;
    if (before >= PageState.coming) return { ...this.#end(), waits: true };
    this.#countTouch(memory, before);
    if (before !== PageState.hostSwapped) {
      const { tallies } = memory;
      if (tallies[Tally.held] >= tallies[Tally.grant])
        this.#guestGivesUp(vm, this.#batchOf(vm), now);
      add(memory, Tally.held, 1);
    }
    memory.states[page] = PageState.coming + before;
    state[At.turnsGiven] += 1;
    turns[vcpu] = state[At.turnsGiven];
    this.#handOut(now);
    if (before === PageState.empty && this.#fillAtOnce(vm, vcpu, page)) {
      return { ...this.#end(), waits: false };
    }
    return { ...this.#end(), waits: true };
  }

  /** A page of zeroes with a free frame is there before the handler returns. */
  #fillAtOnce(vm: number, vcpu: number, page: number): boolean {
    const mine = this.#arrivals.find((one) => one.vm === vm && one.page === page);
    if (mine === undefined) return false;
    this.#arrivals = this.#arrivals.filter((one) => one !== mine);
    this.#cycles += mine.delay;
    fillPage(itemAt(this.memories, vm), page, mine.frame);
    itemAt(this.#kernels, vm).mapped(page, false);
    this.#waiters.since[vcpu] = -1;
    return true;
  }

  /** The guest's balloon takes so many pages. */
  inflate(vm: number, pages: number, now: number): Paged {
    this.#begin(0);
    this.#guestGivesUp(vm, pages, now);
    this.#handOut(now);
    return this.#end();
  }

  /** Every CPU has executed INVEPT. Returns the frames that will be free in `delay` cycles. */
  flushed(now: number): Paged & { readonly count: number; readonly delay: number } {
    this.#begin(0);
    const { count, writes } = endFlush(this.frames, (vm, page) => {
      if (!this.#rules.swapsUnflushed) keepContent(itemAt(this.memories, vm), page);
      itemAt(this.memories, vm).unflushed[page] = 0;
    });
    this.#waiters.state[At.flushing] = 0;
    this.#handOut(now);
    return { count, delay: writePages(this.disk, now, writes), ...this.#end() };
  }

  /** Frames of an earlier flush are free now. */
  written(count: number, now: number): Paged {
    this.#begin(0);
    freeFrames(this.frames, count);
    this.#handOut(now);
    return this.#end();
  }

  /** A page has its content. Returns the vCPUs that waited for it. */
  arrived(vm: number, page: number, frame: number, now: number): number[] {
    const memory = itemAt(this.memories, vm);
    const { pages, since } = this.#waiters;
    const fromSwap = stateBefore(wordAt(memory.states, page)) === PageState.guestSwapped;
    fillPage(memory, page, frame);
    itemAt(this.#kernels, vm).mapped(page, fromSwap);
    const woken = itemAt(this.#vcpus, vm).filter(
      (vcpu) => pages[vcpu] === page && numberAt(since, vcpu) >= 0,
    );
    for (const vcpu of woken) {
      add(memory, Tally.waitCycles, now - numberAt(since, vcpu));
      since[vcpu] = -1;
    }
    return woken;
  }

  /** What the vCPUs that wait now have waited so far, in cycles. */
  openWaits(vm: number, now: number): number {
    const { since } = this.#waiters;
    const open = itemAt(this.#vcpus, vm).filter((vcpu) => numberAt(since, vcpu) >= 0);
    return open.reduce((sum, vcpu) => sum + now - numberAt(since, vcpu), 0);
  }

  /** The size that the controller wants, and what the balloon can do towards it. */
  setTarget(vm: number, target: number, grant: number): void {
    const { tallies } = itemAt(this.memories, vm);
    tallies[Tally.target] = target;
    tallies[Tally.grant] = grant;
  }

  /** Pages that the guest has above what its balloon shall leave it. */
  surplus(vm: number): number {
    const { tallies } = itemAt(this.memories, vm);
    return Math.max(0, tallies[Tally.held] - tallies[Tally.grant]);
  }

  #begin(cycles: number): void {
    this.#cycles = cycles;
    this.#arrivals = [];
  }

  /** If frames wait for an INVEPT and none is under way, it begins. */
  #end(): Paged {
    const { state, unflushed } = this.#waiters;
    const flush: number[] = [];
    if (state[At.flushing] === 0 && beginFlush(this.frames) > 0) {
      state[At.flushing] = 1;
      unflushed.forEach((lost, vm) => {
        if (lost !== 0) flush.push(vm);
      });
      unflushed.fill(0);
    }
    return { cycles: this.#cycles, arrivals: this.#arrivals, flush };
  }

  #countTouch(memory: VmMemory, before: number): void {
    if (before === PageState.empty) add(memory, Tally.firstTouches, 1);
    else
      add(memory, before === PageState.hostSwapped ? Tally.hostRefaults : Tally.guestRefaults, 1);
  }

  /** Never so much of a small VM that it has to fetch at once what it has just given. */
  #batchOf(vm: number): number {
    const { tallies } = itemAt(this.memories, vm);
    return Math.max(1, Math.min(this.#rules.batch, tallies[Tally.grant] >> 3));
  }

  /** Free frames go to those who wait, in turn; if there are too few on the way more pages are taken. */
  #handOut(now: number): void {
    const { turns } = this.#waiters;
    let waiting = 0;
    for (;;) {
      const vcpu = this.#nextTurn();
      if (vcpu < 0) break;
      if (this.frames.freeFrames === 0) break;
      turns[vcpu] = 0;
      this.#startFill(vcpu, now);
    }
    for (const turn of turns) if (turn > 0) waiting++;
    const missing = waiting - this.frames.leavingFrames;
    if (missing > 0) this.#hostTakes(missing);
  }

  /** Who is the next to get a frame. A page whose old frame is still being read cannot come back yet. */
  #nextTurn(): number {
    const { turns, pages } = this.#waiters;
    let found = -1;
    for (let vcpu = 0; vcpu < turns.length; vcpu++) {
      const turn = numberAt(turns, vcpu);
      if (turn === 0 || (found >= 0 && turn > numberAt(turns, found))) continue;
      if (this.#memoryOf(vcpu).unflushed[wordAt(pages, vcpu)] === 0) found = vcpu;
    }
    return found;
  }

  #memoryOf(vcpu: number): VmMemory {
    return itemAt(
      this.memories,
      this.#vcpus.findIndex((own) => own.includes(vcpu)),
    );
  }

  /** The page gets its frame now, and its content when the disk has read it. */
  #startFill(vcpu: number, now: number): void {
    const { costs } = this.#rules;
    const vm = this.#vcpus.findIndex((own) => own.includes(vcpu));
    const memory = itemAt(this.memories, vm);
    const page = wordAt(this.#waiters.pages, vcpu);
    const frame = takeFrame(this.frames, vm);
    add(memory, Tally.resident, 1);
    const before = stateBefore(wordAt(memory.states, page));
    let delay = costs.zeroPage;
    if (before !== PageState.empty) delay = readPage(this.disk, now) + costs.pageIn;
    if (before === PageState.guestSwapped) delay += costs.guestFault;
    this.#arrivals.push({ vm, page, frame, delay });
  }

  #guestGivesUp(vm: number, count: number, now: number): void {
    const kernel = itemAt(this.#kernels, vm);
    for (let given = 0; given < count; given++) {
      const page = kernel.choose((one) => this.#isPinned(vm, one));
      if (page < 0) return;
      this.#giveUp(vm, page, now);
    }
  }

  #giveUp(vm: number, page: number, now: number): void {
    const memory = itemAt(this.memories, vm);
    const used = wasTouched(memory.vm.guest, page);
    if (memory.states[page] === PageState.resident) {
      this.#takeFrameOf(vm, page, used && itemAt(this.#kernels, vm).isDirty(page));
    } else if (used) {
      // It must come in from the host's swap to go out to the guest's.
      add(memory, Tally.doublePaged, 1);
      readPage(this.disk, now);
      writePages(this.disk, now, 1);
    }
    memory.states[page] = used ? PageState.guestSwapped : PageState.empty;
    add(memory, Tally.held, -1);
    add(memory, used ? Tally.guestOuts : Tally.freeOuts, 1);
  }

  #hostTakes(missing: number): void {
    const random = itemAt(this.#waiters.randoms, this.memories.length);
    const has = (vm: number): boolean => itemAt(this.memories, vm).tallies[Tally.resident] > 0;
    const count = Math.max(missing, Math.min(this.#rules.batch, this.frames.frames >> 3));
    const empty = new Set<number>();
    for (let taken = 0; taken < count; ) {
      const vm = furthestAbove(this.memories, (one) => has(one) && !empty.has(one));
      if (vm < 0) return;
      const memory = itemAt(this.memories, vm);
      const pinned = (page: number): boolean => this.#isPinned(vm, page);
      const page = hostVictim(memory, this.#rules.host, random, pinned);
      if (page < 0) {
        empty.add(vm);
        continue;
      }
      // The hypervisor cannot tell whether the page on the disk is still the same.
      this.#takeFrameOf(vm, page, true);
      memory.states[page] = PageState.hostSwapped;
      add(memory, Tally.hostOuts, 1);
      taken++;
    }
  }

  #takeFrameOf(vm: number, page: number, write: boolean): void {
    const { costs } = this.#rules;
    const { frame, splits } = unmapPage(itemAt(this.memories, vm), page);
    leaveFrame(this.frames, frame, vm, page, write);
    if (this.#rules.swapsUnflushed) keepContent(itemAt(this.memories, vm), page);
    this.#waiters.unflushed[vm] = 1;
    this.#cycles += costs.protectPage + splits * costs.splitHandler;
  }

  /** The page that a vCPU faulted on last stays until it faults again: else two VMs could take it from each other for ever. */
  #isPinned(vm: number, page: number): boolean {
    const { pages } = this.#waiters;
    return itemAt(this.#vcpus, vm).some((vcpu) => pages[vcpu] === page);
  }
}

function waitersForm(waiters: Waiters): NormalForm {
  const { pages, since, turns, state, unflushed } = waiters;
  const arrays = ["pages", "since", "turns", "state", "unflushed"];
  return {
    extents: arrays.map((array) => ({ part: waiters, array })),
    lists: ["pages", "since", "turns", "waiting"],
    save: () => ({
      pages: Array.from(pages),
      since: Array.from(since, (time) => (time < 0 ? -1 : 0)),
      turns: ranks(Array.from(turns)),
      waiting: [state[At.flushing], ...unflushed],
    }),
    restore(words) {
      pages.set(fieldOf(words, "pages"));
      since.set(fieldOf(words, "since"));
      turns.set(fieldOf(words, "turns"));
      state.set([Math.max(...fieldOf(words, "turns")), itemAt(fieldOf(words, "waiting"), 0)]);
      unflushed.set(fieldOf(words, "waiting").slice(1));
    },
    scramble() {
      since.forEach((time, vcpu) => {
        if (time >= 0) since[vcpu] = time + LATER;
      });
      turns.forEach((turn, vcpu) => {
        if (turn > 0) turns[vcpu] = turn + LATER;
      });
      state[At.turnsGiven] += LATER;
    },
    renumber(words, to) {
      const byVcpu = (list: string) => [list, renumberedList(words[list] ?? [], to.vcpu)] as const;
      const moved = Object.fromEntries(["pages", "since", "turns"].map(byVcpu));
      return whilePagesStay({ ...words, ...moved }, to);
    },
  };
}

/** Turns by their order: 1, 2 and so on; 0 is none. */
function ranks(turns: readonly number[]): number[] {
  const order = turns.filter((turn) => turn > 0).sort((one, other) => one - other);
  return turns.map((turn) => (turn === 0 ? 0 : 1 + order.indexOf(turn)));
}
