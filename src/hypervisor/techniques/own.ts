/**
 * Trackers of users. Their handlers see a VM through a face that knows what the hypervisor may do when, charges what it
 * costs, and refuses the rest by the tracker's name.
 */

import * as z from "zod";
import { excerpt } from "../../config/fieldPath.ts";
import { UserError } from "../../errors.ts";
import {
  attributesAt,
  clearAttributes,
  findLeaf,
  ordinaryLeaf,
  setAttributes,
} from "../../hardware/ept.ts";
import type { EntryFormat } from "../../hardware/formats/entryFormat.ts";
import { wordAt } from "../../lookup.ts";
import { clearMarks, countMarked, isMarked, markDirty } from "../dirtyBitmap.ts";
import { splitAll } from "../logDirty.ts";
import { callOwn } from "../ownCode.ts";
import { walkLeaves, wholeWalk } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { setAccessedDirty } from "./logControls.ts";
import { NOT_OURS, optionsOf, type Technique } from "./technique.ts";

/** A tracker that is not built in. */
export interface OwnTracker {
  /** Its name in scenarios (`tracker.technique`), and of the section with its fields. */
  readonly name: string;
  /** What it tells of pages. */
  readonly finds: "written" | "touched";
  /** Whether it watches some pages alone, of its own choice: others it does not owe. Default: not. */
  readonly samples?: boolean;
  /** Whether it reads the flags that the processor sets in entries, and takes them away. Default: not. */
  readonly usesFlags?: boolean;
  /** Its own fields (Zod 4), in the section of its name. */
  readonly parameters?: z.ZodRawShape;
  /** Numbers that it keeps from handler to handler (OwnTrackedVm.memory). Default: none. */
  readonly words?: number;
  /** Begins the first round: takes rights or flags away. Every page has all of them before. */
  readonly arm: (vm: OwnTrackedVm) => void;
  /** A harvest: reports what it has not reported yet. */
  readonly collect?: (vm: OwnTrackedVm) => void;
  /** Begins another round, after `collect`; the pages of the last one are still reported. Default: as `arm`. */
  readonly rearm?: (vm: OwnTrackedVm) => void;
  /** An access to a page without the right to it. Default: the page is reported, and has all rights again. */
  readonly onViolation?: (vm: OwnTrackedVm, page: number, isWrite: boolean) => void;
}

/** A VM, as handlers of a tracker see it while they run. */
export interface OwnTrackedVm {
  /** Pages, from 0: the VM's memory, and its own page tables behind it. Some of the last are not there. */
  readonly pages: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Its `words` numbers: 0 when it is armed. */
  readonly memory: Float64Array;
  /** Takes the right to write, in `arm` and `rearm`. Returns whether the page is there. */
  protect(page: number): boolean;
  /** Takes all rights, in `arm` and `rearm`. Returns whether the page is there. */
  withdraw(page: number): boolean;
  /** Takes the accessed and the dirty flag away, in `arm` and `rearm`. Returns whether the page is there. */
  clearFlags(page: number): boolean;
  /** Gives all rights back. */
  restore(page: number): void;
  /** Whether the processor has noted an access, or a write, since the flags were taken. */
  isAccessed(page: number): boolean;
  isDirty(page: number): boolean;
  /** The page goes into this round's report, in `collect` and `onViolation`. */
  report(page: number): void;
  isReported(page: number): boolean;
  /** Work of its own, in cycles, beside what the calls above cost. */
  spend(cycles: number): void;
}

type Handler = "arm" | "collect" | "rearm" | "onViolation";

const WORDS_MAX = 1 << 20;

