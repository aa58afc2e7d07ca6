/** One mutant against its judges. */
import { type Catch, type Judge, judgeByModels, judgeByTests } from "./judges.ts";
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
  scratch.write(mutant.file, mutated(text, mutant));
  let caught: Catch | null = null;
  try {
    for (const { kind, names } of processesFor(judges)) {
      caught = await (kind === "model" ? judgeByModels : judgeByTests)(names, options);
      if (caught !== null) break;
    }
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

/** One process for all judges of one kind that follow each other. */
function processesFor(judges: readonly Judge[]): { kind: Judge["kind"]; names: string[] }[] {
  const processes: { kind: Judge["kind"]; names: string[] }[] = [];
  for (const { kind, name } of judges) {
    const last = processes.at(-1);
    if (last?.kind === kind) last.names.push(name);
    else processes.push({ kind, names: [name] });
  }
  return processes;
}
