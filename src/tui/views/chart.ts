/** The statechart of an actor: drawn, with the state it is in and the way it took lit; then its steps, and all ways in words. */
import type { ActorFrame, WayStep } from "../../session/frame.ts";
import type { Area, Line } from "../canvas.ts";
import { line, piece } from "../canvas.ts";
import { statechartLines, statechartOf } from "../charts/statechart.ts";
import type { Look } from "../themes.ts";
import { chartLines } from "./detail.ts";

/** Lines at its top that stay. */
export const CHART_HEAD = 2;

const UNKNOWN = "what it did lately is looked up";

/** Its lines, and the one of them, behind the head, that has the lit state's name. */
export interface ChartView {
  readonly lines: Line[];
  readonly lit: number;
}

export function chartView(actor: ActorFrame, { width }: Area, look: Look): ChartView {
  const { name, machine, state, at, way, states } = actor;
  const chart = statechartOf(states, width);
  const last = lastSteps(way ?? []);
  const picture = statechartLines(chart, state, last, look);
  const box = chart.drawing.boxes.find(({ node }) => states[node]?.name === state);
  const head: Line = [
    piece(`${name} `, "title"),
    piece(`machine ${machine}, behind message ${at.toLocaleString("en")}: `, "dim"),
    piece(state, "key"),
  ];
  const lines: Line[] = [
    head,
    way === null ? line(UNKNOWN, "dim") : lastLine(last, look),
    ...picture,
    [],
    line("the way it took, the last step first", "accent"),
    ...(way?.length === 0 ? [line("  none lately", "dim")] : []),
    ...(way ?? [])
      .toReversed()
      .map((step) => [piece(`  ${step.position} `.padStart(12), "dim"), ...stepPieces(step, look)]),
    [],
    line(`all ways; ${look.glyphs.stays}: this many stay in the state`, "accent"),
    ...chartLines(states, state, width, look),
  ];
  return { lines, lit: 1 + (box?.row ?? 0) };
}

/** Of the last message that it handled. */
function lastSteps(way: readonly WayStep[]): readonly WayStep[] {
  const position = way.at(-1)?.position;
  return way.filter((step) => step.position === position);
}

function lastLine(steps: readonly WayStep[], look: Look): Line {
  const [first] = steps;
  if (first === undefined) return line("it has taken no step lately", "dim");
  return [
    piece(`message ${first.position.toLocaleString("en")}: `, "dim"),
    ...steps.flatMap((step, i) => [
      ...(i === 0 ? [] : [piece("; ", "dim")]),
      ...stepPieces(step, look),
    ]),
  ];
}

function stepPieces({ event, guard, from, to }: WayStep, { glyphs }: Look): Line {
  return [
    piece(event === "always" ? "at once" : event, "kind.exit"),
    piece(guard === "" ? " " : ` [${guard}] `, "dim"),
    piece(from === to ? `${glyphs.stays} ${to}` : `${from} ${glyphs.arrow} ${to}`, "key"),
  ];
}

/** For those who hear it. */
export function chartSentences({ name, state, at, way }: ActorFrame): string[] {
  if (way === null) return [`Chart of ${name}, behind message ${at}: ${UNKNOWN}.`];
  const steps = lastSteps(way).map(({ event, from, to }) => {
    const cause = event === "always" ? "at once" : `on ${event}`;
    return from === to ? `${cause} it stayed in ${to}` : `${cause} it went from ${from} to ${to}`;
  });
  const told = steps.length === 0 ? "it has taken no step lately" : steps.join(", then ");
  return [`Chart of ${name}, behind message ${at}, in ${state}: ${told}.`];
}
