/** Counters: the value, the rate in virtual time, and how it went; with room, as a chart each. */
import type { CounterFrame } from "../../session/frame.ts";
import { aheadText } from "../ahead.ts";
import { type Area, type Line, line, piece } from "../canvas.ts";
import { columnsOf, short, squeezed } from "../text.ts";
import type { Look } from "../themes.ts";
import type { Panel } from "./panel.ts";

const NAME = 14;
const VALUE = 7;
const RATE = 10;
/** Higher charts say no more. */
const CHART_ROWS_MAX = 6;

function countersView(
  counters: readonly CounterFrame[],
  { width, height }: Area,
  look: Look,
): Line[] {
  const charts = counters.filter(({ history }) => history.some((value) => value > 0)).length;
  const spare = charts === 0 ? 0 : Math.floor((height - counters.length) / charts);
  const rows = Math.min(CHART_ROWS_MAX, spare);
  return counters.flatMap((counter) =>
    rows >= 2 && counter.history.some((value) => value > 0)
      ? [counterLine(counter, width, look, false), ...chart(counter, width, rows, look)]
      : [counterLine(counter, width, look, true)],
  );
}

function counterLine(
  { name, value, rate, history }: CounterFrame,
  width: number,
  { glyphs }: Look,
  spark: boolean,
): Line {
  const room = width - NAME - VALUE - RATE - 1;
  const values = squeezed(history, room);
  const [small = ""] =
    spark && room > 0 ? columnsOf(values, room, 1, Math.max(1, ...values), glyphs) : [];
  return [
    piece(name.padEnd(NAME)),
    piece(short(value).padStart(VALUE), "accent"),
    piece(rate > 0 ? `${short(rate)}/s`.padStart(RATE) : "", "dim"),
    piece(small === "" ? "" : ` ${small}`, "good"),
  ];
}

function chart({ history }: CounterFrame, width: number, rows: number, { glyphs }: Look): Line[] {
  const values = squeezed(history, width);
  return columnsOf(values, width, rows, Math.max(1, ...values), glyphs).map((text) =>
    line(text, "good"),
  );
}

export const countersPanel: Panel = {
  name: "counters",
  place: "counters",
  needs: ["counters", "bursts"],
  wish: ({ counters }, rows) => (rows < 30 ? 4 : counters.length),
  head: 0,
  remark: ({ frame, look }) => aheadText(frame.bursts, look.glyphs),
  lines: ({ frame, look }, area) => countersView(frame.counters, area, look),
  sentences: ({ frame }) => [
    `${frame.counters.map(({ name, value }) => `${name} ${short(value)}`).join(", ")}.`,
  ],
};
