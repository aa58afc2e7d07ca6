/** Invalidating the present bit of all pages every second (VEE21 section 1). */

import { barPlot, PUBLISHED } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { gapFor, inSeconds, MEDIAN_THROUGHPUT, pagesText, vmPages } from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, seconds } from "./scale.ts";

/** Cycles to handle an EPT violation: our default, and DW19's mean of exits other than log-full (32 us). */
const HANDLERS = { "2.1 us": 5_000, "32 us": 76_800 } as const;
const RUN = 10;
const RATE = MEDIAN_THROUGHPUT[0];

function points(scale: Scale): readonly Point[] {
  const pages = vmPages(scale);
  const vms = [
    {
      memory: pagesText(pages),
      workload: {
        kind: "arrayParser" as const,
        pages,
        writeIntensity: 0,
        gap: gapFor(RATE, "longMode"),
      },
    },
  ];
  const until = seconds(RUN, scale);
  return [
    {
      name: "none",
      scenario: { name: "present bit: not tracked", vms, tracker: { technique: "none" }, until },
    },
    ...Object.entries(HANDLERS).map(
      ([name, violationHandler]): Point => ({
        name,
        scenario: {
          name: `present bit every second, handler ${name}`,
          machine: { costs: { hypervisor: { violationHandler } } },
          vms,
          tracker: { technique: "presentBit" },
          operation: { kind: "measure", harvest: seconds(1, scale) },
          until,
        },
      }),
    ),
  ];
}

function evaluate(results: Results) {
  const rate = (name: string): number => {
    const { accesses, time } = results(name);
    return accesses / inSeconds(time);
  };
  const figures: Figure[] = Object.keys(HANDLERS).map((name) => ({
    quantity: `throughput lost, violations handled in ${name}`,
    unit: "%",
    published: { value: LOST, within: 0.01, plain: 0 },
    emulated: 100 * (1 - rate(name) / rate("none")),
    reason: reasonOf(name),
  }));
  const data: DataRow[] = [
    ...["none", ...Object.keys(HANDLERS)].map((handler) => ({
      handler: handler === "none" ? "not tracked" : `handled in ${handler}`,
      origin: "emulated",
      throughput: rate(handler) / 1e6,
    })),
    {
      handler: "published loss",
      origin: PUBLISHED,
      throughput: (rate("none") / 1e6) * (1 - LOST / 100),
    },
  ];
  return {
    figures,
    plots: [
      barPlot("Present bits invalidated every second", data, {
        x: { field: "handler", title: "EPT violations" },
        y: { field: "throughput", title: "operations/us" },
        by: { field: "origin", title: "throughput" },
      }),
    ],
    findings: [
      `${LOST} % are lost if a violation costs ${(NEEDED + OVERHEAD).toFixed(1)} us, exit and entry included, and each operation meets one: between the two that were tried`,
    ],
  };
}

/** Published, "up to". */
const LOST = 96.22;
/** Microseconds: T_x + T_e; and the handling that loses so much of the time when each operation meets a violation. */
const OVERHEAD = 0.5;
const NEEDED = LOST / 100 / (1 - LOST / 100) / RATE - OVERHEAD;

function reasonOf(name: string): string {
  return `with violations handled in ${name}; each page meets one after an invalidation, and to lose ${LOST} % the handling would have to take ${NEEDED.toFixed(1)} us`;
}

export const presentBitExperiment: Experiment = {
  name: "present-bit",
  title: "Present-bit invalidation of 1 GiB every second",
  source: "up to 96.22 % (VEE21 section 1)",
  assumptions: [
    "the program goes through all of the 1 GiB, at the rate of the study's first program without writes",
    "violations take 2.1 us (docs/costs.md), or the 32 us that DW19 section 3 gives as the mean of all other exits",
  ],
  divides: ALL,
  points,
  evaluate,
};
