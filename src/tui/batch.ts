/** The same numbers without a screen: one screen as text, one frame as JSON, the stream as lines. */
import type { Painted } from "../io/standardStreams.ts";
import type { Frame, StreamEntry } from "../session/frame.ts";
import { Sampler } from "../session/sampler.ts";
import type { Session } from "../session/session.ts";
import { vocabularyOf } from "../session/vocabulary.ts";
import { type Line, piece, widthOf } from "./canvas.ts";
import { headerLine, innerOf, panelLines } from "./compose.ts";
import { PANELS } from "./layout.ts";
import { lineOf } from "./lineEditor.ts";
import { FRESH } from "./lineHistory.ts";
import { layoutFor, type RunView, type Shown } from "./shown.ts";
import { pictureOf } from "./svg.ts";
import { clock } from "./text.ts";
import { type Look, paint } from "./themes.ts";
import type { UiContext } from "./uiMachine.ts";
import { mapOf } from "./views/pages.ts";

const UI: UiContext = {
  panels: PANELS,
  focus: 0,
  zoomed: false,
  line: lineOf(""),
  histories: FRESH,
  cursor: -1,
  actor: 0,
  scroll: 0,
  scrolls: PANELS.map(() => 0),
  vm: 0,
  question: "",
};
/** Messages that JSON lists. */
const STREAM_ROWS = 64;
const CELLS = 1024;

/** The panels as they would be on a screen of this size, without hints; as a terminal gets them. */
export function screenRows(session: Session, look: Look, columns: number, rows: number): Painted[] {
  return screenLines(session, look, columns, rows).map((one) => paint(trimmed(one), look));
}

/** The same as a picture. */
export function screenPicture(session: Session, look: Look, columns: number, rows: number): string {
  const lines = screenLines(session, look, columns, rows);
  return pictureOf(lines, `trackvisor: ${session.name}`, look.theme);
}

function screenLines(session: Session, look: Look, columns: number, rows: number): Line[] {
  const sized = { mode: "panels", ui: UI, columns, rows } as const;
  const sampler = new Sampler(session);
  // The layout depends on what there is to show.
  const rough = sampler.sample(requestFor(CELLS, STREAM_ROWS));
  const layout = layoutFor(sized, rough);
  const areaOf = (panel: string) =>
    innerOf(
      layout.columns.flat().find((one) => one.panel === panel)?.area ?? { width: 1, height: 1 },
    );
  const map = mapOf(areaOf("pages"));
  const frame = sampler.sample(
    requestFor(Math.max(1, map.width * map.height), Math.max(1, areaOf("stream").height)),
  );
  const run: RunView = {
    status: frame.ended ? "ended" : "paused",
    speed: "full",
    rate: 0,
    notice: null,
    filter: "",
    recorded: session.recorded,
  };
  const vocabulary = vocabularyOf(session.system);
  const shown: Shown = { ...sized, frame, run, look, keys: new Map(), vocabulary };
  const stacks = layout.columns.map((stack) =>
    stack.flatMap(({ panel, area }) => panelLines(panel, shown, area, false)),
  );
  const body = (stacks[0] ?? []).map((_, row): Line => stacks.flatMap((stack) => stack[row] ?? []));
  return [headerLine(shown), ...body].filter((one) => widthOf(one) > 0);
}

/** Everything, for programs. */
export function frameOf(session: Session): Frame {
  return new Sampler(session).sample(requestFor(CELLS, STREAM_ROWS));
}

function requestFor(cells: number, rows: number) {
  const stream = { rows, end: null, filter: null };
  return { vm: 0, cells, stream, actor: null, message: null, depth: rows };
}

/** A message in one line of text, for pipes: the columns of the stream and its payload. */
export function logLine({ position, time, step, type, from, to, text }: StreamEntry): string {
  const start = `${String(position).padStart(8)} ${clock(time).padStart(12)} ${step || "-"}`;
  return `${start} ${type.padEnd(18)} ${`${from}>${to}`.padEnd(30)} ${text}`.trimEnd();
}

/** Without the blanks at the end of a line. */
function trimmed(line: Line): Line {
  const last = line.findLastIndex(({ text }) => text.trimEnd() !== "");
  return line.slice(0, last + 1).map((one, i) => {
    return i === last ? piece(one.text.trimEnd(), one.style) : one;
  });
}
