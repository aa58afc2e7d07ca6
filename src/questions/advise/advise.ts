/** `trackvisor advise`: the runs that a scenario's questions need, and the answers from them. */
import type { PoolOptions } from "../../runs/pool.ts";
import { CONTENDERS } from "../contenders.ts";
import { askMigration, MIGRATIONS_MOST } from "./askMigration.ts";
import type { MigrationAnswer } from "./migrationAnswer.ts";
import { type BookOptions, RunBook } from "./runBook.ts";
import { type AdviseAsked, SEEDS, type Subject, subjectOf } from "./subject.ts";
import { compareDone, planTrackers, type TrackerAnswer, trackerAnswers } from "./trackers.ts";

/** What came of it; the book has the runs. */
export interface Answers {
  readonly subject: Subject;
  readonly book: RunBook;
  readonly trackers: TrackersAnswered | null;
  readonly migration: MigrationAnswer | null;
}

export interface TrackersAnswered {
  readonly answers: readonly TrackerAnswer[];
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

export type AdviseOptions = BookOptions & Pick<PoolOptions, "store">;

/** How many runs an advice takes at most. */
export function runsAtMost({ questions, seeds }: Pick<AdviseAsked, "questions" | "seeds">): number {
  const each = seeds?.length ?? SEEDS;
  const trackers = (CONTENDERS.length + 1) * each;
  const migration = MIGRATIONS_MOST * each;
  return (
    (questions.includes("trackers") ? trackers : 0) +
    (questions.includes("migration") ? migration : 0)
  );
}

/**
 * Does the runs and answers.
 * @throws Interrupted
 * @throws UserError for a mistake in the scenario or in what is asked
 */
export async function advise(asked: AdviseAsked, options: AdviseOptions): Promise<Answers> {
  const subject = subjectOf(asked);
  const book = new RunBook(options);
  const { questions } = asked;
  const trackers = questions.includes("trackers") ? await askTrackers(subject, book) : null;
  const migration = questions.includes("migration") ? await askMigration(subject, book) : null;
  return { subject, book, trackers, migration };
}

async function askTrackers(subject: Subject, book: RunBook): Promise<TrackersAnswered> {
  const plan = planTrackers(subject, subject.seeds);
  await book.do("runs of trackers", plan.runs);
  await book.do("runs without tracking", plan.bases(book));
  const comparison = await compareDone(subject, book, subject.seeds);
  return {
    answers: trackerAnswers(plan, comparison, subject, book),
    refused: comparison.compared.refused,
  };
}
