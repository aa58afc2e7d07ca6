/** Beyond the study: migration with other ways of tracking, and with auto-converge. */

import { present } from "../lookup.ts";
import { rowPlot } from "../plots/kinds.ts";
import {
  arrayPages,
  arrayWorkload,
  FITTED_GAP,
  inSeconds,
  migration,
  pagesText,
  vmPages,
} from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { ALL, type Scale, seconds } from "./scale.ts";

/** AMD's PML follows Intel's. */
const VARIANTS: Readonly<Record<string, Pick<ScenarioInput, "tracker">>> = {
  "write protection": { tracker: { technique: "writeProtect" } },
  "PML (Intel, AMD)": { tracker: { technique: "pml" } },
  "dirty ring from write protection": {
    tracker: { technique: "dirtyRing", ring: { entries: 4096, source: "writeProtect" } },
  },
  "dirty ring from PML": {
    tracker: { technique: "dirtyRing", ring: { entries: 4096, source: "pml" } },
  },
  "A/D scan": { tracker: { technique: "accessedDirtyScan" } },
};
const NAMES = Object.keys(VARIANTS);
const INTENSITIES = [50, 100] as const;
const START = 5;
const SHARE = "guest stopped by exits, % of the migration";
const DOWNTIME = "downtime, ms";

const pointName = (variant: string, intensity: number): string => `${variant}, ${intensity} %`;

function points(scale: Scale): readonly Point[] {
  return NAMES.flatMap((variant) =>
    INTENSITIES.map((intensity): Point => {
      const name = pointName(variant, intensity);
      return {
        name,
        scenario: {
          name,
          ...VARIANTS[variant],
          vms: [
            {
              memory: pagesText(vmPages(scale)),
              workload: arrayWorkload(arrayPages(scale), intensity),
            },
          ],
          operation: {
            kind: "migrate",
            start: seconds(START, scale),
            link: { bandwidth: "10Gbit/s" },
            policy: { kind: "libxc" },
          },
        },
      };
    }),
  );
}

function evaluate(results: Results) {
  const figures: Figure[] = [];
  const data: { variant: string; writes: string; metric: string; value: number }[] = [];
  for (const intensity of INTENSITIES) {
    for (const variant of NAMES) {
      const run = results(pointName(variant, intensity));
      const { totalTime, downtime } = migration(run);
      // The guest's time in tracking while the migration ran; before it there is none.
      const { exit, entry, handler } = run.cycles;
      const share = (100 * (exit + entry + handler)) / totalTime;
      figures.push(
        {
          quantity: `${variant}, ${intensity} % writes: total time`,
          unit: "s",
          published: null,
          emulated: inSeconds(totalTime),
        },
        {
          quantity: `${variant}, ${intensity} % writes: downtime`,
          unit: "ms",
          published: null,
          emulated: 1e3 * inSeconds(downtime ?? Number.NaN),
        },
        {
          quantity: `${variant}, ${intensity} % writes: guest stopped by exits`,
          unit: "% of the migration",
          published: null,
          emulated: share,
        },
      );
      const writes = `${intensity} % writes`;
      const stopped = 1e3 * inSeconds(downtime ?? Number.NaN);
      data.push(
        { variant, writes, metric: SHARE, value: share },
        { variant, writes, metric: DOWNTIME, value: stopped },
      );
    }
  }
  const of = (variant: string): { share: number; down: number } => {
    const value = (metric: string): number =>
      present(
        data.find(
          (row) =>
            row.variant === variant && row.writes === "100 % writes" && row.metric === metric,
        ),
        `${metric} of ${variant}`,
      ).value;
    return { share: value(SHARE), down: value(DOWNTIME) };
  };
  return {
    figures,
    plots: [
      rowPlot("Migration by tracking technique", data, {
        x: { field: "value", title: null },
        y: { field: "variant", title: "tracked by" },
        by: { field: "writes", title: "program" },
        panels: { field: "metric", columns: 1, independent: "x" },
        width: 420,
        height: 190,
      }),
    ],
    findings: [
      `at 100 % writes exits stop the guest for ${of("write protection").share.toFixed(1)} % of the migration with write protection and ${of("PML (Intel, AMD)").share.toFixed(1)} % with PML; the downtime is ${of("write protection").down.toFixed(1)} and ${of("PML (Intel, AMD)").down.toFixed(1)} ms: what is stopped less dirties more`,
    ],
  };
}

export const migrationTechniquesExperiment: Experiment = {
  name: "migration-logs",
  title: "Beyond the study: migration with PML, dirty rings and scans",
  source: "none",
  assumptions: [FITTED_GAP, "link of 10 Gbit/s"],
  divides: ALL,
  points,
  evaluate,
};
