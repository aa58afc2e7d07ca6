/** The CPUs: who is on each, in which state, and what its time went to. */
import type { CpuFrame, Frame, WaitingFrame } from "../../session/frame.ts";
import { type Area, cell, type Line, piece } from "../canvas.ts";
import { stackedBar } from "../text.ts";
import type { Look } from "../themes.ts";
import type { Panel } from "./panel.ts";

const NAME = 6;
const OCCUPANT = 14;
const STATE = 9;
const GUEST = 7;

function machineView(
  { cpus, waiting }: Pick<Frame, "cpus" | "waiting">,
  { width }: Pick<Area, "width">,
  look: Look,
): Line[] {
  const note = width > 70 ? 22 : 0;
  const bar = Math.max(4, width - NAME - OCCUPANT - STATE - GUEST - note - 1);
  const lines = cpus.map((cpu) => cpuLine(cpu, bar, note, look));
  return [legend(look), ...lines, ...waitingLines(waiting)];
}

function legend({ glyphs }: Look): Line {
  const { guest, transition, handler, idle } = glyphs.bars;
  return [
    piece(`${guest} guest `, "guest"),
    piece(`${transition} exit, entry `, "transition"),
    piece(`${handler} handler `, "handler"),
    piece(`${idle} idle`, "idle"),
  ];
}

function cpuLine(cpu: CpuFrame, bar: number, note: number, { glyphs }: Look): Line {
  const { name, occupant, state, shares, kind } = cpu;
  const parts = (["guest", "transition", "handler", "idle"] as const).map((part) => ({
    share: shares[part],
    glyph: glyphs.bars[part],
    style: part,
  }));
  const inGuest = kind === "physical" ? shares.guest : 1 - shares.idle;
  return [
    piece(name.padEnd(NAME), "accent"),
    cell(occupant || "-", OCCUPANT, "text", glyphs.ellipsis),
    cell(state, STATE, stateStyle(state), glyphs.ellipsis),
    ...stackedBar(parts, bar),
    piece(`${(100 * inGuest).toFixed(1)}%`.padStart(GUEST), "text"),
    ...(note > 0 ? [piece(`  ${cpu.note}`, "dim")] : []),
  ];
}

function stateStyle(state: string) {
  if (state === "guest" || state === "running") return "guest";
  if (state === "vacant" || state === "halted") return "idle";
  return "transition";
}

function waitingLines(waiting: readonly WaitingFrame[]): Line[] {
  if (waiting.length === 0) return [];
  const text = waiting.map(({ name, why }) => `${name} ${why}`).join(", ");
  return [[piece("off   ", "accent"), piece(text, "dim")]];
}

export const machinePanel: Panel = {
  name: "machine",
  place: "machine",
  needs: ["cpus", "waiting"],
  wish: ({ cpus, waiting }) => 1 + cpus.length + (waiting.length > 0 ? 1 : 0),
  head: 1,
  lines: ({ frame, look }, area) => machineView(frame, area, look),
  sentences: ({ frame }) =>
    frame.cpus.map(
      ({ name, occupant, state, shares }) =>
        `${name}: ${occupant || "nobody"}, ${state}, ${(100 * shares.guest).toFixed(0)} percent guest.`,
    ),
};
