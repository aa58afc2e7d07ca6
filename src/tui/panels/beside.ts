/** Two runs side by side: figures of both with their difference, and with room their plots, one over the other. */
import type { BesideFigure, BesideFrame, BesideRun } from "../../session/frame.ts";
import { type Area, cell, type Line, line, piece } from "../canvas.ts";
import { PLOT_ROWS_MIN } from "../plot.ts";
import type { ScreenState } from "../screenState.ts";
import { clock, short } from "../text.ts";
import type { Panel } from "./panel.ts";
import { PLOT_ROWS, plotsLines, plotsPanel } from "./plots.ts";

const NAME = 12;
/** Of values, and of differences; on a wide panel they take more. */
const VALUE_MIN = 10;
const VALUE_MAX = 18;
/** Milliseconds without digits behind the point. */
const MS_WHOLE = 100;
export const ALONE =
  "this run is alone; another beside it: trackvisor tui SCENARIO --beside TRACKER";
/** Rows above the figures: the names of the runs, their times, their messages. */
const HEAD = 3;

function valueText(value: number, unit: BesideFigure["unit"]): string {
  if (unit === "%") return `${value.toFixed(1)} %`;
  return unit === "ms" && value < MS_WHOLE ? `${value.toFixed(3)}ms` : `${short(value)}${unit}`;
}

/** How the other run differs: by how much, and with room by which part of the first one's. */
function differenceText({ unit, values: [own, other] }: BesideFigure, width: number): string {
  const by = other - own;
  if (by === 0) return "=";
  const sign = by > 0 ? "+" : "-";
  const text = `${sign}${valueText(Math.abs(by), unit)}`;
  if (own === 0 || unit === "%") return text;
  const part = ` ${sign}${short(Math.round((100 * Math.abs(by)) / Math.abs(own)))}%`;
  return text.length + part.length <= width ? `${text}${part}` : text;
}

function tableLines(beside: BesideFrame, { width }: Area, { look, frame }: ScreenState): Line[] {
  const { runs, figures } = beside;
  const column = Math.max(VALUE_MIN, Math.min(VALUE_MAX, Math.floor((width - NAME) / 3) - 1));
  const right = (text: string): string =>
    ` ${cell(text, column, "text", look.glyphs.ellipsis)
      .text.trimEnd()
      .padStart(column - 1)}`;
  const of = (value: (run: BesideRun) => string): string =>
    runs.map((run) => right(value(run))).join("");
  // One of them may have come to its end before the other.
  const end = (run: BesideRun): string => (run.ended && !frame.ended ? " end" : "");
  return [
    [
      piece(" ".repeat(NAME)),
      piece(
        of(({ name }) => name),
        "title",
      ),
      piece("  difference", "dim"),
    ],
    [piece("time".padEnd(NAME), "dim"), piece(of((run) => clock(run.time)))],
    [
      piece("messages".padEnd(NAME), "dim"),
      piece(of((run) => `${short(run.position)}${end(run)}`)),
    ],
    ...figures.map((figure): Line => {
      const [own, other] = figure.values;
      const difference = differenceText(figure, width - NAME - 2 * column - 2);
      return [
        piece(figure.name.padEnd(NAME), "dim"),
        piece(right(valueText(own, figure.unit))),
        piece(right(valueText(other, figure.unit))),
        piece(`  ${difference}`, own === other ? "dim" : "accent"),
      ];
    }),
  ];
}

function lines(state: ScreenState, area: Area): Line[] {
  const { beside } = state.frame;
  if (beside === null) return [line(ALONE, "dim")];
  const table = tableLines(beside, area, state);
  const height = area.height - table.length;
  return height < PLOT_ROWS_MIN ? table : [...table, ...plotsLines(state, { ...area, height })];
}

function sentenceOf({ runs: [own, other], figures }: BesideFrame): string {
  const of = ({ name, unit, values }: BesideFigure): string =>
    `${name} ${valueText(values[0], unit)} and ${valueText(values[1], unit)}`;
  return `${own.name} and ${other.name}: ${figures.map(of).join(", ")}.`;
}

export const besidePanel: Panel = {
  name: "beside",
  place: "messages",
  needs: ["beside", "plots", "ended"],
  also: ({ ui }) => [ui.plot],
  wish: () => PLOT_ROWS,
  greedy: true,
  head: HEAD,
  remark: ({ frame: { beside } }) => beside?.runs.map(({ name }) => name).join(" | ") ?? "",
  lines,
  ...(plotsPanel.move === undefined ? {} : { move: plotsPanel.move }),
  ...(plotsPanel.magnify === undefined ? {} : { magnify: plotsPanel.magnify }),
  ...(plotsPanel.shift === undefined ? {} : { shift: plotsPanel.shift }),
  asks: ({ height }) => ({
    ...(height > 0 ? { beside: true } : {}),
    ...(height >= PLOT_ROWS ? { plots: true } : {}),
  }),
  sentences: ({ frame: { beside } }) => [beside === null ? `${ALONE}.` : sentenceOf(beside)],
};
