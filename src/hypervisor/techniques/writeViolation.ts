/** The violation with which a write ends that an armed leaf refused: one rule for all techniques that take rights away. */
import { type DirtyTechnique, fixWrite } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { type ExitWork, NOT_OURS } from "./technique.ts";

/**
 * Serves it, and tells `onDirty` of the page that became dirty.
 * @param write whether the access was one: other violations are not ours
 */
export function serveWrite(
  { ept, costs }: TrackedVm,
  technique: DirtyTechnique,
  page: number,
  write: boolean,
  onDirty: (page: number) => void,
): ExitWork {
  if (!write) return NOT_OURS;
  const fix = fixWrite(ept, technique, page, onDirty);
  const cycles = costs.violationHandler + (fix === "split" ? costs.splitHandler : 0);
  return { fix, cycles, ringFull: false };
}
