/** The plain measurement: arm, run, harvest at an interval and at the end. */
import * as z from "zod";
import { type Round, toolstackMachine } from "../../../machines/toolstack.ts";
import { grouped } from "../../config/figures.ts";
import { positiveDuration } from "../../config/units.ts";
import type { OperationFactory, OperationResult } from "../operation.ts";
import { declareOperation, endsAtDeadline, PLAIN_NEEDS } from "./declaration.ts";
import type { Told } from "./telling.ts";

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

export interface MeasurePlan {
  /** Between two harvests; 0: there is one, at the end. */
  readonly harvestCycles: number;
  readonly live: boolean;
  /** End of the run; 0 = when the workloads have ended. */
  readonly deadlineCycles: number;
}

export function measurePlan(config: MeasureConfig, deadlineCycles: number): MeasurePlan {
  return { harvestCycles: config.harvest ?? 0, live: config.live === true, deadlineCycles };
}

export function measure(plan: MeasurePlan): OperationFactory {
  return (world) => ({
    kind: "measure",
    main: {
      machine: toolstackMachine,
      device: null,
      input: ({ self, scheduler, trackers, stopping }) => ({
        self,
        scheduler,
        trackers,
        technique: world.config.tracking.technique,
        ...plan,
        ...stopping,
      }),
    },
    helpers: [],
    parts: [],
    result: (actors): MeasureResult => {
      const { rounds } = actors.of("toolstack", toolstackMachine);
      return { kind: "measure", rounds, failures: [] };
    },
  });
}

export const measureOperation = declareOperation({
  kind: "measure",
  schema: () => measureSchema,
  needs: { ...PLAIN_NEEDS, beginsSet: true, live: ({ live }: MeasureConfig) => live === true },
  faults: [],
  estimator: () => null,
  file: null,
  comparison: null,
  resolve(config, { technique, deadlineCycles }, problems) {
    if (config.live === true && technique === "none") {
      problems.add(["operation", "live"], 'technique "none" harvests nothing: expected a tracker');
    }
    return measurePlan(config, deadlineCycles);
  },
  create: measure,
  telling: {
    tell: tellMeasurement,
    // The summary of the VMs says it all.
    report: () => [],
    numbers: [],
  },
  operator: {
    owner: () => null,
    startable: [],
    start: () => ({
      refusal: "this log was not recorded by the tui: nothing can be started in it",
    }),
    end: () => endsAtDeadline("measure"),
  },
});

function tellMeasurement({ rounds }: MeasureResult): Told {
  const pages = rounds.map(({ pagesWritten, pagesTouched }) =>
    sum(pagesTouched.map((touched, vm) => touched ?? pagesWritten[vm] ?? 0)),
  );
  const last = pages.at(-1);
  return {
    headline:
      rounds.length === 0
        ? "no harvest yet"
        : `${grouped(rounds.length)} ${rounds.length === 1 ? "harvest" : "harvests"} of the logs`,
    facts: [["last harvest", last === undefined ? "-" : `${grouped(last)} pages`]],
    charts: [
      {
        title: "pages reported, harvest by harvest",
        unit: "",
        x: { name: "harvest", unit: "", values: rounds.map((_, number) => number + 1) },
        series: [{ name: "pages", values: pages }],
      },
    ],
    columns: ["harvest", "written", "touched", "tables"],
    rows: rounds.map(({ pagesWritten, pagesTouched, guestPageTables }, number) => [
      String(number + 1),
      known(pagesWritten),
      known(pagesTouched),
      grouped(sum(guestPageTables)),
    ]),
  };
}

/** "-" is what a technique cannot know. */
function known(pages: readonly (number | null)[]): string {
  const numbers = pages.filter((one) => one !== null);
  return numbers.length === 0 ? "-" : grouped(sum(numbers));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
