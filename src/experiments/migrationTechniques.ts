/** Beyond the study: migration with other ways of tracking, and with auto-converge. */

import { rowPlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
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

const VARIANTS: Readonly<Record<string, Pick<ScenarioInput, "tracker">>> = {
  "write protection": { tracker: { technique: "writeProtect" } },
  PML: { tracker: { technique: "pml" } },
  "AMD PML": { tracker: { technique: "amdPml" } },
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

/** What a migration costs: seconds, milliseconds, and the part of it that the guest was stopped by exits, percent. */
function costOf(results: Results, variant: string, intensity: number) {
  const run = results(pointName(variant, intensity));
  const { totalTime, downtime } = migration(run);
  // The guest's time in tracking while the migration ran; before it there is none.
  const { exit, entry, handler } = run.cycles;
  return {
    total: inSeconds(totalTime),
    down: 1e3 * inSeconds(downtime ?? Number.NaN),
    share: (100 * (exit + entry + handler)) / totalTime,
  };
}

function figuresOf(results: Results, variant: string, intensity: number): readonly Figure[] {
  const { total, down, share } = costOf(results, variant, intensity);
  const where = `${variant}, ${intensity} % writes`;
  return [
    { quantity: `${where}: total time`, unit: "s", published: null, emulated: total },
    { quantity: `${where}: downtime`, unit: "ms", published: null, emulated: down },
    {
      quantity: `${where}: guest stopped by exits`,
      unit: "% of the migration",
      published: null,
      emulated: share,
    },
  ];
}

function rowsOf(results: Results, variant: string, intensity: number): readonly DataRow[] {
  const { down, share } = costOf(results, variant, intensity);
  const writes = `${intensity} % writes`;
  return [
    { variant, writes, metric: SHARE, value: share },
    { variant, writes, metric: DOWNTIME, value: down },
  ];
}

function evaluate(results: Results) {
  const ofAll = <T>(
    of: (results: Results, variant: string, intensity: number) => readonly T[],
  ): readonly T[] =>
    INTENSITIES.flatMap((intensity) => NAMES.flatMap((variant) => of(results, variant, intensity)));
  const protection = costOf(results, "write protection", 100);
  const pml = costOf(results, "PML", 100);
  return {
    figures: ofAll(figuresOf),
    plots: [
      rowPlot("Migration by tracking technique", ofAll(rowsOf), {
        x: { field: "value", title: null },
        y: { field: "variant", title: "tracked by" },
        by: { field: "writes", title: "program" },
        panels: { field: "metric", columns: 1, independent: "x" },
        width: 420,
        height: 190,
      }),
    ],
    findings: [
      `at 100 % writes exits stop the guest for ${protection.share.toFixed(1)} % of the migration with write protection and ${pml.share.toFixed(1)} % with PML; the downtime is ${protection.down.toFixed(1)} and ${pml.down.toFixed(1)} ms: what is stopped less dirties more`,
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
