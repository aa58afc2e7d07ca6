/** What a scenario says of the devices of a VM that write its memory. */
import * as z from "zod";
import { duration, positiveDuration, rate, size, sizeOrNothing } from "../config/units.ts";
import { DMA_TRACKINGS } from "./worldPlan.ts";

/** Where nothing is said: some completion of an NVMe read, a virtio queue of a small VM. */
export const DEVICE_DEFAULTS = { latency: "20us", depth: 32, iotlbFlush: "1us" } as const;

export const deviceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w-]{1,40}$/, "expected letters, digits, - and _")
    .optional()
    .describe("default: device0, device1 and so on"),
  rate: rate.describe("what it writes to the VM's memory, as a disk does that reads"),
  request: size
    .prefault("4KiB")
    .describe("memory that one request writes; its pages are neighbours"),
  order: z
    .enum(["sequential", "random"])
    .default("sequential")
    .describe("of requests in its region, to which it returns"),
  region: z
    .strictObject({
      from: size.optional().describe("where it begins; default: the VM's first page"),
      size: size.optional().describe("default: to the end of the VM's memory"),
    })
    .optional()
    .describe("memory that it writes; default: all of the VM's"),
  tracking: z
    .enum(DMA_TRACKINGS)
    .default("vmm")
    .describe(
      "who knows what it writes: vmm, which emulates it and marks the pages; vhost, which emulates it elsewhere, with a log that a harvest takes; iommu, whose dirty flags a harvest reads; allDirty, nobody, and all of its region is dirty at each harvest (VFIO without tracking); none, nobody, and the VM cannot be tracked (Xen)",
    ),
  latency: duration
    .optional()
    .describe(
      `from the write of a request's data to their mark, with tracking vmm or vhost; default: ${DEVICE_DEFAULTS.latency}`,
    ),
  depth: z
    .int()
    .min(1)
    .max(65536)
    .optional()
    .describe(
      `requests whose data are written and not marked, at most, with tracking vmm or vhost; default: ${DEVICE_DEFAULTS.depth}`,
    ),
  usedRing: sizeOrNothing
    .optional()
    .describe(
      "the page of its queue's used ring, which each completion writes, with tracking vhost; default: the VM's last",
    ),
  mapping: z
    .enum(["start", "use"])
    .optional()
    .describe(
      "when the IOMMU gets its entries, with tracking iommu: all at the start (VFIO; default), or each at a request's first use (a virtual IOMMU, whose guest maps its buffers)",
    ),
  iotlbFlush: duration
    .optional()
    .describe(
      `what a harvest takes to flush the IOTLB, with tracking iommu; default: ${DEVICE_DEFAULTS.iotlbFlush}`,
    ),
});
export type DeviceConfig = z.output<typeof deviceSchema>;

/** From the copy of a few bytes to the bit of the page: some cache misses. */
export const PV_DEFAULTS = { latency: "100ns" } as const;

export const hypervisorWritesSchema = z
  .strictObject({
    from: size
      .optional()
      .describe(
        "where its pages begin: one of time stolen for each vCPU, one of the clock of all, with events one of these; default: the VM's last",
      ),
    latency: duration
      .optional()
      .describe(`from a write to its mark; default: ${PV_DEFAULTS.latency}`),
    events: positiveDuration
      .optional()
      .describe(
        "from one event to the next, which somebody who runs none of its vCPUs sets in the page of event channels; default: none",
      ),
  })
  .describe(
    "pages that the hypervisor writes: each time that it loads a vCPU, and with each event",
  );
