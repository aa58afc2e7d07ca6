/**
 * Events that reach the guest through the IDT, and IRET: what page tracking sees of them. The
 * processor reads the gate, then writes the stack of the handler; IRET reads it back. Each of these
 * accesses is translated like any other, so an exit can hit in the middle (SDM vol. 3C 27.2.4).
 */
import { EPT_READ, EPT_WRITE } from "./eptEntry.ts";
import { Outcome } from "./eptWalk.ts";
import { saveFaultLikeExit, VECTORING_VALID } from "./exit.ts";
import { loadGuestMode, type Mmu } from "./mmu.ts";
import { translateBytes } from "./translate.ts";
import {
  BLOCKING_BY_NMI,
  Field,
  GuestMode,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  RFLAGS_RF,
  readField,
  type Vmcs,
  writeField,
} from "./vmcs.ts";

/** Event types: bits 10:8 of interruption information (SDM tables 24-14, 24-16 and 24-17). */
export const EventType = { externalInterrupt: 0, nmi: 2, exception: 3 } as const;
export type EventTypeName = keyof typeof EventType;

const TYPE_SHIFT = 8;
const ERROR_CODE_VALID = 1 << 11;
/** Bytes of a 64-bit gate, of the frame SS:RSP, RFLAGS, CS:RIP, and of an error code (SDM vol. 3A 6.14). */
const GATE_BYTES = 16;
const FRAME_BYTES = 40;
const ERROR_CODE_BYTES = 8;
/** The stack is aligned before the pushes in 64-bit mode. */
const STACK_ALIGNMENT = 16;

/** An event about to be delivered: linear addresses are numbers, exact below 2^53. */
export interface EventDelivery {
  /** Interruption information: vector, type, error-code flag, valid bit. */
  readonly information: number;
  /** RSP of the handler's stack before the pushes. */
  readonly stack: number;
  /** Linear address of the gate in the IDT, or null to leave that read out. */
  readonly gate: number | null;
  /** RIP of the handler. */
  readonly handler: number;
}

/** Interruption information of an event, in the format that VM entry, VM exit and IDT vectoring share. */
export function eventInformation(type: EventTypeName, vector: number, errorCode = false): number {
  const bits = (EventType[type] << TYPE_SHIFT) | (vector & 0xff);
  return VECTORING_VALID | bits | (errorCode ? ERROR_CODE_VALID : 0);
}

/** Vector and type that interruption information names; null if it is not valid. */
export function describeEvent(
  information: number,
): { readonly type: EventTypeName | null; readonly vector: number } | null {
  if ((information & VECTORING_VALID) === 0) return null;
  const number = (information >>> TYPE_SHIFT) & 7;
  let type: EventTypeName | null = null;
  for (const [name, value] of Object.entries(EventType)) {
    if (value === number) type = name as EventTypeName;
  }
  return { type, vector: information & 0xff };
}

/**
 * Delivers an event through the IDT. The gate is read and the frame is written with supervisor
 * rights; every page of the frame is translated before anything is pushed. An exit meanwhile saves
 * the event in the IDT-vectoring information, for the VMM to inject again.
 * @returns one of Outcome; after anything but done the guest is as it was, apart from flags and logs.
 */
export function deliverEvent(mmu: Mmu, event: EventDelivery): number {
  const { vmcs } = mmu;
  const mode = readField(vmcs, Field.guestMode);
  setGuestMode(mmu, mode & ~GuestMode.user);
  // Delivery of an NMI begins with blocking further ones: a VMM undoes it before it injects the NMI again (SDM 27.7.1.2 of September 2008, which KVM __vmx_complete_interrupts quotes).
  if (((event.information >>> TYPE_SHIFT) & 7) === EventType.nmi) setNmiBlocking(vmcs, true);
  let outcome: number = Outcome.done;
  if (event.gate !== null) outcome = translateBytes(mmu, event.gate, GATE_BYTES, EPT_READ);
  if (outcome === Outcome.done) {
    const withCode = (event.information & ERROR_CODE_VALID) !== 0;
    const bytes = FRAME_BYTES + (withCode ? ERROR_CODE_BYTES : 0);
    const top = event.stack - (event.stack % STACK_ALIGNMENT);
    outcome = translateBytes(mmu, top - bytes, bytes, EPT_WRITE);
  }
  if (outcome === Outcome.done) {
    writeAddress(vmcs, Field.guestRip, event.handler);
    writeField(vmcs, Field.guestRflags, readField(vmcs, Field.guestRflags) & ~RFLAGS_RF);
    return outcome;
  }
  setGuestMode(mmu, mode);
  if (outcome !== Outcome.pageFault) {
    saveFaultLikeExit(vmcs, { vectoring: event.information, nmiUnblockedByIret: false });
  }
  return outcome;
}

/**
 * What a VMM does with an event whose delivery an exit interrupted: takes it from the IDT-vectoring
 * information to inject it at the next entry, and undoes the blocking that an NMI had begun.
 * @returns interruption information to inject, or 0 when no event was interrupted.
 */
export function takeInterruptedEvent(vmcs: Vmcs): number {
  const information = readField(vmcs, Field.idtVectoringInformation);
  if ((information & VECTORING_VALID) === 0) return 0;
  writeField(vmcs, Field.idtVectoringInformation, 0);
  if (((information >>> TYPE_SHIFT) & 7) === EventType.nmi) setNmiBlocking(vmcs, false);
  return information;
}

/**
 * IRET: ends blocking by NMI, then reads the frame. An exit in that read finds the blocking gone and
 * reports it in bit 12 of the qualification (SDM vol. 3C 25.3, 27.2.3).
 * @param stack RSP at the IRET; @param to where it returns; @param user whether to user mode
 */
export function iret(mmu: Mmu, stack: number, to: number, user: boolean): number {
  const { vmcs } = mmu;
  const pin = readField(vmcs, Field.pinBasedControls);
  // With NMI exiting but no virtual NMIs, IRET leaves blocking by NMI alone.
  const unblocks = (pin & PIN_NMI_EXITING) === 0 || (pin & PIN_VIRTUAL_NMIS) !== 0;
  const blocked = (readField(vmcs, Field.guestInterruptibility) & BLOCKING_BY_NMI) !== 0;
  if (unblocks) setNmiBlocking(vmcs, false);
  const outcome = translateBytes(mmu, stack, FRAME_BYTES, EPT_READ);
  if (outcome === Outcome.done) {
    writeAddress(vmcs, Field.guestRip, to);
    const mode = readField(vmcs, Field.guestMode) & ~GuestMode.user;
    setGuestMode(mmu, mode | (user ? GuestMode.user : 0));
  } else if (outcome !== Outcome.pageFault) {
    saveFaultLikeExit(vmcs, { vectoring: 0, nmiUnblockedByIret: unblocks && blocked });
  }
  return outcome;
}

function setGuestMode(mmu: Mmu, mode: number): void {
  writeField(mmu.vmcs, Field.guestMode, mode, 0);
  loadGuestMode(mmu);
}

function setNmiBlocking(vmcs: Vmcs, blocked: boolean): void {
  const interruptibility = readField(vmcs, Field.guestInterruptibility) & ~BLOCKING_BY_NMI;
  writeField(vmcs, Field.guestInterruptibility, interruptibility | (blocked ? BLOCKING_BY_NMI : 0));
}

function writeAddress(vmcs: Vmcs, field: number, address: number): void {
  writeField(vmcs, field, address | 0, Math.floor(address / 2 ** 32) | 0);
}
