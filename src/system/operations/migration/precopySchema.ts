/** Pre-copy as whoever migrates configures it: when to send, to harvest and to suspend, and how much at once. */
import * as z from "zod";
import { CYCLES_PER_SECOND, duration, rate } from "../../../config/units.ts";
import type { PostcopyRule } from "../../../hypervisor/migration/postcopy.ts";
import { type Policy, QEMU_RELEASES } from "../../../hypervisor/migration/stats.ts";

const percent = z.int().min(1).max(99);

const autoConverge = z
  .strictObject({
    initial: percent.default(20).describe("percent of throttle at first"),
    increment: percent.default(10).describe("percent of each further step"),
    max: percent.default(99).describe("percent at most"),
    threshold: z
      .int()
      .min(1)
      .max(100)
      .default(50)
      .describe("percent of the bytes sent that the guest may dirty in a period"),
    tailslow: z.boolean().default(false).describe("smaller steps near the end"),
    period: duration.prefault("1s").describe("time between two looks at the dirty rate"),
  })
  .describe("slow the guest down while it dirties memory too fast");

const postcopy = z
  .strictObject({
    rounds: z
      .int()
      .min(0)
      .max(10_000)
      .optional()
      .describe("live rounds after which the guest is moved; 0: before the first"),
    after: duration.optional().describe("or so long after the migration's start"),
    preempt: z
      .boolean()
      .default(false)
      .describe(
        "QEMU's postcopy-preempt: a requested page has a channel of its own, and does not wait for the batch that is on the wire",
      ),
    maxBandwidth: rate
      .optional()
      .describe(
        "QEMU's max-postcopy-bandwidth: of pages that nobody has requested; default: the link alone",
      ),
  })
  .describe(
    "QEMU's postcopy-ram: the guest runs on at the destination, and its pages follow; without `rounds` and `after` when the operator says so",
  );

const policy = z
  .discriminatedUnion("kind", [
    z
      .strictObject({
        kind: z.literal("libxc"),
        downtimeLimit: duration
          .optional()
          .describe("give up when five rounds do not bring the downtime below; default: never"),
      })
      .describe("Xen: at most five live rounds, fewer when under 50 pages are dirty"),
    z
      .strictObject({
        kind: z.literal("qemu"),
        downtimeLimit: duration.prefault("300ms").describe("suspend when the rest takes less"),
        maxRounds: z
          .int()
          .min(1)
          .max(10_000)
          .default(50)
          .describe("live rounds after which the migration is given up (QEMU itself never does)"),
        autoConverge: autoConverge.optional(),
        postcopy: postcopy.optional(),
        switchoverBandwidth: rate
          .optional()
          .describe(
            "QEMU's avail-switchover-bandwidth: what the last round is reckoned with; default: as measured",
          ),
        release: z
          .enum(QEMU_RELEASES)
          .optional()
          .describe(
            "whose rule holds where exactly as much is pending as may be: 8.2 (default) synchronises, and sends on; its source of 2026 suspends without another synchronisation",
          ),
      })
      .describe("QEMU: until the rest can be sent within the downtime limit"),
  ])
  .prefault({ kind: "libxc" })
  .describe("when to send, to harvest and to suspend");

export const precopyFields = {
  policy,
  batch: z
    .int()
    .min(1)
    .max(65536)
    .default(1024)
    .describe("pages sent at once (libxc's MAX_BATCH_SIZE)"),
};

export type PostcopyConfig = z.output<typeof postcopy>;
export type PrecopyPolicy = z.output<typeof policy>;

/** The policy as its rules know it: durations in seconds, but for the period, which is in cycles. */
export function policyOf(policy: PrecopyPolicy): Policy {
  if (policy.kind === "libxc") {
    return { kind: "libxc", downtimeLimit: (policy.downtimeLimit ?? 0) / CYCLES_PER_SECOND };
  }
  const { downtimeLimit, maxRounds, autoConverge: converge, switchoverBandwidth } = policy;
  return {
    kind: "qemu",
    downtimeLimit: downtimeLimit / CYCLES_PER_SECOND,
    maxRounds,
    release: policy.release ?? "8.2",
    ...(switchoverBandwidth === undefined ? {} : { switchoverBandwidth }),
    ...(policy.postcopy === undefined ? {} : { postcopy: postcopyRule(policy.postcopy) }),
    autoConverge:
      converge === undefined
        ? null
        : {
            initial: converge.initial,
            increment: converge.increment,
            max: converge.max,
            threshold: converge.threshold,
            tailslow: converge.tailslow,
            periodCycles: converge.period,
          },
  };
}

function postcopyRule({ rounds, preempt, maxBandwidth }: PostcopyConfig): PostcopyRule {
  return { rounds: rounds ?? -1, preempt, maxBandwidth: maxBandwidth ?? 0 };
}
