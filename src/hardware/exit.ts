/**
 * VM-exit reasons and exit qualifications (SDM vol. 3C appendix C, 27.2.1 and table 27-7). That of a full log is its
 * unit's (src/units/exits.ts).
 */
import { EVENT_VALID, setsResumeFlag } from "./eventInformation.ts";
import {
  BLOCKING_BY_NMI,
  Field,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  RFLAGS_RF,
  readField,
  type Vmcs,
  writeField,
} from "./vmcs.ts";

export const ExitReason = {
  exceptionOrNmi: 0,
  externalInterrupt: 1,
  interruptWindow: 7,
  nmiWindow: 8,
  hlt: 12,
  vmcall: 18,
  invalidGuestState: 33,
  eptViolation: 48,
  eptMisconfiguration: 49,
} as const;
export type ExitReasonName = keyof typeof ExitReason;

/** Bits of the exit qualification of an EPT violation. */
export const Qualification = {
  read: 1 << 0,
  write: 1 << 1,
  fetch: 1 << 2,
  /** Bits 5:3: the AND of the R, W, X bits of all entries of the walk. */
  permissionShift: 3,
  /** Bit 6: the AND of the user-execute bits, with mode-based execute control. */
  permUserExecute: 1 << 6,
  linearAddressValid: 1 << 7,
  finalTranslation: 1 << 8,
  /** Bits 11:9, with bits 7 and 8 and advanced information only: what paging says of the linear page. */
  linearPageShift: 9,
  /** Bit 12, also the only bit defined for log-full: NMI unblocking due to IRET. */
  nmiUnblocked: 1 << 12,
} as const;

/** How an event reached the instruction at which an exit happens. */
export interface ExitContext {
  /** IDT-vectoring information to save, or 0 outside event delivery. */
  readonly vectoring: number;
  /** The event came from VM entry, not from the guest. */
  readonly injected: boolean;
  /** The exit interrupted an IRET that had just ended blocking by NMI. */
  readonly nmiUnblockedByIret: boolean;
}

/** The exit of an ordinary instruction's access: nothing was being delivered, no IRET. */
export const ORDINARY_ACCESS: ExitContext = {
  vectoring: 0,
  injected: false,
  nmiUnblockedByIret: false,
};

/**
 * RFLAGS.RF as an exit saves it (SDM vol. 3C 27.3.3; Bochs VMexitReadEFLAGS), by what caused the exit:
 * an instruction that exits saves 0; an event that would otherwise go through the IDT saves what would be
 * pushed (saveEventExit); an EPT violation, misconfiguration or full log saves 1, or during delivery what
 * would be pushed (saveAccessExit). Any other exit saves RF as it was.
 */
export function saveInstructionExit(vmcs: Vmcs): void {
  writeField(vmcs, Field.idtVectoringInformation, 0);
  writeResumeFlag(vmcs, false);
}

/** The exit that an exception, an NMI or an external interrupt causes instead of its delivery. */
export function saveEventExit(vmcs: Vmcs, information: number): void {
  writeField(vmcs, Field.idtVectoringInformation, 0);
  pushResumeFlag(vmcs, information);
}

/** An exit between two instructions that neither of them caused, such as that of a window. */
export function saveOtherExit(vmcs: Vmcs): void {
  writeField(vmcs, Field.idtVectoringInformation, 0);
}

/**
 * What an EPT-related or log-full exit leaves in the VMCS besides reason, qualification and addresses.
 * It is fault-like: RIP names the instruction that restarts.
 */
export function saveAccessExit(vmcs: Vmcs, context: ExitContext): void {
  const { vectoring, injected, nmiUnblockedByIret } = context;
  writeField(vmcs, Field.idtVectoringInformation, vectoring, 0);
  const delivering = vectoring !== 0;
  if (!delivering) writeResumeFlag(vmcs, true);
  // VM entry pushes RF as the VMCS has it, for faults too (KVM kvm_check_and_inject_events).
  else if (!injected) pushResumeFlag(vmcs, vectoring);
  // SDM 27.2.3: bit 12 is undefined with NMI exiting but no virtual NMIs, or with vectoring valid. We leave it 0 there.
  const pin = readField(vmcs, Field.pinBasedControls);
  const defined = (pin & PIN_NMI_EXITING) === 0 || (pin & PIN_VIRTUAL_NMIS) !== 0;
  if (nmiUnblockedByIret && defined && !delivering) {
    const qualification = readField(vmcs, Field.exitQualification);
    writeField(vmcs, Field.exitQualification, qualification | Qualification.nmiUnblocked);
  }
}

/** RF as the delivery of an event pushes it: 1 for a fault, else as it is (SDM vol. 3B 17.3.1.1). */
function pushResumeFlag(vmcs: Vmcs, information: number): void {
  if (setsResumeFlag(information)) writeResumeFlag(vmcs, true);
}

/** Sets or clears RFLAGS.RF of the guest. */
export function writeResumeFlag(vmcs: Vmcs, set: boolean): void {
  const rflags = readField(vmcs, Field.guestRflags) & ~RFLAGS_RF;
  writeField(vmcs, Field.guestRflags, set ? rflags | RFLAGS_RF : rflags);
}

/**
 * What a VMM owes after a log-full exit with bit 12 set: blocking by NMI again before the next entry
 * (Xen undo_nmis_unblocked_by_iret, KVM handle_pml_full). Returns whether it was due.
 */
export function restoreNmiBlocking(vmcs: Vmcs): boolean {
  const unblocked = readField(vmcs, Field.exitQualification) & Qualification.nmiUnblocked;
  const delivering = readField(vmcs, Field.idtVectoringInformation) & EVENT_VALID;
  if (unblocked === 0 || delivering !== 0) return false;
  const interruptibility = readField(vmcs, Field.guestInterruptibility);
  writeField(vmcs, Field.guestInterruptibility, interruptibility | BLOCKING_BY_NMI);
  return true;
}
