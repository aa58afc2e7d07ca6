/**
 * A swarm of random walks: the same model walked with many seeds, on one machine or many, and what all of them have
 * seen together. Each seed is a check of its own, so that no result depends on who does which.
 */

import type { CheckReport, CheckRun } from "./checkRun.ts";
import type { MachineCoverage } from "./coverage.ts";
import { RandomWalks } from "./engine/randomWalks.ts";
import type { Verdict } from "./properties/property.ts";

type PropertyReport = CheckReport["properties"][number];

/** What is walked, and how. */
export interface SwarmAsked {
  readonly model: string;
  /** Digest of the model's file; null: it is a shipped one. */
  readonly file: string | null;
  readonly set: Readonly<Record<string, number>>;
  readonly fault: string | null;
  /** Orderings that a mistake may need (probabilistic concurrency testing); 0: each step is drawn evenly. */
  readonly depth: number;
  /** Of each seed. */
  readonly walks: number;
  /** Of one walk, at most. */
  readonly steps: number;
  readonly keepGoing: boolean;
}

/** What the walks of one seed came to: nothing in it depends on the machine. */
export interface SeedReport {
  /** Walks that have ended. */
  readonly walks: number;
  readonly distinct: number;
  readonly generated: number;
  /** Steps of the longest walk. */
  readonly depth: number;
  readonly ending: CheckReport["ending"];
  readonly properties: readonly PropertyReport[];
  readonly coverage: readonly MachineCoverage[];
}

/** @param run of random walks, at its end */
export function seedReport(run: CheckRun): SeedReport {
  const { distinct, generated, depth, ending, properties, coverage } = run.report();
  const { exploration } = run;
  const walks = exploration instanceof RandomWalks ? exploration.walks : 0;
  return { walks, distinct, generated, depth, ending, properties, coverage };
}

export interface SwarmProperty extends PropertyReport {
  /** Of the shortest counterexample or witness; null if there is none. */
  readonly seed: number | null;
  /** How many seeds have come to this verdict. */
  readonly seeds: number;
}

export interface SwarmReport {
  readonly seeds: readonly number[];
  readonly walks: number;
  readonly generated: number;
  readonly depth: number;
  /** Of the seed that met the most; how many all of them met together nobody has counted. */
  readonly distinctMost: number;
  readonly properties: readonly SwarmProperty[];
  readonly coverage: readonly MachineCoverage[];
}

/** What decides, if seeds have come to different verdicts: a counterexample is one, whoever did not meet it. */
const RANKS: readonly Verdict[] = ["violated", "vacuous", "holds", "open"];

/** @param reports at least one, by their seeds in order */
export function swarmReport(reports: ReadonlyMap<number, SeedReport>): SwarmReport {
  const all = [...reports.values()];
  const sum = (of: (report: SeedReport) => number): number =>
    all.reduce((total, report) => total + of(report), 0);
  const names = new Set(all.flatMap(({ properties }) => properties.map(({ name }) => name)));
  return {
    seeds: [...reports.keys()],
    walks: sum(({ walks }) => walks),
    generated: sum(({ generated }) => generated),
    depth: Math.max(...all.map(({ depth }) => depth)),
    distinctMost: Math.max(...all.map(({ distinct }) => distinct)),
    properties: [...names].map((name) => together(name, reports)),
    coverage: coverageOf(all),
  };
}

function together(name: string, reports: ReadonlyMap<number, SeedReport>): SwarmProperty {
  const found = [...reports].flatMap(([seed, { properties }]) => {
    return properties.filter((one) => one.name === name).map((one) => ({ ...one, seed }));
  });
  const rank = Math.min(...found.map(({ verdict }) => RANKS.indexOf(verdict)));
  const deciding = found.filter(({ verdict }) => verdict === RANKS[rank]);
  // The first of the shortest: seeds come in order.
  const length = ({ messages }: PropertyReport): number => messages ?? Number.POSITIVE_INFINITY;
  const [shown] = deciding.toSorted((a, b) => (length(a) < length(b) ? -1 : 1));
  const { kind, verdict, messages, seed } = shown!;
  return {
    name,
    kind,
    verdict,
    messages,
    seed: messages === null ? null : seed,
    seeds: deciding.length,
  };
}

/** What some seed has seen is seen. */
function coverageOf(reports: readonly SeedReport[]): MachineCoverage[] {
  const byMachine = new Map<string, MachineCoverage>();
  for (const own of reports.flatMap(({ coverage }) => coverage)) {
    const before = byMachine.get(own.machine);
    byMachine.set(own.machine, before === undefined ? own : united(before, own));
  }
  return [...byMachine.values()];
}

function united(one: MachineCoverage, other: MachineCoverage): MachineCoverage {
  const both = (a: readonly string[], b: readonly string[]): string[] => {
    const known = new Set(b);
    return a.filter((name) => known.has(name));
  };
  const unseenStates = both(one.unseenStates, other.unseenStates);
  const unseenTransitions = both(one.unseenTransitions, other.unseenTransitions);
  return {
    ...one,
    statesSeen: one.states - unseenStates.length,
    transitionsSeen: one.transitions - unseenTransitions.length,
    unseenStates,
    unseenTransitions,
    takenTransitions: [...new Set([...one.takenTransitions, ...other.takenTransitions])].sort(),
  };
}