/** The technique of a declaration. @throws UserError if it is none */
export function ownTechnique(own: OwnTracker): Technique {
  checkDeclaration(own);
  const { name, finds, samples = false, usesFlags = false, parameters = {}, words = 0 } = own;
  const schema = z.strictObject(parameters);
  const section = {
    name,
    schema: schema.optional().describe(`fields of the tracker ${name}`),
  };
  const isWritten = finds === "written";
  const call = (handler: Handler, vm: TrackedVm, ...given: readonly unknown[]): number => {
    const { cycles } = new Face(own, handler, vm, optionsOf(vm, section)).call(given);
    return cycles;
  };
  return {
    name,
    finds: isWritten ? "writes, as a module says" : "touches, as a module says",
    costs: "as a module says",
    findsWritten: isWritten,
    findsTouched: !isWritten,
    ...(samples ? { samples: true as const } : {}),
    toldBy: usesFlags ? "flags" : "exits",
    exits: true,
    armsEntries: false,
    words,
    section,
    model: { pages: 2, logEntries: 1, reads: 1 },
    unit: () => "none",
    arm(vm) {
      vm.own.fill(0);
      // Rights are taken page by page, so large leaves are split first.
      const split = splitAll(vm.ept, wholeWalk());
      if (usesFlags) setAccessedDirty(vm, true);
      return begin(own, vm, "arm", call) + split * vm.costs.splitHandler;
    },
    collect: (vm) => (own.collect === undefined ? 0 : call("collect", vm)),
    rearm: (vm) => begin(own, vm, "rearm", call),
    disarm(vm) {
      if (usesFlags) setAccessedDirty(vm, false);
      if (samples) clearMarks(vm.sampled);
      return giveAllBack(vm) * vm.costs.protectPage;
    },
    serveLogFull: () => NOT_OURS,
    serveViolation(vm, _vcpu, page, write) {
      // There is no page, or another CPU was here first: then the access just retries.
      if (!lacksRight(vm, page, write)) return NOT_OURS;
      const cycles = call("onViolation", vm, page, write);
      if (lacksRight(vm, page, write)) {
        throw new UserError(
          `tracker "${name}": onViolation: page ${page} is still without the right, so that its access never ends: call restore`,
        );
      }
      return { fix: "granted", cycles: vm.costs.violationHandler + cycles, ringFull: false };
    },
    pageTaken: (vm, page, low) => reportFlags(own, vm, page, low),
    pageReturned: (vm, page) => returnedLeaf(own, vm, page),
  };
}

/** @throws UserError if its name or its number of words is none */
function checkDeclaration({ name, words = 0 }: OwnTracker): void {
  if (!/^[A-Za-z][\w-]{0,39}$/.test(name)) {
    throw new UserError(`tracker "${excerpt(name)}": expected letters, digits, - and _`);
  }
  if (!Number.isInteger(words) || words < 0 || words > WORDS_MAX) {
    throw new UserError(`tracker "${name}": words: expected a whole number up to ${WORDS_MAX}`);
  }
}

/** Begins a round. Returns its cycles. @throws UserError if a tracker that samples has chosen no page */
function begin(
  { name, samples = false }: OwnTracker,
  vm: TrackedVm,
  handler: "arm" | "rearm",
  call: (handler: Handler, vm: TrackedVm) => number,
): number {
  if (samples) clearMarks(vm.sampled);
  const cycles = call(handler, vm);
  if (samples && countMarked(vm.sampled) === 0) {
    throw new UserError(`tracker "${name}": ${handler}: watches no page`);
  }
  return cycles;
}

/** Every leaf has all rights, and its flags set, so that they cost nothing later. Returns the leaves. */
function giveAllBack({ ept }: TrackedVm): number {
  const { allRights, accessed, dirty } = ept.format;
  let leaves = 0;
  walkLeaves(wholeWalk(), ept, (word) => {
    setAttributes(ept, word, allRights | accessed | dirty);
    leaves++;
  });
  return leaves;
}

/** Whether the page is there, and an access to it has not the right that it needs. */
function lacksRight({ ept }: TrackedVm, page: number, isWrite: boolean): boolean {
  const { write, read, fetch } = ept.format;
  const leaf = findLeaf(ept, page);
  if (leaf === null) return false;
  const attributes = attributesAt(ept, leaf.word);
  const wanted = read | fetch;
  return isWrite ? (attributes & write) === 0 : (attributes & wanted) !== wanted;
}

/** Flags go with the leaf. */
function reportFlags(own: OwnTracker, vm: TrackedVm, page: number, low: number): void {
  if (own.usesFlags !== true || isLeftOut(own, vm, page)) return;
  const { accessed, dirty } = vm.ept.format;
  const isWritten = own.finds === "written";
  if ((low & (isWritten ? dirty : accessed)) === 0) return;
  markDirty(isWritten ? vm.dirty : vm.touched, page);
}

/** A page that comes is touched; whether it is written its entry will tell. Returns its leaf. */
function returnedLeaf(own: OwnTracker, vm: TrackedVm, page: number): number {
  const { format } = vm.ept;
  const ordinary = ordinaryLeaf(format);
  if (isLeftOut(own, vm, page)) return ordinary;
  const isWritten = own.finds === "written";
  if (!isWritten) markDirty(vm.touched, page);
  if (own.usesFlags === true) return format.ramLeaf;
  return isWritten ? ordinary & ~format.write : ordinary;
}

function isLeftOut({ samples }: OwnTracker, { sampled }: TrackedVm, page: number): boolean {
  return samples === true && !isMarked(sampled, page);
}

/** What a handler is given, for as long as it runs. */
class Face implements OwnTrackedVm {
  readonly pages: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly memory: Float64Array;
  cycles = 0;
  readonly #own: OwnTracker;
  readonly #handler: Handler;
  readonly #vm: TrackedVm;
  #isRunning = false;

