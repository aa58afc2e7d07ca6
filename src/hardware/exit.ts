/** VM-exit reasons and exit qualifications (SDM vol. 3C appendix C, 27.2.1 and table 27-7). */
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
  externalInterrupt: 1,
  hlt: 12,
  vmcall: 18,
  eptViolation: 48,
  eptMisconfiguration: 49,
  pmlFull: 62,
} as const;
export type ExitReasonName = keyof typeof ExitReason;

const EXIT_NAMES: readonly (string | undefined)[] = Object.entries(ExitReason).reduce(
  (names, [name, reason]) => names.with(reason, name),
  new Array<string | undefined>(64).fill(undefined),
);

/** The name of a basic exit reason, for people; "reason N" if it is none of ours. */
export function exitReasonName(reason: number): string {
  return EXIT_NAMES[reason] ?? `reason ${reason}`;
}

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

/** Bit 31 of the IDT-vectoring information: valid. */
export const VECTORING_VALID = 1 << 31;

/** How an event reached the instruction at which an exit happens. */
export interface ExitContext {
  /** IDT-vectoring information to save, or 0 outside event delivery. */
  readonly vectoring: number;
  /** The exit interrupted an IRET that had just ended blocking by NMI. */
  readonly nmiUnblockedByIret: boolean;
}

/**
 * Saves what an EPT-related or log-full exit leaves in the VMCS besides reason, qualification and
 * addresses. These exits are fault-like: RIP names the instruction that restarts, and RF is saved as
 * 1 unless the exit hit during event delivery (SDM 27.3.3; Bochs VMexitSaveGuestState).
 */
export function saveFaultLikeExit(vmcs: Vmcs, context: ExitContext): void {
  writeField(vmcs, Field.idtVectoringInformation, context.vectoring, 0);
  const rflags = readField(vmcs, Field.guestRflags);
  const delivering = context.vectoring !== 0;
  writeField(vmcs, Field.guestRflags, delivering ? rflags & ~RFLAGS_RF : rflags | RFLAGS_RF);
  // SDM 27.2.3: bit 12 is undefined with NMI exiting but no virtual NMIs, or with vectoring valid. We leave it 0 there.
  const pin = readField(vmcs, Field.pinBasedControls);
  const defined = (pin & PIN_NMI_EXITING) === 0 || (pin & PIN_VIRTUAL_NMIS) !== 0;
  if (context.nmiUnblockedByIret && defined && !delivering) {
    const qualification = readField(vmcs, Field.exitQualification);
    writeField(vmcs, Field.exitQualification, qualification | Qualification.nmiUnblocked);
  }
}

/**
 * What a VMM owes after a log-full exit with bit 12 set: blocking by NMI again before the next entry
 * (Xen undo_nmis_unblocked_by_iret, KVM handle_pml_full). Returns whether it was due.
 */
export function restoreNmiBlocking(vmcs: Vmcs): boolean {
  const unblocked = readField(vmcs, Field.exitQualification) & Qualification.nmiUnblocked;
  const delivering = readField(vmcs, Field.idtVectoringInformation) & VECTORING_VALID;
  if (unblocked === 0 || delivering !== 0) return false;
  const interruptibility = readField(vmcs, Field.guestInterruptibility);
  writeField(vmcs, Field.guestInterruptibility, interruptibility | BLOCKING_BY_NMI);
  return true;
}
