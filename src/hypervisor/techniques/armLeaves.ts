/** Leaves are armed, by a technique that finds the first write to each: large ones first split, if that is asked for. */
import { markTop } from "../lazyTypes.ts";
import {
  armAll,
  type DirtyTechnique,
  disarmAll,
  setAll,
  splitAll,
  splitMarked,
} from "../logDirty.ts";
import type { TrackedVm } from "../trackedVm.ts";

/** Those of a piece. Returns the cycles. */
export function armLeaves(vm: TrackedVm, technique: DirtyTechnique): number {
  const { ept, work, costs, splitsEagerly } = vm;
  // KVM kvm_mmu_slot_apply_flags: kvm_mmu_slot_try_split_huge_pages comes before the rights are taken.
  const splits = splitsEagerly ? splitAll(ept, work) : 0;
  return armAll(ept, technique, work) * costs.protectPage + splits * costs.splitHandler;
}

/**
 * Begins the first round of a dirty bitmap: clean with every page armed, or with all bits set (KVM, api.rst 7.18).
 * Setting all bits costs nothing for a page: it is a fill of the bitmap.
 */
export function armOrSetAll(vm: TrackedVm, technique: DirtyTechnique): number {
  if (vm.lazyTypes) return markTop(vm.ept) * vm.costs.protectPage;
  if (!vm.initiallySet) return armLeaves(vm, technique);
  setAll(vm.ept, vm.dirty);
  return 0;
}

/** The entries become ordinary again, or those of a piece. Returns the cycles. */
export function disarmLeaves({ ept, work, costs, lazyTypes }: TrackedVm): number {
  return (lazyTypes ? markTop(ept) : disarmAll(ept, work)) * costs.protectPage;
}

/**
 * Before the pages that a harvest takes are armed again: where all bits were set at first nothing was split then
 * (KVM kvm_arch_mmu_enable_log_dirty_pt_masked). Returns the cycles.
 */
export function splitTaken({
  ept,
  dirty,
  work,
  costs,
  splitsEagerly,
  initiallySet,
}: TrackedVm): number {
  return splitsEagerly && initiallySet ? splitMarked(ept, dirty, work) * costs.splitHandler : 0;
}
