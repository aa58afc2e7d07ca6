/** The breakpoints: which are on, and what each watches, as it is now. */
import type { BreakpointFrame } from "../../session/frame.ts";
import { type Line, line, piece } from "../canvas.ts";
import type { ScreenState } from "../screenState.ts";
import type { Panel } from "./panel.ts";

const ROWS = 4;

/** The one under the cursor; there may be fewer than there were. */
export function chosenBreak({ frame, ui }: Pick<ScreenState, "frame" | "ui">): number {
  return Math.min(ui.breakpoint, frame.breakpoints.length - 1);
}

/** Of the list, the breakpoint in the first row: the chosen one is in view. */
function firstRow(state: ScreenState, height: number): number {
  const middle = chosenBreak(state) - Math.floor(height / 2);
  return Math.max(0, Math.min(middle, state.frame.breakpoints.length - height));
}

function rowOf({ text, on, value }: BreakpointFrame, i: number, chosen: boolean): Line {
  return [
    piece(`${String(i + 1).padStart(2)} `, "dim"),
    piece(on ? "on  " : "off ", on ? "good" : "idle"),
    piece(`${text} `, chosen ? "selected" : "text"),
    piece(value === null ? "" : ` now ${value}`, "dim"),
  ];
}

export const breaksPanel: Panel = {
  name: "breaks",
  place: "counters",
  needs: ["breakpoints"],
  also: ({ ui }) => [ui.breakpoint],
  wish: ({ breakpoints }) => Math.max(ROWS, breakpoints.length),
  head: 0,
  remark: (state) => {
    const { length } = state.frame.breakpoints;
    return length === 0 ? "" : `${chosenBreak(state) + 1} of ${length}`;
  },
  lines: (state, { height }) => {
    const { breakpoints } = state.frame;
    if (breakpoints.length === 0) {
      return [line("none: x sets one, such as", "dim"), line("  when pages-lost > 0", "dim")];
    }
    const chosen = chosenBreak(state);
    const first = firstRow(state, height);
    return breakpoints
      .map((one, i) => rowOf(one, i, i === chosen))
      .slice(first, first + Math.max(1, height));
  },
  move: ({ frame }, by) => ({ type: "chooseBreak", by, limit: frame.breakpoints.length }),
  click: (state, { row }, { height }) => {
    const { length } = state.frame.breakpoints;
    const by = firstRow(state, height) + row - chosenBreak(state);
    return { type: "chooseBreak", by, limit: length };
  },
  copies: (state) => state.frame.breakpoints[chosenBreak(state)]?.text ?? "",
  sentences: ({ frame: { breakpoints } }) =>
    breakpoints.length === 0
      ? ["There is no breakpoint."]
      : breakpoints.map(({ text, on, value }, i) => {
          const now = value === null ? "" : `, now ${value}`;
          return `Breakpoint ${i + 1}, ${on ? "on" : "off"}: ${text}${now}.`;
        }),
};
