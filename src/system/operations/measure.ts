/** The plain measurement: arm, run, harvest at an interval and at the end. */
import * as z from "zod";
import {
  type Round,
  type ToolstackContext,
  toolstackMachine,
} from "../../../machines/toolstack.ts";
import { positiveDuration } from "../../config/units.ts";
import type { OperationFactory, OperationResult } from "../operation.ts";

export const measureSchema = z
  .strictObject({
    kind: z.literal("measure"),
    harvest: positiveDuration.optional().describe("time between harvests; default: one at the end"),
    live: z
      .boolean()
      .optional()
      .describe(
        "whether VMs run while they are armed and harvested, and stand still for the draining of their logs alone, as in KVM; default: not, as in Xen",
      ),
  })
  .describe("run the workloads and report the pages they used");

export type MeasureConfig = z.output<typeof measureSchema>;

export interface MeasureResult extends OperationResult {
  readonly kind: "measure";
  readonly rounds: readonly Round[];
}

/** @param deadlineCycles end of the run, 0 = when the workloads have ended */
export function measure(config: MeasureConfig, deadlineCycles: number): OperationFactory {
  return (world) => ({
    kind: "measure",
    main: {
      machine: toolstackMachine,
      device: null,
      input: ({ self, scheduler, trackers }) => ({
        self,
        scheduler,
        trackers,
        technique: world.config.tracking.technique,
        harvestCycles: config.harvest ?? 0,
        live: config.live === true,
        deadlineCycles,
      }),
    },
    helpers: [],
    parts: [],
    result: (contexts): MeasureResult => {
      const { rounds } = contexts["toolstack"] as ToolstackContext;
      return { kind: "measure", rounds, failures: [] };
    },
  });
}
