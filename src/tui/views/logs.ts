/** The PML or PRL log of each vCPU: how full, the index, what it has cost. */
import type { Frame, LogFrame } from "../../session/frame.ts";
import { type Area, type Line, line, piece } from "../canvas.ts";
import { gauge, short } from "../text.ts";
import type { Look } from "../themes.ts";

const WHO = 10;
const INDEX = 6;
const NUMBER = { narrow: 5, wide: 8 } as const;
const WIDE = 52;
const SUSPENDED = "susp.";

export function logsView(
  { logs }: Pick<Frame, "logs">,
  { width, height }: Area,
  { glyphs }: Look,
): Line[] {
  const wide = width >= WIDE;
  const number = wide ? NUMBER.wide : NUMBER.narrow;
  const bar = Math.max(4, width - WHO - INDEX - 2 * number - 2 - (wide ? number + 10 : 0));
  const head = [
    "".padEnd(WHO),
    (wide ? "state" : "").padEnd(wide ? 10 : 0),
    "fill".padEnd(bar),
    "index".padStart(INDEX),
    "full".padStart(number),
    "missed".padStart(number + 2),
    wide ? "stored".padStart(number) : "",
  ].join("");
  const rows = logs.slice(0, height - 1).map((log) => row(log, bar, wide, glyphs));
  return [line(head, "dim"), ...rows];
}

function row(log: LogFrame, bar: number, wide: boolean, glyphs: Look["glyphs"]): Line {
  const { vcpu, unit, state, index, used, entries, full, missed, logged } = log;
  const who = `${unit === "none" ? "-" : unit} ${vcpu.split(" ")[0]}`.padEnd(WHO).slice(0, WHO);
  if (unit === "none") return [piece(who, "dim"), piece("does not log", "dim")];
  const number = wide ? NUMBER.wide : NUMBER.narrow;
  const share = used / entries;
  const style = share >= 0.9 ? "bad" : share >= 0.6 ? "warn" : "good";
  return [
    piece(who, "accent"),
    piece(wide ? state.padEnd(10) : "", state === "full" ? "bad" : "text"),
    ...gauge(share, bar, state === "off" ? "idle" : style, glyphs),
    piece((index < 0 || index > entries ? SUSPENDED : String(index)).padStart(INDEX)),
    piece(short(full).padStart(number)),
    piece(short(missed).padStart(number + 2), missed > 0 ? "bad" : "text"),
    piece(wide ? short(logged).padStart(number) : ""),
  ];
}
