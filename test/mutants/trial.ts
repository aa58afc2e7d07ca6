/** One mutant against its judges. */
import { type Catch, judgeByModels, judgeByTests } from "./judges.ts";
import type { Result } from "./kept.ts";
import type { MeasuredJudge } from "./measured.ts";
import { type Mutant, mutated } from "./mutant.ts";
import type { Scratch } from "./scratch.ts";

/** @param text of the mutant's file, as it is in the tree; @param judges in their order */
export async function tried(
  mutant: Mutant,
  text: string,
  judges: readonly MeasuredJudge[],
  scratch: Scratch,
): Promise<Result> {
  const start = performance.now();
  const seconds = new Map(judges.map((judge) => [judge.name, judge.seconds]));
  const options = {
    directory: scratch.directory,
    usual: (name: string) => seconds.get(name),
  };
  const namesOf = (kind: MeasuredJudge["kind"]): string[] =>
    judges.filter((judge) => judge.kind === kind).map(({ name }) => name);
  scratch.write(mutant.file, mutated(text, mutant));
  let caught: Catch | null;
  try {
    caught =
      (await judgeByModels(namesOf("model"), options)) ??
      (await judgeByTests(namesOf("test"), options));
  } finally {
    scratch.restore(mutant.file);
  }
  return {
    name: mutant.name,
    caught,
    judges: judges.length,
    seconds: (performance.now() - start) / 1000,
  };
}
