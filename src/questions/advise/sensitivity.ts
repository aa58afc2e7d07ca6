/** What would change an answer: parameters, each smaller and larger, and what is asked of each. */
import type { Override } from "../../config/override.ts";
import { configuredUnits } from "../../units/all.ts";
import type { Unit } from "../../units/unit.ts";
import { KINDS, rank } from "../compare.ts";
import { type Contender, contenders } from "../contenders.ts";
import { together } from "./convergence.ts";
import { between, FACTORS, type Flip, flipOf, HALVINGS, narrowed, sameUpTo } from "./flips.ts";
import { judgedRuns, planWay, termsOf } from "./migration.ts";
import type { PlannedRun, RunBook } from "./runBook.ts";
import { type Sentence, sentence } from "./sentence.ts";
import { durationText, rateText, roundDuration, setting } from "./settings.ts";
import type { Subject } from "./subject.ts";
import { basesOf, compareDone, planTrackers } from "./trackers.ts";

/** One question along one parameter. */
export interface Probe {
  readonly parameter: string;
  readonly question: string;
  /** The parameter's value there, as a field has it; null: it cannot be had. */
  readonly at: (factor: number) => string | null;
  readonly plan: (factor: number) => readonly PlannedRun[];
  /** Runs that those are held against, once they are done. */
  readonly bases: (factor: number, book: RunBook) => readonly PlannedRun[];
  /** The answer from runs that were done. */
  readonly look: (factor: number, book: RunBook) => Promise<Look>;
}

interface Look {
  /** Null: unknown. */
  readonly answer: string | null;
  /** Those of its runs that the answer tells of. */
  readonly runs: readonly PlannedRun[];
}

/** What came of a probe. */
export interface Probed {
  readonly parameter: string;
  readonly question: string;
  /** The answer as things are. */
  readonly answer: string | null;
  /** The value as things are. */
  readonly now: string;
  /** Values between which it is known to be the same. */
  readonly from: string;
  readonly to: string;
  /** Up to which value it is the same, from which on it is what; none: nowhere within what is known. */
  readonly flips: readonly {
    readonly same: string;
    readonly other: string;
    readonly answer: string;
  }[];
  readonly runs: readonly PlannedRun[];
}

/** Trackers that are tried at another pace: so many of each kind of pages, the cheapest. */
const RIVALS = 2;
/** Runs at most: four factors and two halvings for each probe, and of each its runs. */
const PROBES_OF_MIGRATION = 3;
const LOOKS = FACTORS.down.length + FACTORS.up.length + 2 * HALVINGS;
export function sensitivityMost(): number {
  const loggers = contenders().filter((one) => loggerOf(one) !== undefined).length;
  const kinds = KINDS.length * (loggers + 1) + KINDS.length * (2 * RIVALS + 1);
  return LOOKS * (PROBES_OF_MIGRATION + kinds);
}

/** @param rows names of the trackers of each kind that are worth a try */
export function probesOf(
  subject: Subject,
  asksMigration: boolean,
  rivals: readonly Contender[] | null,
): Probe[] {
  return [
    ...(asksMigration ? migrationProbes(subject) : []),
    ...(rivals === null ? [] : trackerProbes(subject, rivals)),
  ];
}

function firstSeed({ seeds }: Subject): readonly number[] {
  return seeds.slice(0, 1);
}

/** With another link, another downtime, or guests of another pace. */
function migrationProbes(subject: Subject): Probe[] {
  const { asked } = subject;
  const { bandwidth, limitCycles } = termsOf(subject);
  const probe = (
    parameter: string,
    at: (factor: number) => string | null,
    varied: (factor: number) => Subject,
  ): Probe => ({
    parameter,
    question: "migration",
    at,
    plan: (factor) => {
      const other = varied(factor);
      const terms = termsOf(other);
      return planWay(other, terms, terms.standard, firstSeed(subject));
    },
    bases: () => [],
    look: async (factor, book) => {
      const other = varied(factor);
      const terms = termsOf(other);
      const runs = planWay(other, terms, terms.standard, firstSeed(subject));
      if (runs.some((run) => book.problem(run) !== null)) return { answer: null, runs };
      const verdict = together(judgedRuns(terms.standard, runs, terms, book));
      return { answer: verdict === "unknown" ? null : VERDICTS[verdict], runs };
    },
  });
  const link = (factor: number) => rateText(bandwidth * factor);
  const downtime = (factor: number) => durationText(roundDuration(limitCycles * factor));
  return [
    probe("link", link, (factor) => ({ ...subject, asked: { ...asked, link: link(factor) } })),
    probe("downtime", downtime, (factor) => ({
      ...subject,
      asked: { ...asked, downtime: downtime(factor) },
    })),
    probe(
      "pace of the guests",
      (factor) => paceText(subject, factor),
      (factor) => atPace(subject, factor),
    ),
  ];
}

