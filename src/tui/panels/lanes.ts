/**
 * The mechanism as a picture: a lane for each who takes part, time from above to below, messages as arrows between them;
 * the steps of page logging above, the one under way lit.
 */
import type { Frame, LaneRow, LanesFrame } from "../../session/frame.ts";
import { remarks } from "../ahead.ts";
import { type Area, cell, type Line, line, type Piece, piece } from "../canvas.ts";
import { brokenMark, brokenRemark } from "../counterexample.ts";
import { emptyText, filterRemark } from "../matchText.ts";
import { clock } from "../text.ts";
import type { Glyphs, Look, StyleName } from "../themes.ts";
import type { Panel } from "./panel.ts";

/** Long and short names of lanes, as in the session's list. */
const NAMES: Readonly<Record<LanesFrame["lanes"][number], readonly [string, string]>> = {
  guest: ["guest CPU", "gu"],
  unit: ["log unit", "lo"],
  hypervisor: ["dispatcher", "di"],
  tracker: ["tracker", "tr"],
  pvm: ["pVM CPU", "pV"],
  operation: ["operation", "op"],
};
/** VEE21 fig. 1. */
const STEPS = ["logs", "full", "copies", "uses", "ends"] as const;

const TIME = 11;
/** The step, the mark of what the message is to the one under the cursor, blanks. */
const MARGIN = { narrow: 3, wide: 4 } as const;
const LANE = { least: 3, most: 14 } as const;
/** For the message's name, its count and who gets it. */
const LABEL = { least: 20, most: 46 } as const;
const WIDE = 64;
const HEAD_ROWS = 2;

interface Widths {
  readonly time: number;
  readonly margin: number;
  readonly lane: number;
  readonly label: number;
}

function widthsOf(width: number, lanes: number): Widths {
  const time = width >= WIDE ? TIME : 0;
  const margin = time === 0 ? MARGIN.narrow : MARGIN.wide;
  const room = width - time - margin;
  const lane = Math.max(LANE.least, Math.min(LANE.most, Math.floor((room - LABEL.least) / lanes)));
  return { time, margin, lane, label: Math.min(LABEL.most, Math.max(0, room - lane * lanes)) };
}

function lanesView(
  {
    lanes,
    counterexample,
    filter,
  }: { readonly lanes: LanesFrame; readonly filter: string } & Pick<Frame, "counterexample">,
  { width, height }: Area,
  look: Look,
): Line[] {
  const { lanes: names, rows, step } = lanes;
  const widths = widthsOf(width, names.length);
  const head = [stepLine(step, width), laneNames(names, widths)];
  if (rows.length === 0) return [...head, line(emptyText(filter), "dim")];
  const shown = rows.slice(-Math.max(0, height - HEAD_ROWS));
  const blank = Array<Line>(Math.max(0, height - HEAD_ROWS - shown.length)).fill([]);
  return [
    ...head,
    ...blank,
    ...shown.map((row) => {
      const span = { first: row.position - row.count + 1, last: row.position };
      const mark = brokenMark(counterexample, span, look.glyphs);
      return rowLine({ row, mark }, names, widths, look);
    }),
  ];
}

function stepLine(step: number, width: number): Line {
  const words = width >= 44;
  return STEPS.flatMap((name, i) => {
    const lit = i + 1 === step;
    const text = words || lit ? `${i + 1} ${name}` : `${i + 1}`;
    return [piece(` ${text} `, lit ? "match" : "dim")];
  });
}

function laneNames(lanes: LanesFrame["lanes"], { time, margin, lane }: Widths): Line {
  const names = lanes.map((name) => {
    const [long, short] = NAMES[name];
    return cell(lane > long.length ? long : short, lane, "accent");
  });
  return [piece(" ".repeat(time + margin)), ...names];
}

const MARKS = { here: "key", cause: "good", effect: "warn", other: "dim" } as const;

