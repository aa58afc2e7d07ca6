/** Steps that the guest takes: accesses, bursts, CR3, mode, events, IRET; and VM entries and exits. */
import {
  ACCESS_PAGE_SHIFT,
  AccessKind,
  type AccessKindName,
  runAccesses,
  Stop,
} from "../hardware/accessLoop.ts";
import { Counter } from "../hardware/counters.ts";
import { EVENT_VALID } from "../hardware/eventInformation.ts";
import {
  deliverEvent,
  type EventDelivery,
  endShadow,
  exitForWindow,
  isExit,
  writeRip,
} from "../hardware/events.ts";
import { ORDINARY_ACCESS, saveAccessExit, writeResumeFlag } from "../hardware/exit.ts";
import { paePages } from "../hardware/geometry.ts";
import { changePaging, moveToCr3 } from "../hardware/guestWalk.ts";
import { count, isSelected, leaveGuest, loadGuestMode } from "../hardware/mmu.ts";
import { Access, Outcome } from "../hardware/secondStageWalk.ts";
import { flushPage } from "../hardware/tlb.ts";
import { isCanonical, linearPageOf, translateBytes } from "../hardware/translate.ts";
import {
  Field,
  GuestMode,
  GuestPaging,
  readField,
  readField64,
  SECONDARY_EPT,
  secondaryControls,
  type Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import { enterGuest } from "../hardware/vmEntry.ts";
import { highWord, lowWord } from "../hardware/words.ts";
import { LitmusProblem } from "./problem.ts";
import { type Machine, spend, unitOf, type Vcpu } from "./state.ts";
import type { EXCEPTIONS, Step } from "./stepSchema.ts";

/** How a step ended. */
export type StepOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "exit"; readonly reason: number }
  | { readonly kind: "pageFault"; readonly error: number }
  | { readonly kind: "exception"; readonly name: (typeof EXCEPTIONS)[number] }
  | { readonly kind: "entryFailure"; readonly failure: string }
  /** A VMX instruction that failed, with its VM-instruction error. */
  | { readonly kind: "vmfail"; readonly error: number };

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

/** What is needed of an event beside what VM entry has of it. */
export type Handler = Omit<EventDelivery, "information">;

/**
 * VM entry, if the vCPU is not in the guest, with the event that the VMCS has for it. Another vCPU on the
 * same processor leaves it first.
 * @param handler of the event to inject @returns how the entry ended, or null when the guest runs
 */
function enter(machine: Machine, vcpu: Vcpu, handler: Handler | null): StepOutcome | null {
  if (vcpu.inGuest) return null;
  for (const other of machine.vcpus.values()) {
    if (other.mmu === vcpu.mmu && other.inGuest) exitGuest(other);
  }
  refuseImpossible(machine, vcpu);
  const failure = enterGuest(vcpu.mmu, vcpu.vmcs, vcpu.guest, vcpu.counters);
  if (failure !== null) return { kind: "entryFailure", failure };
  vcpu.inGuest = true;
  const information = readField(vcpu.vmcs, Field.entryInterruptionInformation);
  if ((information & EVENT_VALID) !== 0) {
    if (handler === null) {
      const message = "VM entry injects an event: enter by vmentry, with the stack of its handler";
      throw new LitmusProblem(machine.step, message);
    }
    vcpu.lastEvent = { ...handler, information };
    const ended = finish(vcpu, deliverEvent(vcpu.mmu, vcpu.lastEvent, true));
    if (ended.kind !== "done") return ended;
  }
  return null;
}

/** What a test cannot ask of this machine, though VM entry would not mind. */
function refuseImpossible(machine: Machine, vcpu: Vcpu): void {
  const { vmcs, mmu } = vcpu;
  const secondary = secondaryControls(vmcs);
  const { logEntries } = machine.geometry;
  const { declaration, entriesMax, whyNoMore } = unitOf(machine, vcpu);
  const isOn = mmu.units.some((unit) => isSelected(mmu.units, unit, secondary));
  if (isOn && logEntries > entriesMax) {
    const most = `a ${declaration.label} log has at most ${entriesMax} entries, not ${logEntries}`;
    throw new LitmusProblem(["machine", "geometry", "logEntries"], `${most}: ${whyNoMore}`);
  }
  const paged = readField(vmcs, Field.guestPaging) !== GuestPaging.off;
  if (paged && (secondary & SECONDARY_EPT) === 0 && !machine.identityTables) {
    const message =
      "without EPT the guest's paging structures would be elsewhere: start without EPT";
    throw new LitmusProblem(machine.step, message);
  }
}

/** VM exit, if the vCPU is in the guest. The event that entry injected is not injected again (SDM 24.8.3). */
export function exitGuest(vcpu: Vcpu): void {
  if (!vcpu.inGuest) return;
  leaveGuest(vcpu.mmu);
  vcpu.inGuest = false;
  const information = readField(vcpu.vmcs, Field.entryInterruptionInformation);
  writeField(vcpu.vmcs, Field.entryInterruptionInformation, information & ~EVENT_VALID);
}

