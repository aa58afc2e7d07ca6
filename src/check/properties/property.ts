/** Properties of a model, as plain predicates with names. */
import type { AnyEventObject } from "xstate";

/** A state that a predicate speaks of by its name. */
export interface NamedState {
  readonly actor: string;
  readonly state: string;
}

/** A question about a state: a predicate over the values of some slots. */
export interface Predicate {
  /** Names of slots: actors, channels ("A -> B"), the observer. */
  readonly over: readonly string[];
  /**
   * Depends on its arguments alone: each combination of values is asked once. A method, here and where other questions
   * are declared, as TypeScript lets one be written for the values of just those slots.
   */
  holds(...values: readonly unknown[]): boolean;
  /** States that it speaks of by name: they must exist. */
  readonly states?: readonly NamedState[];
}

/** A step, as a step property sees it. */
export interface SeenStep<State = unknown> {
  readonly event: AnyEventObject;
  /** Who sent it; null for what the receiver does by itself. */
  readonly sender: string | null;
  readonly receiver: string;
  /** The receiver's state before and after. */
  readonly before: State;
  readonly after: State;
  /** What the step sends. */
  readonly sent: readonly { readonly to: readonly string[]; readonly event: AnyEventObject }[];
  /** False: the receiver does nothing with it. */
  readonly taken: boolean;
  /** The network has lost it. */
  readonly lost: boolean;
}

/** Which one of several properties it is that differ by a number: of a vCPU, or of a physical CPU. */
export interface Each {
  readonly of: "vcpu" | "pcpu";
  readonly number: number;
  /** The name of the one of another number. */
  readonly nameOf: (number: number) => string;
}

export type Property = { readonly each?: Each } & PropertyOfKind;

type PropertyOfKind =
  /** Holds in every state; `when`: in every state where that holds, and such a state must exist. */
  | {
      readonly kind: "always";
      readonly name: string;
      readonly when?: Predicate;
      readonly that: Predicate;
    }
  /**
   * No step breaks it: it holds of each (`that`), or components report the steps that break it. `seen`: a state
   * that must exist, so that it says something.
   */
  | {
      readonly kind: "step";
      readonly name: string;
      that?(step: SeenStep): boolean;
      readonly seen?: Predicate;
    }
  /** Some state, which is shown. */
  | { readonly kind: "sometimes"; readonly name: string; readonly that: Predicate }
  /** Every fair run comes to such a state. */
  | { readonly kind: "eventually"; readonly name: string; readonly that: Predicate }
  /** After each state where `when` holds, every fair run comes to one where `that` does. */
  | {
      readonly kind: "leadsTo";
      readonly name: string;
      readonly when: Predicate;
      readonly that: Predicate;
    }
  /** Every state has a next one, or is final. */
  | { readonly kind: "noDeadlock"; readonly name: string };

/** The name of one of several properties that differ by a number. */
export function ofEach(
  of: Each["of"],
  number: number,
  nameOf: Each["nameOf"],
): { readonly name: string; readonly each: Each } {
  return { name: nameOf(number), each: { of, number, nameOf } };
}

/** The predicates over states that a property is made from. */
export function predicatesOf(property: Property): readonly Predicate[] {
  switch (property.kind) {
    case "always":
      return property.when === undefined ? [property.that] : [property.when, property.that];
    case "sometimes":
    case "eventually":
      return [property.that];
    case "leadsTo":
      return [property.when, property.that];
    case "step":
      return property.seen === undefined ? [] : [property.seen];
    case "noDeadlock":
      return [];
  }
}

/** What became of a property. */
export type Verdict =
  /** Proved over all states, or a witness was found. */
  | "holds"
  /** A counterexample, or no witness in all states. */
  | "violated"
  /** Neither, in the part of the space that was explored. */
  | "open"
  /** It says nothing about this model: what it speaks of never happens. */
  | "vacuous";

export type PropertyKind = Property["kind"];

/** Builds a predicate. Slot values arrive in the order of `over`. */
export function over<Values extends readonly unknown[]>(
  slots: readonly string[],
  holds: (...values: Values) => boolean,
): Predicate {
  return { over: slots, holds };
}
