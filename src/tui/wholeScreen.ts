/** All rows of a screen: the first line, the panels or what covers them, the palette, the last line. */
import type { Line } from "./canvas.ts";
import { coverLines, paletteLines } from "./covers.ts";
import { footerLine, headerLine } from "./edges.ts";
import { layoutFor, type Placed } from "./layout.ts";
import { isCovered } from "./modes.ts";
import { panelLines } from "./panelLines.ts";
import type { ScreenState } from "./screenState.ts";

/** How rows are made: as lines, or as they go to the terminal. */
export interface Drawing<Row> {
  readonly rows: (lines: readonly Line[]) => readonly Row[];
  readonly panel: (placed: Placed) => readonly Row[];
  readonly footer: () => readonly Row[];
  /** Rows of panels beside each other, as one. */
  readonly beside: (rows: readonly Row[]) => Row;
}

/** From the first line to the last. */
export function wholeScreen<Row>(state: ScreenState, drawing: Drawing<Row>): Row[] {
  const { mode, columns, frame } = state;
  const { screen, columns: stacks } = layoutFor(state, frame);
  const area = { width: columns, height: Math.max(0, screen.height - 2) };
  const body = isCovered(mode)
    ? drawing.rows(coverLines(state, area))
    : sideBySide(
        stacks.map((stack) => stack.flatMap(drawing.panel)),
        drawing.beside,
      );
  const palette = mode === "palette" ? drawing.rows(paletteLines(state)) : [];
  return [...drawing.rows([headerLine(state)]), ...body, ...palette, ...drawing.footer()];
}

/** The same as lines, drawn anew. */
export function linesOf(state: ScreenState): Line[] {
  return wholeScreen<Line>(state, {
    rows: (lines) => lines,
    panel: ({ panel, area }) => panelLines(panel, state, area),
    footer: () => [footerLine(state)],
    beside: (lines) => lines.flat(),
  });
}

/** Columns of as many rows each. */
function sideBySide<Row>(
  stacks: readonly (readonly Row[])[],
  beside: (rows: readonly Row[]) => Row,
): Row[] {
  return (stacks[0] ?? []).map((_, row) => beside(stacks.flatMap((stack) => stack[row] ?? [])));
}
