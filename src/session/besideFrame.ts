/** Two runs side by side in figures: those of a comparison (src/questions/measures.ts), at the present of each. */
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { cyclesPerAccess, ownMeasuresOf, wholeOf } from "../questions/measures.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import type { BesideFigure, BesideFrame, BesideRun } from "./frame.ts";
import type { Session } from "./session.ts";

interface Figure {
  readonly name: string;
  readonly unit: BesideFigure["unit"];
  readonly of: (summary: RunSummary) => number;
}

/** Of the time of the vCPUs: all but the guest's own work. In percent. */
function lostTime(summary: RunSummary): number {
  const whole = wholeOf(summary);
  return whole === 0 ? 0 : 100 * (1 - cyclesPerAccess(summary).guest / whole);
}

/** Pages that harvests found, each second of virtual time since the start. */
function dirtyRate(summary: RunSummary): number {
  const { time } = summary;
  return time === 0 ? 0 : (ownMeasuresOf(summary).found * CYCLES_PER_SECOND) / time;
}

const FIGURES: readonly Figure[] = [
  { name: "accesses", unit: "", of: ({ accesses }) => accesses },
  { name: "dirty rate", unit: "/s", of: dirtyRate },
  { name: "VM exits", unit: "", of: (summary) => ownMeasuresOf(summary).exits },
  { name: "time lost", unit: "%", of: lostTime },
  { name: "pVM time", unit: "ms", of: (summary) => ownMeasuresOf(summary).pvmTime },
  { name: "log full", unit: "", of: ({ logFull }) => logFull },
  { name: "dropped", unit: "", of: ({ missedGpas }) => missedGpas },
  { name: "pages found", unit: "", of: (summary) => ownMeasuresOf(summary).found },
  { name: "missed", unit: "", of: (summary) => ownMeasuresOf(summary).missed },
  { name: "too many", unit: "", of: (summary) => ownMeasuresOf(summary).overReported },
];

/** Null: the run is alone. */
export function besideFrame(session: Session): BesideFrame | null {
  const { beside, variants } = session;
  if (beside === null || variants === null) return null;
  const [own, other] = [session, beside].map(({ system }) => summarize(system));
  if (own === undefined || other === undefined) return null;
  return {
    runs: [runOf(session, variants[0]), runOf(beside, variants[1])],
    figures: FIGURES.map(({ name, unit, of }) => ({ name, unit, values: [of(own), of(other)] })),
  };
}

function runOf({ system, position, ended }: Session, name: string): BesideRun {
  return { name, time: system.interconnect.now, position, ended };
}
