/** The parts of a screen as lines: header, framed panels, footer, and what lies over the panels. */
import type { Frame } from "../session/frame.ts";
import {
  type Area,
  fill,
  fitted,
  type Line,
  lastFirst,
  line,
  piece,
  restText,
  spread,
  widthOf,
  windowed,
} from "./canvas.ts";
import { COMMANDS } from "./commands.ts";
import { patternOf } from "./filter.ts";
import { keysOf } from "./keys.ts";
import type { PanelName } from "./layout.ts";
import { layoutFor, PALETTE_ROWS, type RunView, type Shown } from "./shown.ts";
import { clock, short } from "./text.ts";
import type { Look } from "./themes.ts";
import { countersView } from "./views/counters.ts";
import { actorListView, actorView, messageView } from "./views/detail.ts";
import { helpView, paletteView, typedPieces } from "./views/help.ts";
import { logsView } from "./views/logs.ts";
import { machineView } from "./views/machine.ts";
import { operationLength, operationView } from "./views/operation.ts";
import { pagesView } from "./views/pages.ts";
import { streamView } from "./views/stream.ts";

const FRAME = 2;
/** Rows for an operation of which all is asked for. */
const WHOLE = 1 << 20;
/** Text of a frame's title keeps off the corners by this much. */
const TITLE_INSET = 4;
/** A name that is cut shorter than this says nothing. */
const NAME_MIN = 12;
const LIST_WIDTH = { narrow: 31, wide: 44, from: 110 } as const;

export function innerOf({ width, height }: Area): Area {
  return { width: Math.max(0, width - FRAME), height: Math.max(0, height - FRAME) };
}

/** What stands in a frame. */
export interface Framed {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What of it is not to be seen, for the lower edge; "" = nothing. */
  readonly rest?: string;
  /** Drawn in another colour, and marked. */
  readonly focused?: boolean;
}

/** A frame around lines. */
export function framed(
  { title, lines, rest = "", focused = false }: Framed,
  area: Area,
  { glyphs }: Look,
): Line[] {
  const { horizontal, vertical, corners, ellipsis } = glyphs;
  const inner = innerOf(area);
  if (area.width < FRAME || area.height < FRAME) return fill(lines, area, ellipsis);
  const style = focused ? "focus" : "border";
  const text = fitted(
    [piece(`${focused ? `${glyphs.running} ` : ""}${title}`, focused ? "focus" : "title")],
    Math.min(title.length + (focused ? 2 : 0), Math.max(0, area.width - TITLE_INSET - 2)),
  );
  const rule = Math.max(0, area.width - FRAME - 3 - widthOf(text));
  const top: Line = [
    piece(`${corners[0]}${horizontal} `, style),
    ...text,
    piece(` ${horizontal.repeat(rule)}${corners[1]}`, style),
  ];
  const body = fill(lines, inner, ellipsis).map(
    (one): Line => [piece(vertical, style), ...one, piece(vertical, style)],
  );
  const note = rest === "" ? [] : [piece(` ${rest} `, "warn"), piece(horizontal, style)];
  const edge = inner.width - widthOf(note);
  const bottom: Line =
    edge < 1
      ? line(`${corners[2]}${horizontal.repeat(inner.width)}${corners[3]}`, style)
      : [
          piece(`${corners[2]}${horizontal.repeat(edge)}`, style),
          ...note,
          piece(corners[3], style),
        ];
  return [fitted(top, area.width), ...body, bottom];
}

