/** A run in sentences, for those who hear it. */
import type { CounterexampleFrame } from "../session/frame.ts";
import { ARRANGING_HINT } from "./arrangeCommands.ts";
import { type Line, line } from "./canvas.ts";
import { brokenText } from "./counterexample.ts";
import { PANELS } from "./panels/all.ts";
import type { RunView, ScreenState } from "./screenState.ts";
import { clock } from "./text.ts";
import { chartSentences } from "./views/chart.ts";

const STATUS: Record<RunView["status"], string> = {
  running: "Running",
  paused: "Paused",
  ended: "The run has ended",
  busy: "Busy",
};

/** How the run stands, what was said, and what each panel has to say. */
export function spoken(state: ScreenState): Line[] {
  const { frame, run, mode, ui } = state;
  const { damage } = frame;
  const texts = [
    `${STATUS[run.status]}, at ${clock(frame.time)}, message ${frame.position}.`,
    ...(damage === null ? [] : [`The log is damaged: ${damage}.`]),
    ...brokenSentences(frame.counterexample),
    ...(mode === "question" ? [ui.question] : []),
    ...(run.notice === null ? [] : [`${run.notice.text}.`]),
    ...PANELS.flatMap((panel) => panel.sentences(state)),
    ...openSentences(state),
  ];
  return texts.map((text) => line(text));
}

/** Of a counterexample. */
function brokenSentences(found: CounterexampleFrame | null): string[] {
  const text = found === null ? "" : brokenText(found);
  return text === "" ? [] : [`${text}.`];
}

/** Of what is open over the panels. */
function openSentences({ mode, ui, frame: { message, actor } }: ScreenState): string[] {
  if (mode === "arranging") {
    return [`Arranging ${ui.panels[Math.max(0, ui.focus)] ?? ""}: ${ARRANGING_HINT}.`];
  }
  if (mode === "message" && message !== null) {
    const { entry, effects } = message;
    return [`Message ${entry.position}, ${entry.type}, caused ${effects.length} others.`];
  }
  if (mode === "chart" && actor !== null) return chartSentences(actor);
  if (mode === "actors" && actor !== null) {
    return [`Actor ${actor.name}, state ${actor.state}, ${actor.pending} queued.`];
  }
  return [];
}
