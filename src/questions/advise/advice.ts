/** What came of an advice as data: its format, made from the answers. */
import * as z from "zod";
import type { Answers } from "./advise.ts";
import type { WayResult } from "./migration.ts";
import type { CitedRun, RunBook } from "./runBook.ts";
import { probedSentence } from "./sensitivity.ts";
import { milliseconds, type Sentence, type Spread } from "./sentence.ts";
import { commandLine, textOf } from "./settings.ts";

/** Raised when a field changes its meaning or goes. */
export const ADVICE_VERSION = 1;
export const ADVICE_FORMAT = "trackvisor advise";

const ids = z.array(z.string()).describe("of the runs that it is from");
const spread = z
  .strictObject({
    mean: z.number().describe("over the seeds"),
    half: z
      .number()
      .nullable()
      .describe("half the width of the mean's 95 % interval; null: unknown, of one seed"),
  })
  .nullable();
const sentences = z.array(z.strictObject({ text: z.string(), runs: ids }));

const tracker = z.strictObject({
  pages: z.enum(["written", "touched"]),
  best: z.string().nullable().describe("the cheapest that misses none; null: none does not"),
  next: z.string().nullable(),
  margin: spread.describe("percentage points of guest overhead that the next costs more"),
  verdict: z
    .enum(["tells", "cannot tell", "unknown"])
    .describe("whether the margin is more than the seeds change"),
  sentences,
});

const verdict = z
  .enum(["meets", "late", "endless", "unknown", "mixed"])
  .describe(
    "meets: completed with a downtime within the limit; late: with a longer one; endless: does not converge; mixed: it depends on the seed",
  );

const way = z.strictObject({
  name: z.string(),
  kind: z.enum(["policy", "throttle", "link"]),
  verdict,
  why: z.array(z.string()).describe("of those that do not meet the limit, or are unknown"),
  downtime: spread.describe("ms; null: a run has none"),
  totalTime: spread.describe("ms"),
  rounds: spread.describe("live ones"),
  bytes: spread.describe("that were sent"),
  slowDown: spread.describe("percent of the guests' accesses that they did not come to"),
  lost: spread.describe("the same as time of the guests, ms"),
  runs: ids,
});

const migration = z.strictObject({
  vm: z.string(),
  technique: z.string(),
  limit: z.number().describe("of the downtime, ms"),
  link: z.number().describe("bytes a second"),
  standard: z.string().describe("the way that is asked about first"),
  cheapest: z
    .string()
    .nullable()
    .describe("policy or throttle that meets the limit and costs the guests the least time"),
  ways: z.array(way),
  sentences,
});

const workingSetShape = z.strictObject({
  vm: z.string(),
  memory: z.number().describe("of the VM, pages of 4 KiB"),
  window: z.number().describe("ms"),
  truth: spread.describe("pages that it uses in a window, exactly; null: no window has ended"),
  phases: z
    .array(z.strictObject({ from: z.number(), to: z.number(), pages: z.number() }))
    .describe("stretches of several windows that differ by 10 % at most; times in ms"),
  estimates: z.array(
    z.strictObject({
      estimator: z.string(),
      pages: spread,
      error: z
        .strictObject({ mean: z.number(), least: z.number(), most: z.number() })
        .nullable()
        .describe("parts of the truth by which estimates of single windows are off"),
      runs: ids,
    }),
  ),
  refused: z.array(z.strictObject({ name: z.string(), why: z.string() })),
  sentences,
});

const sensitivityShape = z.strictObject({
  parameter: z.string(),
  question: z.string(),
  answer: z.string().nullable().describe("as things are; null: unknown"),
  now: z.string().describe("value of the parameter"),
  from: z.string(),
  to: z.string().describe("values between which the answer is known to be the same"),
  flips: z.array(z.strictObject({ same: z.string(), other: z.string(), answer: z.string() })),
  sentences,
});

const run = z.strictObject({
  id: z.string(),
  purpose: z.string(),
  set: z.array(z.string()).describe("fields that it gives other values, as --set has them"),
  command: z.string().nullable().describe("repeats the run; null: the scenario has no name"),
});

