/** Faults of a hypervisor that writes to its VMs' memory itself, when it loads a vCPU. */
import { landed } from "../../hardware/writesInFlight.ts";
import { dmaWrote, markByVcpu } from "../../hypervisor/deviceWrites.ts";
import { ringPush } from "../../hypervisor/dirtyRing.ts";
import type { Device } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { vmMemories } from "../../system/memoryNames.ts";
import { pvOf } from "../../system/pvPages.ts";
import type { VmState, World } from "../../system/world.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_ACTOR_FAILS } from "../hypervisor/systemSteps.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { type Asked, type Mutation, type Replacement, replaceIn, wrapDevice } from "./mutation.ts";

/** Of a request of a tracker's or of a dispatcher's, which may be about none. */
interface Loaded extends Asked {
  readonly dispatcher?: number;
}

/** In place of the tracker's marks. @param mark is given the pages that were written for a vCPU */
function marks(mark: (pages: readonly number[], vm: VmState, vcpu: number) => void): Replacement {
  return replaceIn("tracker", ({ machine, device }, world) => ({
    machine,
    device: wrapDevice(device, (asked: Loaded, perform) => {
      const { op, vcpu = 0, dispatcher } = asked;
      if (op !== "markPv") return perform();
      const vm = vmOf(world(), vcpu);
      const pages = pvOf(vm).pages(vcpu);
      mark(pages, vm, vcpu);
      for (const page of pages) if (vm.guest.inFlight !== null) landed(vm.guest.inFlight, page);
      const told = { dispatcher, fixed: true, cycles: 0, drainedVcpu: -1, loading: true };
      return { type: "exitServed", ...told };
    }),
  }));
}

/** In place of the write. */
function writes(write: (pages: readonly number[], vm: VmState, vcpu: number) => void): Replacement {
  return replaceIn("dispatcher", ({ machine, device }, world) => {
    const own: Device<Asked, { readonly type: string }> | null = wrapDevice(
      device,
      ({ op, vcpu = 0 }, perform) => {
        if (op !== "writePv") return perform();
        const vm = vmOf(world(), vcpu);
        const { pages, latencyCycles } = pvOf(vm);
        write(pages(vcpu), vm, vcpu);
        return { type: "pvStored", cycles: latencyCycles };
      },
    );
    if (own === null) return { machine, device: own };
    const touches = (asked: Asked): string[] => [
      ...own.touches(asked),
      ...vmMemories(0, "truth", "tracked", "rings"),
    ];
    return { machine, device: { perform: (asked: Asked) => own.perform(asked), touches } };
  });
}

function vmOf({ vms, vcpus }: World, vcpu: number): VmState {
  return itemAt(vms, itemAt(vcpus, vcpu).vm);
}

const writtenLate = marks((pages, { guest }) => {
  for (const page of pages) dmaWrote(page, guest);
});
const markedEarly = writes((pages, { tracked, armed }, vcpu) => {
  markByVcpu(pages, tracked, vcpu, armed.technique);
});

export const hypervisorWriteMutations: readonly Mutation[] = [
  {
    name: "pv-never-marked",
    mistake: "what the hypervisor writes for a vCPU that it loads is marked by nobody",
    model: modelOf(WRITES, "hypervisor"),
    breaks: NO_PAGE_LOST,
    replace: marks(() => {}),
  },
  {
    name: "pv-marked-before-written",
    mistake: "the hypervisor marks a vCPU's page first, and writes to it then",
    model: modelOf(WRITES, "hypervisor"),
    breaks: NO_PAGE_LOST,
    replace: (role, parts, ...rest) =>
      writtenLate(role, markedEarly(role, parts, ...rest), ...rest),
  },
  {
    name: "pv-in-another-ring",
    mistake:
      "what is written for a vCPU goes to the ring of another one, which does not look whether it is full",
    model: "dirty-ring-hypervisor",
    breaks: NO_ACTOR_FAILS,
    replace: marks((pages, { tracked }, vcpu) => {
      const other = tracked.vcpus.find((one) => one.vcpu !== vcpu) ?? itemAt(tracked.vcpus, 0);
      for (const page of pages) ringPush(other.ring, page);
    }),
  },
  {
    name: "pv-ring-limit-unseen",
    mistake:
      "a vCPU enters although its ring has come to its limit by what the hypervisor has written for it",
    model: "dirty-ring-hypervisor",
    breaks: NO_ACTOR_FAILS,
    replace: marks((pages, { tracked, armed }, vcpu) => {
      markByVcpu(pages, tracked, vcpu, armed.technique);
    }),
  },
];
