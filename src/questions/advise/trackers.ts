/** Which tracker is cheapest for written pages, and which for touched ones; and whether the seeds can tell. */
import type { Override } from "../../config/override.ts";
import { UserError } from "../../errors.ts";
import { RunIdentity } from "../../runs/runIdentity.ts";
import {
  type ComparisonRow,
  compareRuns,
  KINDS,
  type Ranking,
  rank,
  sentencesOf,
} from "../compare.ts";
import { type ComparisonRuns, runCandidates, underEach } from "../comparison.ts";
import { contenders as allContenders, type Contender, overridesOf } from "../contenders.ts";
import { measuresOf } from "../measures.ts";
import { untracked } from "../untracked.ts";
import type { PlannedRun, RunBook } from "./runBook.ts";
import { type Sentence, type Spread, sentence, significant, spreadOf } from "./sentence.ts";
import { durationText, lastOfEach, roundDuration, setting } from "./settings.ts";
import { commonOf, planned, type Subject } from "./subject.ts";

/** Harvests of guests whose own operation says nothing of them. */
const HARVESTS = 5;

/** "tells": the margin is more than what seeds change. */
export type MarginVerdict = "tells" | "cannot tell" | "unknown";

/** Of one kind of pages. */
export interface TrackerAnswer {
  readonly pages: Ranking["pages"];
  readonly best: string | null;
  readonly next: string | null;
  /** Percent of guest overhead that the next costs more, seed by seed. */
  readonly margin: Spread | null;
  readonly verdict: MarginVerdict;
  readonly sentences: readonly Sentence[];
}

/** The runs of a comparison, and what of them each seed of each tracker is. */
export interface TrackerPlan {
  readonly runs: readonly PlannedRun[];
  /** Without tracking, of seeds that ran to their end. */
  readonly bases: (book: RunBook) => PlannedRun[];
}

/** How trackers are looked at, where the scenario's operation is another. */
export function measureSettings(subject: Subject): Override[] {
  const { scenario, until, spanCycles } = subject;
  if (scenario.operation.kind === "measure") return [until];
  const harvest = durationText(roundDuration(spanCycles / HARVESTS));
  return [setting("operation", { kind: "measure", harvest }), until];
}

/** @param more fields besides, such as those of a what-if; @param contenders which trackers */
export function planTrackers(
  subject: Subject,
  seeds: readonly number[],
  more: (contender: Contender) => readonly Override[] = () => [],
  contenders: readonly Contender[] = allContenders(),
): TrackerPlan {
  const own = measureSettings(subject);
  const runs = contenders.flatMap((contender) =>
    seeds.map((seed) => {
      const overrides = [...overridesOf(contender), ...own, ...more(contender)];
      return planned(subject, `tracker ${contender.name}`, overrides, seed);
    }),
  );
  return { runs, bases: (book) => basesOf(runs, book) };
}

/** The runs that overheads are measured against: one for all trackers that ran as long. */
export function basesOf(runs: readonly PlannedRun[], book: RunBook): PlannedRun[] {
  const identity = new RunIdentity();
  const bases = new Map<string, PlannedRun>();
  for (const run of runs) {
    const summary = book.summaryOrNull(run);
    if (summary === null) continue;
    const base = baseOf(run, summary.time);
    bases.set(identity.of(base.order), base);
  }
  return [...bases.values()];
}

/** The same guests without tracking: `untracked`, and the fields that make it of the run. */
export function baseOf({ overrides, order, purpose }: PlannedRun, time: number): PlannedRun {
  const plain = untracked(order, time);
  const { until } = plain.scenario;
  return {
    purpose: `without tracking, beside ${purpose}`,
    order: plain,
    overrides: lastOfEach([
      ...overrides,
      setting("machine.logEntries", plain.scenario.machine.logEntries),
      setting("operation", { kind: "measure" }),
      setting("tracker", { technique: "none" }),
      ...(order.scenario.faults.length === 0 ? [] : [setting("faults", null)]),
      ...(until === undefined ? [] : [setting("until", durationText(until))]),
    ]),
  };
}

export interface TrackerComparison {
  readonly compared: ComparisonRuns;
  readonly rows: readonly ComparisonRow[];
}

