/**
 * Events that reach the guest through the IDT, and IRET: what page tracking sees of them. The
 * processor reads the gate, then writes the stack of the handler; IRET reads it back. Each of these
 * accesses is translated like any other, so an exit can hit in the middle (SDM vol. 3C 27.2.4).
 */

import { ERROR_CODE_VALID, EVENT_VALID, EventType, eventTypeOf } from "./eventInformation.ts";
import { ExitReason, saveAccessExit, saveOtherExit, writeResumeFlag } from "./exit.ts";
import { loadGuestMode, type Mmu } from "./mmu.ts";
import { READ, WRITE } from "./rights.ts";
import { Outcome } from "./secondStageWalk.ts";
import { isCanonical, translateBytes } from "./translate.ts";
import {
  BLOCKING_BY_MOV_SS,
  BLOCKING_BY_NMI,
  BLOCKING_BY_STI,
  Field,
  GuestMode,
  GuestPaging,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  PRIMARY_INTERRUPT_WINDOW_EXITING,
  PRIMARY_NMI_WINDOW_EXITING,
  RFLAGS_IF,
  readField,
  type Vmcs,
  writeField,
} from "./vmcs.ts";

/** What an event finds in the IDT and puts on the stack. */
interface Frame {
  /** Bytes of a gate. */
  readonly gate: number;
  /** Bytes of each thing that is pushed. */
  readonly slot: number;
  /** Whether SS and the stack pointer are pushed without a change of privilege too. */
  readonly alwaysStack: boolean;
  /** The stack pointer is rounded down to a multiple of this before the pushes. */
  readonly alignment: number;
}
/** IA-32e mode (SDM vol. 3A 6.14.1 and 6.14.2), and a guest whose own paging is left out. */
const FRAME_64: Frame = { gate: 16, slot: 8, alwaysStack: true, alignment: 16 };
/** Protected mode (SDM vol. 3A 6.11 and 6.12.1; Bochs protected_mode_int). */
const FRAME_32: Frame = { gate: 8, slot: 4, alwaysStack: false, alignment: 1 };
/** Pushed always: the flags, CS and the instruction pointer. */
const SLOTS = 3;
/** SS and the stack pointer. */
const STACK_SLOTS = 2;

function frameOf(vmcs: Vmcs): Frame {
  return readField(vmcs, Field.guestPaging) === GuestPaging.pae ? FRAME_32 : FRAME_64;
}

/** An event about to be delivered: linear addresses are numbers, negative in the upper half of a long-mode guest. */
export interface EventDelivery {
  /** Interruption information: vector, type, error-code flag, valid bit. */
  readonly information: number;
  /** Stack pointer of the handler before the pushes. */
  readonly stack: number;
  /** Linear address of the gate in the IDT, or null to leave that read out. */
  readonly gate: number | null;
  /** RIP of the handler. */
  readonly handler: number;
}

/**
 * Delivers an event through the IDT. The gate is read and the frame is written with supervisor
 * rights; every page of the frame is translated before anything is pushed. An exit meanwhile saves
 * the event in the IDT-vectoring information, for the VMM to inject again.
 * @param injected whether VM entry injects it
 * @returns one of Outcome; after anything but done the guest is as it was, apart from flags and logs.
 */
export function deliverEvent(mmu: Mmu, event: EventDelivery, injected = false): number {
  const { vmcs } = mmu;
  const mode = readField(vmcs, Field.guestMode);
  setGuestMode(mmu, mode & ~GuestMode.user);
  // Delivery of an NMI begins with blocking further ones: a VMM undoes it before it injects the NMI again (SDM 27.7.1.2 of September 2008, which KVM __vmx_complete_interrupts quotes).
  if (eventTypeOf(event.information) === EventType.nmi) setNmiBlocking(vmcs, true);
  const outcome = pushFrame(mmu, event, (mode & GuestMode.user) !== 0);
  if (outcome === Outcome.done) {
    writeRip(vmcs, event.handler | 0, Math.floor(event.handler / 2 ** 32) | 0);
    writeResumeFlag(vmcs, false);
    endShadow(vmcs);
    return outcome;
  }
  setGuestMode(mmu, mode);
  if (isExit(outcome)) {
    saveAccessExit(vmcs, { vectoring: event.information, injected, nmiUnblockedByIret: false });
  }
  return outcome;
}

function pushFrame(mmu: Mmu, event: EventDelivery, fromUser: boolean): number {
  const frame = frameOf(mmu.vmcs);
  if (event.gate !== null) {
    const outcome = translateBytes(mmu, event.gate, frame.gate, READ);
    if (outcome !== Outcome.done) return outcome;
  }
  if (!isCanonical(mmu, event.handler)) return Outcome.generalProtection;
  let slots = SLOTS + (fromUser || frame.alwaysStack ? STACK_SLOTS : 0);
  if ((event.information & ERROR_CODE_VALID) !== 0) slots++;
  const bytes = slots * frame.slot;
  const top = Math.floor(event.stack / frame.alignment) * frame.alignment;
  return onStack(translateBytes(mmu, top - bytes, bytes, WRITE));
}

/** A stack at an address that is not canonical is #SS, not #GP (SDM vol. 3A 6.15). */
function onStack(outcome: number): number {
  return outcome === Outcome.generalProtection ? Outcome.stackFault : outcome;
}