const VERDICTS = {
  meets: "converges in time",
  late: "ends too late",
  endless: "does not converge",
  mixed: "depends on the seed",
} as const;

/** At another length of the logs, which only some have, or of guests of another pace. */
function trackerProbes(subject: Subject, rivals: readonly Contender[]): Probe[] {
  const { logEntries } = subject.scenario.machine;
  const entries = (factor: number) => Math.round(logEntries * factor);
  const more =
    (factor: number) =>
    (contender: Contender): Override[] =>
      loggerOf(contender) !== undefined
        ? [setting("machine.logEntries", entriesOf(contender, entries(factor)))]
        : [];
  return KINDS.flatMap((kind): Probe[] => {
    const question = `tracker for ${kind.pages} pages`;
    const probe = (
      parameter: string,
      at: Probe["at"],
      varied: (factor: number) => Subject,
      set: (factor: number) => (contender: Contender) => Override[],
      contenders: readonly Contender[],
    ): Probe => {
      const plan = (factor: number) =>
        planTrackers(varied(factor), firstSeed(subject), set(factor), contenders).runs;
      return {
        parameter,
        question,
        at,
        plan,
        bases: (factor, book) => basesOf(plan(factor), book),
        look: async (factor, book) => {
          const seeds = firstSeed(subject);
          const { rows } = await compareDone(varied(factor), book, seeds, set(factor), contenders);
          const best = rank(rows, kind).best?.name ?? null;
          const own = plan(factor).filter(({ purpose }) => purpose.startsWith(`tracker ${best},`));
          return { answer: best ?? "none", runs: [...own, ...basesOf(own, book)] };
        },
      };
    };
    return [
      probe(
        "log entries",
        (factor) =>
          entries(factor) >= 1 && entries(factor) <= LOG_MOST ? String(entries(factor)) : null,
        () => subject,
        more,
        // Of those without logs nothing changes: their runs are done already.
        contenders(),
      ),
      probe(
        "pace of the guests",
        (factor) => paceText(subject, factor),
        (factor) => atPace(subject, factor),
        () => () => [],
        rivals,
      ),
    ];
  });
}

const AS_THEY_COME = configuredUnits();

/** What the log of any unit can have. */
const LOG_MOST = Math.max(...AS_THEY_COME.map(({ entriesMax }) => entriesMax));

/** The unit whose logs a way of tracking needs: the technique's, or what feeds its ring. */
function loggerOf({ fields }: Contender): Unit | undefined {
  const { technique, "ring.source": source } = fields;
  return AS_THEY_COME.find(({ declaration: { name } }) => name === technique || name === source);
}

/** No more than its unit can have, whatever others have. */
function entriesOf(contender: Contender, entries: number): number {
  return Math.min(entries, loggerOf(contender)?.entriesMax ?? entries);
}

/** Guests that are `factor` times as fast: with less other work before each access, if they have any. */
function atPace(subject: Subject, factor: number): Subject {
  const { asked } = subject;
  if (factor === 1) return subject;
  const gaps = gapsAt(subject, factor).map((gap, vm) => setting(`vms.${vm}.workload.gap`, gap));
  const common = [...asked.common, ...gaps];
  return { ...subject, asked: { ...asked, common }, scenario: asked.load(common).scenario };
}

function gapsAt({ scenario: { vms, machine } }: Subject, factor: number): number[] {
  const { access } = machine.costs.processor;
  return vms.map(({ workload: { gap } }) => Math.round(((gap ?? 0) + access) / factor - access));
}

/** Such as "2 times"; null: some guest has no time between accesses that it could leave out. */
function paceText(subject: Subject, factor: number): string | null {
  if (gapsAt(subject, factor).some((gap) => gap < 0)) return null;
  return `${Number(factor.toPrecision(3))} times`;
}

