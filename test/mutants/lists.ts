/** What a person wrote: mutants, and why some mutants are none. */
import { EQUIVALENTS } from "./byHand/equivalents.ts";
import { hardware } from "./byHand/hardware.ts";
import { hardwareMemory } from "./byHand/hardwareMemory.ts";
import { hypervisorMachines } from "./byHand/hypervisorMachines.ts";
import { hypervisorOperations } from "./byHand/hypervisorOperations.ts";
import { operationMachines } from "./byHand/operationMachines.ts";
import { operations } from "./byHand/operations.ts";
import { outside } from "./byHand/outside.ts";
import { pageTracking } from "./byHand/pageTracking.ts";
import { pieces } from "./byHand/pieces.ts";
import { processorState } from "./byHand/processorState.ts";
import { processors } from "./byHand/processors.ts";
import { techniques } from "./byHand/techniques.ts";
import { type HandMade, located, type Mutant, StaleMutantError } from "./mutant.ts";
import { textOf } from "./sources.ts";

export const HAND_MADE: readonly HandMade[] = [
  ...processors,
  ...hypervisorMachines,
  ...operationMachines,
  ...techniques,
  ...pageTracking,
  ...hypervisorOperations,
  ...hardware,
  ...hardwareMemory,
  ...processorState,
  ...operations,
  ...outside,
  ...pieces,
];

/** All hand-made mutants, found in the sources. @throws StaleMutantError if one is not, or two have one name */
export function handMade(root: string): Mutant[] {
  const names = new Set<string>();
  return HAND_MADE.map((one) => {
    if (names.has(one.name)) throw new StaleMutantError(`${one.name}: there are two of this name`);
    names.add(one.name);
    return located(one, textOf(root, one.file));
  });
}

/** Why a mutant cannot be told from the program; null if nobody says so. */
export function equivalence(name: string): string | null {
  return EQUIVALENTS[name] ?? null;
}

/** @throws StaleMutantError if an argument is about a mutant that is not among these */
export function checkEquivalents(mutants: readonly Mutant[]): void {
  const names = new Set(mutants.map(({ name }) => name));
  const dangling = Object.keys(EQUIVALENTS).filter((name) => !names.has(name));
  if (dangling.length === 0) return;
  throw new StaleMutantError(
    `equivalents.ts argues about mutants that are not: ${dangling.join("; ")}`,
  );
}
