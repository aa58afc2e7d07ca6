/** Steps that the guest takes: accesses, bursts, CR3, mode, events, IRET; and VM entries and exits. */
import {
  ACCESS_PAGE_SHIFT,
  AccessKind,
  type AccessKindName,
  runAccesses,
  Stop,
} from "../hardware/accessLoop.ts";
import { Counter } from "../hardware/counters.ts";
import { checkEntry, type EntryFailure } from "../hardware/entryChecks.ts";
import { Access, Outcome } from "../hardware/eptWalk.ts";
import {
  deliverEvent,
  type EventDelivery,
  eventInformation,
  iret,
  takeInterruptedEvent,
} from "../hardware/events.ts";
import { ExitReason, saveFaultLikeExit } from "../hardware/exit.ts";
import { moveToCr3 } from "../hardware/guestWalk.ts";
import { count, leaveGuest, loadControls, loadGuestMode } from "../hardware/mmu.ts";
import { flushPage, flushVpid } from "../hardware/tlb.ts";
import { translateBytes } from "../hardware/translate.ts";
import {
  Field,
  GuestMode,
  GuestPaging,
  RFLAGS_RF,
  readField,
  readField64,
  type Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { highWord, lowWord } from "../hardware/words.ts";
import { LitmusProblem } from "./problem.ts";
import { type Machine, spend, type Vcpu } from "./state.ts";
import type { Step } from "./stepSchema.ts";

/** How a step ended. */
export type StepOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "exit"; readonly reason: number }
  | { readonly kind: "pageFault"; readonly error: number }
  | { readonly kind: "entryFailure"; readonly failure: EntryFailure };

/** What a step gave. */
export interface StepResult {
  readonly outcome: StepOutcome;
  /** Accesses of a burst that completed. */
  readonly retired?: number;
  /** GPAs that the VMM read from a log, oldest first. */
  readonly drained?: number[];
  readonly copied?: number[];
}

export const DONE: StepResult = { outcome: { kind: "done" } };

const BURST_LIMIT = 1 << 21;
/** Every emulated instruction has this length: it only has to move RIP. */
const INSTRUCTION_BYTES = 4;
export const ACCESS_KINDS = ["read", "write", "fetch", "readModifyWrite"] as const;

/** VM entry, if the vCPU is not in the guest. Another vCPU on the same processor leaves it first. */
export function enter(machine: Machine, vcpu: Vcpu): EntryFailure | null {
  if (vcpu.inGuest) return null;
  for (const other of machine.vcpus.values()) {
    if (other.mmu === vcpu.mmu && other.inGuest) exitGuest(other);
  }
  const failure = checkEntry(vcpu.vmcs, vcpu.mmu.capabilities, machine.geometry);
  if (failure !== null) return failure;
  loadControls(vcpu.mmu, vcpu.vmcs, vcpu.guest, vcpu.counters);
  vcpu.inGuest = true;
  return null;
}

/** VM exit, if the vCPU is in the guest. */
export function exitGuest(vcpu: Vcpu): void {
  if (vcpu.inGuest) leaveGuest(vcpu.mmu);
  vcpu.inGuest = false;
}

/** Enters the guest if need be, and does something there. */
export function inGuest(machine: Machine, vcpu: Vcpu, action: () => StepResult): StepResult {
  const failure = enter(machine, vcpu);
  if (failure !== null) return { outcome: { kind: "entryFailure", failure } };
  vcpu.mmu.prlFull = false;
  return action();
}

/** What an outcome of the hardware means for the vCPU: after an exit it is in the VMM. */
function finish(vcpu: Vcpu, outcome: number): StepOutcome {
  if (outcome === Outcome.done) return { kind: "done" };
  if (outcome === Outcome.pageFault) return { kind: "pageFault", error: vcpu.mmu.pageFaultError };
  exitGuest(vcpu);
  return { kind: "exit", reason: readField(vcpu.vmcs, Field.exitReason) };
}

/** The exit of an ordinary instruction: nothing was being delivered, no IRET. */
function finishInstruction(vcpu: Vcpu, outcome: number): StepOutcome {
  if (outcome !== Outcome.done && outcome !== Outcome.pageFault) {
    saveFaultLikeExit(vcpu.vmcs, { vectoring: 0, nmiUnblockedByIret: false });
  }
  return finish(vcpu, outcome);
}

