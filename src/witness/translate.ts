/**
 * A litmus test as a table for the image, and the answers that the emulator expects of it. The emulator takes the
 * steps; what its VMM does to memory and to the VMCS is what the image's does, word by word. Before each step of a
 * guest both drop all translations: which of them a processor keeps is its own affair.
 */

import { EVENT_VALID, EventType, eventTypeOf } from "../hardware/eventInformation.ts";
import { frameOf, isLeaf } from "../hardware/formats/entryFormat.ts";
import { NPT } from "../hardware/formats/npt.ts";
import { flushAll } from "../hardware/tlb.ts";
import {
  BLOCKING_BY_NMI,
  Field,
  GuestPaging,
  readField,
  readField64,
  SECONDARY_EPT,
  secondaryControls,
  type Vmcs,
} from "../hardware/vmcs.ts";
import type { StepResult } from "../litmus/guestSteps.ts";
import type { LitmusTest } from "../litmus/load.ts";
import { createMachine } from "../litmus/machine.ts";
import type { Machine, Vcpu } from "../litmus/state.ts";
import type { Step } from "../litmus/stepSchema.ts";
import { takeStep } from "../litmus/steps.ts";
import type { Answer, Compared } from "./answers.ts";
import { comparedOf, expectedAnswer } from "./expected.ts";
import { contents, Frames, frameKinds, strayFrames } from "./frames.ts";
import { linear64, type Place, type Run } from "./guestCode.ts";
import { guestRuns, idtBase } from "./guestRuns.ts";
import {
  FRAMES_MAX,
  HIDDEN_EPT_INDEX,
  hiddenEntry,
  hiddenPdpte,
  hiddenRoot,
  PROGRAM,
  VMCS_MAX,
} from "./layout.ts";
import { NotAsked } from "./notAsked.ts";
import { ownCodeInRoot } from "./ownCode.ts";
import { type Registers, Table } from "./table.ts";
import {
  CONSTANT_FIELDS,
  type FieldWrite,
  type GuestCode,
  type GuestStart,
  guestState,
  linearOf,
  PDPTE_FIELDS,
  VMM_FIELDS,
} from "./vmcsFields.ts";
import { wrapsIndex } from "./wrappedIndex.ts";

/** One step of which an answer is expected. */
export interface Question {
  /** Position of the step in the test, from 0. */
  readonly step: number;
  /** Entries of the guest that it takes; none: one VMX instruction. */
  readonly runs: readonly Run[];
  readonly code: GuestCode;
  readonly expected: Answer;
  readonly compared: Compared;
}

export interface Translation {
  readonly table: Table;
  readonly questions: readonly Question[];
}

const INVEPT_TYPES = { singleContext: 1n, allContexts: 2n } as const;
const INVVPID_TYPES = {
  individualAddress: 0n,
  singleContext: 1n,
  allContexts: 2n,
  retainingGlobals: 3n,
} as const;
const PDPTES = 4;
const LOG_INDEX = 0x0812;
const ADDRESS_BITS = 40n;
const LINEAR_BITS = 48n;
/** Operations that end in an exception of their own, and access nothing. */
const OF_INSTRUCTIONS = ["icebp", "nm", "mf", "xm", "ac"];
/** Exception bitmap. */
const EVERY_EXCEPTION_EXITS = [0x4004, 0xffffffffn] as const;
/** Without EPT a guest must not store here. */
const IMAGE_END = 0x4000000;

/**
 * Translates a test, which runs meanwhile.
 * @param symbols physical addresses in the image @throws NotAsked if the image cannot ask it
 */
export function translate(
  test: LitmusTest,
  number: number,
  symbols: ReadonlyMap<string, number>,
): Translation {
  return new Translator(test, symbols).run(number);
}

class Translator {
  readonly #test: LitmusTest;
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #machine: Machine;
  readonly #frames: Frames;
  readonly #body = new Table();
  readonly #questions: Question[] = [];
  readonly #vcpus: readonly Vcpu[];
  readonly #logs = new Set<number>();
  readonly #roots = new Set<number>();
  readonly #known = new Map<Vcpu, Map<number, bigint>>();
  readonly #stray = new Set<number>();
  #current: Vcpu | null = null;