  constructor(own: OwnTracker, handler: Handler, vm: TrackedVm, parameters: object | undefined) {
    this.#own = own;
    this.#handler = handler;
    this.#vm = vm;
    this.pages = vm.dirty.pages;
    this.memory = vm.own;
    if (parameters === undefined) this.#refuse("its fields are missing: say in the scenario");
    this.parameters = Object.freeze({ ...parameters });
  }

  /** Runs the handler; the face is of no use afterwards. */
  call(given: readonly unknown[]): this {
    const { arm, collect, rearm = arm, onViolation = reported } = this.#own;
    const handlers = { arm, collect, rearm, onViolation };
    const run = handlers[this.#handler] as ((...all: readonly unknown[]) => unknown) | undefined;
    this.#isRunning = true;
    try {
      callOwn(this.#what, () => run?.call(this.#own, this, ...given));
    } finally {
      this.#isRunning = false;
    }
    return this;
  }

  protect(page: number): boolean {
    return this.#take("protect", page, this.#format.write);
  }

  withdraw(page: number): boolean {
    return this.#take("withdraw", page, this.#format.allRights);
  }

  clearFlags(page: number): boolean {
    this.#needFlags("clearFlags");
    return this.#take("clearFlags", page, this.#flags);
  }

  restore(page: number): void {
    const word = this.#wordOf("restore", page);
    if (word < 0) return;
    // Where flags are read, the processor sets them; else they are set beforehand, and cost nothing later.
    const flags = this.#own.usesFlags === true ? 0 : this.#flags;
    setAttributes(this.#vm.ept, word, this.#format.allRights | flags);
  }

  isAccessed(page: number): boolean {
    return this.#hasFlag("isAccessed", page, this.#format.accessed);
  }

  isDirty(page: number): boolean {
    return this.#hasFlag("isDirty", page, this.#format.dirty);
  }

  report(page: number): void {
    this.#check("report", page);
    if (this.#handler === "arm" || this.#handler === "rearm") {
      this.#refuse("report: the new round has seen nothing yet");
    }
    markDirty(this.#found, page);
  }

  isReported(page: number): boolean {
    this.#check("isReported", page);
    return isMarked(this.#found, page);
  }

  spend(cycles: number): void {
    if (!Number.isSafeInteger(cycles) || cycles < 0) {
      this.#refuse(`spend: expected a whole number of cycles, not ${cycles}`);
    }
    this.cycles += cycles;
  }

  get #found() {
    return this.#own.finds === "written" ? this.#vm.dirty : this.#vm.touched;
  }

  get #words() {
    return this.#vm.ept.memory.words;
  }

  get #format(): EntryFormat {
    return this.#vm.ept.format;
  }

  get #flags(): number {
    return this.#format.accessed | this.#format.dirty;
  }

  get #what(): string {
    return `tracker "${this.#own.name}": ${this.#handler}`;
  }

  /** INVEPT follows arming and harvests, and not exits: what was taken then, other CPUs would go on to use. */
  #take(call: string, page: number, bits: number): boolean {
    const word = this.#wordOf(call, page);
    if (this.#handler !== "arm" && this.#handler !== "rearm") {
      this.#refuse(`${call}: only arm and rearm are followed by a flush of the CPUs' TLBs`);
    }
    if (word < 0) return false;
    clearAttributes(this.#vm.ept, word, bits);
    if (this.#own.samples === true) markDirty(this.#vm.sampled, page);
    return true;
  }

  #hasFlag(call: string, page: number, flag: number): boolean {
    this.#needFlags(call);
    const word = this.#wordOf(call, page);
    return word >= 0 && (wordAt(this.#words, word) & flag) !== 0;
  }

  #needFlags(call: string): void {
    if (this.#own.usesFlags === true) return;
    this.#refuse(`${call}: processors note nothing for a tracker without usesFlags`);
  }

  /** Of the page's entry, which costs as much as any; -1: the page is not there. */
  #wordOf(call: string, page: number): number {
    this.#check(call, page);
    this.cycles += this.#vm.costs.protectPage;
    return findLeaf(this.#vm.ept, page)?.word ?? -1;
  }

  #check(call: string, page: number): void {
    if (!this.#isRunning)
      this.#refuse(`${call}: the handler has ended, and with it what it was given`);
    if (Number.isInteger(page) && page >= 0 && page < this.pages) return;
    this.#refuse(`${call}: expected a page from 0 to ${this.pages - 1}, not ${String(page)}`);
  }

  #refuse(why: string): never {
    throw new UserError(`${this.#what}: ${why}`);
  }
}

/** What an access without the right does where a tracker does not say. */
function reported(vm: OwnTrackedVm, page: number): void {
  vm.report(page);
  vm.restore(page);
}
