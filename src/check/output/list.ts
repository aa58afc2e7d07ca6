/** A run as a numbered list. */
import { messageText, stateNameOf, type Trace, type TraceStep } from "../trace.ts";

/** One line a step, with what the step changed in words where an actor's state has a name. */
export function numberedList({ steps, cycleFrom }: Trace): string[] {
  const width = String(steps.length).length;
  const lines = steps.map((step, i) => `${String(i + 1).padStart(width)}. ${stepText(step)}`);
  if (cycleFrom >= 0) lines.splice(cycleFrom, 0, "   and then for ever:");
  return lines;
}

function stepText(step: TraceStep): string {
  const { from, to, message, choice, dropped, changes, broken } = step;
  const who = from === "" ? `${to} by itself` : from === to ? `${to}, its own` : `${from} -> ${to}`;
  const parts = [`${who}: ${messageText(message)}`];
  if (choice !== "") parts.push(`the guest ${choice}`);
  if (dropped) parts.push("nobody handles it");
  for (const { slot, before, after } of changes) {
    const [was, is] = [stateNameOf(before), stateNameOf(after)];
    if (slot === to && was !== is) parts.push(`${was} to ${is}`);
  }
  const where = `machine "${step.machine}" in state "${step.state}"`;
  for (const name of broken) parts.push(`BREAKS: ${name} (${where})`);
  return parts.join("; ");
}
