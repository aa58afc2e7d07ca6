/** All that a screen is drawn from. */
import type { Frame } from "../session/frame.ts";
import type { Vocabulary } from "../session/vocabulary.ts";
import type { KeyMap } from "./keys.ts";
import { type Layout, layoutOf, type PanelName, type Wishes } from "./layout.ts";
import type { Mode } from "./modes.ts";
import type { Look, StyleName } from "./themes.ts";
import type { UiContext } from "./uiMachine.ts";

/** How the run is driven: what depends on the wall clock. */
export interface RunView {
  readonly status: "running" | "paused" | "ended" | "busy";
  /** "full", or messages a second. */
  readonly speed: string;
  /** Messages a second of real time. */
  readonly rate: number;
  readonly notice: { readonly text: string; readonly style: StyleName } | null;
  /** As typed: "!regex"; "" = none. */
  readonly filter: string;
  /** Messages of the log that was opened; 0 = none. */
  readonly recorded: number;
}

export interface Shown {
  readonly frame: Frame;
  readonly mode: Mode;
  readonly ui: UiContext;
  readonly run: RunView;
  readonly look: Look;
  readonly keys: KeyMap;
  readonly vocabulary: Vocabulary;
  readonly columns: number;
  readonly rows: number;
}

/** Rows that the palette takes from the panels, its frame included. */
export const PALETTE_ROWS = 9;

/** What a layout depends on, beside the frame. */
export type Sized = Pick<Shown, "mode" | "ui" | "columns" | "rows">;

export function layoutFor({ mode, ui, columns, rows }: Sized, frame: Frame | null): Layout {
  const focused = ui.panels[ui.focus] as PanelName;
  const height = mode === "palette" ? Math.max(4, rows - PALETTE_ROWS) : rows;
  return layoutOf(columns, height, wishesOf(frame, rows), ui.zoomed ? focused : null, focused);
}

/** Rows of contents: what is small is shown whole, the stream and the operation take what is left. */
function wishesOf(frame: Frame | null, rows: number): Wishes {
  const { cpus = [], waiting = [], logs = [], counters = [] } = frame ?? {};
  return {
    machine: 1 + cpus.length + (waiting.length > 0 ? 1 : 0),
    logs: 1 + logs.length,
    stream: 8,
    pages: rows > 50 ? 22 : rows > 30 ? 10 : 5,
    operation: 4,
    counters: rows < 30 ? 4 : counters.length,
  };
}