/** Whether an outcome is a VM exit, and not an exception of the guest. */
export function isExit(outcome: number): boolean {
  return outcome > Outcome.done && outcome < Outcome.pageFault;
}

/**
 * What a VMM does with an event whose delivery an exit interrupted: takes it from the IDT-vectoring
 * information to inject it at the next entry, and undoes the blocking that an NMI had begun.
 * @returns interruption information to inject, or 0 when no event was interrupted.
 */
export function takeInterruptedEvent(vmcs: Vmcs): number {
  const information = readField(vmcs, Field.idtVectoringInformation);
  if ((information & EVENT_VALID) === 0) return 0;
  writeField(vmcs, Field.idtVectoringInformation, 0);
  if (eventTypeOf(information) === EventType.nmi) setNmiBlocking(vmcs, false);
  return information;
}

/** Where an IRET returns to, as the frame that it reads says. */
export interface InterruptReturn {
  /** Stack pointer at the IRET. */
  readonly stack: number;
  readonly to: number;
  /** To user mode. */
  readonly user: boolean;
  /** RFLAGS.RF in the frame: IRET is one of the few that set it (SDM vol. 3B 17.3.1.1). */
  readonly resumeFlag: boolean;
}

/**
 * IRET: ends blocking by NMI, then reads the frame. An exit in that read finds the blocking gone and
 * reports it in bit 12 of the qualification (SDM vol. 3C 25.3, 27.2.3).
 */
export function iret(mmu: Mmu, { stack, to, user, resumeFlag }: InterruptReturn): number {
  const { vmcs } = mmu;
  const pin = readField(vmcs, Field.pinBasedControls);
  // With NMI exiting but no virtual NMIs, IRET leaves blocking by NMI alone.
  const unblocks = (pin & PIN_NMI_EXITING) === 0 || (pin & PIN_VIRTUAL_NMIS) !== 0;
  const blocked = (readField(vmcs, Field.guestInterruptibility) & BLOCKING_BY_NMI) !== 0;
  if (unblocks) setNmiBlocking(vmcs, false);
  const mode = readField(vmcs, Field.guestMode);
  const frame = frameOf(vmcs);
  const outward = user && (mode & GuestMode.user) === 0;
  const slots = SLOTS + (outward || frame.alwaysStack ? STACK_SLOTS : 0);
  const outcome = onStack(translateBytes(mmu, stack, slots * frame.slot, READ));
  if (isExit(outcome)) {
    const nmiUnblockedByIret = unblocks && blocked;
    saveAccessExit(vmcs, { vectoring: 0, injected: false, nmiUnblockedByIret });
  }
  if (outcome !== Outcome.done) return outcome;
  if (!isCanonical(mmu, to)) return Outcome.generalProtection;
  writeRip(vmcs, to | 0, Math.floor(to / 2 ** 32) | 0);
  writeResumeFlag(vmcs, resumeFlag);
  endShadow(vmcs);
  setGuestMode(mmu, (mode & ~GuestMode.user) | (user ? GuestMode.user : 0));
  return outcome;
}

/**
 * The exit that a window causes between two instructions, before any event is delivered: the guest may
 * take an interrupt (SDM vol. 3C 25.2, 24.6.2), or an NMI (with virtual NMIs, which entry asks for).
 * @returns whether one was due: its reason is in the VMCS then.
 */
export function exitForWindow(vmcs: Vmcs): boolean {
  const primary = readField(vmcs, Field.primaryControls);
  const blocking = readField(vmcs, Field.guestInterruptibility);
  const shadow = (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) !== 0;
  const interrupts = (readField(vmcs, Field.guestRflags) & RFLAGS_IF) !== 0;
  const nmi = (primary & PRIMARY_NMI_WINDOW_EXITING) !== 0 && (blocking & BLOCKING_BY_NMI) === 0;
  const interrupt = (primary & PRIMARY_INTERRUPT_WINDOW_EXITING) !== 0 && interrupts;
  if (shadow || !(nmi || interrupt)) return false;
  writeField(vmcs, Field.exitReason, nmi ? ExitReason.nmiWindow : ExitReason.interruptWindow);
  writeField(vmcs, Field.exitQualification, 0);
  saveOtherExit(vmcs);
  return true;
}

function setGuestMode(mmu: Mmu, mode: number): void {
  writeField(mmu.vmcs, Field.guestMode, mode, 0);
  loadGuestMode(mmu);
}

function setNmiBlocking(vmcs: Vmcs, blocked: boolean): void {
  const interruptibility = readField(vmcs, Field.guestInterruptibility) & ~BLOCKING_BY_NMI;
  writeField(vmcs, Field.guestInterruptibility, interruptibility | (blocked ? BLOCKING_BY_NMI : 0));
}

/** RIP has 32 bits outside 64-bit mode. */
export function writeRip(vmcs: Vmcs, low: number, high: number): void {
  const short = readField(vmcs, Field.guestPaging) === GuestPaging.pae;
  writeField(vmcs, Field.guestRip, low, short ? 0 : high);
}

/** Ends blocking by STI and by MOV SS: each lasts for one instruction, and no longer than to an event. */
export function endShadow(vmcs: Vmcs): void {
  const blocking = readField(vmcs, Field.guestInterruptibility);
  const shadow = BLOCKING_BY_STI | BLOCKING_BY_MOV_SS;
  writeField(vmcs, Field.guestInterruptibility, blocking & ~shadow);
}
