/** Checkpoints with PML and with write protection (the authors' 2018 and 2019 posters). */
import {
  arrayPages,
  arrayWorkload,
  checkpoints,
  FITTED_GAP,
  INTENSITIES,
  inSeconds,
  pagesText,
  percentAbove,
  vmPages,
} from "./common.ts";
import type { DataRow, Experiment, Figure, Point, Results } from "./experiment.ts";
import { type Scale, seconds } from "./scale.ts";

const TECHNIQUES = ["writeProtect", "pml"] as const;
const MODES = ["stop", "live"] as const;
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
  for (const intensity of INTENSITIES) {
    for (const mode of MODES) {
      const [protect, pml] = TECHNIQUES.map((technique) =>
        results(pointName(intensity, mode, technique)),
      ) as [ReturnType<Results>, ReturnType<Results>];
      const gain = percentAbove(
        pml.accesses / inSeconds(pml.time),
        protect.accesses / inSeconds(protect.time),
      );
      const published = { value: 0, within: 0.005 };
      figures.push({
        quantity: `throughput more with PML, ${mode === "live" ? "live checkpoints" : "stop-and-copy"}, ${intensity} % writes`,
        unit: "%",
        published: mode === "stop" ? published : null,
        emulated: gain,
      });
      data.push({ intensity, mode, percent: gain });
      const pause = (run: ReturnType<Results>): number => checkpoints(run).meanPause;
      figures.push({
        quantity: `pause of a checkpoint less with PML, ${mode === "live" ? "live" : "stop-and-copy"}, ${intensity} % writes`,
        unit: "%",
        published: mode === "stop" ? published : null,
        emulated: 100 * (1 - pause(pml) / pause(protect)),
      });
    }
  }
  return {
    figures,
    plots: [
      {
        title: "Checkpoints: throughput gained by PML",
        data,
        spec: {
          mark: "bar",
          encoding: {
            x: { field: "intensity", type: "ordinal", title: "write intensity, %" },
            xOffset: { field: "mode" },
            y: { field: "percent", type: "quantitative", title: "throughput, %" },
            color: { field: "mode", title: null },
          },
        },
      },
    ],
    findings: [],
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
  points,
  evaluate,
};