export const adviceSchema = z
  .strictObject({
    format: z.literal(ADVICE_FORMAT),
    version: z.literal(ADVICE_VERSION),
    code: z.string().describe("version of the program that did the runs"),
    scenario: z.string().describe("its name"),
    seeds: z.array(z.int()),
    notes: z.array(z.string()).describe("what is not as the scenario says"),
    trackers: z
      .strictObject({
        answers: z.array(tracker),
        refused: z.array(z.strictObject({ name: z.string(), why: z.string() })),
      })
      .nullable()
      .describe("null: not asked"),
    migration: migration.nullable().describe("null: not asked"),
    workingSets: z.array(workingSetShape).nullable().describe("of each VM; null: not asked"),
    sensitivity: z.array(sensitivityShape).nullable().describe("with one seed; null: not asked"),
    runs: z.array(run).describe("all that were done"),
  })
  .describe("the result of `trackvisor advise` (docs/advise.md)");

export type Advice = z.infer<typeof adviceSchema>;

/** @param source the words by which `trackvisor run` gets the scenario; null if it has no name */
export function adviceOf(answers: Answers, code: string, source: readonly string[] | null): Advice {
  const { subject, book, trackers, migration: moved, workingSets, sensitivity } = answers;
  const told = (all: readonly Sentence[]) => toldOf(all, book);
  return {
    format: ADVICE_FORMAT,
    version: ADVICE_VERSION,
    code,
    scenario: subject.scenario.name,
    seeds: [...subject.seeds],
    notes: [...subject.notes, ...(moved?.terms.notes ?? [])],
    trackers:
      trackers === null
        ? null
        : {
            answers: trackers.answers.map(({ margin, sentences: own, ...answer }) => ({
              ...answer,
              margin: spreadIn(margin),
              sentences: told(own),
            })),
            refused: trackers.refused.map((one) => ({ ...one })),
          },
    migration:
      moved === null
        ? null
        : {
            vm: moved.terms.vm,
            technique: moved.terms.technique,
            limit: milliseconds(moved.terms.limitCycles),
            link: moved.terms.bandwidth,
            standard: moved.standard.way.name,
            cheapest: moved.cheapest?.way.name ?? null,
            ways: moved.ways.map((one) => wayIn(one, book)),
            sentences: told(moved.sentences),
          },
    workingSets: workingSets?.map((one) => workingSetIn(one, book)) ?? null,
    sensitivity:
      sensitivity?.map((one) => {
        const { runs: _, flips, ...rest } = one;
        return { ...rest, flips: [...flips], sentences: told([probedSentence(one)]) };
      }) ?? null,
    runs: book.all().map((one) => runIn(one, source)),
  };
}

function workingSetIn(one: NonNullable<Answers["workingSets"]>[number], book: RunBook) {
  return {
    vm: one.vm,
    memory: one.memoryPages,
    window: milliseconds(one.windowCycles),
    truth: spreadIn(one.truth),
    phases: one.phases.map(({ from, to, pages }) => ({
      from: milliseconds(from),
      to: milliseconds(to),
      pages,
    })),
    estimates: one.estimates.map(({ estimator, pages, error, runs }) => ({
      estimator,
      pages: spreadIn(pages),
      error,
      runs: book.ids(runs),
    })),
    refused: one.refused.map((each) => ({ ...each })),
    sentences: toldOf(one.sentences, book),
  };
}

function toldOf(all: readonly Sentence[], book: RunBook): z.infer<typeof sentences> {
  return all.map(({ text, runs }) => ({ text, runs: book.ids(runs) }));
}

function spreadIn(value: Spread | null, scale = (one: number) => one) {
  if (value === null) return null;
  return { mean: scale(value.mean), half: value.half === null ? null : scale(value.half) };
}

function wayIn(result: WayResult, book: RunBook): z.infer<typeof way> {
  const { way: of, verdict: judged, judged: all, runs, bases } = result;
  return {
    name: of.name,
    kind: of.kind,
    verdict: judged,
    why: [...new Set(all.map(({ why }) => why).filter((why) => why !== ""))],
    downtime: spreadIn(result.downtime, milliseconds),
    totalTime: spreadIn(result.totalTime, milliseconds),
    rounds: spreadIn(result.rounds),
    bytes: spreadIn(result.bytes),
    slowDown: spreadIn(result.slowDown),
    lost: spreadIn(result.lost, milliseconds),
    runs: book.ids([...runs, ...bases]),
  };
}

function runIn(
  { id, purpose, overrides }: CitedRun,
  source: readonly string[] | null,
): Advice["runs"][number] {
  const set = overrides.map(textOf);
  const words = ["trackvisor", "run", ...(source ?? []), ...set.flatMap((one) => ["--set", one])];
  return { id, purpose, set, command: source === null ? null : commandLine(words) };
}

/** The JSON Schema of an advice, as text: docs/advise.schema.json. */
export function adviceJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(adviceSchema), null, 2)}\n`;
}
