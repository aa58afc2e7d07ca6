/** The first line of the screen, and its last. */

import { ARRANGING_HINT } from "./arrangeCommands.ts";
import { fitted, type Line, piece, spread, widthOf } from "./canvas.ts";
import { COMMANDS } from "./commands.ts";
import { brokenHere } from "./counterexample.ts";
import { keysOf } from "./keys.ts";
import { paletteRows } from "./layout.ts";
import { countText } from "./matchText.ts";
import type { ScreenState } from "./screenState.ts";
import { clock, short } from "./text.ts";
import { typedPieces } from "./views/help.ts";

/** A name that is cut shorter than this says nothing. */
const NAME_MIN = 12;

export function headerLine({ frame, run, look, columns }: ScreenState): Line {
  const { glyphs } = look;
  const running = run.status === "running";
  const mark = running ? glyphs.running : glyphs.paused;
  const pace = run.speed === "full" ? "full speed" : `${run.speed} msg/s`;
  const rate = running ? `${pace}, ${short(run.rate)} msg/s` : pace;
  const until = frame.until > 0 ? ` of ${clock(frame.until)}` : "";
  // A run that goes on beyond its log, or otherwise, has an end that nobody knows yet.
  const end =
    frame.end ?? (run.recorded >= frame.position && run.recorded > 0 ? run.recorded : null);
  const status: Line = [
    piece(`${mark} ${run.status}`, running ? "good" : "warn"),
    piece(`  ${rate}`, "dim"),
    ...(frame.damage === null ? [] : [piece("  DAMAGED LOG", "bad")]),
  ];
  const right: Line = [
    piece(`${clock(frame.time)}${until}`, "accent"),
    piece(`  message ${frame.position.toLocaleString("en")}`),
    piece(`${end === null ? "" : ` of ${end.toLocaleString("en")}`} `, "dim"),
  ];
  const room = columns - widthOf(status) - widthOf(right) - 1;
  const name = piece(` ${frame.scenario}  `);
  const cut = fitted([piece(` ${frame.scenario}`)], Math.max(0, room - 2), glyphs.ellipsis);
  const lefts: Line[] = [
    [piece(" trackvisor ", "title"), name, ...status],
    [name, ...status],
    ...(room >= NAME_MIN ? [[...cut, piece("  "), ...status]] : []),
    [piece(" "), ...status],
    [piece(` ${mark} `, "good"), ...(frame.damage === null ? [] : [piece("DAMAGED ", "bad")])],
  ];
  const fits = lefts.find((left) => widthOf(left) + widthOf(right) < columns);
  return spread(fits ?? [], right, columns);
}

/** Hints, or what was last said, or what is being typed. */
export function footerLine({ run, mode, ui, keys, columns, rows, frame }: ScreenState): Line {
  if (mode === "filter") {
    return fitted(
      [
        piece("/", "key"),
        ...typedPieces(ui.line),
        piece(`  ${countText(frame.matches)}!text inverts, enter keeps, esc leaves`, "dim"),
      ],
      columns,
    );
  }
  if (mode === "searching") {
    const hint = piece("  what the help is searched for; enter keeps, esc leaves", "dim");
    return fitted([piece("/", "key"), ...typedPieces(ui.line), hint], columns);
  }
  if (mode === "typing") {
    const said: Line = run.notice?.style === "bad" ? [piece(`  ${run.notice.text}`, "bad")] : [];
    const hint = piece("  to the guest; enter sends the line, esc leaves", "dim");
    return fitted(
      [piece("> ", "key"), ...typedPieces(ui.line), ...(said.length > 0 ? said : [hint])],
      columns,
    );
  }
  if (mode === "arranging" && run.notice === null) {
    const name = piece(` arranging ${ui.panels[Math.max(0, ui.focus)] ?? ""}: `, "key");
    return fitted([name, piece(ARRANGING_HINT, "dim")], columns);
  }
  if (mode === "palette" && paletteRows(rows) === 0)
    return fitted([piece(":", "key"), ...typedPieces(ui.line)], columns);
  if (mode === "question") return fitted([piece(` ${ui.question}`, "warn")], columns);
  if (run.notice !== null) return fitted([piece(` ${run.notice.text}`, run.notice.style)], columns);
  const broken = brokenHere(frame.counterexample, frame.position);
  if (broken !== "") return fitted([piece(` ${broken}`, "bad")], columns);
  const points = frame.breakpoints.length;
  const right: Line =
    points === 0 ? [] : [piece(` ${points} breakpoint${points === 1 ? "" : "s"} `, "bad")];
  return spread(hintLine(keys, columns - widthOf(right) - 1), right, columns);
}

/** What the footer is made from. */
export function footerParts({ run, mode, ui, keys, look, columns, rows, frame }: ScreenState) {
  return [
    ...[run.notice, mode, ui.line, ui.question, ui.focus, keys, look, columns, rows],
    ...[frame.breakpoints.length, frame.matches],
    brokenHere(frame.counterexample, frame.position),
  ];
}

/** As many whole hints as there is room for, in the order of the table. */
function hintLine(keys: ScreenState["keys"], width: number): Line {
  const hints: Line[] = [];
  let left = width;
  for (const command of COMMANDS) {
    const [key] = keysOf(command, keys);
    if (command.hint === "" || key === undefined) continue;
    const hint = [piece(` ${key}`, "key"), piece(` ${command.hint} `, "dim")];
    left -= widthOf(hint);
    if (left < 0) break;
    hints.push(hint);
  }
  return hints.flat();
}