/** From runs that were done. @throws UserError if no tracker can do this */
export async function compareDone(
  subject: Subject,
  book: RunBook,
  seeds: readonly number[],
  more: (contender: Contender) => readonly Override[] = () => [],
  contenders: readonly Contender[] = allContenders(),
): Promise<TrackerComparison> {
  const own = measureSettings(subject);
  const compared: ComparisonRuns["runs"][number][] = [];
  const refused: ComparisonRuns["refused"][number][] = [];
  for (const contender of contenders) {
    const { load } = subject.asked;
    const set = [...own, ...more(contender)];
    const [candidate] = underEach(
      {
        name: contender.name,
        load: (overrides) => load([...commonOf(subject), ...overrides]),
      },
      [contender],
    );
    if (candidate === undefined) continue;
    try {
      const done = await runCandidates([candidate], seeds, set, async (order) =>
        book.summary({ order }),
      );
      if (done !== null) compared.push(...done.runs);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push({ name: contender.name, why: error.message });
    }
  }
  const runs = { runs: compared, refused };
  return { compared: runs, rows: compareRuns(compared) };
}

/** @param plan of the runs; they and their bases are done */
export function trackerAnswers(
  { runs }: TrackerPlan,
  { compared, rows }: TrackerComparison,
  { isFixed }: Pick<Subject, "isFixed">,
  book: RunBook,
): TrackerAnswer[] {
  const runsOf = (names: readonly string[]): PlannedRun[] => {
    const own = names.flatMap((name) =>
      runs.filter(({ purpose }) => purpose.startsWith(`tracker ${name},`)),
    );
    return [...own, ...basesOf(own, book)];
  };
  return KINDS.map((kind): TrackerAnswer => {
    const ranking = rank(rows, kind);
    const { pages, best, next } = ranking;
    const named = sentencesOf(ranking).map(({ text, rows: of }) =>
      sentence(text.trim(), runsOf(of.map(({ name }) => name))),
    );
    const seen = best === null || next === null ? null : marginOf(best, next, compared);
    // Other seeds would show the same.
    const margin = seen !== null && isFixed ? { ...seen, half: 0 } : seen;
    const verdict = verdictOf(margin);
    return {
      pages,
      best: best?.name ?? null,
      next: next?.name ?? null,
      margin,
      verdict,
      sentences: [
        ...named,
        ...(margin === null || best === null || next === null
          ? []
          : [sentence(marginText(margin, verdict), runsOf([best.name, next.name]))]),
      ],
    };
  });
}

/** Seed by seed, for what a seed does to the guests it does under both. */
function marginOf(
  best: ComparisonRow,
  next: ComparisonRow,
  { runs }: ComparisonRuns,
): Spread | null {
  const overheads = ({ name }: ComparisonRow): number[] => {
    const one = runs.find((compared) => compared.name === name);
    return (one?.runs ?? []).flatMap((run, n) => {
      const base = one?.bases[n];
      return base === undefined ? [] : [measuresOf(run, base).overhead];
    });
  };
  const [cheap, dear] = [overheads(best), overheads(next)];
  const margins = dear.flatMap((value, n) => {
    const other = cheap[n];
    return other === undefined ? [] : [value - other];
  });
  return margins.length === 0 ? null : spreadOf(margins);
}

/** Whether a margin is more than its spread over the seeds. */
export function verdictOf(margin: Spread | null): MarginVerdict {
  if (margin === null || margin.half === null) return "unknown";
  return margin.mean - margin.half > 0 ? "tells" : "cannot tell";
}

function marginText({ mean, half, count }: Spread, verdict: MarginVerdict): string {
  const points = `${significant(mean)} percentage points`;
  const spread = significant(half ?? 0);
  switch (verdict) {
    case "unknown":
      return `The margin is ${points}; whether it is more than chance is unknown, with ${count === 1 ? "one seed" : "no seed"}.`;
    case "tells":
      return half === 0
        ? `The margin is ${points}, the same with every seed.`
        : `The margin is ${points}, ±${spread} over ${count} seeds: more than they change.`;
    case "cannot tell":
      return mean === 0 && half === 0
        ? "The two cost the same."
        : `The margin is ${points}, ±${spread} over ${count} seeds: they cannot tell the two apart.`;
  }
}
