/** Rows as CSV, as Markdown, and numbers for people. */
import { csvCell } from "../io/visible.ts";
import type { DataRow, DataValue } from "../plots/plot.ts";
import type { Row } from "./experiment.ts";

const COLUMNS = [
  "experiment",
  "quantity",
  "unit",
  "relation",
  "published",
  "emulated",
  "low",
  "high",
  "difference",
  "plain",
  "verdict",
  "scale",
  "reason",
] as const satisfies readonly (keyof Row)[];

/** RFC 4180. Null becomes an empty field. */
export function rowsToCsv(rows: readonly Row[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => row[column] ?? ""));
  return csv([COLUMNS, ...lines]);
}

/** All data of a plot; columns in the order of their first use. */
export function dataToCsv(data: readonly DataRow[]): string {
  const columns = [...new Set(data.flatMap((row) => Object.keys(row)))];
  return csv([columns, ...data.map((row) => columns.map((column) => row[column] ?? ""))]);
}

function csv(lines: readonly (readonly DataValue[])[]): string {
  return `${lines.map((line) => line.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

/** Four significant digits, so that what is compared can be seen. */
export function formatNumber(value: number | null): string {
  if (value === null) return "-";
  if (!Number.isFinite(value)) return "unknown";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

const HALF_DIGITS = 2;

/** With half the width of its interval, if it is not the same with every seed. */
function emulatedText({ emulated, high }: Row): string {
  if (high === emulated || Number.isNaN(high)) return formatNumber(emulated);
  return `${formatNumber(emulated)} ± ${Number((high - emulated).toPrecision(HALF_DIGITS))}`;
}

/** The cells of a row in the result table. */
export function cells(row: Row): readonly [string, string, string, string, string, string] {
  const bound = row.relation === "at most" && row.published !== null ? "<= " : "";
  const unit = row.unit === "" ? "" : ` (${row.unit})`;
  const sign = row.difference !== null && row.difference > 0 ? "+" : "";
  return [
    `${row.quantity}${unit}`,
    `${bound}${formatNumber(row.published)}`,
    emulatedText(row),
    `${sign}${formatNumber(row.difference)}`,
    formatNumber(row.plain),
    row.verdict,
  ];
}

export const TABLE_HEADER = [
  "figure",
  "published",
  "emulated",
  "difference",
  "plain",
  "verdict",
] as const;

/** The result table for LaTeX, with the rules of booktabs. */
export function rowsToLatex(rows: readonly Row[]): string {
  const line = (texts: readonly string[]): string => `${texts.map(latexText).join(" & ")} \\\\`;
  return `${[
    "% needs \\usepackage{booktabs}",
    "\\begin{tabular}{lrrrrl}",
    "\\toprule",
    line(TABLE_HEADER),
    "\\midrule",
    ...rows.map((row) => line(cells(row))),
    "\\bottomrule",
    "\\end{tabular}",
  ].join("\n")}\n`;
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "±": "$\\pm$",
};

/** What has a meaning there is written out. */
function latexText(text: string): string {
  return text.replaceAll(/[\\~^<>±]|[#$%&_{}]/g, (sign) => LATEX[sign] ?? `\\${sign}`);
}

/** The result table as Markdown. */
export function rowsToMarkdown(rows: readonly Row[]): string {
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    line(TABLE_HEADER),
    "|---|---:|---:|---:|---:|---|",
    ...rows.map((row) => line(cells(row))),
  ].join("\n");
}