function rowLine(
  { row, mark }: { readonly row: LaneRow; readonly mark: Piece | null },
  lanes: LanesFrame["lanes"],
  widths: Widths,
  look: Look,
): Line {
  const { time, type, kind, step, count, role, who } = row;
  const { glyphs } = look;
  const style: StyleName = role === "here" ? "selected" : `kind.${kind}`;
  const times = count > 1 ? ` x ${count.toLocaleString("en")}` : "";
  const name = `${type}${times}`;
  const label = name.length + who.length + 1 < widths.label ? `${name} ${who}` : name;
  return [
    piece(widths.time === 0 ? "" : clock(time).padStart(widths.time), "dim"),
    piece(`${widths.time === 0 ? "" : " "}${step === 0 ? " " : step}`, "key"),
    piece(glyphs.roles[role], MARKS[role]),
    mark ?? piece(" "),
    ...arrow(row, lanes, widths.lane, glyphs, style),
    cell(label, widths.label, style, glyphs.ellipsis),
  ];
}

/** Lanes as lines, and across them the message: from its sender's to its receiver's. */
function arrow(
  { from, to }: LaneRow,
  lanes: LanesFrame["lanes"],
  lane: number,
  { vertical, horizontal, heads, itself }: Glyphs,
  style: StyleName,
): Line {
  const end = lanes.indexOf(to);
  const start = from === null ? -1 : lanes.indexOf(from);
  if (start === end) {
    const marks = lanes.map((_, i) => (i === end ? itself : vertical).padEnd(lane));
    return marks.map((text, i) => piece(text, i === end ? style : "border"));
  }
  // From outside: from the left edge.
  const [left, right] = [Math.max(0, Math.min(start, end)), Math.max(start, end)];
  const [isRight, width] = [end > start, (right - left) * lane];
  const shaft = horizontal.repeat(Math.max(0, width - 1));
  const body =
    start < 0 && end === 0
      ? heads.right
      : isRight
        ? `${horizontal}${shaft}${heads.right}`
        : `${heads.left}${shaft}${horizontal}`;
  const before = lanes
    .slice(0, left)
    .map(() => vertical.padEnd(lane))
    .join("");
  const after = lanes
    .slice(right + 1)
    .map(() => vertical.padEnd(lane))
    .join("");
  return [
    piece(before, "border"),
    piece(body, style),
    piece(" ".repeat(lane - 1)),
    piece(after, "border"),
  ];
}

export const lanesPanel: Panel = {
  name: "lanes",
  place: "messages",
  needs: ["lanes", "matches", "counterexample"],
  also: ({ run }) => [run.filter],
  wish: () => 8,
  greedy: true,
  head: HEAD_ROWS,
  remark: ({ ui, run, frame }) => {
    const at = ui.cursor >= 0 ? `at ${ui.cursor}` : "";
    return remarks(filterRemark({ run, frame }), at, brokenRemark(frame.counterexample));
  },
  lines: ({ frame: { lanes, counterexample }, run: { filter }, look }, area) =>
    lanes === null ? [] : lanesView({ lanes, counterexample, filter }, area, look),
  move: ({ frame, ui: { cursor } }, by) => {
    const positions = frame.lanes?.rows.map(({ position }) => position) ?? [];
    const under = positions.findIndex((position) => position >= cursor);
    const from = cursor < 0 || under < 0 ? positions.length - 1 : under;
    const position = positions[Math.max(0, from + by)];
    return position === undefined ? { type: "follow" } : { type: "point", position };
  },
  click: ({ frame: { lanes } }, { row }, { height }) => {
    const shown = lanes?.rows.slice(-Math.max(0, height - HEAD_ROWS)) ?? [];
    const found = shown[row - (height - shown.length)];
    return found === undefined ? null : { type: "point", position: found.position };
  },
  asks: ({ height }, { ui, filter }) => ({
    lanes:
      height <= HEAD_ROWS
        ? null
        : {
            rows: height - HEAD_ROWS,
            cursor: ui.cursor < 0 ? null : ui.cursor,
            folded: ui.folded,
            filter,
          },
  }),
  sentences: ({ frame: { lanes } }) => {
    const name = lanes === null ? undefined : STEPS[lanes.step - 1];
    return lanes === null || name === undefined
      ? []
      : [`Step ${lanes.step} of page logging: ${name}.`];
  },
};