/** Instructions completed: RIP moves on, and RF, which lasts for one instruction, ends. */
function retire(vmcs: Vmcs, instructions: number): void {
  if (instructions === 0) return;
  const rip = readField64(vmcs, Field.guestRip) + BigInt(INSTRUCTION_BYTES * instructions);
  writeField(vmcs, Field.guestRip, lowWord(rip), highWord(rip));
  writeField(vmcs, Field.guestRflags, readField(vmcs, Field.guestRflags) & ~RFLAGS_RF);
}

/** One access of some bytes; `user` overrides the guest's privilege for it. */
export function accessStep(
  machine: Machine,
  vcpu: Vcpu,
  kind: AccessKindName,
  address: number,
  options: { readonly size?: number | undefined; readonly user?: boolean | undefined },
): StepResult {
  return inGuest(machine, vcpu, () => {
    const { mmu, vmcs } = vcpu;
    const mode = readField(vmcs, Field.guestMode);
    if (options.user !== undefined) {
      setMode(vcpu, (mode & ~GuestMode.user) | (options.user ? GuestMode.user : 0));
    }
    const pages: number[] = [];
    const outcome = translateBytes(mmu, address, options.size ?? 1, Access[kind], pages);
    if (options.user !== undefined) setMode(vcpu, mode);
    if (outcome === Outcome.done) {
      count(mmu, Counter.accesses, 1);
      retire(vmcs, 1);
      if ((Access[kind] & Access.write) !== 0) {
        count(mmu, Counter.writes, 1);
        for (const page of pages) noteStore(machine, page);
      }
    }
    return { outcome: finishInstruction(vcpu, outcome) };
  });
}

function setMode(vcpu: Vcpu, mode: number): void {
  writeField(vcpu.vmcs, Field.guestMode, mode, 0);
  loadGuestMode(vcpu.mmu);
}

/** A store reached a page. */
export function noteStore(machine: Machine, page: number): void {
  machine.stores.set(page, (machine.stores.get(page) ?? 0) + 1);
}

/** A burst through the inner loop. */
export function runStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { run: unknown }>,
  path: readonly PropertyKey[],
): StepResult {
  const accesses: number[] = [];
  for (const [i, part] of step.run.entries()) {
    const kinds = ACCESS_KINDS.filter((kind) => part[kind] !== undefined);
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) {
      const message = `expected one of ${ACCESS_KINDS.join(", ")}`;
      throw new LitmusProblem([...path, "run", i], message);
    }
    const number = part.count ?? 1;
    spend(machine, number, [...path, "run", i]);
    const stride = part.stride ?? 4096;
    for (let n = 0; n < number && accesses.length <= BURST_LIMIT; n++) {
      const page = Math.floor((part[kind]! + n * stride) / 4096);
      if (page >= 2 ** 30) throw new LitmusProblem([...path, "run", i], "beyond 4 TiB");
      accesses.push((page << ACCESS_PAGE_SHIFT) | AccessKind[kind]);
    }
  }
  const block = Int32Array.from(accesses);
  return inGuest(machine, vcpu, () => {
    const { mmu } = vcpu;
    const budget = step.budget ?? Number.POSITIVE_INFINITY;
    const { gap = 0 } = step;
    const retired = runAccesses(mmu, block, 0, block.length, budget, gap, gap);
    retire(vcpu.vmcs, retired);
    for (const word of block.subarray(0, retired)) {
      if ((word & 1) === 1) noteStore(machine, machine.tables.resolve(word >>> ACCESS_PAGE_SHIFT));
    }
    // Horizon and full PRL log end a burst, but are no exits.
    const outcome = mmu.stop <= Outcome.pageFault ? mmu.stop : Outcome.done;
    const ended = mmu.stop === Stop.blockEnd ? Outcome.done : outcome;
    return { outcome: finishInstruction(vcpu, ended), retired };
  });
}

