/**
 * The VM-entry checks on the guest state (SDM vol. 3C 26.3.1; Bochs VMenterLoadCheckGuestState;
 * kvm-unit-tests vmx_guest_state_area_test and vmx_pae_test). A failure is an exit with reason 33.
 */

import type { Capabilities } from "./capabilities.ts";
import { isTooWide } from "./controlChecks.ts";
import { EventType, eventTypeOf } from "./eventInformation.ts";
import { type Geometry, longModeBits } from "./geometry.ts";
import type { HostMemory } from "./memory.ts";
import { pdpteFieldsReserved, pdptesInMemory, somePdpteReserved } from "./pdptes.ts";
import {
  BLOCKING_BY_MOV_SS,
  BLOCKING_BY_NMI,
  BLOCKING_BY_STI,
  Field,
  GuestPaging,
  PIN_VIRTUAL_NMIS,
  RFLAGS_FIXED,
  RFLAGS_IF,
  readField,
  readField64,
  SECONDARY_EPT,
  SECONDARY_UNRESTRICTED_GUEST,
  secondaryControls,
  type Vmcs,
} from "./vmcs.ts";

/** Why the guest state of a VMCS is invalid. */
export const GUEST_STATE_FAILURES = [
  "guest-paging-off",
  "guest-cr3-too-wide",
  "guest-rflags-reserved-bits",
  "guest-rip-too-wide",
  "guest-interruptibility",
  "event-while-blocked",
  "nmi-while-blocked-by-sti",
  "guest-pdpte-reserved-bits",
] as const;
export type GuestStateFailure = (typeof GUEST_STATE_FAILURES)[number];

/** Bits 63:22, 15, 5 and 3. */
const RFLAGS_RESERVED = 0xffff_ffff_ffc0_8028n;
/** Bits 31:5, and what needs SMM (bit 2) or enclaves (bit 4). */
const INTERRUPTIBILITY_RESERVED = ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI);

/** The first thing that is wrong with the guest state, or null. @param memory for a guest's PDPTEs without EPT */
export function guestStateFailure(
  vmcs: Vmcs,
  capabilities: Capabilities,
  geometry: Geometry,
  memory: HostMemory,
): GuestStateFailure | null {
  const paging = readField(vmcs, Field.guestPaging);
  const unrestricted = (secondaryControls(vmcs) & SECONDARY_UNRESTRICTED_GUEST) !== 0;
  if (capabilities.cr0PagingFixed && paging === GuestPaging.off && !unrestricted) {
    return "guest-paging-off";
  }
  if (isTooWide(vmcs, Field.guestCr3, geometry)) return "guest-cr3-too-wide";
  const rflags = readField64(vmcs, Field.guestRflags);
  if ((rflags & RFLAGS_RESERVED) !== 0n || (rflags & BigInt(RFLAGS_FIXED)) === 0n) {
    return "guest-rflags-reserved-bits";
  }
  if (!ripFits(vmcs, paging, geometry)) return "guest-rip-too-wide";
  return (
    interruptibility(vmcs) ??
    blockedEvent(vmcs) ??
    (paging === GuestPaging.pae ? pdptes(vmcs, geometry, memory) : null)
  );
}

/** 26.3.1.4: bits 63:32 are 0 outside 64-bit mode; in it the bits beyond the linear-address width are equal. */
function ripFits(vmcs: Vmcs, paging: number, geometry: Geometry): boolean {
  const rip = readField64(vmcs, Field.guestRip);
  if (paging === GuestPaging.pae) return rip >> 32n === 0n;
  if (paging === GuestPaging.off) return true;
  const beyond = BigInt.asIntN(64, rip) >> BigInt(longModeBits(geometry));
  return beyond === 0n || beyond === -1n;
}

/** 26.3.1.5. */
function interruptibility(vmcs: Vmcs): GuestStateFailure | null {
  const state = readField(vmcs, Field.guestInterruptibility);
  const sti = (state & BLOCKING_BY_STI) !== 0;
  const movSs = (state & BLOCKING_BY_MOV_SS) !== 0;
  const interruptsOff = (readField(vmcs, Field.guestRflags) & RFLAGS_IF) === 0;
  const bad = (state & INTERRUPTIBILITY_RESERVED) !== 0 || (sti && (movSs || interruptsOff));
  return bad ? "guest-interruptibility" : null;
}

/** 26.3.1.4 and 26.3.1.5: an event is not injected into a guest that blocks it. */
function blockedEvent(vmcs: Vmcs): GuestStateFailure | null {
  const information = readField(vmcs, Field.entryInterruptionInformation);
  if (information >= 0) return null;
  const state = readField(vmcs, Field.guestInterruptibility);
  const type = eventTypeOf(information);
  if (type === EventType.externalInterrupt) {
    const interruptsOff = (readField(vmcs, Field.guestRflags) & RFLAGS_IF) === 0;
    const blocked = (state & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) !== 0;
    return blocked || interruptsOff ? "event-while-blocked" : null;
  }
  if (type !== EventType.nmi) return null;
  const virtualNmis = (readField(vmcs, Field.pinBasedControls) & PIN_VIRTUAL_NMIS) !== 0;
  if ((state & BLOCKING_BY_MOV_SS) !== 0) return "event-while-blocked";
  if (virtualNmis && (state & BLOCKING_BY_NMI) !== 0) return "event-while-blocked";
  // The SDM lets a processor choose; 26.7 gives this failure a qualification of its own.
  return (state & BLOCKING_BY_STI) !== 0 ? "nmi-while-blocked-by-sti" : null;
}

/** 26.3.1.6: of a PAE guest, from the VMCS with EPT, and from memory at CR3 without. */
function pdptes(vmcs: Vmcs, geometry: Geometry, memory: HostMemory): GuestStateFailure | null {
  const ept = (secondaryControls(vmcs) & SECONDARY_EPT) !== 0;
  const bad = ept
    ? pdpteFieldsReserved(vmcs, geometry)
    : somePdpteReserved(pdptesInMemory(memory, readField(vmcs, Field.guestCr3)), geometry);
  return bad ? "guest-pdpte-reserved-bits" : null;
}
