/** What lies over the panels. */
import { type Area, fill, type Line, lastFirst, line, windowed } from "./canvas.ts";
import { framed } from "./framed.ts";
import { bodyRows, innerOf, paletteRows } from "./layout.ts";
import type { ScreenState } from "./screenState.ts";
import type { Look } from "./themes.ts";
import { FOLLOWS } from "./uiMachine.ts";
import { CHART_HEAD, chartView } from "./views/chart.ts";
import { actorListView, actorView, messageView } from "./views/detail.ts";
import { helpView, paletteView } from "./views/help.ts";

const LIST_WIDTH = { narrow: 31, wide: 44, from: 110 } as const;

/** The view that covers the panels (isCovered). */
export function coverLines(shown: ScreenState, area: Area): Line[] {
  const { mode, frame, look, ui } = shown;
  const inner = innerOf(area);
  switch (mode) {
    case "help":
    case "searching":
      return scrolled(helpTitle(ui.sought), helpLines(shown, inner), ui.scroll, area, look);
    case "message": {
      const lines =
        frame.message === null ? [line("no longer kept")] : messageView(frame.message, inner, look);
      const title = "message: up, down go through the stream, esc closes";
      return scrolled(title, lines, 0, area, look);
    }
    case "actors":
      return actorsCover(shown, area);
    case "chart":
      return chartCover(shown, area);
    default:
      return [];
  }
}

function helpTitle(sought: string): string {
  return sought === "" ? "help: / searches, esc closes" : `help: ${sought}, / searches, esc closes`;
}

function helpLines({ keys, ui }: Pick<ScreenState, "keys" | "ui">, { width }: Area): Line[] {
  return helpView({ keys, focus: ui.panels[ui.focus] ?? "", sought: ui.sought }, width);
}

function actorsCover({ frame, look, ui }: ScreenState, area: Area): Line[] {
  const { actor } = frame;
  const selected = actor?.name ?? null;
  const wished = area.width < LIST_WIDTH.from ? LIST_WIDTH.narrow : LIST_WIDTH.wide;
  const list = { width: Math.min(wished, area.width), height: area.height };
  const listed = actorListView(frame.actors, selected, innerOf(list));
  const title = `actors: ${frame.actors.length}, esc closes`;
  const left = framed({ title, lines: listed, focused: true }, list, look);
  const detail = { width: area.width - list.width, height: area.height };
  if (detail.width < LIST_WIDTH.narrow || actor === null) {
    const lines = actor === null ? [] : actorView(actor, innerOf(area), look);
    return scrolled(`actor ${ui.actor + 1}`, lines, ui.scroll, area, look);
  }
  const inner = innerOf(detail);
  const text = windowed(actorView(actor, inner, look), { ...inner, head: 0, first: ui.scroll });
  const right = framed({ title: actor.name, lines: text.shown, rest: text.rest }, detail, look);
  return left.map((one, i) => [...one, ...right[i]!]);
}

function chartCover(shown: ScreenState, area: Area): Line[] {
  const { frame, look } = shown;
  if (frame.actor === null) return scrolled("chart", [line("no such actor")], 0, area, look);
  const { lines } = chartView(frame.actor, innerOf(area), look);
  const window = { ...innerOf(area), head: CHART_HEAD, first: chartFirst(shown) };
  const { shown: rows, rest } = windowed(lines, window);
  const title = `chart of ${frame.actor.name}: n, b step, <, > follow, esc closes`;
  return framed({ title, lines: rows, rest, focused: true }, area, look);
}

/** The row that the chart begins with: the state that is lit is in view until somebody scrolls. */
export function chartFirst({ frame, ui, look, columns, rows }: ScreenState): number {
  if (frame.actor === null) return 0;
  if (ui.scroll !== FOLLOWS) return ui.scroll;
  const inner = innerOf({ width: columns, height: bodyRows(rows) });
  const { lines, lit } = chartView(frame.actor, inner, look);
  const middle = lit - Math.floor((inner.height - CHART_HEAD) / 2);
  return Math.max(0, Math.min(lastFirst(lines, inner), middle));
}

function scrolled(
  title: string,
  lines: readonly Line[],
  first: number,
  area: Area,
  look: Look,
): Line[] {
  const { shown, rest } = windowed(lines, { ...innerOf(area), head: 0, first });
  return framed({ title, lines: shown, rest, focused: true }, area, look);
}

export function paletteLines({ ui, look, columns, rows, vocabulary }: ScreenState): Line[] {
  const area = { width: columns, height: paletteRows(rows) };
  // What is typed is seen before any frame.
  if (innerOf(area).height === 0) return fill(paletteView(ui.line, vocabulary, area), area);
  const title = "command: tab completes, up recalls, enter does it, esc closes";
  const lines = paletteView(ui.line, vocabulary, innerOf(area));
  return framed({ title, lines, focused: true }, area, look);
}

/** The last row that the view over the panels can begin with. @param area of the view */
export function coverScrollLimit(shown: ScreenState, area: Area): number {
  const { mode, frame, look } = shown;
  const inner = innerOf(area);
  if (mode === "help" || mode === "searching") return lastFirst(helpLines(shown, inner), inner);
  if (frame.actor === null) return 0;
  if (mode === "chart") return lastFirst(chartView(frame.actor, inner, look).lines, inner);
  if (mode !== "actors") return 0;
  return lastFirst(actorView(frame.actor, inner, look), inner);
}
