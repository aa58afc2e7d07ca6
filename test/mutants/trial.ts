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

/** Trials in which no judge counts that complains without any mutant, as one may of a tree that it was not measured on. */
export class Trials {
  readonly #scratch: Scratch;
  readonly #say: (text: string) => void;
  /** By name: whether it is content without a mutant. */
  readonly #fair = new Map<string, boolean>();

  /** @param fair judges that are known to be content without a mutant */
  constructor(scratch: Scratch, fair: readonly Judge[], say: (text: string) => void) {
    this.#scratch = scratch;
    this.#say = say;
    for (const { name } of fair) this.#fair.set(name, true);
  }

  async of(mutant: Mutant, text: string, judges: readonly MeasuredJudge[]): Promise<Result> {
    const asked = judges.filter(({ name }) => this.#fair.get(name) !== false);
    const result = await tried(mutant, text, asked, this.#scratch);
    const by = asked.find(({ name }) => name === result.caught?.judge.name);
    if (by === undefined || (await this.#isFair(by, mutant, text))) return result;
    return this.of(mutant, text, asked);
  }

  async #isFair(judge: MeasuredJudge, mutant: Mutant, text: string): Promise<boolean> {
    const { name } = judge;
    const known = this.#fair.get(name);
    if (known !== undefined) return known;
    const none = { ...mutant, edit: { start: 0, end: 0, text: "" } };
    const { caught } = await tried(none, text, [judge], this.#scratch);
    this.#fair.set(name, caught === null);
    if (caught !== null) {
      this.#say(`${name} fails without any mutant and is left out: ${caught.by}`);
    }
    return caught === null;
  }
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
