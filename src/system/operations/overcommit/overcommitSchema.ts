/** Overcommitment as a scenario configures it. */
import * as z from "zod";
import {
  CYCLES_PER_SECOND,
  duration,
  positiveDuration,
  rate,
  size,
} from "../../../config/units.ts";
import { GUEST_RULES } from "../../../hypervisor/overcommit/guestKernel.ts";
import { HOST_RULES } from "../../../hypervisor/overcommit/hostVictims.ts";
import { estimationFields } from "../estimate/estimatorSchema.ts";

const PAGE_BYTES = 4096;
/** Waiting for a disk longer than this is a mistake in a unit. */
const LATENCY_MAX = 10 * CYCLES_PER_SECOND;

const factor = z.number().gt(0).max(1000);
const part = z.number().gt(0).max(1);

const policy = z
  .discriminatedUnion("kind", [
    z
      .strictObject({
        kind: z.literal("idleTax"),
        tax: z
          .number()
          .min(0)
          .max(0.99)
          .default(0.75)
          .describe("part of its idle memory that a VM may lose; 0: by shares alone"),
        shares: z
          .record(z.string(), z.number().gt(0).max(1e9))
          .default({})
          .describe("shares by name of the VM; default: its memory in MiB"),
      })
      .describe("VMware's proportional shares with an idle memory tax (OSDI'02 5.1, 5.2)"),
    z
      .strictObject({
        kind: z.literal("workingSet"),
        headroom: z.number().min(0).max(10).default(0.1).describe("on top of what a VM uses"),
      })
      .describe("to each what it uses and a reserve; what is left stays free"),
  ])
  .prefault({ kind: "idleTax" })
  .describe("how large each VM shall be");

const swap = z
  .strictObject({
    victims: z
      .enum(HOST_RULES)
      .default("random")
      .describe("which pages the hypervisor takes when no frame is free"),
    batch: z
      .int()
      .min(1)
      .max(4096)
      .default(32)
      .describe("pages that a guest or the hypervisor takes at once when it needs one"),
    latency: duration
      .prefault("100us")
      .refine((cycles) => cycles <= LATENCY_MAX, { error: "expected at most 10s" })
      .describe("of each request to the disk"),
    bandwidth: rate.prefault("500MiB/s").describe("of the disk"),
  })
  .prefault({})
  .describe("the disk that pages are written to and read from");

export function overcommitSchema() {
  return z
    .strictObject({
      kind: z.literal("overcommit"),
      memory: size.describe("of the host, for what the VMs take for their memory"),
      ...estimationFields(),
      scale: z
        .union([factor, z.record(z.string(), factor)], {
          error: "expected a factor above 0, or a factor by name of the VM",
        })
        .default(1)
        .describe("what if estimates were wrong: they are multiplied by this"),
      interval: positiveDuration
        .prefault("15s")
        .describe("time between two decisions; ESX balances each 15 s"),
      policy,
      minimum: part.default(0.05).describe("part of its memory that a VM is always left"),
      balloon: z
        .strictObject({
          limit: part
            .default(0.65)
            .describe("part of its VM's memory that a balloon takes at most"),
          chunk: z.int().min(1).max(65536).default(256).describe("pages that it gives at a time"),
        })
        .prefault({}),
      guest: z
        .strictObject({
          victims: z
            .enum(GUEST_RULES)
            .optional()
            .describe(
              "which used pages a guest gives up: by its own accessed flags (default), or at random (the only way without paging)",
            ),
        })
        .prefault({}),
      swap,
      reference: z
        .boolean()
        .default(true)
        .describe("run the scenario once more with enough memory, to compare with"),
    })
    .describe("size the VMs of a host that has less memory than they");
}

export type OvercommitConfig = z.output<ReturnType<typeof overcommitSchema>>;

/** Cycles that the disk transfers a page in. */
export function pageTransferCycles({ swap }: OvercommitConfig): number {
  return Math.ceil((PAGE_BYTES * CYCLES_PER_SECOND) / swap.bandwidth);
}
