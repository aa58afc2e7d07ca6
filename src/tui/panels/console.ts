/** What the guest prints on its console, the latest at the bottom, at the time that is shown. */
import type { ConsoleFrame } from "../../session/frame.ts";
import { type Area, type Line, line } from "../canvas.ts";
import { printable } from "../printable.ts";
import type { ScreenState } from "../screenState.ts";
import type { Panel } from "./panel.ts";

const NAME = "console";
const ROWS = 8;
const TAB = 8;

/** Rows of text: long lines go on in the next row. */
function rowsOf({ lines }: ConsoleFrame, width: number): string[] {
  return (lines ?? []).flatMap((text) => {
    const cells = printable(text.replaceAll("\t", " ".repeat(TAB)));
    const rows = Math.max(1, Math.ceil(cells.length / Math.max(1, width)));
    return Array.from({ length: rows }, (_, row) => cells.slice(row * width, (row + 1) * width));
  });
}

/** Rows that it is scrolled back. */
function backOf({ ui }: Pick<ScreenState, "ui">): number {
  return ui.scrolls[ui.panels.indexOf(NAME)] ?? 0;
}

function consoleView(state: ScreenState, { width, height }: Area): Line[] {
  const { console } = state.frame;
  if (console?.lines === null) {
    return [line("no console: live and recorded guests have one", "dim")];
  }
  const rows = console === null ? [] : rowsOf(console, width);
  const end = Math.max(Math.min(height, rows.length), rows.length - backOf(state));
  return rows.slice(Math.max(0, end - height), end).map((text) => line(text));
}

export const consolePanel: Panel = {
  name: NAME,
  place: "messages",
  needs: ["console"],
  also: (state) => [backOf(state)],
  wish: () => ROWS,
  greedy: true,
  head: 0,
  remark: (state) => {
    const back = backOf(state);
    if (back > 0) return `${back} rows back`;
    return state.frame.console?.takesText === true ? "y types" : "";
  },
  lines: consoleView,
  // Up goes back: the last rows are those of rest.
  move: ({ frame: { console } }, by, { width, height }) => {
    const rows = console === null ? 0 : rowsOf(console, width).length;
    return { type: "scrollPanel", by: -by, limit: Math.max(0, rows - height) };
  },
  asks: ({ height }, { ui }) => ({
    console: height === 0 ? null : height + backOf({ ui }) + FURTHER,
  }),
  sentences: ({ frame: { console: shown } }) => {
    if (shown === null) return [];
    if (shown.lines === null)
      return [
        "The guest has no console: it is neither run live nor recorded with what it printed.",
      ];
    const said = shown.lines.filter((text) => text.trim() !== "");
    return said.length === 0
      ? ["The console is empty."]
      : [`Console: ${said.slice(-3).join("; ")}.`];
  },
};

/** Lines beyond those that are shown: as many as a key goes back. */
const FURTHER = 16;
