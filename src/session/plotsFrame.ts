/** Courses over time: what the operation tells of itself, then what the counters say. */
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { itemAt } from "../lookup.ts";
import type { ToldChart } from "../system/operations/telling.ts";
import type { PlotFrame } from "./frame.ts";
import type { History } from "./history.ts";
import { OBSERVED, type ObservedName } from "./observed.ts";
import { operationFrame } from "./operationFrame.ts";
import { overlaidPlots } from "./overlaidPlots.ts";
import type { Session } from "./session.ts";

/** Those of a row have one scale. */
const COURSES: readonly (readonly ObservedName[])[] = [
  ["in logs"],
  ["log entries", "missed GPAs"],
  ["log full"],
  ["accesses", "writes"],
  ["TLB misses", "walks"],
];

type Plotted = Pick<Session, "system" | "history">;

/** All that there is something to see of; of two runs side by side, one over the other. */
export function plotFrames(
  run: Plotted & Partial<Pick<Session, "beside" | "variants">>,
): PlotFrame[] {
  const { beside = null, variants = null } = run;
  const own = ownPlots(run);
  return beside === null || variants === null
    ? own
    : overlaidPlots(own, ownPlots(beside), variants);
}

function ownPlots({ system, history }: Plotted): PlotFrame[] {
  return [...operationFrame(system).charts, ...coursesOf(history, system.interconnect.now)].filter(
    ({ x, series }) => x.values.length > 0 && series.some(isNonzero),
  );
}

/** What was looked at, up to a time: counts that grow as rates. */
function coursesOf(history: History, now: number): ToldChart[] {
  return COURSES.map((names) => {
    const courses = names.map((name) => courseOf(history, name, now));
    const { unit, times } = itemAt(courses, 0);
    return {
      title: names.join(" and "),
      unit,
      x: { name: "time", unit: "cycles", values: times },
      series: courses.map(({ name, values }) => ({ name, values })),
    };
  });
}

interface Course {
  readonly name: string;
  readonly unit: string;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

function courseOf(history: History, name: ObservedName, now: number): Course {
  const value = OBSERVED.findIndex((one) => one.name === name);
  const { times, values } = history.course(value, now);
  if (OBSERVED[value]?.counter === null) return { name, unit: "", times, values };
  const rates = values.slice(1).map((later, i) => {
    const cycles = itemAt(times, i + 1) - itemAt(times, i);
    return cycles === 0 ? 0 : ((later - itemAt(values, i)) * CYCLES_PER_SECOND) / cycles;
  });
  return { name, unit: "1/s", times: times.slice(1), values: rates };
}

function isNonzero({ values }: ToldChart["series"][number]): boolean {
  return values.some((value) => value !== null && value !== 0);
}