  constructor(test: LitmusTest, symbols: ReadonlyMap<string, number>) {
    this.#test = test;
    this.#symbols = symbols;
    this.#machine = createMachine(test);
    this.#vcpus = [...this.#machine.vcpus.values()];
    if (this.#vcpus.length > VMCS_MAX) throw new NotAsked(`more than ${VMCS_MAX} vCPUs`);
    const { vmcs } = this.#machine.first;
    this.#frames = new Frames(test, (secondaryControls(vmcs) & SECONDARY_EPT) === 0);
  }

  run(number: number): Translation {
    this.#noteLogs();
    for (const { vmcs } of this.#vcpus) this.#roots.add(rootOf(vmcs));
    const initial = this.#contents();
    for (const [i, step] of this.#test.steps.entries()) this.#step(step, i);
    const table = new Table();
    table.test(number);
    const used = this.#machine.memory.framesUsed;
    if (used + this.#stray.size > FRAMES_MAX) throw new NotAsked("too many paging structures");
    const watched = Array.from({ length: used - 1 }, (_, i) => i + 1);
    table.watch([...watched, ...this.#stray].map((frame) => this.#frames.physical(frame)));
    table.poke(initial);
    table.poke(this.#hiddenAt().map((at) => [at, hiddenEntry(this.#machine.ept.format)]));
    table.append(this.#body);
    return { table, questions: this.#questions };
  }

  /** The entries that lead to the image's own code: one in the root of each EPT. */
  #hiddenAt(): number[] {
    const used = this.#machine.memory.framesUsed;
    const roots = [...this.#roots].filter((frame) => frame > 0 && frame < used);
    return roots.map((frame) => this.#frames.physical(frame) + 8 * HIDDEN_EPT_INDEX);
  }

  #contents(): Map<number, bigint> {
    this.#frames.used = this.#machine.memory.framesUsed;
    this.#frames.guest = new Set(this.#machine.tables.frames.values());
    for (const frame of strayFrames(this.#machine)) this.#stray.add(frame);
    const words = contents(this.#machine, this.#frames, this.#logs);
    if (this.#hiddenAt().some((at) => words.has(at))) {
      throw new NotAsked("guest-physical addresses from 512 GiB on, where the image's own code is");
    }
    return words;
  }

  /** Words of an EPT are translated, those of other structures are not: no frame may be both. */
  #refuseOverlaps(): void {
    const tables = new Set<number>();
    const leaves = new Set<number>();
    const { memory, geometry, ept } = this.#machine;
    const { format } = ept;
    const visit = (frame: number, level: number): void => {
      if (frame <= 0 || frame >= memory.framesUsed || tables.has(frame)) return;
      tables.add(frame);
      for (let i = 0; i < 1 << geometry.indexBits; i++) {
        const [low, high] = memory.readEntry(frame, i);
        if ((low & format.present) === 0) continue;
        if (isLeaf(format, low, level)) leaves.add(frameOf(format, low, high));
        else visit(frameOf(format, low, high), level - 1);
      }
    };
    for (const root of this.#roots) visit(root, geometry.eptLevels);
    for (const frame of tables) {
      if (leaves.has(frame) && this.#machine.tables.paging !== "off") {
        throw new NotAsked("an EPT that maps its own tables");
      }
      if (this.#frames.guest.has(frame)) throw new NotAsked("a guest's table over one of the EPT");
      if (this.#logs.has(frame)) throw new NotAsked("a log over a table of the EPT");
    }
    for (const frame of this.#logs) {
      const isData = frame >= memory.framesUsed;
      if (isData && leaves.has(frame)) throw new NotAsked("a log in a page of the guest's own");
    }
  }

  /** Where logs have been. */
  #noteLogs(): void {
    for (const { vmcs } of this.#vcpus) {
      const frame = Number((readField64(vmcs, Field.logAddress) >> 12n) & 0xfffffffn);
      this.#logs.add(frame);
    }
  }

  #step(step: Step, position: number): void {
    const vcpu = step.vcpu === undefined ? this.#machine.first : this.#machine.vcpus.get(step.vcpu);
    if (vcpu === undefined) throw new NotAsked("a vCPU that is not there");
    const code = this.#codeOf(vcpu, step);
    const place: Place = { machine: this.#machine, vcpu, frames: this.#frames, code };
    this.#frames.used = this.#machine.memory.framesUsed;
    const runs = guestRuns(place, step);
    const before = this.#contents();
    const index = readField(vcpu.vmcs, Field.logIndex) & 0xffff;
    if (runs !== null) {
      this.#refuseOverlaps();
      if (!this.#roots.has(rootOf(vcpu.vmcs)) && code.ept) throw new NotAsked("an EPT of its own");
      this.#select(vcpu);
      if (code.pae && !code.ept) this.#body.poke([pdpteInMemory(vcpu, code)]);
      for (const run of runs) this.#enter(place, step, run);
      flushAll(vcpu.mmu.tlb);
    }
    const result = takeStep(this.#machine, vcpu, step, ["steps", position]);
    const changed = this.#changes(before);
    if (runs === null) {
      this.#vmm(vcpu, step, changed, position, code, result);
      return;
    }
    const again = this.#loggedAgain(vcpu, index, before, changed);
    // The processor moves the index itself.
    this.#known.get(vcpu)?.set(LOG_INDEX, readField64(vcpu.vmcs, Field.logIndex) & 0xffffn);
    this.#questions.push({
      step: position,
      runs,
      code,
      expected: { ...expectedAnswer(vcpu, result, changed), again },
      compared: comparedOf(place, step, result, this.#kindOf()),
    });
  }

  /** Adds log entries that a step stored and that were there before. @returns their addresses */
  #loggedAgain(
    { vmcs }: Vcpu,
    index: number,
    before: ReadonlyMap<number, bigint>,
    changed: Map<number, bigint>,
  ): Set<number> {
    const again = new Set<number>();
    const logged = (index - (readField(vmcs, Field.logIndex) & 0xffff)) & 0xffff;
    const log = Number(this.#frames.translate(readField64(vmcs, Field.logAddress)));
    for (let slot = index; slot > index - logged; slot--) {
      const at = log + 8 * slot;
      if (changed.has(at)) continue;
      changed.set(at, before.get(at) ?? 0n);
      again.add(at);
    }
    return again;
  }

  #kindOf(): (address: number) => string {
    const kinds = new Map<number, string>();
    for (const [frame, kind] of frameKinds(this.#machine, this.#logs)) {
      kinds.set(this.#frames.physical(frame), this.#logs.has(frame) ? "log" : kind);
    }
    return (address) => {
      const page = address - (address % 4096);
      return `${kinds.get(page) ?? this.#machine.ept.format.label} word`;
    };
  }

  #changes(before: ReadonlyMap<number, bigint>): Map<number, bigint> {
    this.#noteLogs();
    const after = this.#contents();
    const changed = new Map<number, bigint>();
    for (const [at, value] of after) if (before.get(at) !== value) changed.set(at, value);
    for (const at of before.keys()) if (!after.has(at)) changed.set(at, 0n);
    return changed;
  }

  /** What the VMM does: stores, VMWRITEs, and the VMX instructions that can fail. */
  #vmm(
    vcpu: Vcpu,
    step: Step,
    changed: ReadonlyMap<number, bigint>,
    position: number,
    code: GuestCode,
    result: StepResult,
  ): void {
    this.#body.poke(changed);
    if ("invept" in step && !("clear" in step)) {
      this.#select(vcpu);
      const pointer = step.eptPointer ?? readField64(vcpu.vmcs, Field.eptPointer);
      this.#body.invept(
        INVEPT_TYPES[step.type ?? "singleContext"],
        this.#frames.translate(pointer),
      );
    } else if ("invvpid" in step) {
      // AMD's VMRUN drops what an address space has cached, and nothing answers.
      if (code.svm) return;
      this.#select(vcpu);
      const vpid = step.vpid ?? readField64(vcpu.vmcs, Field.vpid);
      this.#body.invvpid(INVVPID_TYPES[step.invvpid], vpid, step.linear ?? 0n);
    } else {
      return;
    }
    const expected = expectedAnswer(vcpu, result, new Map());
    const compared = comparedOf(null, step, result, this.#kindOf());
    this.#questions.push({ step: position, runs: [], code, expected, compared });
  }

  /** Makes a VMCS current, with what the VMM has written to it since. */
  #select(vcpu: Vcpu): void {
    if (this.#current !== vcpu) this.#body.vmcs(this.#vcpus.indexOf(vcpu));
    this.#current = vcpu;
    let known = this.#known.get(vcpu);
    if (known === undefined) {
      known = new Map();
      this.#known.set(vcpu, known);
      this.#body.vmwrite(CONSTANT_FIELDS);
    }
    const writes: FieldWrite[] = [];
    for (const [encoding, value] of this.#vmmFields(vcpu)) {
      if (known.get(encoding) === value) continue;
      known.set(encoding, value);
      writes.push([encoding, value]);
    }
    this.#body.vmwrite(writes);
  }

  #vmmFields({ vmcs }: Vcpu): FieldWrite[] {
    return VMM_FIELDS.map(([name, encoding]) => {
      const value = readField64(vmcs, Field[name]);
      if (name === "eptPointer" || name === "logAddress") {
        return [encoding, this.#frames.translate(value)];
      }
      return [encoding, name === "logIndex" ? value & 0xffffn : value & 0xffffffffn];
    });
  }

  /** Whether the step is one of a PAE guest, and through which PDPTE its own code is mapped. */
  #codeOf(vcpu: Vcpu, step: Step): GuestCode {
    const { vmcs } = vcpu;
    const paging = readField(vmcs, Field.guestPaging);
    const toPae = "mode" in step && step.mode.paging === "pae";
    const pae = paging === GuestPaging.pae || toPae;
    const ept = (secondaryControls(vmcs) & SECONDARY_EPT) !== 0;
    const svm = this.#machine.ept.format === NPT;
    return { pae, window: pae ? this.#window(vcpu) : 0, ept, svm, symbols: this.#symbols };
  }

  /** A PDPTE that the test does not use. */
  #window({ vmcs }: Vcpu): number {
    const text = JSON.stringify(this.#test.steps, (_, value: unknown) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    for (let i = PDPTES - 1; i > 0; i--) {
      const field = readField64(vmcs, PDPTE_FIELDS[i] ?? Field.guestPdpte0);
      const inMemory = this.#machine.memory.words[this.#machine.tables.pdpteWord(i)] ?? 0;
      const used = [...text.matchAll(/\d{9,}/g)].some(
        ([digits]) => Math.floor((Number(digits) % 2 ** 32) / 2 ** 30) === i,
      );
      if ((field & 1n) === 0n && (inMemory & 1) === 0 && !used) return i;
    }
    throw new NotAsked("a PAE guest that uses all four PDPTEs");
  }

  /** How an entry begins. */
  #start(place: Place, step: Step, run: Run): GuestStart {
    const { code, vcpu } = place;
    const { vmcs } = vcpu;
    let interruptibility = BigInt(readField(vmcs, Field.guestInterruptibility) >>> 0);
    let event = BigInt(readField(vmcs, Field.entryInterruptionInformation) >>> 0);
    if (run.event !== undefined) {
      event = BigInt(run.event.information >>> 0);
      const isNmi = eventTypeOf(run.event.information) === EventType.nmi;
      // A VMM undoes the blocking that an NMI had begun before it injects the NMI again.
      if ("reinject" in step && isNmi) interruptibility &= ~BigInt(BLOCKING_BY_NMI);
    } else if ((Number(event) & EVENT_VALID) !== 0 && vcpu.inGuest) {
      event = 0n;
    }
    const prologue = this.#prologue(place, run);
    const operation = linearOf(code, this.#name(code, run.operation));
    const rip = readField64(vmcs, Field.guestRip);
    // SDM 26.3.1.4: in 64-bit mode the bits beyond the linear-address width are equal.
    const beyond = rip >> LINEAR_BITS;
    const bad = code.pae ? rip >> 32n !== 0n : beyond !== 0n && beyond !== 0xffffn;
    const entry =
      prologue.needed || wrapsIndex(place, run, interruptibility, event)
        ? linearOf(code, this.#name(code, "enter"))
        : operation;
    const fromUser = run.event !== undefined && run.user === true;
    const invalidRip = bad && this.#machine.tables.paging !== "off" && !vcpu.inGuest;
    return {
      mode: readField(vmcs, Field.guestMode),
      cr3: this.#cr3(place),
      rip: invalidRip ? rip : entry,
      rsp: fromUser ? 0n : linear64(place, run.event?.stack ?? run.stack ?? 0),
      rflags: readField64(vmcs, Field.guestRflags),
      interruptibility,
      event,
      errorCode: BigInt(readField(vmcs, Field.entryExceptionErrorCode) >>> 0),
      pdptes: PDPTE_FIELDS.map((field) => readField64(vmcs, field)),
      user: fromUser,
      idt: idtBase(place, run),
    };
  }

  #name(code: GuestCode, operation: string): string {
    return `${code.pae ? "g32" : "g64"}_${operation}`;
  }

  /** The CR3 that the guest is entered with: with 64-bit code the hidden tables, unless the test's is wrong. */
  #cr3({ code, vcpu }: Place): bigint {
    const own = readField64(vcpu.vmcs, Field.guestCr3);
    if (code.pae || (own >> ADDRESS_BITS !== 0n && !vcpu.inGuest)) return own;
    return hiddenRoot(code.ept);
  }

  /** What comes before the operation: MOV to CR3, and the way to user mode. */
  #prologue({ vcpu, code }: Place, run: Run): { readonly cr3?: bigint; readonly needed: boolean } {
    const user = run.user === true && run.event === undefined;
    const long = !code.pae && readField(vcpu.vmcs, Field.guestPaging) === GuestPaging.longMode;
    const accesses = !["vmcall", "vmcall_exit", "hlt", "nmi", ...OF_INSTRUCTIONS].includes(
      run.operation,
    );
    const cr3 = run.cr3 ?? (long && accesses ? readField64(vcpu.vmcs, Field.guestCr3) : undefined);
    if (cr3 === undefined) return { needed: user };
    return { cr3, needed: true };
  }

  /** Enters the guest for a run. */
  #enter(place: Place, step: Step, run: Run): void {
    const start = this.#start(place, step, run);
    const { code } = place;
    this.#refuseImage(place, run);
    const prologue = this.#prologue(place, run);
    const own = prologue.cr3 !== undefined;
    if ((start.rflags & 0x20100n) !== 0n) throw new NotAsked("RFLAGS.TF or VM");
    this.#body.code(run.bytes ?? []);
    if (own && !code.pae) this.#body.poke(ownCodeInRoot(place, prologue.cr3));
    this.#body.vmwrite([...guestState(code, start), ...(run.fields ?? [])]);
    const user = run.user === true && run.event === undefined;
    const wraps = wrapsIndex(place, run, start.interruptibility, start.event);
    // With other tables, or a full log, its own code is reached through the TLB alone.
    const warm = !code.pae && (own || wraps) && (user || run.toUser === true);
    const flags = (own ? 1n : 0n) | (user ? 2n : 0n) | (warm ? 4n : 0n) | (wraps ? 8n : 0n);
    const pending = run.interrupted === true ? 16n : 0n;
    const operation = linearOf(code, this.#name(code, run.operation));
    const count = BigInt(run.count ?? 0);
    const registers: Registers = code.pae
      ? {
          rcx: user ? linear64(place, run.stack ?? 0) : count,
          ...run.registers,
          rax: prologue.cr3 ?? 0x5an,
          rbp: flags,
          r8: pending,
          rdi: operation,
          ...(user ? { rdx: linearOf(code, "g32_user") } : {}),
        }
      : {
          r9: count,
          ...run.registers,
          rax: prologue.cr3 ?? 0n,
          r8: flags | pending,
          r10: operation,
          r11: start.rflags | (run.flags ?? 0n),
          r12: linearOf(code, "gdt"),
        };
    this.#body.enter(registers);
    if (run.fields !== undefined) this.#body.vmwrite([EVERY_EXCEPTION_EXITS]);
  }

  /** Without EPT the guest reaches all of memory. */
  #refuseImage({ code, machine }: Place, { registers }: Run): void {
    if (code.ept || registers?.rbx === undefined) return;
    const page = machine.tables.resolve(Number(registers.rbx >> 12n));
    const at = page * 4096;
    if (at + 4096 > PROGRAM && at < IMAGE_END) {
      throw new NotAsked("without EPT, the memory where the image is");
    }
  }
}

/** Without EPT the PDPTEs come from memory: the one that maps the image's own code is put there. */
function pdpteInMemory({ vmcs }: Vcpu, { ept, window }: GuestCode): readonly [number, bigint] {
  const pdpt = Number(readField64(vmcs, Field.guestCr3) & 0xffffffe0n);
  return [pdpt + 8 * window, hiddenPdpte(ept)];
}

/** Frame of the root that the EPT pointer names. */
function rootOf(vmcs: Vmcs): number {
  return Number((readField64(vmcs, Field.eptPointer) >> 12n) & 0xfffffffn);
}
