/** Ways to migrate a VM: which policies, throttles and links there are, and what each comes to. */
import type { Override } from "../../config/override.ts";
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { DEFAULT_TECHNIQUE, findsEveryWrite } from "../../hypervisor/techniques/all.ts";
import type { MigrateResult } from "../../system/operations/migration/migrateResult.ts";
import type { MigrateConfig } from "../../system/operations/migration/migrateSchema.ts";
import { scenarioUnits } from "../../system/scenario/units.ts";
import type { RunSummary } from "../../system/summary.ts";
import { type Judged, judge, together, type Verdict } from "./convergence.ts";
import type { PlannedRun, RunBook } from "./runBook.ts";
import { type Spread, spreadOf } from "./sentence.ts";
import { durationText, rateText, roundDuration, setting } from "./settings.ts";
import { affordableCycles, planned, type Subject } from "./subject.ts";
import { baseOf } from "./trackers.ts";

/** A way to migrate. */
export interface Way {
  readonly name: string;
  readonly kind: "policy" | "throttle" | "link";
  readonly overrides: readonly Override[];
}

/** What all ways have in common. */
export interface MigrationTerms {
  readonly vm: string;
  readonly technique: string;
  readonly limitCycles: number;
  /** Bytes a second. */
  readonly bandwidth: number;
  readonly memoryPages: number;
  readonly common: readonly Override[];
  readonly standard: Way;
  readonly otherPolicies: readonly Way[];
  readonly notes: readonly string[];
}

/** QEMU's default (migration/options.c, DEFAULT_MIGRATE_SET_DOWNTIME). */
const DEFAULT_LIMIT = "300ms";
const PAGE_BYTES = 4096;
/** Microseconds that a run should take at most. */
const COST_OF_RUN = 2.5e6;
/** A migration may take as long as so many passes over the memory, and some time for throttles besides. */
const PASSES = 30;
const THROTTLE_SECONDS = 12;
/** QEMU itself never gives up; without progress in so many rounds there will be none. */
const ROUNDS = 30;
/** QEMU knows the bandwidth after 100 ms: short rounds are as many as that takes, ten times. */
const MEASURED_SECONDS = 1;
const ROUNDS_MOST = 10_000;
/** Of Ethernet (IEEE 802.3), Gbit/s. */
const LINKS = [1, 2.5, 5, 10, 25, 40, 50, 100, 200, 400] as const;
const LINKS_TRIED = 4;
const BYTES_PER_GBIT = 125e6;

/** @throws UserError for a mistake in what is asked */
export function termsOf(subject: Subject): MigrationTerms {
  const { asked, scenario } = subject;
  const own = scenario.operation.kind === "migrate" ? scenario.operation : null;
  const isAble = findsEveryWrite(scenario.tracker.technique, scenarioUnits(scenario));
  const technique = isAble ? scenario.tracker.technique : DEFAULT_TECHNIQUE;
  const fields = [
    ...(own === null ? [setting("operation", { kind: "migrate" })] : withoutEvents(own)),
    // One that was given up would go on to the run's end.
    setting("operation.settle", "0s"),
    ...(isAble ? [] : [setting("tracker.technique", technique)]),
    ...(asked.link === undefined
      ? []
      : [setting("operation.link.bandwidth", asked.link, `--link ${asked.link}`)]),
  ];
  const { operation } = planned(subject, "", [...fields, policySetting(subject, "qemu", {})], 1)
    .order.scenario;
  if (operation.kind !== "migrate") throw new Error("a migration was asked for");
  const { bandwidth } = operation.link;
  const number = Math.max(
    0,
    scenario.vms.findIndex(({ name }) => name === operation.vm),
  );
  const memoryPages = pagesOf(subject, number);
  const passSeconds = (memoryPages * PAGE_BYTES) / bandwidth;
  const rounds = roundsFor(passSeconds);
  const limitCycles = operation.policy.downtimeLimit ?? 0;
  const until = (operation.start ?? 0) + horizonOf(subject, passSeconds);
  return {
    vm: scenario.vms[number]?.name ?? `vm${number}`,
    technique,
    limitCycles,
    bandwidth,
    memoryPages,
    common: [...fields, setting("until", durationText(until))],
    standard: standardWay(subject, own, rounds),
    otherPolicies: otherPolicies(subject, own, rounds),
    notes: isAble
      ? []
      : [
          `Tracker "${scenario.tracker.technique}" does not find written pages, so migrations use "${technique}".`,
        ],
  };
}

/** What would end it from outside, or begin it again. */
function withoutEvents({ repeat, abortAfter, link }: MigrateConfig): Override[] {
  return [
    ...(repeat === undefined ? [] : [setting("operation.repeat", null)]),
    ...(abortAfter === undefined ? [] : [setting("operation.abortAfter", null)]),
    ...(link.failAfter === undefined ? [] : [setting("operation.link.failAfter", null)]),
  ];
}

