/** What commands, keys and the mouse do with how the panels are arranged. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import {
  AT_START,
  DIRECTIONS,
  type Direction,
  exchanged,
  type Form,
  moved,
} from "./arrangement.ts";
import { arrangementText } from "./arrangementSettings.ts";
import { borderOf, gripAt, placedAt, positionOf, withBorderMoved } from "./borders.ts";
import type { ArrangeOrders } from "./command.ts";
import { type Layout, layoutFor } from "./layout.ts";
import type { MouseReport } from "./mouse.ts";
import { panelNamed } from "./panels/all.ts";
import type { Panel } from "./panels/panel.ts";
import type { ScreenState } from "./screenState.ts";
import type { Ui } from "./ui.ts";

/** Cells that a key moves a border by: they are about twice as high as they are wide. */
const STEP = { left: -2, right: 2, up: -1, down: 1 } as const;
const CELLS_MAX = 500;

export interface ArrangeListener {
  say(text: string, style: "good"): void;
  copy(text: string): void;
}

/** What the focused panel is among the others. */
interface Focused {
  readonly layout: Layout;
  readonly form: Form;
  readonly panel: Panel;
}

export class ArrangeControls implements ArrangeOrders {
  readonly #ui: Ui;
  readonly #seen: () => ScreenState;
  readonly #listener: ArrangeListener;

  constructor(ui: Ui, seen: () => ScreenState, listener: ArrangeListener) {
    this.#ui = ui;
    this.#seen = seen;
    this.#listener = listener;
  }

  begin(): void {
    this.#focused();
    this.#ui.send({ type: "openArranging" });
  }

  end(): void {
    this.#ui.send({ type: "close" });
  }

  resize(text: string, cells = ""): void {
    const direction = directionOf("resize", text);
    const { layout, panel } = this.#focused();
    const border = borderOf(layout, panel, direction);
    if (border === null) throw new UserError(`${panel.name} has its column to itself`);
    const step = STEP[direction];
    const by = cells === "" ? step : Math.sign(step) * cellsOf(cells);
    const { arrangements } = this.#ui.context;
    this.#arrange(withBorderMoved(arrangements, layout, border, by));
  }

  move(text: string): void {
    const direction = directionOf("move", text);
    const { form, panel } = this.#focused();
    const { arrangements } = this.#ui.context;
    const arrangement = moved(arrangements[form], panel.place, direction);
    const way = { left: "to the left of", right: "to the right of", up: "above", down: "below" };
    if (arrangement === null) throw new UserError(`nothing is ${way[direction]} ${panel.name}`);
    this.#arrange({ ...arrangements, [form]: arrangement });
  }

  reset(): void {
    this.#arrange(AT_START);
    this.#listener.say("the panels are arranged as at the start", "good");
  }

  copy(): void {
    this.#listener.copy(arrangementText(this.#ui.context.arrangements));
    this.#listener.say("copied for the settings, if the terminal takes it (OSC 52)", "good");
  }

  /** A button that is pressed takes hold of what is there, moves it, and lets it go. Other reports are nobody's here. */
  point(report: MouseReport, seen: ScreenState): void {
    if (seen.mode !== "panels" && seen.mode !== "arranging") return;
    const layout = layoutFor(seen, seen.frame);
    const { grip, arrangements } = this.#ui.context;
    if (report.kind === "click") this.#ui.send({ type: "grip", grip: gripAt(layout, report) });
    if (grip === null) return;
    if (report.kind === "drag" && grip.kind === "border") {
      const { border, beside } = grip;
      const at = positionOf(layout, border);
      const to = border.kind === "column" ? report.column : report.row;
      if (at !== null && to - beside !== at)
        this.#arrange(withBorderMoved(arrangements, layout, border, to - beside - at));
    }
    if (report.kind !== "release") return;
    this.#ui.send({ type: "grip", grip: null });
    const there = placedAt(layout, report)?.panel.place;
    if (grip.kind !== "panel" || grip.form !== layout.form || there === undefined) return;
    if (there !== grip.place) {
      const { form, place } = grip;
      this.#arrange({ ...arrangements, [form]: exchanged(arrangements[form], place, there) });
    }
  }

  #arrange(arrangements: ScreenState["ui"]["arrangements"]): void {
    this.#ui.send({ type: "arrange", arrangements });
  }

  /** @throws UserError if it is alone on the screen */
  #focused(): Focused {
    const seen = this.#seen();
    const { panels, focus } = this.#ui.context;
    const panel = panelNamed(panels[Math.max(0, focus)] ?? "");
    const layout = layoutFor({ ...seen, ui: this.#ui.context }, seen.frame);
    const { form } = layout;
    if (form !== null) return { layout, form, panel };
    const why = this.#ui.context.zoomed ? "z shows all of them" : "the screen is small";
    throw new UserError(`one panel has the whole screen: ${why}`);
  }
}

function directionOf(command: string, text: string): Direction {
  const found = DIRECTIONS.find((direction) => direction === text);
  if (found !== undefined) return found;
  const expected = `${command}: expected ${DIRECTIONS.join(", ")}`;
  throw new UserError(`${expected}${text === "" ? "" : nearest(text, DIRECTIONS)}`);
}

function cellsOf(text: string): number {
  const cells = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (cells < 1 || cells > CELLS_MAX)
    throw new UserError(`resize: expected a number of cells from 1 to ${CELLS_MAX}`);
  return cells;
}
