/** `npm run mutants`: tries mutants of the sources on the models and the tests (docs/mutants.md). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import {
  digest,
  Kept,
  type KeptJudges,
  keepJudges,
  keptJudges,
  type Result,
  sourceDigests,
  treeDigest,
} from "./kept.ts";
import { checkEquivalents, equivalence, handMade } from "./lists.ts";
import { importersIn, isQuick, judgesBeside, judgesOf, measureJudges } from "./measured.ts";
import { lineOf, type Mutant, StaleMutantError } from "./mutant.ts";
import { page, score, summary, type Tried, verdictOf } from "./report.ts";
import { allProposals, drawnByHand, sampled } from "./sampling.ts";
import { Scratch } from "./scratch.ts";
import { textOf } from "./sources.ts";
import { Trials } from "./trial.ts";
import { keptTypeCheckIn } from "./typeCheck.ts";

/** Percent of the mutants that are not equivalent. */
const BAR = 95;
const SAMPLE_DEFAULT = 160;
const SEED_DEFAULT = 1;
const USAGE_ERROR = 2;
const INTERRUPTED = 130;
const PAGE = "docs/mutants.md";

interface Options {
  readonly sample: number;
  readonly byHand?: number;
  readonly seed: number;
  readonly only?: string;
  readonly list?: true;
  readonly resume?: true;
  readonly measure?: true;
  readonly quick?: true;
}

const root = process.cwd();
// Judges that run, and the copy of the tree, go with the process ("exit", in judges.ts and scratch.ts).
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(INTERRUPTED));
}

await new Command("mutants")
  .description("try mutants of the sources on the models and the tests (docs/mutants.md)")
  .option(
    "--sample <number>",
    "mutants to be drawn beside the hand-made ones",
    whole,
    SAMPLE_DEFAULT,
  )
  .option(
    "--by-hand <number>",
    "hand-made mutants, drawn from all areas alike; default: all of them",
    whole,
  )
  .option("--seed <number>", "of the draws", whole, SEED_DEFAULT)
  .option("--only <glob>", "mutants of these files, or of these names; the page is not written")
  .option("--list", "name the mutants and try none")
  .option("--resume", "go on with the mutants of earlier runs; keep results that still hold")
  .option("--measure", "measure anew what each judge runs, even if that is known")
  .option("--quick", "ask the quick judges alone; what they do not notice is not kept")
  .action(async (options: Options) => {
    try {
      await run(options);
    } catch (error) {
      if (!(error instanceof StaleMutantError)) throw error;
      say(error.message);
      process.exitCode = USAGE_ERROR;
    }
  })
  .parseAsync();

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number.");
}

/** Whether a name is one of a pattern's: "*" stands for anything but "/", "**" for anything. */
function matches(file: string, pattern: string): boolean {
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(file);
}

function say(text: string): void {
  process.stderr.write(`mutants: ${text}\n`);
}

async function run(options: Options): Promise<void> {
  const { only, seed } = options;
  const byHand = handMade(root);
  checkEquivalents([...byHand, ...allProposals(root)]);
  const kept = new Kept(root);
  const mutants = chosen(byHand, kept, options);
  if (mutants.length === 0 && only !== undefined)
    throw new StaleMutantError(`--only ${only}: there is no such mutant`);
  if (options.list) {
    for (const mutant of mutants) process.stdout.write(`${described(mutant)}\n`);
    return;
  }
  const all = await tryAll(mutants, await judgesFor(options), kept, options);
  process.stdout.write(`${summary(all)}\n`);
  for (const one of all) {
    if (verdictOf(one) === "survived") process.stdout.write(`survived: ${described(one.mutant)}\n`);
  }
  if (only === undefined && !options.quick) {
    const date = new Date().toISOString().slice(0, 10);
    writeFileSync(
      join(root, PAGE),
      page(all, { date, seed, proposals: allProposals(root).length, byHand: byHand.length }),
    );
  }
  if (score(all) < BAR) process.exitCode = 1;
}

/** Those of the hand-made ones and of the operators' that are to be tried. */
function chosen(byHand: readonly Mutant[], kept: Kept, options: Options): Mutant[] {
  const { sample, seed, only, resume, byHand: count = byHand.length } = options;
  const isKnown = (mutant: Mutant): boolean => resume === true && kept.knows(mutant);
  const drawn = sampled(root, { count: sample, seed }, keptTypeCheckIn(root));
  return [...drawnByHand(byHand, count, seed, isKnown), ...drawn].filter(({ file, name }) => {
    return only === undefined || name === only || matches(name, only) || matches(file, only);
  });
}

function described(mutant: Mutant): string {
  const { name, file, damage } = mutant;
  const place = `${file}:${lineOf(textOf(root, file), mutant)}`;
  return damage === "" ? `${name} (${place})` : `${name} (${place}): ${damage}`;
}

/** Those that are known, and those that have come since. */
async function judgesFor({ measure }: Options): Promise<KeptJudges> {
  const [now, sources] = [treeDigest(root), sourceDigests(root)];
  const kept = measure === true ? null : keptJudges(root);
  const before = kept ?? { judges: [], tree: now, sources };
  if (before.tree !== now) say("the judges were measured on another tree: see --measure");
  const others = judgesBeside(before.judges, root);
  if (others.models.length + others.tests.length === 0) return before;
  say("measuring what each model and each test runs");
  const judges = [...before.judges, ...(await measureJudges(root, others, say))];
  const same = Object.entries(sources).filter(([file, own]) => before.sources[file] === own);
  const all = { judges, tree: before.tree, sources: Object.fromEntries(same) };
  keepJudges(root, all);
  return all;
}

async function tryAll(
  mutants: readonly Mutant[],
  { judges, sources, tree }: KeptJudges,
  kept: Kept,
  { resume, quick }: Options,
): Promise<Tried[]> {
  const importers = importersIn(root);
  const scratch = new Scratch(root);
  const trials = new Trials(scratch, tree === treeDigest(root) ? judges : [], say);
  const all: Tried[] = [];
  try {
    for (const mutant of mutants) {
      const text = textOf(root, mutant.file);
      let result = resume ? kept.find(mutant) : null;
      if (result === null) {
        const isAsMeasured = sources[mutant.file] === digest(text);
        const own = judgesOf(mutant, text, judges, importers, isAsMeasured);
        // What is argued to be no mistake is not asked about at length.
        const short = quick === true || equivalence(mutant.name) !== null;
        result = await trials.of(mutant, text, short ? own.filter(isQuick) : own);
        if (!quick || result.caught !== null) kept.add(mutant, result);
        say(`${all.length + 1} of ${mutants.length}: ${mutant.name}: ${told(result)}`);
      }
      all.push({ mutant, result, text });
    }
  } finally {
    scratch.remove();
  }
  return all;
}

function told({ caught, judges, seconds }: Result): string {
  const time = `${seconds.toFixed(0)} s`;
  if (caught === null) return `SURVIVED ${judges} judges (${time})`;
  const messages = caught.messages === null ? "" : `, ${caught.messages} messages`;
  return `${caught.judge.name}: ${caught.by}${messages} (${time})`;
}