/** Contenders that are among the cheapest of a kind, with those that would be cheaper if they missed nothing. */
export function rivalsAmong(rows: Parameters<typeof rank>[0]): Contender[] {
  const names = KINDS.flatMap(({ finds }) =>
    rows
      .filter((row) => row[finds] && row.failures.length === 0)
      .slice(0, RIVALS)
      .map(({ name }) => name),
  );
  return contenders().filter(({ name }) => names.includes(name));
}

/** A probe and what is known of it so far. */
interface Search {
  readonly probe: Probe;
  readonly looks: Map<number, Look>;
  flips: readonly Flip[];
}

/** Asks all probes, those that can be together: at all factors first, then between those where an answer changes. */
export async function askProbes(probes: readonly Probe[], book: RunBook): Promise<Probed[]> {
  const searches = probes.map((probe): Search => ({ probe, looks: new Map(), flips: [] }));
  const factors = [1, ...FACTORS.down, ...FACTORS.up];
  await lookAt(searches, (search) => factors.filter((factor) => isNew(search, factor)), book);
  for (const search of searches) {
    const labels = labelsOf(search);
    const base = labels.get(1) ?? null;
    const found = [flipOf(base, labels, "down"), flipOf(base, labels, "up")];
    search.flips = found.filter((flip) => flip !== null);
  }
  for (let step = 0; step < HALVINGS; step++) {
    const middles = (search: Search): number[] =>
      search.flips.map(between).filter((factor) => isNew(search, factor));
    await lookAt(searches, middles, book);
    for (const search of searches) {
      const { looks, flips } = search;
      const base = looks.get(1)?.answer ?? null;
      search.flips = flips.map((flip) => {
        const look = looks.get(between(flip));
        return look === undefined ? flip : narrowed(flip, base, look.answer);
      });
    }
  }
  return searches.map(probedOf);
}

async function lookAt(
  searches: readonly Search[],
  factorsOf: (search: Search) => readonly number[],
  book: RunBook,
): Promise<void> {
  const all = searches.flatMap((search) =>
    factorsOf(search).map((factor) => ({ search, factor, probe: search.probe })),
  );
  const runs = all.flatMap(({ probe, factor }) => probe.plan(factor));
  await book.do("what-ifs", runs);
  const bases = all.flatMap(({ probe, factor }) => probe.bases(factor, book));
  await book.do("what-ifs without tracking", bases);
  for (const { search, probe, factor } of all) {
    search.looks.set(factor, await probe.look(factor, book));
  }
}

/** Whether there is such a value, and nobody has looked at it: whole numbers can be too close to have one between. */
function isNew({ probe, looks }: Search, factor: number): boolean {
  const value = probe.at(factor);
  return value !== null && [...looks.keys()].every((one) => probe.at(one) !== value);
}

function labelsOf({ looks }: Search): Map<number, string | null> {
  return new Map([...looks].map(([factor, { answer }]) => [factor, answer]));
}

function probedOf(search: Search): Probed {
  const { probe, looks, flips } = search;
  const labels = labelsOf(search);
  const answer = labels.get(1) ?? null;
  const [down, up] = [sameUpTo(answer, labels, "down"), sameUpTo(answer, labels, "up")];
  const value = (factor: number): string => probe.at(factor) ?? "";
  const told = [1, down, up, ...flips.flatMap(({ same, other }) => [same, other])];
  return {
    parameter: probe.parameter,
    question: probe.question,
    answer,
    now: value(1),
    from: value(down),
    to: value(up),
    flips: flips.map((flip) => ({
      same: value(flip.same),
      other: value(flip.other),
      answer: flip.label,
    })),
    runs: [...new Set(told)].flatMap((factor) => looks.get(factor)?.runs ?? []),
  };
}

/** In words. */
export function probedSentence(probed: Probed): Sentence {
  const { parameter, question, answer, from, to, now, flips, runs } = probed;
  const what = `${question}, by the ${parameter} (${now})`;
  if (answer === null) return sentence(`${what}: unknown, for the answer itself is.`, runs);
  const told = flips.map(
    (flip) => `"${flip.answer}" at ${flip.other}, still "${answer}" at ${flip.same}`,
  );
  const same =
    from === to
      ? flips.length === 0
        ? ["unknown, other values could not be judged"]
        : []
      : [`"${answer}" from ${from} to ${to}`];
  return sentence(`${what}: ${[...(flips.length < 2 ? same : []), ...told].join("; ")}.`, runs);
}
