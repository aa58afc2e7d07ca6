/** Which panel goes where, for every size. Columns side by side, panels one above the other. */
import type { Area } from "./canvas.ts";

export const PANELS = ["machine", "logs", "stream", "pages", "operation", "counters"] as const;
export type PanelName = (typeof PANELS)[number];

export interface Placed {
  readonly panel: PanelName;
  readonly area: Area;
}

export interface Layout {
  /** The whole screen, one line short of the terminal's. */
  readonly screen: Area;
  readonly columns: readonly (readonly Placed[])[];
  /** Without room for two columns: fewer panels. */
  readonly small: boolean;
}

/** How many rows panels would like: their contents, without the frame. */
export type Wishes = Readonly<Record<PanelName, number>>;

const HEADER = 1;
const FOOTER = 1;
const FRAME = 2;
const NARROW = 64;
const WIDE = 160;
const LOW = 14;

/** @param zoomed a panel that has the screen for itself */
export function layoutOf(
  columns: number,
  rows: number,
  wishes: Wishes,
  zoomed: PanelName | null,
  focused: PanelName,
): Layout {
  const screen = { width: Math.max(1, columns), height: Math.max(1, rows - 1) };
  const body = { width: screen.width, height: Math.max(0, screen.height - HEADER - FOOTER) };
  const alone = zoomed ?? (columns < NARROW || rows < LOW ? focused : null);
  if (alone !== null) {
    return { screen, columns: [[{ panel: alone, area: body }]], small: zoomed === null };
  }
  const widths = columns >= WIDE ? thirds(body.width) : halves(body.width);
  const stacks: readonly (readonly PanelName[])[] =
    columns >= WIDE
      ? [["machine", "logs", "counters"], ["stream"], ["pages", "operation"]]
      : [
          ["machine", "stream"],
          ["logs", "pages", "operation", "counters"],
        ];
  const placed = stacks.map((stack, i) => stacked(stack, widths[i]!, body.height, wishes));
  return { screen, columns: placed, small: false };
}

/** Whether every panel has the same place and size. */
export function sameLayout(one: Layout, other: Layout): boolean {
  const [placed, others] = [one.columns.flat(), other.columns.flat()];
  return (
    one.columns.length === other.columns.length &&
    one.screen.width === other.screen.width &&
    one.screen.height === other.screen.height &&
    placed.length === others.length &&
    placed.every(({ panel, area }, i) => {
      const { panel: otherPanel, area: otherArea } = others[i]!;
      return (
        panel === otherPanel && area.width === otherArea.width && area.height === otherArea.height
      );
    })
  );
}

function halves(width: number): number[] {
  const left = Math.ceil(width * 0.575);
  return [left, width - left];
}

function thirds(width: number): number[] {
  const side = Math.floor(width * 0.31);
  return [side, width - 2 * side, side];
}

/** The last panel but those that wish little gets the rest; each has room for two rows at least. */
function stacked(
  stack: readonly PanelName[],
  width: number,
  height: number,
  wishes: Wishes,
): Placed[] {
  const least = FRAME + 2;
  const heights = stack.map((panel) => Math.max(least, wishes[panel] + FRAME));
  const excess = (): number => heights.reduce((sum, one) => sum + one, 0) - height;
  // Too high: the highest gives way, row by row.
  while (excess() > 0 && heights.some((one) => one > least)) {
    const highest = heights.indexOf(Math.max(...heights));
    heights[highest]!--;
  }
  while (excess() > 0) heights[heights.indexOf(Math.max(...heights))]!--;
  const greedy = stack.findIndex((panel) => GREEDY.includes(panel));
  heights[greedy < 0 ? stack.length - 1 : greedy]! -= excess();
  return stack.map((panel, i) => ({ panel, area: { width, height: heights[i]! } }));
}

/** These can use any room. */
const GREEDY: readonly PanelName[] = ["stream", "operation"];
