/** One actor, or one message, on the whole screen. */
import type { ActorFrame, ActorLine, ChartState, MessageFrame } from "../../session/frame.ts";
import { type Area, type Line, line, piece } from "../canvas.ts";
import { entryLine } from "../entryLine.ts";
import type { Look } from "../themes.ts";

/** The list of all actors, one selected. */
export function actorListView(
  actors: readonly ActorLine[],
  selected: string | null,
  { height }: Area,
): Line[] {
  const at = Math.max(
    0,
    actors.findIndex(({ name }) => name === selected),
  );
  const first = Math.max(0, Math.min(at - Math.floor(height / 2), actors.length - height));
  const names = Math.max(0, ...actors.map(({ name }) => name.length));
  const states = Math.max(0, ...actors.map(({ state }) => state.length));
  return actors.slice(first, first + height).map(({ name, state, pending }) => {
    const chosen = name === selected;
    return [
      piece(chosen ? "> " : "  ", "key"),
      piece(name.padEnd(names), chosen ? "selected" : "accent"),
      piece(` ${state.padEnd(states)} `),
      piece(pending > 0 ? `${pending} queued` : "", "dim"),
    ];
  });
}

export function actorView(actor: ActorFrame, { width }: Area, look: Look): Line[] {
  const { name, machine, state, context, queue, states } = actor;
  return [
    [piece(name, "title"), piece(`  machine ${machine}, state `, "dim"), piece(state, "key")],
    [],
    line("statechart", "accent"),
    ...chartLines(states, state, width, look),
    [],
    line(`queue: ${queue.length === 0 ? "empty" : ""}`, "accent"),
    ...queue.map((entry) => entryLine(entry, width, look)),
    [],
    line("context", "accent"),
    ...context.map(([field, value]) => [piece(`  ${field.padEnd(20)} `, "dim"), piece(value)]),
  ];
}

/** Each state as a box with its ways out; the current one lit, marked, and its ways first to see. */
export function chartLines(
  states: readonly ChartState[],
  current: string,
  width: number,
  { glyphs }: Look,
): Line[] {
  // The lit one first: the others may be below the screen.
  const ordered = [...states].sort(
    (a, b) => Number(b.name === current) - Number(a.name === current),
  );
  return ordered.flatMap(({ name, transitions }): Line[] => {
    const lit = name === current;
    const title = ` ${name} `;
    const rule = glyphs.horizontal.repeat(Math.max(2, Math.min(width, 72) - title.length - 5));
    const style = lit ? "focus" : "border";
    const head: Line = [
      piece(lit ? `${glyphs.running} ` : "  ", "key"),
      piece(glyphs.corners[0] + glyphs.horizontal, style),
      piece(title, lit ? "selected" : "text"),
      piece(rule, style),
    ];
    const ways = transitions.map(
      ({ event, guard, target, actions }): Line => [
        piece(`  ${glyphs.vertical} `, style),
        piece(event === "always" ? "at once" : event, lit ? "kind.exit" : "text"),
        piece(guard === "" ? "" : ` [${guard}]`, "dim"),
        piece(
          target === "" || target === name ? "" : ` ${glyphs.arrow} ${target}`,
          lit ? "key" : "text",
        ),
        piece(actions.length === 0 ? "" : `  / ${actions.join(", ")}`, "dim"),
      ],
    );
    return [head, ...ways];
  });
}

export function messageView(message: MessageFrame, { width }: Area, look: Look): Line[] {
  const { entry, payload, cause, effects } = message;
  return [
    [
      piece(`message ${entry.position}  `, "title"),
      piece(entry.type, `kind.${entry.kind}`),
      piece(`  sequence ${entry.sequence}, kind ${entry.kind}`, "dim"),
    ],
    entryLine(entry, width, look),
    [],
    line("payload", "accent"),
    ...(payload.length === 0 ? [line("  none", "dim")] : []),
    ...payload.map(([field, value]) => [piece(`  ${field.padEnd(16)} `, "dim"), piece(value)]),
    [],
    line("cause", "accent"),
    cause === null
      ? line("  from outside, or no longer kept", "dim")
      : entryLine(cause, width, look),
    [],
    line("effects", "accent"),
    ...(effects.length === 0 ? [line("  none", "dim")] : []),
    ...effects.map((effect) => entryLine(effect, width, look)),
  ];
}
