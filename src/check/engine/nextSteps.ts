/** The steps of a state that an expander has expanded, each with the state after it. */
import { wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import { isWithoutStep } from "./transitions.ts";

/** A step of a state: who does it, by which channel, what it breaks, and the state after it. */
export interface Next {
  /** The local step, or, of one that only drops its message, whose it is. */
  readonly local: number;
  readonly component: number;
  readonly channel: number;
  readonly broken: number;
  readonly ids: Int32Array;
}

export function nextOf(expander: Expander): Next[] {
  const { component, channel } = expander.transitions;
  return Array.from({ length: expander.count }, (_, step) => {
    const transition = wordAt(expander.step, step);
    const ids = expander.ids.slice();
    expander.apply(step, ids);
    return {
      local: localOf(expander, step),
      component: wordAt(component, transition),
      channel: wordAt(channel, transition),
      broken: expander.brokenBits(step),
      ids,
    };
  });
}

export function localOf({ step, transitions }: Expander, at: number): number {
  const transition = wordAt(step, at);
  const outcome = wordAt(transitions.outcome, transition);
  return isWithoutStep(outcome) ? -1 - wordAt(transitions.component, transition) : outcome;
}
