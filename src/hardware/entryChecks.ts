/**
 * The VM-entry checks on the controls that page tracking uses (SDM vol. 3C 26.2.1.1; Bochs
 * VMenterLoadCheckVmControls and is_eptptr_valid; KVM nested_vmx_check_pml_controls and
 * nested_vmx_check_eptp; kvm-unit-tests test_pml and test_ept_eptp).
 */
import type { EptCapabilities } from "./eptEntry.ts";
import type { Geometry } from "./geometry.ts";
import {
  EPTP_ACCESSED_DIRTY,
  Field,
  readField,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_PML,
  SECONDARY_PRL,
  SECONDARY_VPID,
  type Vmcs,
} from "./vmcs.ts";

export interface Capabilities extends EptCapabilities {
  /** IA32_VMX_EPT_VPID_CAP bit 21. */
  readonly accessedDirty: boolean;
  /** Bit 8: the EPT paging structures may be uncacheable. */
  readonly memoryTypeUC: boolean;
  /** Bit 14. */
  readonly memoryTypeWB: boolean;
  /** Bit 7. */
  readonly walkLength5: boolean;
  /** Bit 22: bits 11:9 of an EPT violation's qualification are defined. */
  readonly advancedViolationInformation: boolean;
  /** IA32_VMX_PROCBASED_CTLS2 bit 49: PML may be enabled. */
  readonly pml: boolean;
  /** Page reference logging is there: no real processor has it. */
  readonly prl: boolean;
  /** The processor can shadow-stack guests: bit 7 of the EPT pointer is no longer reserved. */
  readonly supervisorShadowStack: boolean;
}

export const DEFAULT_CAPABILITIES: Capabilities = {
  executeOnly: true,
  pages2M: true,
  pages1G: true,
  accessedDirty: true,
  memoryTypeUC: true,
  memoryTypeWB: true,
  walkLength5: false,
  advancedViolationInformation: false,
  pml: true,
  prl: true,
  supervisorShadowStack: false,
};

/** Why an entry fails. All of these are VMfail with error 7, "invalid control fields", not VM exits. */
export const ENTRY_FAILURES = [
  "pml-not-supported",
  "pml-without-ept",
  "pml-address-unaligned",
  "pml-address-too-wide",
  "prl-not-supported",
  "prl-without-pml",
  "mode-based-execute-without-ept",
  "vpid-zero",
  "eptp-memory-type",
  "eptp-walk-length",
  "eptp-accessed-dirty-not-supported",
  "eptp-reserved-bits",
] as const;
export type EntryFailure = (typeof ENTRY_FAILURES)[number];

/**
 * Checks the controls of a VMCS; returns the first failure, or null when the entry may proceed. The
 * PML index is not checked (any 16-bit value is legal), and with PML off neither is its address.
 */
export function checkEntry(
  vmcs: Vmcs,
  capabilities: Capabilities,
  geometry: Geometry,
): EntryFailure | null {
  const secondary = readField(vmcs, Field.secondaryControls);
  if ((secondary & SECONDARY_VPID) !== 0 && (readField(vmcs, Field.vpid) & 0xffff) === 0) {
    return "vpid-zero";
  }
  const ept = (secondary & SECONDARY_EPT) !== 0;
  if (ept) {
    const failure = checkEptPointer(vmcs, capabilities, geometry);
    if (failure !== null) return failure;
  }
  if (!ept && (secondary & SECONDARY_MODE_BASED_EXECUTE) !== 0) {
    return "mode-based-execute-without-ept";
  }
  if ((secondary & SECONDARY_PRL) !== 0) {
    if (!capabilities.prl) return "prl-not-supported";
    // DW19 section 4: page access and modification logging is bit 17 together with bit 26.
    if ((secondary & SECONDARY_PML) === 0) return "prl-without-pml";
  }
  if ((secondary & SECONDARY_PML) === 0) return null;
  if (!capabilities.pml) return "pml-not-supported";
  if (!ept) return "pml-without-ept";
  if ((readField(vmcs, Field.pmlAddress) & 0xfff) !== 0) return "pml-address-unaligned";
  if (isTooWide(vmcs, Field.pmlAddress, geometry)) return "pml-address-too-wide";
  return null;
}

/** Whether a 64-bit field has bits beyond the physical-address width, which is more than 32. */
function isTooWide(vmcs: Vmcs, field: number, { physicalAddressBits }: Geometry): boolean {
  return vmcs.words[2 * field + 1]! >>> (physicalAddressBits - 32) !== 0;
}

function checkEptPointer(
  vmcs: Vmcs,
  capabilities: Capabilities,
  geometry: Geometry,
): EntryFailure | null {
  const pointer = readField(vmcs, Field.eptPointer);
  const memoryType = pointer & 7;
  const typeAllowed =
    (memoryType === 0 && capabilities.memoryTypeUC) ||
    (memoryType === 6 && capabilities.memoryTypeWB);
  if (!typeAllowed) return "eptp-memory-type";
  const walkLength = (pointer >>> 3) & 7;
  // A machine has one EPT depth here; 5 levels need the capability as well.
  const supported = walkLength !== 4 || capabilities.walkLength5;
  if (walkLength !== geometry.eptLevels - 1 || !supported) return "eptp-walk-length";
  if ((pointer & EPTP_ACCESSED_DIRTY) !== 0 && !capabilities.accessedDirty) {
    return "eptp-accessed-dirty-not-supported";
  }
  const reserved = capabilities.supervisorShadowStack ? 0xf00 : 0xf80;
  if ((pointer & reserved) !== 0 || isTooWide(vmcs, Field.eptPointer, geometry)) {
    return "eptp-reserved-bits";
  }
  return null;
}
