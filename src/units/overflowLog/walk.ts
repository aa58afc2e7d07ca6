/**
 * A log of first writes without an exit, a proposal of ours that no processor has. Its parts are others':
 * - what is logged, and when: Intel PML (SDM vol. 3C 28.2.6), a page whose D flag a walk sets, at 4 KiB;
 * - the index: Arm FEAT_HDBSS (Arm ARM D8.5.2.3, HDBSSPROD_EL2), upwards from 0, never wrapping, full at the log's length;
 *   a walk that would set A alone is not stopped, either;
 * - a full log: CXL 3.2's hotness monitoring unit (Linux RFC, "overflow"), which sets a bit and drops the record, while the
 *   guest goes on. As with EPML (SC'22; its Bochs fork) the D flag is set all the same.
 */
import { isTooWide } from "../../hardware/controlChecks.ts";
import type { Geometry } from "../../hardware/geometry.ts";
import type { LogUnit } from "../../hardware/mmu.ts";
import {
  Field,
  readField,
  SECONDARY_EPT,
  secondaryControls,
  type Vmcs,
} from "../../hardware/vmcs.ts";
import { type Filling, transitionLog } from "../filling.ts";
import { SECONDARY_PML } from "../pml/walk.ts";

/** Secondary control 29, which SDM 24.6.2 leaves reserved. */
export const SECONDARY_OVERFLOW_LOG = 1 << 29;
/** HDBSSPROD_EL2.INDEX has 19 bits, of which the longest log needs all but one value. */
const INDEX = { bits: 19, signed: false } as const;

export const OVERFLOW_FILLING: Filling = { direction: "up", whenFull: "drop", logs: 1 };
const log = transitionLog(OVERFLOW_FILLING, null);

/** @param isThere no real processor has it */
export function overflowLogUnit(isThere: boolean): LogUnit {
  return {
    name: "overflowLog",
    controls: SECONDARY_OVERFLOW_LOG,
    selectedBy: SECONDARY_OVERFLOW_LOG,
    needsFlags: true,
    index: INDEX,
    log,
    failure: (vmcs, geometry) => failure(vmcs, geometry, isThere),
  };
}

/** As PML's (SDM 26.2.1.1): it needs EPT, and a log at a page's beginning that there can be. */
function failure(vmcs: Vmcs, geometry: Geometry, isThere: boolean): string | null {
  const secondary = secondaryControls(vmcs);
  if (!isThere) return "overflow-log-not-supported";
  if ((secondary & SECONDARY_EPT) === 0) return "overflow-log-without-ept";
  // Both log transitions, to the same page by the same index.
  if ((secondary & SECONDARY_PML) !== 0) return "overflow-log-with-pml";
  if ((readField(vmcs, Field.logAddress) & 0xfff) !== 0) return "overflow-log-address-unaligned";
  return isTooWide(vmcs, Field.logAddress, geometry) ? "overflow-log-address-too-wide" : null;
}
