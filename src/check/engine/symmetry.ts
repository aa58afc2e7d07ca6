/**
 * Symmetry reduction: of all states that differ by the numbers of what is alike (an orbit) one is kept.
 * It is right if states of one orbit do the same, up to what they are called: if their next states are in
 * the same orbits (Ip and Dill, "Better verification through symmetry", 1996; Emerson and Sistla, "Symmetry
 * and model checking", 1996). Each run checks that as it goes: see symmetryCheck.ts.
 */
import type { Expander } from "./expander.ts";

export interface Symmetry {
  /** What is alike, for the report. */
  readonly remark: string;
  /** Notes slots that have come to be; may make more. */
  adapt(): void;
  /** Is told of each local step that is worked out from now on, where that is needed. */
  attach?(expander: Expander): void;
  /** Replaces a state by its representative. It does not depend on the order of search. */
  canonicalize(ids: Int32Array): void;
  /** Checks the state that has just been expanded, where that is needed. @throws UserError if it is not symmetric */
  check(expander: Expander): void;
  /** The properties that a property becomes, itself included. */
  alike(property: string): readonly string[];
}
