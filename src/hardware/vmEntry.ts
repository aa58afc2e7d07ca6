/**
 * VM entry: what it checks before it loads the guest (SDM vol. 3C 26.2 and 26.3; Bochs
 * VMenterLoadCheckVmControls and VMenterLoadCheckGuestState), as far as page tracking, paging and events
 * go, first the controls, then the guest state; and what it loads.
 */
import { CONTROL_FAILURES, controlFailure } from "./controlChecks.ts";
import { ExitReason } from "./exit.ts";
import type { GuestPages } from "./guestPages.ts";
import {
  GUEST_STATE_FAILURES,
  type GuestStateFailure,
  guestStateFailure,
} from "./guestStateChecks.ts";
import { loadControls, type Mmu } from "./mmu.ts";
import { loadPdptesAtEntry } from "./pdptes.ts";
import { Field, GuestPaging, type Vmcs, writeField } from "./vmcs.ts";

/** Why an entry fails, besides what the units of the processor have to say of their controls (LogUnit.failure). */
export const ENTRY_FAILURES: readonly [string, ...string[]] = [
  ...CONTROL_FAILURES,
  ...GUEST_STATE_FAILURES,
];

/** Bit 31 of an exit reason: the VM entry failed. */
const ENTRY_FAILED = 1 << 31;
/** VM-instruction error 7: VM entry with invalid control fields (SDM vol. 3C table 30-1). */
const INVALID_CONTROLS = 7;
/** Exit qualifications of an entry that failed because of the guest state (SDM 26.7). */
const GuestStateQualification: Partial<Readonly<Record<GuestStateFailure, number>>> = {
  "guest-pdpte-reserved-bits": 2,
  "nmi-while-blocked-by-sti": 3,
};

/**
 * VM entry with a VMCS: checks it, and loads its controls and, for a PAE guest, the PDPTEs. Returns the first
 * failure, or null when the guest has been entered. A failure is in the VMCS: invalid controls are a VMfail with a VM-instruction error, invalid guest state
 * is an exit with reason 33 and bit 31, which changes no other field (SDM 26.7).
 */
export function enterGuest(
  mmu: Mmu,
  vmcs: Vmcs,
  guest: GuestPages,
  counters: Float64Array,
): string | null {
  const failure = checkEntry(mmu, vmcs);
  if (failure !== null) return failure;
  loadControls(mmu, vmcs, guest, counters);
  if (mmu.paging === GuestPaging.pae) loadPdptesAtEntry(mmu, vmcs);
  return null;
}

function checkEntry(mmu: Mmu, vmcs: Vmcs): string | null {
  const control = controlFailure(vmcs, mmu);
  if (control !== null) {
    writeField(vmcs, Field.vmInstructionError, INVALID_CONTROLS);
    return control;
  }
  const state = guestStateFailure(vmcs, mmu.capabilities, mmu.geometry, mmu.memory);
  if (state !== null) {
    writeField(vmcs, Field.exitReason, ENTRY_FAILED | ExitReason.invalidGuestState, 0);
    writeField(vmcs, Field.exitQualification, GuestStateQualification[state] ?? 0);
  }
  return state;
}
