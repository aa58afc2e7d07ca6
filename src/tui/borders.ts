/** The borders between panels: where they are, whose they are, and what moving one makes of an arrangement. */
import { itemAt } from "../lookup.ts";
import {
  type Arrangement,
  type Arrangements,
  type Border,
  borderMoved,
  type Direction,
  type Grip,
} from "./arrangement.ts";
import { type Layout, LEAST, type Placed } from "./layout.ts";
import type { Panel } from "./panels/panel.ts";

interface Cell {
  readonly column: number;
  readonly row: number;
}

/** The panel's own name begins so many cells behind the corner of its frame. */
const NAME_INSET = 3;

/** The panel that a cell of the screen is in. */
export function placedAt({ columns }: Layout, { column, row }: Cell): Placed | undefined {
  return columns.flat().find(({ at, area }) => {
    const [x, y] = [column - at.column, row - at.row];
    return x >= 0 && y >= 0 && x < area.width && y < area.height;
  });
}

/**
 * What a mouse takes hold of at a cell: the two lines beside each other where panels meet, or a panel by its name.
 * Null: neither is there.
 */
export function gripAt(layout: Layout, cell: Cell): Grip | null {
  const { form, columns } = layout;
  const placed = placedAt(layout, cell);
  if (form === null || placed === undefined) return null;
  const column = columns.findIndex((stack) => stack.includes(placed));
  const row = itemAt(columns, column).indexOf(placed);
  const [x, y] = [cell.column - placed.at.column, cell.row - placed.at.row];
  const between = (border: Border, beside: number): Grip => ({ kind: "border", border, beside });
  if (x === 0 && column > 0) return between({ kind: "column", form, column: column - 1 }, 0);
  if (x === placed.area.width - 1 && column < columns.length - 1)
    return between({ kind: "column", form, column }, -1);
  if (y === 0 && x >= NAME_INSET && x < NAME_INSET + placed.panel.name.length + 2)
    return { kind: "panel", form, place: placed.panel.place };
  if (y === 0 && row > 0) return between({ kind: "row", form, column, row: row - 1 }, 0);
  if (y === placed.area.height - 1 && row < itemAt(columns, column).length - 1)
    return between({ kind: "row", form, column, row }, -1);
  return null;
}

/** First column, or row, behind a border. Null: there is no such border any more. */
export function positionOf({ form, columns }: Layout, border: Border): number | null {
  if (form !== border.form) return null;
  if (border.kind === "column") return columns[border.column + 1]?.[0]?.at.column ?? null;
  return columns[border.column]?.[border.row + 1]?.at.row ?? null;
}

/**
 * The border of a panel that moves in a direction: that on its right, or below it; of the last one that before it, as
 * tmux's resize-pane has it. Null: it has none that way.
 */
export function borderOf(
  { form, columns }: Layout,
  panel: Panel,
  direction: Direction,
): Border | null {
  const column = columns.findIndex((stack) => stack.some((placed) => placed.panel === panel));
  const stack = columns[column];
  if (form === null || stack === undefined) return null;
  if (direction === "left" || direction === "right") {
    const behind = Math.min(column, columns.length - 2);
    return { kind: "column", form, column: behind };
  }
  const row = stack.findIndex((placed) => placed.panel === panel);
  return stack.length < 2
    ? null
    : { kind: "row", form, column, row: Math.min(row, stack.length - 2) };
}

/** The arrangements with a border moved, on a screen as it is laid out now: what is on the screen is kept from then on. */
export function withBorderMoved(
  arrangements: Arrangements,
  { columns }: Layout,
  border: Border,
  by: number,
): Arrangements {
  const { form } = border;
  const old = arrangements[form];
  const changed = (change: Partial<Arrangement>): Arrangements => ({
    ...arrangements,
    [form]: { ...old, ...change },
  });
  if (border.kind === "column") {
    const widths = columns.map((stack) => itemAt(stack, 0).area.width);
    return changed({ widths: borderMoved(widths, border.column, by, LEAST.width) });
  }
  const stack = itemAt(columns, border.column);
  const lengths = stack.map(({ area }) => area.height);
  const heights = borderMoved(lengths, border.row, by, LEAST.height);
  const byHand = stack.map(({ panel }, i) => [panel.place, itemAt(heights, i)]);
  return changed({ heights: { ...old.heights, ...Object.fromEntries(byHand) } });
}
