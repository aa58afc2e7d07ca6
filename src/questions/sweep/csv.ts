/** A result as CSV: a row for each point. */
import { csvCell } from "../../io/visible.ts";
import type { SweepResult } from "./result.ts";

/** RFC 4180. Of each metric the mean and half the width of its 95 % interval. */
export function sweepCsv({ sweep: { fields, metrics }, points }: SweepResult): string {
  const names = metrics.flatMap(({ name, unit }) => {
    const head = unit === "" ? name : `${name} (${unit})`;
    return [head, `${head} interval`];
  });
  const lines = points.map(({ index, values, runs, means, intervals }) => [
    index,
    ...fields.map((field) => values[field] ?? null),
    runs.length,
    ...metrics.flatMap(({ name }) => [means[name] ?? null, intervals[name] ?? null]),
  ]);
  const table = [["point", ...fields, "runs", ...names], ...lines];
  return `${table.map((line) => line.map(csvCell).join(",")).join("\r\n")}\r\n`;
}
