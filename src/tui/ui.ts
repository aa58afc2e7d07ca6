/** The state of the screen (uiMachine.ts), and how keys change it where that takes more than one event. */
import { type Actor, createActor } from "xstate";
import type { Vocabulary } from "../session/vocabulary.ts";
import { type Arrangements, AT_START } from "./arrangement.ts";
import { placedAt } from "./borders.ts";
import { completed } from "./commandLine.ts";
import { chartFirst } from "./covers.ts";
import { isFilter } from "./filter.ts";
import { areaOf, innerOf, layoutFor } from "./layout.ts";
import type { Mode } from "./modes.ts";
import type { MouseReport } from "./mouse.ts";
import { scrollLimit } from "./panelLines.ts";
import { PANELS, panelNamed } from "./panels/all.ts";
import type { Panel } from "./panels/panel.ts";
import type { ScreenState } from "./screenState.ts";
import { type UiContext, type UiEvent, type UiInput, uiMachine } from "./uiMachine.ts";

/** Lines that a turn of the wheel goes through. */
const WHEEL: Readonly<Record<MouseReport["kind"], number>> = {
  click: 0,
  drag: 0,
  release: 0,
  wheelUp: -3,
  wheelDown: 3,
};
const TYPING: readonly Mode[] = ["palette", "filter", "typing", "searching"];

export class Ui {
  readonly #actor: Actor<typeof uiMachine>;

  /**
   * @param command is given what was typed into the palette or the filter
   * @param panels those that there is something to see in
   * @param arrangements of the panels
   */
  constructor(
    command: (text: string) => void,
    panels: readonly Panel[] = PANELS,
    arrangements: Arrangements = AT_START,
  ) {
    this.#actor = createActor(uiMachine, { input: panelInput(panels) }).start();
    this.send({ type: "arrange", arrangements });
    this.#actor.on("command", ({ text }) => command(text));
  }

  get mode(): Mode {
    return this.#actor.getSnapshot().value;
  }

  get context(): UiContext {
    return this.#actor.getSnapshot().context;
  }

  /** Whether keys are text. */
  get types(): boolean {
    return TYPING.includes(this.mode);
  }

  /** What a filter that is being typed would show; null: none is, or it is no regular expression yet. */
  get typedFilter(): string | null {
    const { text } = this.context.line;
    return this.mode === "filter" && isFilter(text) ? text : null;
  }

  send(event: UiEvent): void {
    this.#actor.send(event);
  }

  stop(): void {
    this.#actor.stop();
  }

  /** @param seen what was drawn last: the cursor goes through what it shows, and through what it hides */
  move(by: number, seen: ScreenState | null, present: number): void {
    const { mode } = this;
    const { actors, stream } = seen?.frame ?? { actors: [], stream: [] };
    const limit = seen === null ? 0 : scrollLimit(seen);
    if (mode === "help" || mode === "searching") this.send({ type: "scroll", by, limit });
    else if (mode === "chart" && seen !== null) {
      this.send({ type: "scroll", by, limit, from: chartFirst(seen) });
    } else if (mode === "actors") {
      // Ten at a time go through the long text, one at a time through the list.
      if (Math.abs(by) > 1) this.send({ type: "scroll", by, limit });
      else this.send({ type: "move", by, limit: actors.length });
    } else if (mode === "panels" && limit > 0) this.send({ type: "scrollPanel", by, limit });
    else if (mode === "panels" && seen !== null && this.#moveInPanel(by, seen)) return;
    else {
      const { cursor } = this.context;
      const shown = stream.map(({ position }) => position);
      // Under a filter the cursor goes from match to match.
      const before = cursor < 0 ? shown.at(-1) : shown.at(-1 + Math.max(by, -shown.length + 1));
      const jump = by < 0 && cursor >= 0 && before !== undefined ? before - cursor : by;
      this.send({ type: "move", by: jump || by, limit: present });
    }
  }

  /** As the focused panel has it; false = it has no way of its own. */
  #moveInPanel(by: number, seen: ScreenState): boolean {
    const { panels, focus } = this.context;
    const panel = panelNamed(panels[focus] ?? "");
    const event = panel.move?.(seen, by, areaOf(layoutFor(seen, seen.frame), panel));
    if (event !== undefined) this.send(event);
    return event !== undefined;
  }

  /** A click, or a turn of the wheel, on what is shown. */
  point(report: MouseReport, seen: ScreenState, present: number): void {
    if (this.mode === "question" || this.types) return;
    const wheel = WHEEL[report.kind];
    const isClick = report.kind === "click";
    if (!isClick && wheel === 0) return;
    if (this.mode === "panels" || this.mode === "arranging")
      this.#pointAtPanel(report, isClick && this.mode === "panels", seen);
    if (wheel !== 0 && this.mode !== "arranging")
      this.move(wheel, { ...seen, ui: this.context }, present);
  }

  /** It gets the focus, and perhaps the click. */
  #pointAtPanel(report: MouseReport, isClick: boolean, seen: ScreenState): void {
    const placed = placedAt(layoutFor(seen, seen.frame), report);
    if (placed === undefined) return;
    const { panel, at, area } = placed;
    this.focusOn(PANELS.indexOf(panel));
    const cell = { column: report.column - at.column - 1, row: report.row - at.row - 1 };
    const inner = innerOf(area);
    const isIn =
      cell.column >= 0 && cell.row >= 0 && cell.column < inner.width && cell.row < inner.height;
    const event = isClick && isIn ? panel.click?.(seen, cell, inner) : undefined;
    if (event !== undefined && event !== null) this.send(event);
  }

  /** A key while a line is typed. */
  type(key: string, text: string, vocabulary: Vocabulary): void {
    if (key === "escape" || key === "ctrl+c") this.send({ type: "close" });
    else if (key === "enter") this.send({ type: "submit" });
    else if (this.mode === "searching") this.send({ type: "edit", key, text });
    else if (key === "up" || key === "ctrl+p") this.send({ type: "recall", by: 1 });
    else if (key === "down" || key === "ctrl+n") this.send({ type: "recall", by: -1 });
    else if (key === "tab" && this.mode === "palette") {
      this.send({ type: "complete", line: completed(this.context.line, vocabulary) });
    } else this.send({ type: "edit", key, text });
  }

  focusOn(panel: number): void {
    if (panel < this.context.panels.length) this.send({ type: "choosePanel", panel });
  }
}

/** Names of the panels, and their places, in one order. */
export function panelInput(panels: readonly Panel[] = PANELS): UiInput {
  return { panels: panels.map(({ name }) => name), places: panels.map(({ place }) => place) };
}
