/** What lies over the panels. */
import { type Area, type Line, lastFirst, line, windowed } from "./canvas.ts";
import { framed } from "./framed.ts";
import { innerOf, PALETTE_ROWS } from "./layout.ts";
import type { ScreenState } from "./screenState.ts";
import type { Look } from "./themes.ts";
import { actorListView, actorView, messageView } from "./views/detail.ts";
import { helpView, paletteView } from "./views/help.ts";

const LIST_WIDTH = { narrow: 31, wide: 44, from: 110 } as const;

/** The view that covers the panels (isCovered). */
export function coverLines(shown: ScreenState, area: Area): Line[] {
  const { mode, frame, look, ui, keys } = shown;
  const inner = innerOf(area);
  switch (mode) {
    case "help":
      return scrolled("help: esc closes", helpView(keys, inner.width), ui.scroll, area, look);
    case "message": {
      const lines =
        frame.message === null ? [line("no longer kept")] : messageView(frame.message, inner, look);
      const title = "message: up, down go through the stream, esc closes";
      return scrolled(title, lines, 0, area, look);
    }
    case "actors":
      return actorsCover(shown, area);
    default:
      return [];
  }
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

export function paletteLines({ ui, look, columns, vocabulary }: ScreenState): Line[] {
  const area = { width: columns, height: PALETTE_ROWS };
  const title = "command: tab completes, up recalls, enter does it, esc closes";
  const lines = paletteView(ui.line, vocabulary, innerOf(area));
  return framed({ title, lines, focused: true }, area, look);
}

/** The last row that the view over the panels can begin with. @param area of the view */
export function coverScrollLimit({ mode, frame, keys, look }: ScreenState, area: Area): number {
  const inner = innerOf(area);
  if (mode === "help") return lastFirst(helpView(keys, inner.width), inner);
  if (mode !== "actors" || frame.actor === null) return 0;
  return lastFirst(actorView(frame.actor, inner, look), inner);
}
