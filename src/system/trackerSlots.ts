/** A tracker's device, as far as it is about KVM's memory slots: a VM's violations, and changes of its slots. */
import type { TrackerReply, TrackerRequest } from "../../machines/trackerContext.ts";
import { isWriteFault } from "../hardware/formats/entryFormat.ts";
import { deviceWrote } from "../hypervisor/deviceWrites.ts";
import { harvestLeaving } from "../hypervisor/slots/overSlots.ts";
import type { VmSlots } from "../hypervisor/slots/vmSlots.ts";
import { itemAt } from "../lookup.ts";
import { retireAccess } from "./accessStream.ts";
import type { VmState, World } from "./world.ts";

type Violation = Extract<TrackerRequest, { op: "serveViolation" }>;
type Change = Extract<TrackerRequest, { op: "setRegion" }>;

export class TrackerSlots {
  readonly #world: World;
  readonly #vm: VmState;
  readonly #slots: VmSlots;

  constructor(world: World, vm: VmState, slots: VmSlots) {
    this.#world = world;
    this.#vm = vm;
    this.#slots = slots;
  }

  /**
   * A page is mapped, or may be written again; an access to no memory is one to a device, which the VMM emulates
   * (KVM_EXIT_MMIO), as it does a write to a slot that is read-only.
   */
  serve({ vcpu, page, qualification, dispatcher }: Violation): TrackerReply {
    const { costs, ept } = this.#vm.tracked;
    const write = isWriteFault(ept.format, qualification);
    const served = this.#slots.serve(vcpu, page, write);
    if (served === "device") retireAccess(itemAt(this.#world.vcpus, vcpu).stream);
    const cycles = costs.violationHandler + (served === "device" ? costs.ringExit : 0);
    return { type: "exitServed", dispatcher, fixed: true, cycles, drainedVcpu: -1 };
  }

  /** A change that KVM refuses, or that changes nothing, is over at once. */
  setRegion({ region }: Change): TrackerReply {
    const { costs, faults } = this.#vm.tracked;
    const begun = this.#slots.begin(region, faults.includes("slotLoggingDropped"));
    return begun ? { type: "regionBegun", cycles: costs.ringExit } : { type: "regionKept" };
  }

  /** Nothing goes through an old translation any more. */
  commit(): TrackerReply {
    const { tracked, guest, armed } = this.#vm;
    const { leaving } = this.#slots;
    const { technique } = armed;
    if (
      technique !== null &&
      leaving !== null &&
      !tracked.faults.includes("slotDeletedUnharvested")
    )
      harvestLeaving(tracked, technique, leaving);
    const [first, end] = this.#slots.commit();
    const isUnseen = tracked.faults.includes("slotMemoryUnseen");
    // Other memory is there than was before: its pages have changed, whoever tells of it.
    for (let page = first; page < end; page++) {
      deviceWrote(page, tracked, guest, isUnseen ? null : technique);
    }
    return { type: "regionCommitted" };
  }
}
