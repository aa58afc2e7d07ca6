/** The course of a fleet's day as CSV: a row for each way of sizing and look. */
import { csvCell } from "../../io/visible.ts";
import type { FleetReport } from "./fleetFormat.ts";
import { sizesText } from "./fleetWords.ts";

const HEAD = [
  "sizes",
  "time (s)",
  "hosts",
  "VMs",
  "migrations under way",
  "given (pages)",
  "used (pages)",
  "short VMs",
  "busiest pVM",
];

/** RFC 4180. */
export function fleetCsv({ days }: FleetReport): string {
  const lines = days.flatMap((day) =>
    day.course.map(({ time, hosts, vms, underWay, given, used, shortVms, pvmMost }) => [
      ...[sizesText(day), time, hosts, vms, underWay, given, used, shortVms, pvmMost],
    ]),
  );
  return `${[HEAD, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n")}\r\n`;
}
