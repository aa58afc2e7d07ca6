/** `trackvisor advise`: answers in words, with numbers, and the run behind each. */
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import { nearest } from "../config/nearest.ts";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { print, printJson } from "../io/standardStreams.ts";
import { type Advice, adviceOf } from "../questions/advise/advice.ts";
import { advise, runsAtMost } from "../questions/advise/advise.ts";
import { type AdviseAsked, QUESTIONS, type Question } from "../questions/advise/subject.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { loaderOf, sourceWords } from "../runs/scenarioFile.ts";
import { adviceLines } from "./adviseReport.ts";
import { IMPORT, importModules, SET, seedList, UNTIL } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { defaultStore, RUNS_UNASKED, WORKERS, withProgress, YES } from "./poolOptions.ts";

const EXIT_INTERRUPTED = 130;

interface AdviseOptions {
  readonly only?: readonly Question[];
  readonly link?: string;
  readonly downtime?: string;
  readonly window?: string;
  readonly span?: string;
  readonly horizon?: string;
  readonly seeds?: readonly number[];
  readonly until?: string;
  readonly set: readonly Override[];
  readonly workers?: number;
  readonly store?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** The command. Exit codes: 0 fine, 2 bad input, 130 interrupted. A migration that gives up is an answer. */
export function adviseCommand(): Command {
  return new Command("advise")
    .description(
      "tracker, migration, working set: answers in words, backed by runs (docs/advise.md)",
    )
    .argument("<scenario>", "scenario or trace, for its guests")
    .option("--only <questions>", `some of ${QUESTIONS.join(", ")}`, questionList)
    .option("--link <rate>", "that a migration has, such as 10Gbit/s")
    .option("--downtime <time>", "that a migration may have at most, such as 300ms")
    .option("--window <time>", "of the working set")
    .option("--span <time>", "how long trackers and estimators look at the guests")
    .option("--horizon <time>", "how long a migration may take")
    .option("--seeds <seeds>", "such as 1..5; default: the scenario's and the next two", seedList)
    .option(...UNTIL)
    .option(...SET)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option(...WORKERS)
    .option("--store <directory>", "where finished runs are kept; default: the user's cache")
    .option(...YES)
    .option("--json", "print one JSON object (docs/advise.schema.json)")
    .action(run);
}

function questionList(text: string): Question[] {
  return text.split(",").map((name) => {
    const found = QUESTIONS.find((one) => one === name.trim());
    if (found !== undefined) return found;
    throw new UserError(
      `--only: there is no "${name}"${nearest(name, QUESTIONS)} (questions: ${QUESTIONS.join(", ")})`,
    );
  });
}

async function run(name: string, options: AdviseOptions): Promise<void> {
  const asked = askedOf(name, options);
  const most = runsAtMost(asked);
  if (most > RUNS_UNASKED && options.yes !== true) {
    throw new UserError(`up to ${grouped(most)} runs; give --yes to run that many`);
  }
  const store = new RunStore(options.store ?? defaultStore(), codeVersion(), noteDamaged);
  const advice = await withProgress(async (signal, onProgress): Promise<Advice> => {
    const answers = await advise(asked, { store, workers: options.workers, signal, onProgress });
    return adviceOf(answers, measuringVersion(), sourceWords(name));
  });
  if (advice === null) process.exitCode = EXIT_INTERRUPTED;
  else if (options.json) printJson(advice);
  else print(...adviceLines(advice));
}

function askedOf(name: string, options: AdviseOptions): AdviseAsked {
  const { until, set, seeds = null, only = QUESTIONS } = options;
  const { link, downtime, window, span, horizon } = options;
  return {
    load: loaderOf(name),
    common: [
      ...(until === undefined ? [] : [{ path: ["until"], value: until, origin: "--until" }]),
      ...set,
    ],
    seeds,
    questions: only,
    ...{ link, downtime, window, span, horizon },
  };
}
