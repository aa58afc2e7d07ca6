/** A new round of a technique that keeps a dirty bitmap: the pages that a harvest takes are armed again. */
import { markTop } from "../lazyTypes.ts";
import { type DirtyTechnique, rearmMarked } from "../logDirty.ts";
import { walkMarks } from "../tableWork.ts";
import type { TrackedVm } from "../trackedVm.ts";
import { splitTaken } from "./armLeaves.ts";

/** Those of a piece. Returns the cycles. */
export function rearmTaken(vm: TrackedVm, technique: DirtyTechnique): number {
  const { ept, dirty, work, costs } = vm;
  // Xen's CLEAN changes the type of all pages, whatever was taken (hap_clean_dirty_bitmap).
  if (vm.lazyTypes) return markTop(ept) * costs.protectPage;
  const split = splitTaken(vm);
  if (!vm.faults.includes("protectedBeforeTaken"))
    return split + rearmMarked(ept, technique, dirty, work) * costs.protectPage;
  // All of them in the first piece; later ones are taken as they are by then.
  let pages = work.begins ? rearmMarked(ept, technique, dirty) : 0;
  walkMarks(work, dirty, () => {
    pages++;
  });
  return split + pages * costs.protectPage;
}