/** The downtime that is wanted, as a field has it. */
function limitOf({ asked, scenario: { operation } }: Subject): string {
  if (asked.downtime !== undefined) return asked.downtime;
  const own = operation.kind === "migrate" ? operation.policy.downtimeLimit : undefined;
  return own === undefined ? DEFAULT_LIMIT : durationText(own);
}

function policySetting(subject: Subject, kind: "qemu" | "libxc", more: object): Override {
  const { downtime } = subject.asked;
  const origin = downtime === undefined ? "advise" : `--downtime ${downtime}`;
  const value = { kind, downtimeLimit: limitOf(subject), ...more };
  return setting("operation.policy", value, origin);
}

function standardWay(subject: Subject, own: MigrateConfig | null, rounds: number): Way {
  if (own === null) {
    const overrides = [policySetting(subject, "qemu", { maxRounds: rounds })];
    return { name: "QEMU's rules", kind: "policy", overrides };
  }
  const { downtime } = subject.asked;
  const overrides =
    downtime === undefined
      ? []
      : [setting("operation.policy.downtimeLimit", downtime, `--downtime ${downtime}`)];
  const throttles = own.policy.kind === "qemu" && own.policy.autoConverge !== undefined;
  const rules = own.policy.kind === "qemu" ? "QEMU's rules" : "libxc's rules";
  return {
    name: `the scenario's own policy (${rules}${throttles ? ", with auto-converge" : ""})`,
    kind: throttles ? "throttle" : "policy",
    overrides,
  };
}

function otherPolicies(subject: Subject, own: MigrateConfig | null, rounds: number): Way[] {
  const isPlainQemu =
    own === null || (own.policy.kind === "qemu" && own.policy.autoConverge === undefined);
  const qemu: Way = {
    name: "QEMU's rules",
    kind: "policy",
    overrides: [policySetting(subject, "qemu", { maxRounds: rounds })],
  };
  const libxc: Way = {
    name: "libxc's rules (five live rounds)",
    kind: "policy",
    overrides: [policySetting(subject, "libxc", {})],
  };
  return [...(isPlainQemu ? [] : [qemu]), ...(own?.policy.kind === "libxc" ? [] : [libxc])];
}

function pagesOf(subject: Subject, number: number): number {
  const memory = subject.scenario.vms[number]?.memory;
  if (memory !== undefined) return memory;
  const workload = subject.scenario.vms[number]?.workload;
  return workload !== undefined && "pages" in workload ? (workload.pages ?? 0) : 0;
}

function roundsFor(passSeconds: number): number {
  if (passSeconds === 0) return ROUNDS_MOST;
  return Math.min(ROUNDS_MOST, Math.max(ROUNDS, Math.ceil(MEASURED_SECONDS / passSeconds)));
}

/** Cycles that a migration may take. */
function horizonOf(subject: Subject, passSeconds: number): number {
  const { asked, scenario } = subject;
  if (asked.horizon !== undefined) {
    const text = setting("until", asked.horizon, `--horizon ${asked.horizon}`);
    return asked.load([...asked.common, text]).scenario.until ?? 0;
  }
  const useful = (PASSES * passSeconds + THROTTLE_SECONDS) * CYCLES_PER_SECOND;
  return roundDuration(Math.min(useful, affordableCycles(scenario, COST_OF_RUN)));
}

/** What slows the guest down. @param enough percent that the failed run says would do */
export function throttles(subject: Subject, enough: number | null): Way[] {
  const auto = (name: string, converge: object): Way => ({
    name,
    kind: "throttle",
    overrides: [policySetting(subject, "qemu", { maxRounds: ROUNDS_MOST, autoConverge: converge })],
  });
  return [
    auto("QEMU's rules with auto-converge", {}),
    ...(enough === null
      ? []
      : [auto(`QEMU's rules with auto-converge from ${enough} %`, { initial: enough, max: 99 })]),
  ];
}

/** Faster links, with the policy as it is. */
export function fasterLinks({ bandwidth, standard }: MigrationTerms): Way[] {
  return LINKS.map((gbit) => gbit * BYTES_PER_GBIT)
    .filter((rate) => rate > bandwidth)
    .slice(0, LINKS_TRIED)
    .map((rate) => ({
      name: `a link of ${rateText(rate)}`,
      kind: "link",
      overrides: [...standard.overrides, setting("operation.link.bandwidth", rateText(rate))],
    }));
}

export function planWay(
  subject: Subject,
  terms: MigrationTerms,
  way: Way,
  seeds: readonly number[] = subject.seeds,
): PlannedRun[] {
  return seeds.map((seed) =>
    planned(subject, `migration by ${way.name}`, [...terms.common, ...way.overrides], seed),
  );
}