/** MOV to CR3. */
export function cr3Step(machine: Machine, vcpu: Vcpu, value: number): StepResult {
  return inGuest(machine, vcpu, () => {
    const outcome = moveToCr3(vcpu.mmu, value | 0, Math.floor(value / 2 ** 32));
    if (outcome === Outcome.done) retire(vcpu.vmcs, 1);
    return { outcome: finishInstruction(vcpu, outcome) };
  });
}

/** The guest changes its paging mode, privilege or protection bits. A change of paging flushes its TLB. */
export function modeStep(
  machine: Machine,
  vcpu: Vcpu,
  mode: Extract<Step, { mode: unknown }>["mode"],
): StepResult {
  return inGuest(machine, vcpu, () => {
    const { vmcs, mmu } = vcpu;
    let bits = readField(vmcs, Field.guestMode);
    const put = (value: boolean | undefined, bit: number) => {
      if (value !== undefined) bits = (bits & ~bit) | (value ? bit : 0);
    };
    put(mode.user, GuestMode.user);
    put(mode.writeProtect, GuestMode.writeProtect);
    put(mode.noExecute, GuestMode.noExecuteEnable);
    if (mode.paging !== undefined) {
      writeField(vmcs, Field.guestPaging, GuestPaging[mode.paging]);
      flushVpid(mmu.tlb, mmu.vpid);
    }
    setMode(vcpu, bits);
    return DONE;
  });
}

/** INVLPG. */
export function invlpgStep(machine: Machine, vcpu: Vcpu, address: number): StepResult {
  return inGuest(machine, vcpu, () => {
    flushPage(vcpu.mmu.tlb, vcpu.mmu.vpid, Math.floor(address / 4096));
    return DONE;
  });
}

/** A VM exit that the guest's instruction or an interrupt causes, without a memory access. */
export function exitStep(
  machine: Machine,
  vcpu: Vcpu,
  reason: "hlt" | "vmcall" | "externalInterrupt",
): StepResult {
  return inGuest(machine, vcpu, () => {
    writeField(vcpu.vmcs, Field.exitReason, ExitReason[reason]);
    writeField(vcpu.vmcs, Field.exitQualification, 0);
    writeField(vcpu.vmcs, Field.idtVectoringInformation, 0);
    exitGuest(vcpu);
    return { outcome: { kind: "exit", reason: ExitReason[reason] } };
  });
}

/** Delivery of an event through the IDT. */
export function deliverStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { deliver: unknown }>,
  path: readonly PropertyKey[],
): StepResult {
  const NMI_VECTOR = 2;
  const vector = step.vector ?? (step.deliver === "nmi" ? NMI_VECTOR : 0x20);
  // Room below the stack pointer for the largest frame.
  if (step.stack < 64) throw new LitmusProblem([...path, "stack"], "expected at least 64");
  return deliver(machine, vcpu, {
    information: eventInformation(step.deliver, vector, step.errorCode),
    stack: step.stack,
    gate: step.gate ?? null,
    handler: step.handler ?? 0x2000,
  });
}

function deliver(machine: Machine, vcpu: Vcpu, event: EventDelivery): StepResult {
  vcpu.lastEvent = event;
  return inGuest(machine, vcpu, () => ({
    outcome: finish(vcpu, deliverEvent(vcpu.mmu, event)),
  }));
}

/** VM entry with the event whose delivery an exit interrupted. */
export function reinjectStep(
  machine: Machine,
  vcpu: Vcpu,
  path: readonly PropertyKey[],
): StepResult {
  exitGuest(vcpu);
  const information = takeInterruptedEvent(vcpu.vmcs);
  if (information === 0 || vcpu.lastEvent === null) {
    throw new LitmusProblem(path, "no event to inject again: its delivery was not interrupted");
  }
  return deliver(machine, vcpu, { ...vcpu.lastEvent, information });
}

/** IRET. */
export function iretStep(
  machine: Machine,
  vcpu: Vcpu,
  step: Extract<Step, { iret: unknown }>,
): StepResult {
  return inGuest(machine, vcpu, () => {
    const user = step.user ?? (readField(vcpu.vmcs, Field.guestMode) & GuestMode.user) !== 0;
    const outcome = iret(vcpu.mmu, step.iret, step.to ?? 0x1000, user);
    return { outcome: finish(vcpu, outcome) };
  });
}
