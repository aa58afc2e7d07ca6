/** How a dirty bitmap begins: clean with every page armed, or with all bits set (KVM, api.rst 7.18). */
import { armAll, type DirtyTechnique, setAll } from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";

/** Begins the first round. Setting all bits costs nothing for a page: it is a fill of the bitmap. */
export function armOrSetAll(vm: TrackedVm, technique: DirtyTechnique): number {
  if (!vm.initiallySet) return armAll(vm.ept, technique, vm.work) * vm.costs.protectPage;
  setAll(vm.ept, vm.dirty);
  return 0;
}
