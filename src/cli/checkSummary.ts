/** The table at the end of `trackvisor check --all`. */
import Table from "cli-table3";
import type { CheckReport } from "../check/checkRun.ts";
import { grouped } from "../config/figures.ts";
import { visible } from "../io/visible.ts";

const HEAD = ["model", "states", "generated", "depth", "seconds", "complete", "properties"];

/** One line a model; what is not complete says at which bound it ended, and what is still open. */
export function checkSummary(reports: readonly CheckReport[]): string[] {
  const table = new Table({
    head: HEAD,
    colAligns: ["left", "right", "right", "right", "right", "left", "left"],
    // Plain: it is pasted into documents.
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    style: { head: [], border: [], compact: true },
  });
  for (const report of reports) {
    table.push([
      visible(report.model),
      grouped(report.distinct),
      grouped(report.generated),
      String(report.depth),
      report.seconds.toFixed(1),
      completeness(report),
      verdicts(report),
    ]);
  }
  return [...table.toString().split("\n"), total(reports)];
}

function completeness({ complete, ending, unexpanded }: CheckReport): string {
  if (complete) return "yes";
  const why = { bound: "its bound", violation: "a violation", stopped: "an interrupt" };
  const at = ending === "complete" ? "" : ` at ${why[ending]}`;
  return `no: ended${at}, ${grouped(unexpanded)} states without their steps`;
}

function verdicts({ properties }: CheckReport): string {
  const count = (verdict: string): number =>
    properties.filter((property) => property.verdict === verdict).length;
  const others = (["violated", "vacuous", "open"] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `, ${count(verdict)} ${verdict}`);
  return `${count("holds")} of ${properties.length} hold${others.join("")}`;
}

function total(reports: readonly CheckReport[]): string {
  const sum = (of: (report: CheckReport) => number): number =>
    reports.reduce((all, report) => all + of(report), 0);
  const complete = reports.filter((report) => report.complete).length;
  return (
    `${complete} of ${reports.length} models complete: ${grouped(sum(({ distinct }) => distinct))} states, ` +
    `${grouped(sum(({ generated }) => generated))} generated, ${sum(({ seconds }) => seconds).toFixed(0)} s`
  );
}
