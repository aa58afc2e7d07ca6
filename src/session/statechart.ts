/** A machine's states and ways, as its definition has them. */
import type { AnyStateMachine } from "xstate";
import type { ChartState } from "./frame.ts";

interface TransitionText {
  readonly target?: string;
  readonly guard?: unknown;
  readonly actions?: unknown;
}

const made = new WeakMap<AnyStateMachine, readonly ChartState[]>();

/** The statechart as written: states in order, each with its transitions, those of the machine last. One of each machine. */
export function chartOf(machine: AnyStateMachine): readonly ChartState[] {
  const chart = made.get(machine) ?? statesOf(machine);
  made.set(machine, chart);
  return chart;
}

function statesOf(machine: AnyStateMachine): readonly ChartState[] {
  const { states = {}, on } = machine.config;
  const own = Object.entries(states).map(([name, state]) => ({
    name,
    transitions: [
      ...transitionsOf(state.on ?? {}),
      ...transitionsOf({ always: state.always ?? [] }),
    ],
  }));
  const everywhere = transitionsOf(on ?? {});
  return everywhere.length === 0 ? own : [...own, { name: "any", transitions: everywhere }];
}

function transitionsOf(on: object): ChartState["transitions"] {
  return Object.entries(on).flatMap(([event, value]) =>
    [value].flat().map((one: string | TransitionText) => {
      const transition = typeof one === "string" ? { target: one } : one;
      const { target = "", guard = "", actions = [] } = transition;
      return {
        event,
        guard: String(guard),
        target: target.replace(/^\./, ""),
        actions: [actions].flat().map(String),
      };
    }),
  );
}
