/** Predicates by the names of states, which are checked when the model is built, and combinations of predicates. */

import { itemAt } from "../../lookup.ts";
import type { Predicate } from "../properties/property.ts";
import { isInState } from "./machineShape.ts";
import type { ActorState } from "./spec.ts";

/** Whether an actor is in a state, or in one inside it: "a", or "a.b" for a state b in a. Of a crashed actor: no. */
export function inState(actor: string, state: string): Predicate {
  return {
    over: [actor],
    holds: ({ value }: ActorState) => isInState(value, state),
    states: [{ actor, state }],
  };
}

/** Whether an actor has crashed and has not started again. */
export function isCrashed(actor: string): Predicate {
  return { over: [actor], holds: ({ status }: ActorState) => status === "crashed" };
}

export function allOf(...predicates: readonly Predicate[]): Predicate {
  return combined(predicates, (answers) => answers.every(Boolean));
}

export function anyOf(...predicates: readonly Predicate[]): Predicate {
  return combined(predicates, (answers) => answers.some(Boolean));
}

export function not(predicate: Predicate): Predicate {
  return combined([predicate], ([answer]) => answer === false);
}

function combined(
  predicates: readonly Predicate[],
  decide: (answers: readonly boolean[]) => boolean,
): Predicate {
  const over = [...new Set(predicates.flatMap((one) => one.over))];
  const places = predicates.map((one) => one.over.map((slot) => over.indexOf(slot)));
  return {
    over,
    holds: (...values: readonly unknown[]) =>
      decide(
        predicates.map(({ holds }, i) =>
          holds(...itemAt(places, i).map((at) => itemAt(values, at))),
        ),
      ),
    states: predicates.flatMap(({ states = [] }) => states),
  };
}
