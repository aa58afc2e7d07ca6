/**
 * The rows of a screen as they go to the terminal. What is drawn from the same parts as in the frame before is not drawn
 * again: a panel whose part of the machine stands costs nothing.
 */
import type { Painted } from "../io/standardStreams.ts";
import type { Line } from "./canvas.ts";
import { footerLine, footerParts } from "./edges.ts";
import type { Placed } from "./layout.ts";
import { panelLines, panelParts } from "./panelLines.ts";
import type { ScreenState } from "./screenState.ts";
import { spoken } from "./sentences.ts";
import { type Look, paint } from "./themes.ts";
import { wholeScreen } from "./wholeScreen.ts";

interface Drawn {
  readonly parts: readonly unknown[];
  readonly rows: readonly Painted[];
}

export class PaintedRows {
  /** By panel, and for the footer. */
  readonly #drawn = new Map<string, Drawn>();

  /** All rows, from the header to the footer. */
  of(state: ScreenState): string[] {
    const { look } = state;
    return wholeScreen<string>(state, {
      rows: (lines) => painted(lines, look),
      panel: (placed) => this.#panel(placed, state),
      footer: () => this.#again("", footerParts(state), () => painted([footerLine(state)], look)),
      beside: (rows) => rows.join(""),
    });
  }

  #panel({ panel, area }: Placed, state: ScreenState): readonly Painted[] {
    const parts = [area.width, area.height, ...panelParts(panel, state)];
    return this.#again(panel.name, parts, () =>
      painted(panelLines(panel, state, area), state.look),
    );
  }

  #again(what: string, parts: readonly unknown[], draw: () => Painted[]): readonly Painted[] {
    const last = this.#drawn.get(what);
    if (last?.parts.every((part, i) => part === parts[i])) return last.rows;
    const rows = draw();
    this.#drawn.set(what, { parts, rows });
    return rows;
  }
}

/** For screen readers: sentences, a row each. */
export function spokenRows(state: ScreenState): string[] {
  return painted(spoken(state), state.look);
}

function painted(lines: readonly Line[], look: Look): Painted[] {
  return lines.map((one) => paint(one, look));
}
