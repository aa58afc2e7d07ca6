/** A migration as a scenario configures it. */
import * as z from "zod";
import { duration, rate } from "../../../config/units.ts";
import { precopyFields } from "./precopySchema.ts";

const link = z
  .strictObject({
    bandwidth: rate.prefault("10Gbit/s").describe("what the link carries"),
    latency: duration.prefault("100us").describe("of each batch, on top"),
    failAfter: duration.optional().describe("the link fails so long after the migration's start"),
    recoverAfter: duration
      .optional()
      .describe(
        "if it fails in post-copy: there is another link so long after; default: when the operator says so (migrate-recover)",
      ),
  })
  .prefault({})
  .describe("the link between the two hosts");

const save = z
  .strictObject({
    batch: duration.prefault("0s").describe("of each batch at the source: hypercalls, mapping"),
    page: duration.prefault("0s").describe("of each page at the source"),
    restore: duration
      .prefault("0s")
      .describe("of each page at the destination; the source prepares its next batch meanwhile"),
    populate: duration
      .prefault("0s")
      .describe("of each page that arrives for the first time, on top: it is allocated"),
    resume: duration
      .prefault("0s")
      .describe("from the arrival of the last page to the VM's resumption: its device model"),
    interference: z
      .int()
      .min(0)
      .max(99)
      .default(0)
      .describe("percent of the guest's CPU that the saving process takes while the guest runs"),
  })
  .describe("what libxc does beside sending, for policy libxc; default: nothing");

export const migrateSchema = z
  .strictObject({
    kind: z.literal("migrate"),
    vm: z.string().optional().describe("name of the VM to migrate; default: the first"),
    start: duration.optional().describe("when the migration begins; default: with the VMs"),
    link,
    ...precopyFields,
    save: save.optional(),
    maxBandwidth: rate
      .optional()
      .describe(
        "QEMU's max-bandwidth, for policy qemu: a quota for each 100 ms while the VM runs; what is sent while it is suspended has the whole link; default: the link alone",
      ),
    zeroPageDetection: z
      .enum(["none", "legacy"])
      .optional()
      .describe(
        "QEMU's zero-page-detection: legacy: a page that is all zero is 9 bytes on the link, another one 4,104; a VM's memory is zero when it starts; default: none, and each page is sent whole",
      ),
    samples: z
      .int()
      .min(2)
      .max(65536)
      .default(40)
      .describe("points of the throughput curve at most; at least half as many in a long run"),
    abortAfter: duration.optional().describe("the operator aborts so long after the start"),
    repeat: z
      .strictObject({
        times: z.int().min(1).max(1000).default(1).describe("how often"),
        after: duration
          .prefault("0s")
          .describe("from the end of a migration to the start of the next"),
      })
      .optional()
      .describe(
        "migrate again: on to another empty host once a migration has completed, from where the VM is once one was given up; `abortAfter` and `failAfter` count from the first start, and come once",
      ),
    settle: duration
      .optional()
      .describe(
        "how long the run goes on after the last migration; default: not at all once it has completed, else to the end of the workloads, for a second at most if there is no `until`",
      ),
  })
  .describe("migrate a VM live to another host");

export type MigrateConfig = z.output<typeof migrateSchema>;
