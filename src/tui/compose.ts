/** The parts of a screen as lines: header, framed panels, footer, and what lies over the panels. */
import { type Area, fill, fitted, type Line, line, piece, spread, widthOf } from "./canvas.ts";
import { COMMANDS } from "./commands.ts";
import { patternOf } from "./filter.ts";
import { keysOf } from "./keys.ts";
import type { PanelName } from "./layout.ts";
import { PALETTE_ROWS, type RunView, type Shown } from "./shown.ts";
import { clock, short } from "./text.ts";
import type { Look } from "./themes.ts";
import { countersView } from "./views/counters.ts";
import { actorListView, actorView, messageView } from "./views/detail.ts";
import { helpView, paletteView } from "./views/help.ts";
import { logsView } from "./views/logs.ts";
import { machineView } from "./views/machine.ts";
import { operationView } from "./views/operation.ts";
import { pagesView } from "./views/pages.ts";
import { streamView } from "./views/stream.ts";

const FRAME = 2;
/** Text of a frame's title keeps off the corners by this much. */
const TITLE_INSET = 4;
/** A name that is cut shorter than this says nothing. */
const NAME_MIN = 12;
const LIST_WIDTH = { narrow: 31, wide: 44, from: 110 } as const;

export function innerOf({ width, height }: Area): Area {
  return { width: Math.max(0, width - FRAME), height: Math.max(0, height - FRAME) };
}

/** A frame around lines, with a title; the focused one is drawn in another colour and marked. */
export function framed(
  title: string,
  lines: readonly Line[],
  area: Area,
  focused: boolean,
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
  const bottom = line(`${corners[2]}${horizontal.repeat(inner.width)}${corners[3]}`, style);
  return [fitted(top, area.width), ...body, bottom];
}

export function headerLine({ frame, run, look, columns }: Shown): Line {
  const { glyphs } = look;
  const running = run.status === "running";
  const mark = running ? glyphs.running : glyphs.paused;
  const pace = run.speed === "full" ? "full speed" : `${run.speed} msg/s`;
  const rate = running ? `${pace}, ${short(run.rate)} msg/s` : pace;
  const until = frame.until > 0 ? ` of ${clock(frame.until)}` : "";
  const end = frame.end ?? (run.recorded > 0 ? run.recorded : null);
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
        piece(ui.typed),
        piece(" ", "selected"),
        piece("  !text inverts, enter keeps, esc leaves", "dim"),
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
  return [run.notice, mode, ui.typed, ui.question, keys, look, columns, frame.breakpoints.length];
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
  if (panel === "stream" && run.filter !== "") return `${title}  /${run.filter}`;
  if (panel === "stream" && ui.cursor >= 0) return `${title}  at ${ui.cursor}`;
  if (panel === "pages" && frame.vms.length > 1) {
    return `${title}  VM ${ui.vm + 1} of ${frame.vms.length}`;
  }
  return title;
}

/** The contents of a panel. */
export function panelLines(panel: PanelName, shown: Shown, area: Area): Line[] {
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
      return operationView(frame.operation, area, look);
    case "counters":
      return countersView(frame.counters, area, look);
  }
}

/** What a panel is drawn from: while these are the same, so is the panel. */
export function panelParts(panel: PanelName, { frame, run, ui }: Shown): readonly unknown[] {
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
      return framed(
        "help: esc closes",
        scrolled(helpView(keys, inner.width), ui.scroll, inner),
        area,
        true,
        look,
      );
    case "message": {
      const lines =
        frame.message === null ? [line("no longer kept")] : messageView(frame.message, inner, look);
      return framed("message: up, down go through the stream, esc closes", lines, area, true, look);
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
  const left = framed(
    "actors: esc closes",
    actorListView(frame.actors, selected, innerOf(list)),
    list,
    true,
    look,
  );
  const detail = { width: area.width - list.width, height: area.height };
  if (detail.width < LIST_WIDTH.narrow || actor === null) {
    const inner = innerOf({ ...area, height: area.height });
    const lines = actor === null ? [] : actorView(actor, inner, look);
    return framed(`actor ${ui.actor + 1}`, scrolled(lines, ui.scroll, inner), area, true, look);
  }
  const inner = innerOf(detail);
  const right = framed(
    actor.name,
    scrolled(actorView(actor, inner, look), ui.scroll, inner),
    detail,
    false,
    look,
  );
  return left.map((one, i) => [...one, ...right[i]!]);
}

function scrolled(lines: readonly Line[], scroll: number, { height }: Area): readonly Line[] {
  const first = Math.max(0, Math.min(scroll, lines.length - height));
  return lines.slice(first);
}

export function paletteLines({ ui, look, columns }: Shown): Line[] {
  const area = { width: columns, height: PALETTE_ROWS };
  return framed(
    "command: tab completes, enter does it, esc closes",
    paletteView(ui.typed, innerOf(area)),
    area,
    true,
    look,
  );
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
