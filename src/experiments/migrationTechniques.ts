/** Beyond the study: migration with other ways of tracking, and with auto-converge. */
import {
  arrayPages,
  arrayWorkload,
  FITTED_GAP,
  inSeconds,
  migration,
  pagesText,
  vmPages,
} from "./common.ts";
import type { DataRow, Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { type Scale, seconds } from "./scale.ts";

/** AMD's PML follows Intel's; Arm's HDBSS logs the same events to up to 2 MB. */
const VARIANTS: Readonly<Record<string, Pick<ScenarioInput, "tracker" | "machine">>> = {
  "write protection": { tracker: { technique: "writeProtect" } },
  "PML (Intel, AMD)": { tracker: { technique: "pml" } },
  "log of 65536 entries (HDBSS-like)": {
    // DW19: only so that the schema allows such a log; PML takes no notice of it.
    tracker: { technique: "pml", prl: { variant: "dw19" } },
    machine: { logEntries: 65_536 },
  },
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
  const data: DataRow[] = [];
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
      data.push({ variant, intensity, share, downtime: 1e3 * inSeconds(downtime ?? 0) });
    }
  }
  return {
    figures,
    plots: [
      {
        title: "Guest stopped by exits during migration",
        data,
        spec: {
          mark: "bar",
          encoding: {
            y: { field: "variant", sort: NAMES, title: null },
            yOffset: { field: "intensity" },
            x: { field: "share", type: "quantitative", title: "% of the migration" },
            color: { field: "intensity", type: "nominal", title: "writes, %" },
          },
        },
      },
    ],
    findings: [],
  };
}

export const migrationTechniquesExperiment: Experiment = {
  name: "migration-logs",
  title: "Beyond the study: migration with PML, larger logs, dirty rings and scans",
  source: "none",
  assumptions: [FITTED_GAP, "link of 10 Gbit/s"],
  points,
  evaluate,
};
