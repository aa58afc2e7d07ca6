/** All that a screen is drawn from. */
import type { Frame } from "../session/frame.ts";
import type { Vocabulary } from "../session/vocabulary.ts";
import type { KeyMap } from "./command.ts";
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

export interface ScreenState {
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

/** What a layout depends on, beside the frame. */
export type Sized = Pick<ScreenState, "mode" | "ui" | "columns" | "rows">;
