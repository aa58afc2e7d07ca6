/** A seeded sample of the operators' proposals: the same seed and the same sources, the same mutants. */
import { Random } from "../../workloads/random.ts";
import type { Mutant } from "./mutant.ts";
import { proposalsFor } from "./operators.ts";
import { AREAS, areaOf, sourceFiles, textOf } from "./sources.ts";
import type { TypeCheck } from "./typeCheck.ts";

export function allProposals(root: string): Mutant[] {
  return sourceFiles(root).flatMap((file) => proposalsFor(file, textOf(root, file)));
}

/**
 * Draws mutants that compile: areas take turns, within an area the classes, within a class any proposal is as
 * likely as any other. So rare mistakes, such as a lost message, are not outnumbered by constants.
 */
export function sampled(
  root: string,
  { count, seed }: { readonly count: number; readonly seed: number },
  typeCheck: TypeCheck,
): Mutant[] {
  const random = new Random(seed);
  const areas = AREAS.map(() => new Map<string, Mutant[]>());
  for (const mutant of allProposals(root)) {
    const classes = areas[AREAS.findIndex(({ name }) => name === areaOf(mutant.file))]!;
    const list = classes.get(mutant.class) ?? [];
    list.push(mutant);
    classes.set(mutant.class, list);
  }
  const draws = areas.map((classes) => inTurns([...classes.values()], random));
  const chosen: Mutant[] = [];
  for (let turn = 0; chosen.length < count && draws.some((list) => list.length > 0); turn++) {
    const list = draws[turn % draws.length]!;
    for (let mutant = list.shift(); mutant !== undefined; mutant = list.shift()) {
      if (!typeCheck.accepts(mutant)) continue;
      chosen.push(mutant);
      break;
    }
  }
  return chosen;
}

/**
 * So many of the hand-made mutants, areas in turns; all of them, in their own order, if there are no more.
 * @param isKnown says which were tried before: those come first, whatever became of them
 */
export function drawnByHand(
  all: readonly Mutant[],
  count: number,
  seed: number,
  isKnown: (mutant: Mutant) => boolean,
): Mutant[] {
  if (count >= all.length) return [...all];
  const known = all.filter(isKnown);
  const others = all.filter((mutant) => !known.includes(mutant));
  const areas = AREAS.map(({ name }) => others.filter(({ file }) => areaOf(file) === name));
  return [...known, ...inTurns(areas, new Random(seed))].slice(0, count);
}

/** All of these lists, shuffled, one element of each list after the other. */
function inTurns(lists: readonly Mutant[][], random: Random): Mutant[] {
  const shuffled = lists.map((list) => shuffle(list, random));
  const result: Mutant[] = [];
  const longest = Math.max(0, ...shuffled.map(({ length }) => length));
  for (let i = 0; i < longest; i++) {
    for (const list of shuffled) if (i < list.length) result.push(list[i]!);
  }
  return result;
}

function shuffle(list: readonly Mutant[], random: Random): Mutant[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [result[i], result[other]] = [result[other]!, result[i]!];
  }
  return result;
}
