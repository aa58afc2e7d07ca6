/** What is chosen on the screen, as text for the clipboard. */
import { UserError } from "../errors.ts";
import type { Line } from "./canvas.ts";
import { coverLines } from "./covers.ts";
import { areaOf, layoutFor } from "./layout.ts";
import { isCovered } from "./modes.ts";
import { focusedPanel } from "./panels/all.ts";
import type { ScreenState } from "./screenState.ts";

const SHORT = 40;

/**
 * Of the panel with the focus what is under its cursor, or else all that it shows; of a view over the panels what it shows.
 * @throws UserError if that is nothing
 */
export function selectionOf(state: ScreenState): string {
  const text = isCovered(state.mode) ? viewText(state) : panelText(state);
  if (text === "") throw new UserError("there is nothing to copy: tab chooses a panel");
  return text;
}

function panelText(state: ScreenState): string {
  const panel = focusedPanel(state.ui);
  if (panel === undefined) return "";
  const chosen = panel.copies?.(state) ?? "";
  if (chosen !== "") return chosen;
  const area = areaOf(layoutFor(state, state.frame), panel);
  return textOf(panel.lines(state, area));
}

/** Without its frame. */
function viewText(state: ScreenState): string {
  const area = { width: state.columns, height: Math.max(0, state.rows - 3) };
  const rows = coverLines(state, area).slice(1, -1);
  return textOf(rows).replaceAll(/^.|.$/gm, "").replaceAll(/ +$/gm, "").trim();
}

function textOf(lines: readonly Line[]): string {
  return lines
    .map((one) =>
      one
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    )
    .join("\n")
    .trim();
}

/** For a line that says what was copied. */
export function inShort(text: string): string {
  const [first = ""] = text.split("\n");
  const lines = text.split("\n").length;
  const cut = first.length > SHORT ? `${first.slice(0, SHORT)}...` : first;
  return lines === 1 ? cut : `${cut} (${lines} lines)`;
}
