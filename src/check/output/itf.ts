/**
 * A run in the Informal Trace Format of Apalache and Quint (ADR-015): states of named variables, which
 * trace viewers show. Numbers that JSON holds exactly stay numbers.
 */
import type { Trace } from "../trace.ts";

export interface ItfTrace {
  readonly "#meta": Readonly<Record<string, unknown>>;
  readonly vars: readonly string[];
  readonly loop?: number;
  readonly states: readonly Readonly<Record<string, unknown>>[];
}

/** The step that led to a state is its variable "action_taken". */
export function itfTrace({ model, property, initial, steps, cycleFrom }: Trace): ItfTrace {
  const vars = [...Object.keys(initial), ACTION];
  let current: Readonly<Record<string, unknown>> = initial;
  const states = [{ "#meta": { index: 0 }, ...initial, [ACTION]: "init" }];
  steps.forEach(({ to, message, choice, changes }, i) => {
    const changed = Object.fromEntries(changes.map(({ slot, after }) => [slot, after]));
    current = { ...current, ...changed };
    const action = `${to}: ${message.type}${choice === "" ? "" : `, ${choice}`}`;
    states.push({ "#meta": { index: i + 1 }, ...current, [ACTION]: action });
  });
  return {
    "#meta": { format: "ITF", "format-description": ITF_DESCRIPTION, source: model, property },
    vars,
    ...(cycleFrom >= 0 ? { loop: cycleFrom } : {}),
    states,
  };
}

const ACTION = "action_taken";
const ITF_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html";
