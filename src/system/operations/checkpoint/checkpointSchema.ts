/** Checkpointing as a scenario configures it. */
import { isAbsolute } from "node:path";
import * as z from "zod";
import { duration, rate, size } from "../../../config/units.ts";

export const CHECKPOINT_MODES = ["live", "stop", "diff"] as const;
export type CheckpointMode = (typeof CHECKPOINT_MODES)[number];

/** One millisecond: much shorter epochs end before a guest has got its first pages back. */
const EPOCH_MIN = 2_400_000;
/** A file that a scenario names, whoever wrote it, is not written anywhere else. */
function isBelow(file: string): boolean {
  return !isAbsolute(file) && !file.split(/[\\/]/).includes("..");
}

export const checkpointSchema = z
  .strictObject({
    kind: z.literal("checkpoint"),
    mode: z
      .enum(CHECKPOINT_MODES)
      .default("live")
      .describe(
        "live: an epoch after the other, as Remus does; stop: stop-and-copy at given times; diff: at given times what was written since the last one on the storage, as Firecracker's differential snapshots",
      ),
    epoch: duration
      .prefault("100ms")
      .refine((cycles) => cycles >= EPOCH_MIN, { error: "expected at least 1ms" })
      .describe("live: how long the VMs run between checkpoints; Remus uses 25 to 200 ms"),
    times: z
      .array(duration)
      .max(1000)
      .default([])
      .describe("stop, diff: when checkpoints are taken, from the start of the run"),
    fullEvery: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe("diff: each so many checkpoints one has all pages; 0: the first alone"),
    fails: z
      .array(z.int().min(0).max(1e6))
      .max(1000)
      .default([])
      .describe("numbers of checkpoints, from 0, that the storage has no space for"),
    copyCycles: z
      .int()
      .min(0)
      .max(1e9)
      .default(1000)
      .describe("copying a page while the VMs stand still: 4 KiB at about 10 GB/s"),
    bandwidth: rate
      .prefault("8Gbit/s")
      .describe("what the storage takes; the default is a 10 Gbit/s link less its overhead"),
    acknowledge: duration
      .prefault("100us")
      .describe(
        "from a checkpoint's last byte to its acknowledgement: a flash write or a round trip",
      ),
    accessesPerOutput: z
      .int()
      .min(0)
      .max(1e12)
      .default(10_000)
      .describe("live: accesses for each packet that the VMs send; 0: they send none"),
    state: z
      .boolean()
      .optional()
      .describe(
        "keep vCPUs and workloads too, so that a run can go on; default: unless mode is live",
      ),
    file: z
      .string()
      .min(1)
      .refine(isBelow, {
        error: "expected a name below the current directory (--checkpoint FILE: any name)",
      })
      .optional()
      .describe("the checkpoint file, below the current directory; default: it is kept in memory"),
    rewriteAfter: size
      .prefault("64MiB")
      .describe("a file longer than this is replaced by one that begins with all pages"),
  })
  .refine(({ mode, fullEvery }) => mode === "diff" || fullEvery === 0, {
    path: ["fullEvery"],
    error: "needs mode diff: others have all pages, or those of an epoch",
  })
  .refine(({ mode, times }) => mode === "live" || times.length > 0, {
    path: ["times"],
    error: 'expected at least one time, such as ["100ms"]',
  })
  .refine(({ times }) => times.every((time, i) => time > (times[i - 1] ?? 0)), {
    path: ["times"],
    error: "expected ascending times after 0",
  })
  .describe("write the VMs' memory to a checkpoint file");

export type CheckpointConfig = z.output<typeof checkpointSchema>;
