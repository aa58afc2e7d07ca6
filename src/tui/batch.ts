/** The same numbers without a screen: one screen as text, one frame as JSON, the stream as lines. */
import type { Painted } from "../io/standardStreams.ts";
import type { Frame } from "../session/frame.ts";
import { Sampler } from "../session/sampler.ts";
import type { Session } from "../session/session.ts";
import { vocabularyOf } from "../session/vocabulary.ts";
import type { Arrangements } from "./arrangement.ts";
import { type Line, piece, widthOf } from "./canvas.ts";
import { frameFor, LEAST_REQUEST } from "./frameRequest.ts";
import { panelAt, panelsOf } from "./panels/all.ts";
import type { RunView, ScreenState } from "./screenState.ts";
import { pictureOf } from "./svg.ts";
import { type Look, paint } from "./themes.ts";
import { Ui } from "./ui.ts";
import type { UiContext } from "./uiMachine.ts";
import { linesOf } from "./wholeScreen.ts";

/** As it is opened, but no panel has the focus. @param front a panel in front of the others at its place */
function uiWith({ panel: front, arrangements }: Shot, isBeside: boolean): UiContext {
  const ui = new Ui(() => {}, panelsOf(isBeside), arrangements);
  if (front !== undefined) ui.focusOn(panelAt(front, ui.context));
  const { context } = ui;
  ui.stop();
  return { ...context, focus: -1 };
}
/** Messages that JSON lists. */
const STREAM_ROWS = 64;
const CELLS = 1024;

/** A screen that is printed. */
export interface Shot {
  readonly columns: number;
  readonly rows: number;
  /** In front of the others at its place, by its name. */
  readonly panel?: string | undefined;
  /** Of the panels; default: as a screen has them at the start. */
  readonly arrangements?: Arrangements | undefined;
}

/** The panels as they would be on a screen of this size, without hints; as a terminal gets them. */
export function screenRows(session: Session, look: Look, shot: Shot): Painted[] {
  return screenLines(session, look, shot).map((one) => paint(trimmed(one), look));
}

/** The same as a picture. */
export function screenPicture(session: Session, look: Look, shot: Shot): string {
  const lines = screenLines(session, look, shot);
  return pictureOf(lines, `trackvisor: ${session.name}`, look.theme);
}

function screenLines(session: Session, look: Look, shot: Shot): Line[] {
  const isBeside = session.beside !== null;
  const { columns, rows, panel = isBeside ? "beside" : undefined } = shot;
  const sized = {
    mode: "panels",
    ui: uiWith({ ...shot, panel }, isBeside),
    columns,
    rows,
  } as const;
  const surroundings = { present: session.position, actors: [], filter: null, running: false };
  const frame = frameFor(new Sampler(session), sized, surroundings, null);
  const run: RunView = {
    status: frame.ended ? "ended" : "paused",
    speed: "full",
    rate: 0,
    notice: null,
    filter: "",
    recorded: session.recorded,
  };
  const vocabulary = vocabularyOf(session.system);
  const state: ScreenState = { ...sized, frame, run, look, keys: new Map(), vocabulary };
  // Without the hints below.
  return linesOf(state)
    .slice(0, -1)
    .filter((one) => widthOf(one) > 0);
}

/** Everything, for programs. */
export function frameOf(session: Session): Frame {
  return new Sampler(session).sample({
    ...LEAST_REQUEST,
    cells: CELLS,
    beside: true,
    stream: { rows: STREAM_ROWS, end: null, filter: null },
    depth: STREAM_ROWS,
  });
}

/** Without the blanks at the end of a line. */
function trimmed(line: Line): Line {
  const last = line.findLastIndex(({ text }) => text.trimEnd() !== "");
  return line.slice(0, last + 1).map((one, i) => {
    return i === last ? piece(one.text.trimEnd(), one.style) : one;
  });
}
