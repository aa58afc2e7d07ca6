/** Intel PML: what the processor does when a walk sets a dirty flag (SDM vol. 3C 28.2.6). */
import { isTooWide } from "../../hardware/controlChecks.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import type { LogUnit, TransitionLog } from "../../hardware/mmu.ts";
import {
  Field,
  readField,
  SECONDARY_EPT,
  SHORT_INDEX,
  secondaryControls,
  type Vmcs,
} from "../../hardware/vmcs.ts";
import { isFull, logDownwards } from "../shortIndex.ts";

/** "Enable PML" (SDM 24.6.2). Units that were proposed after it extend it: their controls come with this one. */
export const SECONDARY_PML = 1 << 17;
/** Basic exit reason 62 (SDM vol. 3C appendix C). */
export const PML_FULL = 62;

const log: TransitionLog = {
  logs: "transitions",
  gatesAccessed: true,
  exitReason: PML_FULL,
  isFull,
  log: logDownwards,
};

/** @param isThere IA32_VMX_PROCBASED_CTLS2 bit 49: PML may be enabled */
export function pmlUnit(isThere: boolean): LogUnit {
  return {
    name: "pml",
    controls: SECONDARY_PML,
    selectedBy: SECONDARY_PML,
    // Without A/D flags there are no transitions (Bochs asks for the log in its branch for them).
    needsFlags: true,
    index: SHORT_INDEX,
    log,
    failure: (vmcs, geometry) => failure(vmcs, geometry, isThere),
  };
}

/** SDM 26.2.1.1; Bochs VMenterLoadCheckVmControls; KVM nested_vmx_check_pml_controls; kvm-unit-tests test_pml. */
function failure(vmcs: Vmcs, geometry: Geometry, isThere: boolean): string | null {
  if (!isThere) return "pml-not-supported";
  if ((secondaryControls(vmcs) & SECONDARY_EPT) === 0) return "pml-without-ept";
  if ((readField(vmcs, Field.logAddress) & 0xfff) !== 0) return "pml-address-unaligned";
  return isTooWide(vmcs, Field.logAddress, geometry) ? "pml-address-too-wide" : null;
}
