/** The device of a device actor: its DMA engine writes a guest's pages, and who emulates it marks them. */
import type { IoDeviceReply, IoDeviceRequest } from "../../machines/ioDevice.ts";
import { dmaWalk, mapForDma } from "../hardware/iommu.ts";
import { inFlight, landed } from "../hardware/writesInFlight.ts";
import { dmaWrote, markWritten } from "../hypervisor/deviceWrites.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import type { DmaEngine } from "./dmaEngine.ts";
import { deviceMemory, vmMemories } from "./memoryNames.ts";
import type { VmState, World } from "./world.ts";

export class DmaDevice implements Device<IoDeviceRequest, IoDeviceReply> {
  readonly #vm: VmState;
  readonly #engine: DmaEngine;
  readonly #touched: readonly string[];

  /** @param number of its VM. @param device its number there */
  constructor({ vms }: World, number: number, device: number) {
    this.#vm = itemAt(vms, number);
    this.#engine = itemAt(this.#vm.devices, device);
    this.#touched = [...vmMemories(number, "truth", "tracked"), deviceMemory(number, device)];
  }

  touches(): readonly string[] {
    return this.#touched;
  }

  perform(request: IoDeviceRequest): IoDeviceReply {
    if (request.op === "write") return this.#write();
    const { guest, tracked, armed } = this.#vm;
    const { page: first, pages } = request;
    for (let page = first; page < first + pages; page++) {
      markWritten(page, tracked, armed.technique);
      if (guest.inFlight !== null) landed(guest.inFlight, page);
    }
    return { type: "marked", pages };
  }

  #write(): IoDeviceReply {
    const { guest, tracked } = this.#vm;
    const { requestPages: pages, tracking } = this.#engine.plan;
    const iommu = tracking === "iommu" ? (tracked.dma?.iommu ?? null) : null;
    const first = this.#engine.next();
    for (let page = first; page < first + pages; page++) {
      dmaWrote(page, guest);
      if (tracking === "vmm" && guest.inFlight !== null) inFlight(guest.inFlight, page);
      if (iommu === null) continue;
      mapForDma(iommu, page);
      dmaWalk(iommu, page);
    }
    return { type: "written", page: first, pages };
  }
}
