/** A run of a model as data: who took which message, what it sent, and what changed. For every way of showing it. */

import { itemAt, wordAt } from "../lookup.ts";
import { channelAt } from "./engine/channel.ts";
import { load, type Searched } from "./engine/explored.ts";
import { type Model, shownMessage } from "./engine/model.ts";
import { BY_ITSELF, DROPPED, isWithoutStep, LOST } from "./engine/transitions.ts";
import type { Edge, Run } from "./properties/liveness.ts";

export interface TraceSend {
  readonly to: string;
  readonly message: Readonly<Record<string, unknown>>;
}

export interface TraceChange {
  readonly slot: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface TraceStep {
  /** Sender; empty for what the actor does by itself. */
  readonly from: string;
  readonly to: string;
  /** The receiver's machine, and its state before. */
  readonly machine: string;
  readonly state: string;
  readonly message: Readonly<Record<string, unknown>> & { readonly type: string };
  /** What was chosen: a guest's next access. Empty if nothing was. */
  readonly choice: string;
  /** The receiver did nothing with it. */
  readonly dropped: boolean;
  /** The network has lost it: it never came. */
  readonly lost: boolean;
  readonly sends: readonly TraceSend[];
  /** Slots that changed, channels apart. */
  readonly changes: readonly TraceChange[];
  /** Step properties that it broke. */
  readonly broken: readonly string[];
}

export interface Trace {
  readonly model: string;
  readonly property: string;
  /** Values of all slots but channels, before the first step. */
  readonly initial: Readonly<Record<string, unknown>>;
  readonly steps: readonly TraceStep[];
  /** Number of the first step that repeats for ever; -1 if the run ends. */
  readonly cycleFrom: number;
}

/** Puts a run of an exploration into words. */
export function traceOf(exploration: Searched, property: string, run: Run): Trace {
  const { model } = exploration;
  load(exploration, 0);
  const initial: Record<string, unknown> = {};
  model.slots.forEach((slot, number) => {
    if (model.channels[number] !== null) return;
    initial[slot.name] = slot.values[wordAt(exploration.expander.ids, number)];
  });
  return {
    model: model.name,
    property,
    initial,
    steps: [...run.edges, ...run.cycle].map((edge) => stepOf(exploration, edge)),
    cycleFrom: run.cycle.length > 0 ? run.edges.length : -1,
  };
}

function stepOf(exploration: Searched, { from, step }: Edge): TraceStep {
  const { model, expander } = exploration;
  load(exploration, from);
  const before = expander.ids.slice();
  const after = before.slice();
  expander.apply(step, after);
  const { transitions } = expander;
  const transition = wordAt(expander.step, step);
  const channel = wordAt(transitions.channel, transition);
  const outcome = wordAt(transitions.outcome, transition);
  const { pool } = expander.steps;
  const component = itemAt(model.components, wordAt(transitions.component, transition));
  const message = shownMessage(
    itemAt(model.messages.values, wordAt(transitions.message, transition)),
  );
  const changes: TraceChange[] = [];
  model.slots.forEach(({ name, values }, slot) => {
    if (model.channels[slot] !== null || before[slot] === after[slot]) return;
    changes.push({
      slot: name,
      before: values[wordAt(before, slot)],
      after: values[wordAt(after, slot)],
    });
  });
  return {
    from: channel === BY_ITSELF ? "" : senderOf(model, channel),
    to: component.name,
    machine: component.machine.id,
    state: stateNameOf(itemAt(model.slots, component.slot).values[wordAt(before, component.slot)]),
    message,
    choice: expander.steps.choiceAt(outcome),
    dropped: outcome === DROPPED,
    lost: outcome === LOST,
    sends: isWithoutStep(outcome) ? [] : sendsOf(exploration, pool, outcome),
    changes,
    broken: expander.steps.brokenBy(expander.brokenBits(step)),
  };
}

function senderOf({ channels, components }: Model, channel: number): string {
  const { from = null, outside = "" } = channels[channel] ?? {};
  return from === null ? outside : itemAt(components, from).name;
}

/** The name of an actor's state; empty for what is none, or has no name. */
export function stateNameOf(state: unknown): string {
  const hasName = typeof state === "object" && state !== null && "value" in state;
  return hasName ? String(state.value ?? "") : "";
}

function sendsOf({ model }: Searched, pool: Int32Array, outcome: number): TraceSend[] {
  const sends: TraceSend[] = [];
  let at = outcome + 3 + 2 * wordAt(pool, outcome + 2);
  for (let channels = wordAt(pool, at++); channels > 0; channels--) {
    const { receivers } = channelAt(model.channels, wordAt(pool, at));
    const to = receivers.map((receiver) => itemAt(model.components, receiver).name).join(", ");
    for (let count = wordAt(pool, at + 1), i = 0; i < count; i++) {
      sends.push({
        to,
        message: shownMessage(itemAt(model.messages.values, wordAt(pool, at + 2 + i))),
      });
    }
    at += 2 + wordAt(pool, at + 1);
  }
  return sends;
}

/** One message in one line: its type, and its payload but for addresses. */
export function messageText({ type, ...payload }: TraceStep["message"]): string {
  const parts = Object.entries(payload)
    .filter(([key, value]) => !ADDRESSES.includes(key) && typeof value !== "object")
    .map(([key, value]) => `${key} ${String(value)}`);
  return parts.length === 0 ? type : `${type} (${parts.join(", ")})`;
}

/** Numbers of actors mean nothing to a reader. */
const ADDRESSES = ["dispatcher", "tracker", "requester", "mmu", "cycles", "spent"];
