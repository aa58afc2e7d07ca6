/**
 * Ends the step that the machine of a guest is at. It has states at the ends of its steps alone, so before it is moved or
 * stored what is left of the step is done for it, by software, which marks what it writes: as what waits in the kernel of a
 * vCPU is completed before user space reads its state (KVM_RUN with immediate_exit, Documentation/virt/kvm/api.rst 5).
 */
import { ACCESS_PAGE_SHIFT, AccessKind } from "../hardware/accessLoop.ts";
import { physicalPage, type TracedPaging } from "../hardware/tracedPaging.ts";
import { deviceWrote } from "../hypervisor/deviceWrites.ts";
import { itemAt, wordAt } from "../lookup.ts";
import { StreamAt } from "./accessStream.ts";
import type { VmState, World } from "./world.ts";

const KIND_MASK = (1 << ACCESS_PAGE_SHIFT) - 1;

/** Of a VM that is paused. Does nothing for one whose guest has no machine that is looked at. */
export function finishStep({ vcpus }: World, vm: VmState): void {
  for (const number of vm.vcpus) {
    const { stream } = itemAt(vcpus, number);
    const { machine, traced } = stream.workload;
    if (machine === undefined) continue;
    const { block, state } = stream;
    const write = (page: number): void =>
      deviceWrote(page, vm.tracked, vm.guest, vm.armed.technique);
    const visit = (word: number): void => {
      const kind = word & KIND_MASK;
      if (kind === AccessKind.read || kind === AccessKind.fetch) return;
      write(pageOf(word >>> ACCESS_PAGE_SHIFT, traced));
    };
    for (let i = state[StreamAt.next]; i < state[StreamAt.end]; i++) visit(wordAt(block, i));
    state[StreamAt.next] = state[StreamAt.end];
    machine.finishStep(visit);
    traced?.takeDeviceWrites(write);
  }
}

/** The guest-physical page of one that is accessed. */
function pageOf(page: number, traced: TracedPaging | undefined): number {
  return traced === undefined ? page : physicalPage(traced, page);
}
