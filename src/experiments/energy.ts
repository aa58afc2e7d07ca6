/** Power against write intensity, with PML and without (slide 7). */

import { linePlot, PUBLISHED as PUBLISHED_SERIES } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { DEFAULT_ENERGY_COSTS } from "../system/energy.ts";
import {
  arrayPages,
  FITTED_KERNEL,
  INTENSITIES,
  inSeconds,
  percentAbove,
  studyVm,
  vmPages,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, seconds } from "./scale.ts";

const TECHNIQUES = ["none", "pml"] as const;

/** Watts of CPU and memory, read off slide 7; the curves with and without PML overlap. */
const PUBLISHED = { 0: 9.45, 50: 10.3, 80: 10.775, 100: 10.95 } as const;
const READ_WITHIN = 0.05;
const DIFFERENCE = 0.02;
const RUN = 10;
const LINES_PER_PAGE = 64;

const pointName = (intensity: number, technique: string): string => `${intensity} ${technique}`;

function points(scale: Scale): readonly Point[] {
  return INTENSITIES.flatMap((intensity) =>
    TECHNIQUES.map(
      (technique): Point => ({
        name: pointName(intensity, technique),
        scenario: {
          name: `energy, ${intensity} % writes, ${technique}`,
          vms: [studyVm(arrayPages(scale), vmPages(scale), intensity)],
          tracker: { technique },
          until: seconds(RUN, scale),
        },
      }),
    ),
  );
}

function evaluate(results: Results) {
  const watts = (intensity: number, technique: string): number =>
    results(pointName(intensity, technique)).energy.watts;
  const rise = watts(100, "none") - watts(0, "none");
  const why = reasonOf(rise, results(pointName(100, "none")));
  const figures = INTENSITIES.flatMap((intensity): Figure[] => [
    ...TECHNIQUES.map(
      (technique): Figure => ({
        quantity: `power at ${intensity} % writes, ${technique === "pml" ? "PML" : "not tracked"}`,
        unit: "W",
        // A constant: what is drawn without writes.
        published: { value: PUBLISHED[intensity], within: READ_WITHIN, plain: PUBLISHED[0] },
        emulated: watts(intensity, technique),
        reason: why,
      }),
    ),
    {
      quantity: `power more with PML at ${intensity} % writes`,
      unit: "%",
      published: { value: DIFFERENCE, relation: "at most", plain: 0 },
      emulated: percentAbove(watts(intensity, "pml"), watts(intensity, "none")),
    },
  ]);
  const data: DataRow[] = INTENSITIES.flatMap((intensity) => [
    { intensity, origin: PUBLISHED_SERIES, watts: PUBLISHED[intensity] },
    ...TECHNIQUES.map((technique) => ({
      intensity,
      origin: `emulated, ${technique === "pml" ? "PML" : "not tracked"}`,
      watts: watts(intensity, technique),
    })),
  ]);
  const changes = INTENSITIES.map((intensity) =>
    percentAbove(watts(intensity, "pml"), watts(intensity, "none")),
  );
  return {
    figures: [
      ...figures,
      {
        quantity: "power more at 100 % writes than at none, not tracked",
        unit: "W",
        published: { value: PUBLISHED[100] - PUBLISHED[0], within: 2 * READ_WITHIN, plain: 0 },
        emulated: rise,
        reason: why,
      },
    ],
    plots: [
      linePlot("Power against write intensity", data, {
        x: { field: "intensity", title: "write intensity, %" },
        y: { field: "watts", title: "CPU and memory, W", zero: false },
        by: { field: "origin", title: "power" },
      }),
    ],
    findings: [
      `PML changes power by ${Math.min(...changes).toFixed(4)} to ${Math.max(...changes).toFixed(4)} %`,
    ],
  };
}

/** What the frames that the guest's kernel zeroes take, against the published rise. */
function reasonOf(rise: number, run: ReturnType<Results>): string {
  const { memoryRead, memoryWrite, staticMilliwatts, busyCycle } = DEFAULT_ENERGY_COSTS;
  const zeroing = (LINES_PER_PAGE * (memoryRead + memoryWrite)) / 1e6;
  const frames = (run.kernels?.zeroedPages ?? 0) / inSeconds(run.time);
  return (
    `the guest's kernel zeroes ${(frames / 1e6).toFixed(3)} million frames a second at 100 % writes, ${zeroing.toFixed(2)} uJ each by the model of events: that is the emulated rise, ${rise.toFixed(2)} W of ${(PUBLISHED[100] - PUBLISHED[0]).toFixed(2)}. ` +
    `What is drawn without writes is the model's ${(staticMilliwatts / 1000).toFixed(0)} W and ${(busyCycle / 1000).toFixed(0)} nJ a cycle (assumed): nothing was fitted to the study's watts`
  );
}

export const energyExperiment: Experiment = {
  name: "energy",
  title: "Energy against write intensity, with PML and without",
  source: "slide 7, read off within 0.05 W; PML changes CPU use by at most 0.02 %",
  assumptions: [
    FITTED_KERNEL,
    "energy by an event-cost model (docs/costs.md), none of it fitted; how the study measured power is not published",
    "PML is on for the whole run and never cleaned: what cleaned it in the study is not published",
  ],
  divides: ALL,
  points,
  evaluate,
};
