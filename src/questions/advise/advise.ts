/** `trackvisor advise`: the runs that a scenario's questions need, and the answers from them. */
import { checkLoaded, refuseUnread } from "../../runs/scenarioFile.ts";
import type { ComparisonRow } from "../compare.ts";
import { contenders } from "../contenders.ts";
import { askMigration, MIGRATIONS_MOST } from "./askMigration.ts";
import { termsOf } from "./migration.ts";
import type { MigrationAnswer } from "./migrationAnswer.ts";
import { type BookOptions, RunBook } from "./runBook.ts";
import { askProbes, type Probed, probesOf, rivalsAmong, sensitivityMost } from "./sensitivity.ts";
import { type AdviseAsked, SEEDS, type Subject, subjectOf } from "./subject.ts";
import { compareDone, planTrackers, type TrackerAnswer, trackerAnswers } from "./trackers.ts";
import {
  ESTIMATORS_MOST,
  estimators,
  planAlone,
  planEstimates,
  type WorkingSetAnswer,
  windowOf,
  workingSetAnswers,
} from "./workingSet.ts";

/** What came of it; the book has the runs. Null: not asked. */
export interface Answers {
  readonly subject: Subject;
  readonly book: RunBook;
  readonly trackers: TrackersAnswered | null;
  readonly migration: MigrationAnswer | null;
  readonly workingSets: readonly WorkingSetAnswer[] | null;
  readonly sensitivity: readonly Probed[] | null;
}

export interface TrackersAnswered {
  readonly answers: readonly TrackerAnswer[];
  readonly rows: readonly ComparisonRow[];
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/** How many runs an advice takes at most. */
export function runsAtMost({ questions, seeds }: Pick<AdviseAsked, "questions" | "seeds">): number {
  const each = seeds?.length ?? SEEDS;
  const most = {
    trackers: (contenders().length + 1) * each,
    migration: MIGRATIONS_MOST * each,
    workingSet: ESTIMATORS_MOST * each + 1,
    sensitivity: sensitivityMost(),
  };
  return questions.reduce((sum, question) => sum + most[question], 0);
}

/**
 * Does the runs and answers.
 * @throws Interrupted
 * @throws UserError for a mistake in the scenario or in what is asked
 */
export async function advise(asked: AdviseAsked, options: BookOptions): Promise<Answers> {
  const subject = subjectOf(asked);
  const book = new RunBook(options);
  try {
    return await answersOf(subject, book);
  } finally {
    await book.close();
  }
}

async function answersOf(subject: Subject, book: RunBook): Promise<Answers> {
  const { questions } = subject.asked;
  refuseMistakes(subject);
  const trackers = questions.includes("trackers") ? await askTrackers(subject, book) : null;
  const migration = questions.includes("migration") ? await askMigration(subject, book) : null;
  const workingSets = questions.includes("workingSet") ? await askWorkingSets(subject, book) : null;
  const rivals = trackers === null ? null : rivalsAmong(trackers.rows);
  const sensitivity = questions.includes("sensitivity")
    ? await askProbes(probesOf(subject, migration !== null, rivals), book)
    : null;
  return { subject, book, trackers, migration, workingSets, sensitivity };
}

/** Before anything is run. @throws UserError for a mistake in the scenario, with its place, or in what is asked */
function refuseMistakes(subject: Subject): void {
  const { questions, window, load, common } = subject.asked;
  refuseUnread(load(common));
  // Guests without an end of their own are given one in each run.
  checkLoaded(load([...common, subject.until]));
  if (questions.includes("migration")) termsOf(subject);
  if (questions.includes("workingSet") && window !== undefined) {
    for (const one of estimators(subject, window, subject.spanCycles)) planEstimates(subject, one);
  }
}

async function askTrackers(subject: Subject, book: RunBook): Promise<TrackersAnswered> {
  const plan = planTrackers(subject, subject.seeds);
  await book.do("runs of trackers", plan.runs);
  await book.do("runs without tracking", plan.bases(book));
  const comparison = await compareDone(subject, book, subject.seeds);
  return {
    answers: trackerAnswers(plan, comparison, subject, book),
    rows: comparison.rows,
    refused: comparison.compared.refused,
  };
}

/** How long a window is follows from how long the guests run. */
async function askWorkingSets(subject: Subject, book: RunBook): Promise<WorkingSetAnswer[]> {
  const alone = planAlone(subject);
  await book.do("runs without tracking", [alone]);
  const length = Math.min(book.summary(alone).time, subject.spanCycles);
  const window = windowOf(subject, length);
  const estimated = estimators(subject, window, length).map((estimator) => ({
    estimator,
    runs: planEstimates(subject, estimator),
  }));
  await book.do(
    "runs of estimators",
    estimated.flatMap(({ runs }) => runs),
  );
  return workingSetAnswers(subject, estimated, book);
}
