/** The device of a device actor: its DMA engine writes a guest's pages, and who emulates it marks them. */
import type { IoDeviceReply, IoDeviceRequest } from "../../machines/ioDevice.ts";
import { dmaWalk, mapForDma } from "../hardware/iommu.ts";
import { inFlight, landed } from "../hardware/writesInFlight.ts";
import { dmaWrote, markWritten } from "../hypervisor/deviceWrites.ts";
import { logCompletion, VHOST_PAGE_BYTES, type VhostLog } from "../hypervisor/vhostLog.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import type { DmaEngine } from "./dmaEngine.ts";
import { deviceMemory, vmMemories } from "./memoryNames.ts";
import type { VmState, World } from "./world.ts";
import { isMarkedBySoftware } from "./worldPlan.ts";

/** Of a queue: its used ring takes 2,054 bytes. */
const QUEUE_ENTRIES = 256;

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
    const vhost = this.#engine.plan.tracking === "vhost" ? (tracked.dma?.vhost ?? null) : null;
    if (vhost !== null) this.#complete(vhost, first, pages);
    for (let page = first; page < first + pages; page++) {
      if (vhost === null) markWritten(page, tracked, armed.technique);
      if (guest.inFlight !== null) landed(guest.inFlight, page);
    }
    return { type: "marked", pages };
  }

  /** A vhost back end tells its queue of the request, and its log of both. */
  #complete(log: VhostLog, first: number, pages: number): void {
    const { usedPage } = this.#engine.plan;
    dmaWrote(usedPage, this.#vm.guest);
    const data = { address: first * VHOST_PAGE_BYTES, length: pages * VHOST_PAGE_BYTES };
    // Its ring lies in one page whatever the number of its entry.
    const used = { address: usedPage * VHOST_PAGE_BYTES, size: QUEUE_ENTRIES, number: 0 };
    logCompletion(log, data, used);
  }

  #write(): IoDeviceReply {
    const { guest, tracked } = this.#vm;
    const { requestPages: pages, tracking } = this.#engine.plan;
    const iommu = tracking === "iommu" ? (tracked.dma?.iommu ?? null) : null;
    const first = this.#engine.next();
    for (let page = first; page < first + pages; page++) {
      dmaWrote(page, guest);
      if (isMarkedBySoftware(tracking) && guest.inFlight !== null) inFlight(guest.inFlight, page);
      if (iommu === null) continue;
      mapForDma(iommu, page);
      dmaWalk(iommu, page);
    }
    return { type: "written", page: first, pages };
  }
}
