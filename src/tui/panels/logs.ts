/** The PML or PRL log of each vCPU: how full, the index, what it has cost. */
import type { Frame, LogFrame } from "../../session/frame.ts";
import { aheadSentences, aheadText } from "../ahead.ts";
import { type Area, cell, type Line, line, piece } from "../canvas.ts";
import { gauge, short } from "../text.ts";
import type { Look } from "../themes.ts";
import type { Panel } from "./panel.ts";

const INDEX = 6;
/** Room for what `short` gives, and a blank. */
const NUMBER = { narrow: 6, wide: 8 } as const;
const MISSED = { narrow: 7, wide: 10 } as const;
const BAR_MIN = 3;
const STATE = 10;
const WIDE = 52;
const SUSPENDED = "susp.";

function logsView(
  { logs, bursts }: Pick<Frame, "logs" | "bursts">,
  { width }: Pick<Area, "width">,
  { glyphs }: Look,
): Line[] {
  const wide = width >= WIDE;
  const number = wide ? NUMBER.wide : NUMBER.narrow;
  const who = 1 + Math.max(...logs.map((log) => whoOf(log).length), 0);
  const missed = wide ? MISSED.wide : MISSED.narrow;
  const numbers = INDEX + number + missed + (wide ? number + STATE : 0);
  const bar = Math.max(BAR_MIN, width - who - numbers);
  const head = [
    "".padEnd(who),
    (wide ? "state" : "").padEnd(wide ? STATE : 0),
    (bar < 5 ? "" : "fill").padEnd(bar),
    "index".padStart(INDEX),
    "full".padStart(number),
    "missed".padStart(missed),
    wide ? "stored".padStart(number) : "",
  ].join("");
  const isAhead = (vcpu: number): boolean => bursts.some((burst) => burst.vcpu === vcpu);
  const rows = logs.map((log, vcpu) => row(log, isAhead(vcpu), { who, bar, wide }, glyphs));
  return [line(head, "dim"), ...rows];
}

/** "PML vcpu0". */
function whoOf({ unit, vcpu }: LogFrame): string {
  return `${unit === "none" ? "-" : unit} ${vcpu.split(" ")[0]}`;
}

/** Widths of its columns, and whether there are all of them. */
interface Columns {
  readonly who: number;
  readonly bar: number;
  readonly wide: boolean;
}

/** @param isAhead it is as it will be when its burst ends */
function row(
  log: LogFrame,
  isAhead: boolean,
  { who, bar, wide }: Columns,
  glyphs: Look["glyphs"],
): Line {
  const { unit, state, index, used, entries, full, missed, logged } = log;
  const name = `${whoOf(log)}${isAhead ? glyphs.ahead : ""}`.padEnd(who);
  if (unit === "none") return [piece(name, "dim"), piece("does not log", "dim")];
  const number = wide ? NUMBER.wide : NUMBER.narrow;
  const share = used / entries;
  const style = share >= 0.9 ? "bad" : share >= 0.6 ? "warn" : "good";
  return [
    piece(name, "accent"),
    cell(state, wide ? STATE : 0, state === "full" ? "bad" : "text", glyphs.ellipsis),
    ...gauge(share, bar, state === "off" ? "idle" : style, glyphs),
    piece((index < 0 || index > entries ? SUSPENDED : String(index)).padStart(INDEX)),
    piece(short(full).padStart(number)),
    piece(short(missed).padStart(wide ? MISSED.wide : MISSED.narrow), missed > 0 ? "bad" : "text"),
    piece(wide ? short(logged).padStart(number) : ""),
  ];
}

export const logsPanel: Panel = {
  name: "logs",
  place: "logs",
  needs: ["logs", "bursts"],
  wish: ({ logs }) => 1 + logs.length,
  head: 1,
  remark: ({ frame, look }) => aheadText(frame.bursts, look.glyphs),
  lines: ({ frame, look }, area) => logsView(frame, area, look),
  sentences: ({ frame }) => [
    ...frame.logs.map(({ vcpu, unit, used, entries, full }) =>
      unit === "none"
        ? `${vcpu} does not log.`
        : `${unit} log of ${vcpu}: ${used} of ${entries}, ${full} times full.`,
    ),
    ...aheadSentences(frame.bursts),
  ],
};
