/** AMD's page-modification logging: what the processor does when a nested walk sets a dirty flag (APM vol. 2 15.25.15). */
import type { LogUnit, TransitionLog } from "../../hardware/mmu.ts";
import { SHORT_INDEX } from "../../hardware/vmcs.ts";
import { isFull, logDownwards } from "../shortIndex.ts";

/** Bit 11 of NESTED_CTL (VMCB offset 0x90); among the secondary controls here, as that one's others (formats/npt.ts). */
export const SECONDARY_AMD_PML = 1 << 30;
/** VMEXIT_PML_FULL. */
export const AMD_PML_FULL = 0x407;

/**
 * The index is looked at before a write that would set D is allowed: out of range, nothing is written and D is not set.
 * A walk that would set A alone sets no D, and is not held up; Intel's is.
 */
const log: TransitionLog = {
  logs: "transitions",
  gatesAccessed: false,
  exitReason: AMD_PML_FULL,
  isFull,
  log: logDownwards,
};

/** @param isThere CPUID 8000_000A ECX bit 4 */
export function amdPmlUnit(isThere: boolean): LogUnit {
  return {
    name: "amdPml",
    controls: SECONDARY_AMD_PML,
    selectedBy: SECONDARY_AMD_PML,
    // Those of nested entries are always on.
    needsFlags: true,
    index: SHORT_INDEX,
    log,
    // VMRUN asks nothing of the base or the index (APM 15.5.1, 15.25.15), and bit 11 without nested paging turns nothing on.
    // What a processor without the unit does with the bit the manual does not say: here it is reserved.
    failure: () => (isThere ? null : "amd-pml-not-supported"),
  };
}
