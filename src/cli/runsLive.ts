/** `--live` of sweeps and experiments: runs done, time left, what has ended, and a plot that grows. */
import { grouped } from "../config/figures.ts";
import type { SeededOrder } from "../experiments/seeds.ts";
import { itemAt } from "../lookup.ts";
import { ownMeasuresOf } from "../questions/measures.ts";
import type { Metric } from "../questions/metrics.ts";
import { labelOf, layoutOf, quantityIn } from "../questions/sweep/layout.ts";
import { type PlannedPoint, type SweepPlan, withSeed } from "../questions/sweep/plan.ts";
import { pointText } from "../questions/sweep/points.ts";
import { pointResult, type RunResult } from "../questions/sweep/result.ts";
import type { RunProgress } from "../runs/pool.ts";
import type { RunOrder } from "../runs/runOrder.ts";
import { Session } from "../session/session.ts";
import type { RunSummary } from "../system/summary.ts";
import type { LiveFrame, LivePart, LiveRow } from "../tui/live/liveFrame.ts";
import { openLive, openSession } from "./live.ts";
import type { RunsShown } from "./progress.ts";

/** Between two looks at the clock while no run ends, in ms. */
const TICK_MS = 500;
const DIGITS = 4;

/** A run that has ended. */
interface EndedRun {
  readonly row: LiveRow;
  /** It can be gone through again. */
  readonly order: RunOrder;
}

/** What there is to see of runs. */
export interface RunsSeen {
  readonly title: string;
  /** Those that have ended, the last one first. */
  readonly ended: () => readonly EndedRun[];
  readonly plot: () => LiveFrame["plot"];
}

/** Takes the terminal. @param interrupt what Ctrl-C does */
export async function runsScreen(seen: RunsSeen, interrupt: () => void): Promise<RunsShown> {
  const { screen, close } = await openLive(interrupt);
  const parts = new Map<string, { readonly progress: RunProgress; readonly from: number }>();
  const from = performance.now();
  const show = (): void => screen.show(runsFrame(seen, parts, secondsSince(from), false));
  const clock = setInterval(show, TICK_MS);
  let isOpen = true;
  show();
  return {
    heard: (what, progress) => {
      parts.set(what, { progress, from: parts.get(what)?.from ?? performance.now() });
      if (screen.isDue) show();
    },
    looked: async () => {
      clearInterval(clock);
      await screen.stay(runsFrame(seen, parts, secondsSince(from), true), {
        row: 0,
        refusal: (row) => (seen.ended()[row] === undefined ? "no run: nothing to open" : ""),
        open: (row) => {
          const { scenario, directory } = itemAt(seen.ended(), row).order;
          return openSession(Session.start(scenario, directory), ["panel lanes"]);
        },
      });
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      clearInterval(clock);
      close();
    },
  };
}

function secondsSince(from: number): number {
  return (performance.now() - from) / 1000;
}

type Parts = ReadonlyMap<string, { readonly progress: RunProgress; readonly from: number }>;

