/** What a hypervisor keeps in memory to track a VM, in bytes: logs, rings, bitmaps, counts. */
import { type Geometry, logFrames } from "../hardware/geometry.ts";
import { unitNamed } from "../units/all.ts";
import type { Technique } from "./techniques/technique.ts";
import type { TrackedVm } from "./trackedVm.ts";

const FRAME_BYTES = 4096;
/** struct kvm_dirty_gfn (include/uapi/linux/kvm.h): flags, slot, offset. */
const RING_ENTRY_BYTES = 16;
const COUNT_BYTES = 4;

/**
 * @param pages of the VM
 * @returns bytes, of all vCPUs of the VM together
 */
export function trackingBytes(
  vm: TrackedVm,
  technique: Technique,
  geometry: Geometry,
  pages: number,
): number {
  const { vcpus, buffer } = vm;
  const { usesRing, findsWritten, findsTouched } = technique;
  const unit = unitNamed(vm.units, technique.unit(vm));
  const logs = unit === null ? 0 : unit.logs;
  let bytes = vcpus.length * logs * logFrames(geometry) * FRAME_BYTES;
  if (unit?.declaration.finds === "accesses") bytes += COUNT_BYTES * buffer.words;
  if (usesRing === true) {
    return bytes + vcpus.reduce((sum, { ring }) => sum + ring.size * RING_ENTRY_BYTES, 0);
  }
  // A bit for each page and for each of the two that it can tell.
  return bytes + (Number(findsWritten) + Number(findsTouched)) * Math.ceil(pages / 8);
}