export function headerLine({ frame, run, look, columns }: Shown): Line {
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
export function footerLine({ run, mode, ui, keys, columns, frame }: Shown): Line {
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
  if (mode === "question") return fitted([piece(` ${ui.question}`, "warn")], columns);
  if (run.notice !== null) return fitted([piece(` ${run.notice.text}`, run.notice.style)], columns);
  const points = frame.breakpoints.length;
  const right: Line =
    points === 0 ? [] : [piece(` ${points} breakpoint${points === 1 ? "" : "s"} `, "bad")];
  return spread(hintLine(keys, columns - widthOf(right) - 1), right, columns);
}

/** What the footer is made from. */
export function footerParts({ run, mode, ui, keys, look, columns, frame }: Shown) {
  return [
    ...[run.notice, mode, ui.line, ui.question, keys, look, columns],
    ...[frame.breakpoints.length, frame.matches],
  ];
}

/** As many whole hints as there is room for, in the order of the table. */
function hintLine(keys: Shown["keys"], width: number): Line {
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

export function panelTitle(panel: PanelName, { frame, run, ui }: Shown): string {
  const number = ui.panels.indexOf(panel) + 1;
  const title = `${number} ${panel}`;
  if (panel === "stream" && run.filter !== "") {
    return `${title}  /${run.filter}  ${countText(frame.matches)}`.trimEnd();
  }
  if (panel === "stream" && ui.cursor >= 0) return `${title}  at ${ui.cursor}`;
  if (panel === "pages" && frame.vms.length > 1) {
    return `${title}  VM ${ui.vm + 1} of ${frame.vms.length}`;
  }
  return title;
}

/** "12 of the last 1,024 "; nothing if nobody has counted. */
function countText(matches: Frame["matches"]): string {
  if (matches === null) return "";
  const { found, of, all } = matches;
  return `${found.toLocaleString("en")} of ${all ? "" : "the last "}${of.toLocaleString("en")} `;
}

/** A panel in its frame, with what it shows of its contents. */
export function panelLines(panel: PanelName, shown: Shown, area: Area, focused: boolean): Line[] {
  const inner = innerOf(area);
  const first = shown.ui.scrolls[shown.ui.panels.indexOf(panel)] ?? 0;
  const window = { height: inner.height, head: HEAD[panel], first };
  const title = panelTitle(panel, shown);
  const below = panel === "operation" ? hiddenOf(shown.frame.operation, inner) : 0;
  if (below > 0 && first === 0) {
    // In short: the first facts and the last rows of its table. To lay out all of a long one would cost each frame.
    const lines = contentsOf(panel, shown, inner, false);
    return framed({ title, lines, rest: restText(0, below), focused }, area, shown.look);
  }
  const lines = contentsOf(panel, shown, inner, true);
  const { shown: seen, rest } = windowed(lines, window);
  return framed({ title, lines: seen, rest, focused }, area, shown.look);
}

/** Lines of an operation that there is no room for. */
function hiddenOf(operation: Frame["operation"], { width, height }: Area): number {
  return Math.max(0, operationLength(operation, width) - height);
}

/** Rows of titles, which stay while the others scroll. */
const HEAD: Readonly<Record<PanelName, number>> = {
  ...{ machine: 1, logs: 1, stream: 0, pages: 0, operation: 1, counters: 0 },
};

/** @param whole with what there is room for only by scrolling */
function contentsOf(panel: PanelName, shown: Shown, area: Area, whole: boolean): Line[] {
  const { frame, look, ui, run } = shown;
  switch (panel) {
    case "machine":
      return machineView(frame, area, look);
    case "logs":
      return logsView(frame, area, look);
    case "stream": {
      const cursor = ui.cursor < 0 ? null : (frame.stream.at(-1)?.position ?? null);
      return streamView(
        { entries: frame.stream, cursor, pattern: patternOf(run.filter) },
        area,
        look,
      );
    }
    case "pages":
      return pagesView(frame, area, look);
    case "operation":
      return operationView(frame.operation, whole ? { ...area, height: WHOLE } : area, look);
    case "counters":
      return countersView(frame.counters, area, look);
  }
}

/**
 * The last row that the focused panel, or the view over the panels, can begin with; 0 = nothing of it is hidden.
 */
export function scrollLimit(shown: Shown): number {
  const { mode, ui, frame, keys, look } = shown;
  const layout = layoutFor(shown, frame);
  if (mode === "panels") {
    const panel = ui.panels[ui.focus];
    const placed = layout.columns.flat().find((one) => one.panel === panel);
    if (placed === undefined) return 0;
    const area = innerOf(placed.area);
    if (panel === "operation") return hiddenOf(frame.operation, area);
    return lastFirst(contentsOf(placed.panel, shown, area, true), area);
  }
  const area = innerOf({ width: shown.columns, height: Math.max(0, layout.screen.height - 2) });
  if (mode === "help") return lastFirst(helpView(keys, area.width), area);
  if (mode !== "actors" || frame.actor === null) return 0;
  return lastFirst(actorView(frame.actor, area, look), area);
}

/** What a panel is drawn from: while these are the same, so is the panel. */
export function panelParts(panel: PanelName, shown: Shown): readonly unknown[] {
  return [shown.ui.scrolls[shown.ui.panels.indexOf(panel)], ...contentParts(panel, shown)];
}

function contentParts(panel: PanelName, { frame, run, ui }: Shown): readonly unknown[] {
  switch (panel) {
    case "machine":
      return [frame.cpus, frame.waiting];
    case "logs":
      return [frame.logs];
    case "stream":
      return [frame.stream, run.filter, ui.cursor];
    case "pages":
      return [frame.heat, frame.vms];
    case "operation":
      return [frame.operation];
    case "counters":
      return [frame.counters];
  }
}

/** The view that covers the panels (isCovered). */
export function coverLines(shown: Shown, area: Area): Line[] {
  const { mode, frame, look, ui, keys } = shown;
  const inner = innerOf(area);
  switch (mode) {
    case "help":
      return scrolled("help: esc closes", helpView(keys, inner.width), ui.scroll, area, look);
    case "message": {
      const lines =
        frame.message === null ? [line("no longer kept")] : messageView(frame.message, inner, look);
      const title = "message: up, down go through the stream, esc closes";
      return scrolled(title, lines, 0, area, look);
    }
    case "actors":
      return actorsCover(shown, area);
    default:
      return [];
  }
}

function actorsCover({ frame, look, ui }: Shown, area: Area): Line[] {
  const { actor } = frame;
  const selected = actor?.name ?? null;
  const wished = area.width < LIST_WIDTH.from ? LIST_WIDTH.narrow : LIST_WIDTH.wide;
  const list = { width: Math.min(wished, area.width), height: area.height };
  const listed = actorListView(frame.actors, selected, innerOf(list));
  const title = `actors: ${frame.actors.length}, esc closes`;
  const left = framed({ title, lines: listed, focused: true }, list, look);
  const detail = { width: area.width - list.width, height: area.height };
  if (detail.width < LIST_WIDTH.narrow || actor === null) {
    const lines = actor === null ? [] : actorView(actor, innerOf(area), look);
    return scrolled(`actor ${ui.actor + 1}`, lines, ui.scroll, area, look);
  }
  const inner = innerOf(detail);
  const text = windowed(actorView(actor, inner, look), { ...inner, head: 0, first: ui.scroll });
  const right = framed({ title: actor.name, lines: text.shown, rest: text.rest }, detail, look);
  return left.map((one, i) => [...one, ...right[i]!]);
}

function scrolled(
  title: string,
  lines: readonly Line[],
  first: number,
  area: Area,
  look: Look,
): Line[] {
  const { shown, rest } = windowed(lines, { ...innerOf(area), head: 0, first });
  return framed({ title, lines: shown, rest, focused: true }, area, look);
}

export function paletteLines({ ui, look, columns, vocabulary }: Shown): Line[] {
  const area = { width: columns, height: PALETTE_ROWS };
  const title = "command: tab completes, up recalls, enter does it, esc closes";
  const lines = paletteView(ui.line, vocabulary, innerOf(area));
  return framed({ title, lines, focused: true }, area, look);
}

/** A run in sentences, for those who hear it. */
export function spoken({ frame, run, mode, ui }: Shown): Line[] {
  const status: Record<RunView["status"], string> = {
    running: "Running",
    paused: "Paused",
    ended: "The run has ended",
    busy: "Busy",
  };
  const { operation, stream, message, actor } = frame;
  const last = stream.at(-1);
  return [
    line(`${status[run.status]}, at ${clock(frame.time)}, message ${frame.position}.`),
    ...(frame.damage === null ? [] : [line(`The log is damaged: ${frame.damage}.`)]),
    ...(mode === "question" ? [line(ui.question)] : []),
    ...(run.notice === null ? [] : [line(`${run.notice.text}.`)]),
    ...frame.cpus.map(({ name, occupant, state, shares }) =>
      line(
        `${name}: ${occupant || "nobody"}, ${state}, ${(100 * shares.guest).toFixed(0)} percent guest.`,
      ),
    ),
    ...frame.logs.map(({ vcpu, unit, used, entries, full }) =>
      line(
        unit === "none"
          ? `${vcpu} does not log.`
          : `${unit} log of ${vcpu}: ${used} of ${entries}, ${full} times full.`,
      ),
    ),
    line(`${operation.kind}: ${operation.headline}.`),
    ...(last === undefined
      ? []
      : [line(`Last message: ${last.type} from ${last.from} to ${last.to}. ${last.text}`)]),
    ...(mode === "message" && message !== null
      ? [
          line(
            `Message ${message.entry.position}, ${message.entry.type}, caused ${message.effects.length} others.`,
          ),
        ]
      : []),
    ...(mode === "actors" && actor !== null
      ? [line(`Actor ${actor.name}, state ${actor.state}, ${actor.pending} queued.`)]
      : []),
  ];
}
