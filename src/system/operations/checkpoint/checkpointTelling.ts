/** What checkpointing tells people. */
import { grouped } from "../../../config/figures.ts";
import { CYCLES_PER_SECOND, formatCycles } from "../../../config/units.ts";
import type { Telling, Told } from "../telling.ts";
import { formatCheckpoints } from "./checkpointReport.ts";
import type { CheckpointResult } from "./checkpointResult.ts";

const MIB = 2 ** 20;

const inMs = (cycles: number): number => (1000 * cycles) / CYCLES_PER_SECOND;

export const checkpointTelling: Telling<CheckpointResult> = {
  tell: tellCheckpoints,
  report: formatCheckpoints,
  numbers: [
    {
      name: "meanPause",
      unit: "ms",
      what: "of a checkpoint",
      of: ({ meanPause }) => inMs(meanPause),
    },
    { name: "maxPause", unit: "ms", what: "of a checkpoint", of: ({ maxPause }) => inMs(maxPause) },
    {
      name: "paused",
      unit: "%",
      what: "part of the run that VMs stood still",
      of: ({ pausedShare }) => 100 * pausedShare,
    },
    { name: "checkpoints", unit: "", what: "committed", of: ({ committed }) => committed },
  ],
};

function tellCheckpoints(result: CheckpointResult): Told {
  const { checkpoints, mode, epoch } = result;
  // The first one is of all pages.
  const later = checkpoints.slice(1);
  const x = { name: "time", unit: "cycles", values: later.map(({ time }) => time) } as const;
  return {
    headline:
      mode === "live"
        ? `live, an epoch of ${formatCycles(epoch ?? 0)}: ${checkpointsOf(result.committed)} safe`
        : `${mode === "diff" ? "differential" : "stop and copy"}: ${checkpointsOf(result.committed)} safe`,
    facts: [
      ["pages", `${grouped(result.pages)}, ${(result.bytes / MIB).toFixed(1)} MiB`],
      ["mean pause", formatCycles(result.meanPause)],
      ["longest pause", formatCycles(result.maxPause)],
      ["VMs stood still", `${(100 * result.pausedShare).toFixed(1)} %`],
      ["late epochs", grouped(result.lateEpochs)],
    ],
    charts: [
      {
        title: "pages, checkpoint by checkpoint",
        ...{ unit: "", x },
        series: [{ name: "pages", values: later.map(({ pages }) => pages) }],
      },
      {
        title: "pauses, checkpoint by checkpoint",
        ...{ unit: "ms", x },
        series: [{ name: "pause", values: later.map(({ pause }) => inMs(pause)) }],
      },
    ],
    columns: ["number", "at", "pages", "pause", "safe at"],
    rows: checkpoints.map(({ number, time, pages, pause, acknowledged }) => [
      String(number),
      formatCycles(time),
      grouped(pages),
      formatCycles(pause),
      acknowledged === null ? "not yet" : formatCycles(acknowledged),
    ]),
  };
}

function checkpointsOf(number: number): string {
  return `${grouped(number)} ${number === 1 ? "checkpoint" : "checkpoints"}`;
}
