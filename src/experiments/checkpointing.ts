/** Checkpoints with PML and with write protection (the authors' 2018 and 2019 posters). */

import { itemAt } from "../lookup.ts";
import { barPlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import {
  arrayPages,
  arrayWorkload,
  checkpoints,
  FITTED_GAP,
  INTENSITIES,
  inSeconds,
  pagesText,
  percentAbove,
  span,
  vmPages,
} from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, seconds } from "./scale.ts";

const TECHNIQUES = ["writeProtect", "pml"] as const;
const MODES = ["stop", "live"] as const;
const MODE_LABEL = { stop: "stop-and-copy", live: "live, every 100 ms" } as const;
const RUN = 5;
/** Not scaled: it is what a guest dirties in it that matters. */
const EPOCH = "100ms";

const pointName = (intensity: number, mode: string, technique: string): string =>
  `${intensity} ${mode} ${technique}`;

function points(scale: Scale): readonly Point[] {
  return INTENSITIES.flatMap((intensity) =>
    MODES.flatMap((mode) =>
      TECHNIQUES.map(
        (technique): Point => ({
          name: pointName(intensity, mode, technique),
          scenario: {
            name: `${mode} checkpoints, ${intensity} % writes, ${technique}`,
            vms: [
              {
                memory: pagesText(vmPages(scale)),
                workload: arrayWorkload(arrayPages(scale), intensity),
              },
            ],
            tracker: { technique },
            operation: {
              kind: "checkpoint",
              ...(mode === "live"
                ? { mode, epoch: EPOCH }
                : { mode, times: [seconds(RUN / 2, scale)], state: false }),
            },
            until: seconds(RUN, scale),
          },
        }),
      ),
    ),
  );
}

function evaluate(results: Results) {
  const figures: Figure[] = [];
  const data: DataRow[] = [];
  const gained: { mode: (typeof MODES)[number]; gain: number; shorter: number }[] = [];
  for (const intensity of INTENSITIES) {
    for (const mode of MODES) {
      const runs = TECHNIQUES.map((technique) => results(pointName(intensity, mode, technique)));
      const [protect, pml] = [itemAt(runs, 0), itemAt(runs, 1)];
      const gain = percentAbove(
        pml.accesses / inSeconds(pml.time),
        protect.accesses / inSeconds(protect.time),
      );
      // Without tracking there is nothing to gain.
      const published = { value: 0, within: 0.005, plain: 0 };
      figures.push({
        quantity: `throughput more with PML, ${mode === "live" ? "live checkpoints" : "stop-and-copy"}, ${intensity} % writes`,
        unit: "%",
        published: mode === "stop" ? published : null,
        emulated: gain,
      });
      data.push({ intensity, mode: MODE_LABEL[mode], percent: gain });
      const pause = (run: ReturnType<Results>): number => checkpoints(run).meanPause;
      const shorter = 100 * (1 - pause(pml) / pause(protect));
      gained.push({ mode, gain, shorter });
      figures.push({
        quantity: `pause of a checkpoint less with PML, ${mode === "live" ? "live" : "stop-and-copy"}, ${intensity} % writes`,
        unit: "%",
        published: mode === "stop" ? published : null,
        emulated: shorter,
      });
    }
  }
  const gains = (mode: string, of: "gain" | "pause" = "gain"): readonly number[] =>
    gained
      .filter((one) => one.mode === mode)
      .map((one) => (of === "gain" ? one.gain : one.shorter));
  return {
    figures,
    plots: [
      barPlot("Checkpoints: throughput gained by PML", data, {
        x: { field: "intensity", title: "write intensity, %" },
        y: { field: "percent", title: "throughput gained, %" },
        by: { field: "mode", title: "checkpoints" },
      }),
    ],
    findings: [
      `stop-and-copy checkpoints gain ${span(gains("stop"))} by PML, for no tracking is on while the VM runs; live ones gain ${span(gains("live"))} of throughput, and their pauses become ${span(gains("live", "pause").map((percent) => -percent))} longer`,
    ],
  };
}

export const checkpointingExperiment: Experiment = {
  name: "checkpointing",
  title: "Checkpoints: PML against write protection",
  source:
    "no improvement at any intensity (COMPAS 2019 poster); VEE21 has no such section; the slides say that PML helps",
  assumptions: [
    FITTED_GAP,
    "live checkpoints every 100 ms in Remus's manner; the authors' hypervisor has none",
  ],
  divides: `${ALL}, but not the live checkpoints' interval,`,
  points,
  evaluate,
};