/** The same guests as long, without a migration; and up to its start. */
export function planBases(runs: readonly PlannedRun[], book: RunBook): PlannedRun[] {
  return runs.flatMap((run) => {
    const summary = book.summaryOrNull(run);
    return summary === null ? [] : basesOfRun(run, summary.time);
  });
}

function basesOfRun(run: PlannedRun, time: number): PlannedRun[] {
  // `untracked` keeps an end that the scenario has; this one was the latest moment, and not the end.
  const { scenario, directory } = run.order;
  const endless = { ...run, order: { scenario: { ...scenario, until: undefined }, directory } };
  const start = startOf(run);
  return [time, ...(start > 0 && start < time ? [start] : [])].map((end) => baseOf(endless, end));
}

function startOf({ order: { scenario } }: PlannedRun): number {
  return scenario.operation.kind === "migrate" ? (scenario.operation.start ?? 0) : 0;
}

/** What a way came to, over the seeds. */
export interface WayResult {
  readonly way: Way;
  readonly runs: readonly PlannedRun[];
  readonly bases: readonly PlannedRun[];
  readonly judged: readonly Judged[];
  readonly verdict: Verdict | "mixed";
  readonly results: readonly MigrateResult[];
  /** Null if any run of it has none. */
  readonly downtime: Spread | null;
  readonly totalTime: Spread;
  readonly bytes: Spread;
  readonly rounds: Spread;
  /** Percent of the guests' accesses that they did not come to; and the same as cycles of their time. */
  readonly slowDown: Spread | null;
  readonly lost: Spread | null;
}

/** @throws UserError if it cannot be run */
export function resultOfWay(
  way: Way,
  runs: readonly PlannedRun[],
  terms: MigrationTerms,
  book: RunBook,
): WayResult {
  const results = runs.map((run) => migrationIn(book.summary(run)));
  const judged = judgedRuns(way, runs, terms, book);
  const known = (of: (result: MigrateResult) => number | null): Spread | null => {
    const values = results.map(of).filter((value) => value !== null);
    return values.length < results.length ? null : spreadOf(values);
  };
  const each = (of: (result: MigrateResult) => number): Spread => spreadOf(results.map(of));
  return {
    way,
    runs,
    bases: planBases(runs, book),
    judged,
    verdict: together(judged),
    results,
    downtime: known(({ downtime }) => downtime),
    totalTime: each(({ totalTime }) => totalTime),
    bytes: each(({ bytes }) => bytes),
    rounds: each(({ rounds }) => rounds.filter(({ live }) => live).length),
    ...lossOf(runs, book),
  };
}

/** Of each run, which needs no other run to tell. @throws UserError if one could not be run */
export function judgedRuns(
  { kind }: Way,
  runs: readonly PlannedRun[],
  { limitCycles }: MigrationTerms,
  book: RunBook,
): Judged[] {
  return runs.map((run) => {
    const summary = book.summary(run);
    return judge(summary, migrationIn(summary), { limitCycles, throttles: kind === "throttle" });
  });
}

function migrationIn({ operation }: RunSummary): MigrateResult {
  if (operation.kind !== "migrate") throw new Error("this was no migration");
  return operation;
}

/** Accesses that the guests did not come to, of those that they come to alone: from the migration's start on. */
function lossOf(runs: readonly PlannedRun[], book: RunBook): Pick<WayResult, "slowDown" | "lost"> {
  const losses = runs.flatMap((run) => {
    const { accesses, time } = book.summary(run);
    const [whole, before] = basesOfRun(run, time).map((base) => book.summaryOrNull(base)?.accesses);
    if (whole === undefined || whole === (before ?? 0)) return [];
    const share = 1 - (accesses - (before ?? 0)) / (whole - (before ?? 0));
    return [{ share, cycles: share * (time - startOf(run)) }];
  });
  if (losses.length < runs.length) return { slowDown: null, lost: null };
  return {
    slowDown: spreadOf(losses.map(({ share }) => 100 * share)),
    lost: spreadOf(losses.map(({ cycles }) => cycles)),
  };
}

/** The cheapest that meets the limit: the least time that the guests lose, then the least time. Links cost otherwise. */
export function cheapestOf(results: readonly WayResult[]): WayResult | null {
  const [best] = results
    .filter(({ verdict, way }) => verdict === "meets" && way.kind !== "link")
    .sort(
      (a, b) =>
        (a.lost?.mean ?? Number.MAX_VALUE) - (b.lost?.mean ?? Number.MAX_VALUE) ||
        a.totalTime.mean - b.totalTime.mean,
    );
  return best ?? null;
}

/** The slowest of the faster links that meets it. */
export function linkOf(results: readonly WayResult[]): WayResult | null {
  return results.find(({ verdict, way }) => verdict === "meets" && way.kind === "link") ?? null;
}
