/** A panel in its frame, with what it shows of its contents. */
import { remarks } from "./ahead.ts";
import { type Area, type Line, lastFirst, restText, windowed } from "./canvas.ts";
import { coverScrollLimit } from "./covers.ts";
import { framed } from "./framed.ts";
import { innerOf, layoutFor } from "./layout.ts";
import { digitOf, PANELS } from "./panels/all.ts";
import type { Panel } from "./panels/panel.ts";
import type { ScreenState } from "./screenState.ts";

export function panelTitle(panel: Panel, state: ScreenState): string {
  const { panels } = state.ui;
  const named = ({ name }: Panel): string => `${digitOf(panels.indexOf(name))} ${name}`.trimStart();
  const behind = PANELS.filter(
    (one) => one.place === panel.place && one !== panel && panels.includes(one.name),
  );
  return remarks(
    named(panel),
    panel.remark?.(state) ?? "",
    behind.length === 0 ? "" : `(${behind.map(named).join(", ")})`,
  );
}

export function panelLines(panel: Panel, state: ScreenState, area: Area): Line[] {
  const { ui, look } = state;
  const inner = innerOf(area);
  const first = scrollOf(panel, state);
  const focused = ui.panels[ui.focus] === panel.name;
  const title = panelTitle(panel, state);
  const below = hiddenBelow(panel, state, inner);
  if (panel.digest !== undefined && below > 0 && first === 0) {
    const lines = panel.digest.lines(state, inner);
    return framed({ title, lines, rest: restText(0, below), focused }, area, look);
  }
  const window = { height: inner.height, head: panel.head, first };
  const { shown, rest } = windowed(panel.lines(state, inner), window);
  return framed({ title, lines: shown, rest, focused }, area, look);
}

/** What a panel is drawn from: while these are the same, so is the panel. */
export function panelParts(panel: Panel, state: ScreenState): readonly unknown[] {
  const { frame, ui, look } = state;
  return [
    ...[panelTitle(panel, state), ui.panels[ui.focus] === panel.name, look],
    ...[scrollOf(panel, state), ...(panel.also?.(state) ?? [])],
    ...panel.needs.map((part) => frame[part]),
  ];
}

/** The last row that the focused panel, or the view over the panels, can begin with; 0 = nothing of it is hidden. */
export function scrollLimit(state: ScreenState): number {
  const { mode, ui, frame, columns } = state;
  const layout = layoutFor(state, frame);
  if (mode !== "panels") {
    const height = Math.max(0, layout.screen.height - 2);
    return coverScrollLimit(state, { width: columns, height });
  }
  const placed = layout.columns.flat().find(({ panel }) => panel.name === ui.panels[ui.focus]);
  if (placed === undefined) return 0;
  const inner = innerOf(placed.area);
  if (placed.panel.digest !== undefined) return hiddenBelow(placed.panel, state, inner);
  return lastFirst(placed.panel.lines(state, inner), inner);
}

/** Lines of a panel with a digest that there is no room for. */
function hiddenBelow({ digest }: Panel, state: ScreenState, { width, height }: Area): number {
  return digest === undefined ? 0 : Math.max(0, digest.length(state, width) - height);
}

function scrollOf({ name }: Panel, { ui }: ScreenState): number {
  return ui.scrolls[ui.panels.indexOf(name)] ?? 0;
}