/** Enters the guest if need be, and does something there. @param handler of an event that entry injects */
export function inGuest(
  machine: Machine,
  vcpu: Vcpu,
  action: () => StepResult,
  handler: Handler | null = null,
): StepResult {
  const ended = enter(machine, vcpu, handler);
  if (ended !== null) return { outcome: ended };
  if (exitForWindow(vcpu.vmcs)) {
    exitGuest(vcpu);
    return { outcome: { kind: "exit", reason: readField(vcpu.vmcs, Field.exitReason) } };
  }
  vcpu.mmu.logFilled = false;
  return action();
}

/** What an outcome of the hardware means for the vCPU: after an exit it is in the VMM. */
export function finish(vcpu: Vcpu, outcome: number): StepOutcome {
  switch (outcome) {
    case Outcome.done:
      return { kind: "done" };
    case Outcome.pageFault:
      return { kind: "pageFault", error: vcpu.mmu.pageFaultError };
    case Outcome.generalProtection:
      return { kind: "exception", name: "generalProtection" };
    case Outcome.stackFault:
      return { kind: "exception", name: "stackFault" };
    default:
      exitGuest(vcpu);
      return { kind: "exit", reason: readField(vcpu.vmcs, Field.exitReason) };
  }
}

/** The exit of an ordinary instruction. */
function finishInstruction(vcpu: Vcpu, outcome: number): StepOutcome {
  if (isExit(outcome)) saveAccessExit(vcpu.vmcs, ORDINARY_ACCESS);
  return finish(vcpu, outcome);
}

/**
 * Instructions completed: RIP moves on; RF, and blocking by STI or MOV SS, which last for one
 * instruction, end.
 */
function retire(vmcs: Vmcs, instructions: number): void {
  if (instructions === 0) return;
  const rip = readField64(vmcs, Field.guestRip) + BigInt(INSTRUCTION_BYTES * instructions);
  writeRip(vmcs, lowWord(rip), highWord(rip));
  writeResumeFlag(vmcs, false);
  endShadow(vmcs);
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
      const page = burstPage(machine, vcpu, part[kind]! + n * stride);
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
    const outcome = mmu.stop < Stop.blockEnd ? mmu.stop : Outcome.done;
    return { outcome: finishInstruction(vcpu, outcome), retired };
  });
}

/** The page of a burst's access: of a PAE guest the program's address has 32 bits before the burst begins. */
function burstPage(machine: Machine, { vmcs }: Vcpu, address: number): number {
  const page = Math.floor(address / 4096);
  const isPae = readField(vmcs, Field.guestPaging) === GuestPaging.pae;
  return isPae ? page % paePages(machine.geometry) : page;
}

/** MOV to CR3. */
export function cr3Step(machine: Machine, vcpu: Vcpu, value: bigint): StepResult {
  return inGuest(machine, vcpu, () => {
    const outcome = moveToCr3(vcpu.mmu, lowWord(value), highWord(value));
    if (outcome === Outcome.done) retire(vcpu.vmcs, 1);
    return { outcome: finishInstruction(vcpu, outcome) };
  });
}

/**
 * The guest changes its paging mode, privilege or protection bits. One that names a paging mode is a MOV to
 * CR0 or CR4 that changes how paging works, be it to the same mode.
 */
export function modeStep(
  machine: Machine,
  vcpu: Vcpu,
  mode: Extract<Step, { mode: unknown }>["mode"],
): StepResult {
  return inGuest(machine, vcpu, () => {
    const { vmcs, mmu } = vcpu;
    if (mode.paging !== undefined) {
      const outcome = changePaging(mmu, GuestPaging[mode.paging]);
      if (outcome !== Outcome.done) return { outcome: finishInstruction(vcpu, outcome) };
    }
    let bits = readField(vmcs, Field.guestMode);
    const put = (value: boolean | undefined, bit: number) => {
      if (value !== undefined) bits = (bits & ~bit) | (value ? bit : 0);
    };
    put(mode.user, GuestMode.user);
    put(mode.writeProtect, GuestMode.writeProtect);
    put(mode.noExecute, GuestMode.noExecuteEnable);
    setMode(vcpu, bits);
    retire(vmcs, 1);
    return DONE;
  });
}

/** INVLPG. An address that is not canonical has no mappings (SDM vol. 2A). */
export function invlpgStep(machine: Machine, vcpu: Vcpu, address: number): StepResult {
  return inGuest(machine, vcpu, () => {
    const { mmu } = vcpu;
    if (isCanonical(mmu, address)) flushPage(mmu.tlb, mmu.vpid, linearPageOf(mmu, address));
    retire(vcpu.vmcs, 1);
    return DONE;
  });
}
