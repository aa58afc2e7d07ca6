/** `npm run mutants`: tries mutants of the sources on the models and the tests (docs/mutants.md). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../../src/cli/optionParsers.ts";
import { UserError } from "../../src/errors.ts";
import { isOfShard } from "../../src/shares/shard.ts";
import { shareOf } from "../../src/shares/shareFile.ts";
import {
  keepShare,
  mergeFiles,
  refuseOtherTree,
  refuseShare,
  runScript,
  type ShareOptions,
  withShares,
} from "../shares/toolShares.ts";
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
import { MUTANT_SHARES, type MutantsAsked, mutantResult, mutantWork, triedOf } from "./share.ts";
import { textOf } from "./sources.ts";
import { Trials } from "./trial.ts";
import { keptTypeCheckIn } from "./typeCheck.ts";

/** Percent of the mutants that are not equivalent. */
const BAR = 95;
const SAMPLE_DEFAULT = 160;
const SEED_DEFAULT = 1;
const NUMBER_MAX = 999_999_999;
const USAGE_ERROR = 2;
const INTERRUPTED = 130;
const PAGE = "docs/mutants.md";

interface Options extends ShareOptions {
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

const whole = wholeNumber(0, NUMBER_MAX);
const command = new Command("mutants")
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
  .option("--quick", "ask the quick judges alone; what they do not notice is not kept");
const OTHERS = ["sample", "byHand", "seed", "only", "list", "resume", "measure", "quick"];
await runScript(
  withShares(command, OTHERS).action(async (options: Options) => {
    try {
      await run(options);
    } catch (error) {
      if (!(error instanceof StaleMutantError)) throw error;
      say(error.message);
      process.exitCode = USAGE_ERROR;
    }
  }),
);

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
  const { only, merge, output, shard, resume, byHand: drawn } = options;
  if (!options.list) refuseShare(options);
  if (shard !== undefined && resume === true && drawn !== undefined) {
    throw new UserError(
      "--by-hand with --resume draws by what a machine knows: no --shard of that",
    );
  }
  const byHand = handMade(root);
  checkEquivalents([...byHand, ...allProposals(root)]);
  const kept = new Kept(root);
  if (merge !== undefined) {
    conclude(merged(merge, byHand, kept, options), byHand);
    return;
  }
  const mutants = chosen(byHand, kept, options);
  if (mutants.length === 0 && only !== undefined)
    throw new StaleMutantError(`--only ${only}: there is no such mutant`);
  if (options.list) {
    for (const mutant of own(mutants, options)) process.stdout.write(`${described(mutant)}\n`);
    return;
  }
  const asked = askedOf(options);
  // Before the trials: of the tree as it was then.
  const work = output === undefined ? null : mutantWork(asked, mutants, sourceText);
  const all = await tryAll(own(mutants, options), await judgesFor(options), kept, options);
  if (work !== null) {
    const byMutant = new Map(all.map(({ mutant, result }) => [mutant, mutantResult(result)]));
    const share = shareOf(MUTANT_SHARES, work, shard ?? null, (place) => {
      return byMutant.get(mutants[place]!)!;
    });
    keepShare(share, options);
  }
  conclude({ asked, all, isWhole: shard === undefined }, byHand);
}

function own(mutants: readonly Mutant[], { shard }: Options): readonly Mutant[] {
  return shard === undefined ? mutants : mutants.filter((_, place) => isOfShard(place, shard));
}

function askedOf({ seed, sample, byHand, only, quick }: Options): MutantsAsked {
  return { seed, sample, byHand: byHand ?? null, only: only ?? null, quick: quick === true };
}

interface Whole {
  readonly asked: MutantsAsked;
  readonly all: readonly Tried[];
  /** Not a share of it. */
  readonly isWhole: boolean;
}

/** @throws UserError if these files do not make a whole, or one of another tree */
function merged(
  files: readonly string[],
  byHand: readonly Mutant[],
  kept: Kept,
  options: Options,
): Whole {
  const share = mergeFiles(MUTANT_SHARES, files);
  const { asked } = share;
  const { byHand: drawn, only, ...plain } = asked;
  const mutants = chosen(byHand, kept, {
    ...plain,
    ...(drawn === null ? {} : { byHand: drawn }),
    ...(only === null ? {} : { only }),
  });
  refuseOtherTree(MUTANT_SHARES, share, mutantWork(asked, mutants, sourceText));
  keepShare(share, options);
  return { asked, all: triedOf(share, mutants, sourceText), isWhole: true };
}

/** Says what became of them, and writes the page if they are all there are. */
function conclude({ asked, all, isWhole }: Whole, byHand: readonly Mutant[]): void {
  process.stdout.write(`${summary(all)}\n`);
  for (const one of all) {
    if (verdictOf(one) === "survived") process.stdout.write(`survived: ${described(one.mutant)}\n`);
  }
  if (asked.only === null && !asked.quick && isWhole) {
    const date = new Date().toISOString().slice(0, 10);
    const { seed } = asked;
    writeFileSync(
      join(root, PAGE),
      page(all, { date, seed, proposals: allProposals(root).length, byHand: byHand.length }),
    );
  }
  // Of a share too few are known to be judged.
  if (isWhole && score(all) < BAR) process.exitCode = 1;
}

function sourceText(file: string): string {
  return textOf(root, file);
}

type Drawn = Pick<Options, "sample" | "seed" | "only" | "resume" | "byHand">;

/** Those of the hand-made ones and of the operators' that are to be tried. */
function chosen(byHand: readonly Mutant[], kept: Kept, options: Drawn): Mutant[] {
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