/** What there is to see of them now. @param seconds since they began */
export function runsFrame(
  seen: RunsSeen,
  parts: Parts,
  seconds: number,
  isOver: boolean,
): LiveFrame {
  const all = [...parts.values()].map(({ progress }) => progress);
  const sum = (of: (progress: RunProgress) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  const [done, reused] = [sum((one) => one.done), sum((one) => one.reused)];
  const rate = seconds > 0 ? (60 * (done - reused)) / seconds : 0;
  const rows = seen.ended().map(({ row }) => row);
  return {
    title: seen.title,
    phase: isOver ? "done" : "running",
    isOver,
    seconds,
    facts: [
      ["runs done", `${grouped(done)}${reused === 0 ? "" : `, ${grouped(reused)} from before`}`],
      ["rate", `${rate.toFixed(1)} runs/min`],
    ],
    parts: [...parts].map(([what, { progress, from }]) =>
      partOf(what, progress, secondsSince(from)),
    ),
    plot: seen.plot(),
    list: { title: "runs that have ended", rows },
    opens: rows.length === 0 ? "" : "go through it again",
  };
}

function partOf(what: string, { done, total, part }: RunProgress, seconds: number): LivePart {
  return { what, done, total, part, left: part > 0 ? (seconds * (1 - part)) / part : null };
}

/** A sweep: each run by its point, and the first metric over what is varied. */
export function sweepSeen({ name, fields, metrics, points }: SweepPlan) {
  const rows: EndedRun[] = [];
  const runs = new Map<PlannedPoint, RunResult[]>();
  // What needs the run without tracking comes at the very end.
  const shown = metrics.filter(({ of }) => of !== "base");
  const onRun = (point: PlannedPoint, run: RunResult): void => {
    runs.set(point, [...(runs.get(point) ?? []), run]);
    const seed = point.seeds.length > 1 ? `, seed ${run.seed}` : "";
    const row = rowOf(`${pointText(point)}${seed}`, run.failures, measuresText(run, shown));
    rows.unshift({ row, order: withSeed(point.order, run.seed) });
  };
  const plot = (): LiveFrame["plot"] => {
    const ended = points.filter((point) => runs.get(point)?.length === point.seeds.length);
    const [metric] = shown;
    if (metric === undefined || ended.length === 0) return null;
    return sweepPlot({ fields, points, metric }, (point) => {
      const own = ended.includes(point) ? (runs.get(point) ?? []) : null;
      return own === null ? null : (pointResult(point, own, [metric]).means[metric.name] ?? null);
    });
  };
  return { title: `sweep ${name}`, ended: () => rows, plot, onRun };
}

interface Plotted extends Pick<SweepPlan, "fields" | "points"> {
  readonly metric: Metric;
}

/** Numbers go along the axis; of what is none, the places of the points. */
function sweepPlot(
  { fields, points, metric }: Plotted,
  meanOf: (point: PlannedPoint) => number | null,
): LiveFrame["plot"] {
  const { along, series, panels } = layoutOf({ sweep: { fields }, points });
  const others = panels === null ? series : [...series, panels];
  const places = points.map((point, place) => {
    const value = point.values[along.field];
    const isNumber = along.unit !== null && value !== undefined;
    return { point, at: isNumber ? quantityIn(value, along.unit ?? "") : place + 1 };
  });
  const values = [...new Set(places.map(({ at }) => at))].sort((a, b) => a - b);
  const labels = [...new Set(points.map((point) => labelOf(point.values, others)))];
  const title = metric.name;
  return {
    title,
    unit: metric.unit,
    x: { name: along.field, unit: "", values },
    series: labels.map((label) => ({
      name: label === "" ? title : label,
      values: values.map((at) => {
        const place = places.find(
          (one) => one.at === at && labelOf(one.point.values, others) === label,
        );
        return place === undefined ? null : meanOf(place.point);
      }),
    })),
  };
}

/** Runs of experiments: each by its name, and how many have ended over time. */
export function experimentSeen(name: string) {
  const rows: EndedRun[] = [];
  const from = performance.now();
  const times: number[] = [];
  const onRun = (order: SeededOrder, summary: RunSummary): void => {
    times.push(secondsSince(from));
    const { exits, found, missed } = ownMeasuresOf(summary);
    const note = `${grouped(exits)} VM exits, ${grouped(found)} found, ${grouped(missed)} missed`;
    rows.unshift({ row: rowOf(order.name, summary.failures, note), order });
  };
  const plot = (): LiveFrame["plot"] =>
    times.length === 0
      ? null
      : {
          title: "runs that have ended, over seconds",
          unit: "",
          x: { name: "seconds", unit: "", values: times },
          series: [{ name: "runs", values: times.map((_, number) => number + 1) }],
        };
  return { title: `experiment ${name}`, ended: () => rows, plot, onRun };
}

function rowOf(text: string, failures: readonly string[], note: string): LiveRow {
  const [failure] = failures;
  if (failure !== undefined) return { sign: "FAILED", style: "bad", text, note: failure };
  return { sign: "ok", style: "good", text, note };
}

function measuresText({ measures }: RunResult, metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, unit }) => {
      const value = measures[name] ?? null;
      const text = value === null ? "-" : grouped(Number(value.toPrecision(DIGITS)));
      return `${name} ${text}${unit === "" ? "" : ` ${unit}`}`;
    })
    .join(", ");
}
