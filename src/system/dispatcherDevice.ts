/** The device of a dispatcher actor: INVEPT on its own physical CPU, and what it writes for a vCPU that is loaded there. */

import type { DispatcherReply, DispatcherRequest } from "../../machines/dispatcher.ts";
import { flushEpt } from "../hardware/tlb.ts";
import { inFlight } from "../hardware/writesInFlight.ts";
import { dmaWrote } from "../hypervisor/deviceWrites.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import { cpuMemory, vmMemories } from "./memoryNames.ts";
import { pvOf } from "./pvPages.ts";
import type { World } from "./world.ts";

export class DispatcherDevice implements Device<DispatcherRequest, DispatcherReply> {
  readonly #world: World;
  readonly #pcpu: number;

  constructor(world: World, pcpu: number) {
    this.#world = world;
    this.#pcpu = pcpu;
  }

  touches(request: DispatcherRequest): string[] {
    if (request.op === "invept") return [cpuMemory(this.#pcpu)];
    return vmMemories(itemAt(this.#world.vcpus, request.vcpu).vm, "truth");
  }

  perform(request: DispatcherRequest): DispatcherReply {
    const { mmus, vms } = this.#world;
    if (request.op === "writePv") return this.#writePv(request.vcpu);
    flushEpt(itemAt(mmus, this.#pcpu).tlb, itemAt(vms, request.vm).ept.root);
    return { type: "invalidated" };
  }

  #writePv(vcpu: number): DispatcherReply {
    const vm = itemAt(this.#world.vms, itemAt(this.#world.vcpus, vcpu).vm);
    const { pages, latencyCycles } = pvOf(vm);
    for (const page of pages(vcpu)) {
      dmaWrote(page, vm.guest);
      if (vm.guest.inFlight !== null) inFlight(vm.guest.inFlight, page);
    }
    return { type: "pvStored", cycles: latencyCycles };
  }
}
