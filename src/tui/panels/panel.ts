/** What a panel says of itself. Layout, focus, titles, what is asked of the session and the reader's sentences follow. */
import type { Frame } from "../../session/frame.ts";
import type { FrameRequest } from "../../session/sampler.ts";
import type { Area, Line } from "../canvas.ts";
import type { PlaceName } from "../places.ts";
import type { ScreenState } from "../screenState.ts";
import type { UiEvent } from "../uiMachine.ts";

export interface Panel {
  /** Its title, behind its number. */
  readonly name: string;
  /** Where it stands. Those of one place take turns: the first one of them is there at the start. */
  readonly place: PlaceName;
  /** Parts of a frame that it is drawn from: while they are the same, so is the panel. */
  readonly needs: readonly (keyof Frame)[];
  /** What else it is drawn from. */
  readonly also?: (state: ScreenState) => readonly unknown[];
  /** Rows of contents that it would like. @param rows of the screen */
  readonly wish: (frame: Frame, rows: number) => number;
  /** It can use any room: what the others of its column leave is its own. */
  readonly greedy?: true;
  /** Rows at its top that stay while the others scroll. */
  readonly head: number;
  /** Behind its name; "" = nothing. */
  readonly remark?: (state: ScreenState) => string;
  /** Its contents: more lines than the area has rows where there is more to see by scrolling. */
  readonly lines: (state: ScreenState, area: Area) => Line[];
  /** What it shows unscrolled, if that is not the first of its lines: no more than the area has rows. */
  readonly digest?: Digest;
  /** What up and down do while it has the focus and hides nothing; without it they go through the stream. */
  readonly move?: (state: ScreenState, by: number, area: Area) => UiEvent;
  /** What a click into its contents does, beside giving it the focus; null = nothing. @param at the cell, from 0 */
  readonly click?: (
    state: ScreenState,
    at: { readonly column: number; readonly row: number },
    area: Area,
  ) => UiEvent | null;
  /** Its contents larger (1) or smaller (-1). */
  readonly magnify?: (state: ScreenState, by: number) => UiEvent;
  /** Its contents moved in time: to what was earlier (-1) or later (1). */
  readonly shift?: (state: ScreenState, by: number) => UiEvent;
  /** What "copy" takes of it: what is under its cursor; without it, or for "", all that it shows. */
  readonly copies?: (state: ScreenState) => string;
  /** What it wants of the session to fill an area. */
  readonly asks?: (area: Area, asking: Asking) => Partial<FrameRequest>;
  /** The same for those who hear it: whole sentences. */
  readonly sentences: (state: ScreenState) => readonly string[];
}

/** The short form of contents that are dear to lay out whole. */
export interface Digest {
  readonly lines: (state: ScreenState, area: Area) => Line[];
  /** Lines that all of it would take. */
  readonly length: (state: ScreenState, width: number) => number;
}

/** What a panel may ask by. */
export interface Asking extends Pick<ScreenState, "ui"> {
  readonly filter: FrameRequest["stream"]["filter"];
}
