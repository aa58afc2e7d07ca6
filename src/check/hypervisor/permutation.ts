/** Other numbers for pages, vCPUs, physical CPUs and actors. */
import type { Renumbering } from "../../hardware/normalForm.ts";
import type { ActorId } from "../../interconnect/messages.ts";

/** The number that each gets; whoever is not exchanged keeps its own. */
export interface Permutation extends Renumbering {
  pcpu(pcpu: number): number;
  /** An actor's address; 0 stays 0. */
  actor(id: ActorId): ActorId;
}

/** All orders of the numbers below `count`, as lists of what each becomes; the first changes nothing. */
export function permutations(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, i) => shorter.toSpliced(shorter.length - i, 0, count - 1)),
  );
}
