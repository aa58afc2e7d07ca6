/** The pool: the same rows with any number of threads, after an interrupt and in another run; its order and its progress. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { experimentsNamed } from "../../src/experiments/all.ts";
import type { Row } from "../../src/experiments/experiment.ts";
import { type Outcome, outcomeOf } from "../../src/experiments/outcome.ts";
import type * as runner from "../../src/experiments/runner.ts";
import { isOff } from "../../src/experiments/verdict.ts";
import { RunStore } from "../../src/runs/runStore.ts";

/** The compiled one: a pool's threads run no TypeScript. */
const RUNNER = join(import.meta.dirname, "../../dist/src/experiments/runner.js");

/** Small enough that a run takes milliseconds. What comes out of it means nothing. */
const TINY = { name: "quick", divisor: 1000 } as const;
const SEEDS = 2;
const NAMES = [
  "energy",
  "migration",
  "pvm-load",
  "estimator-sweep",
  "migration-logs",
  "wss-overhead",
];

const directory = mkdtempSync(join(tmpdir(), "trackvisor-runner-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Course {
  readonly outcomes: readonly Outcome[];
  readonly rows: readonly Row[];
  readonly progress: readonly runner.RunProgress[];
}

interface How {
  readonly workers: number;
  readonly names?: readonly string[];
  /** It is interrupted when so many runs are over. */
  readonly abortAfter?: number;
}

let compiled: typeof runner;
beforeAll(async () => {
  compiled = await import(RUNNER);
});

async function run(out: string, { workers, names = NAMES, abortAfter }: How): Promise<Course> {
  const experiments = names.flatMap((name) => experimentsNamed(name));
  const store = new RunStore(join(directory, out), "test");
  const progress: runner.RunProgress[] = [];
  const controller = new AbortController();
  const all = compiled.runsOf(experiments, TINY, SEEDS);
  const summaries = await compiled.doRuns(all.runs, {
    store,
    workers,
    signal: controller.signal,
    onProgress: (now) => {
      progress.push(now);
      if (now.done === abortAfter) controller.abort();
    },
  });
  const results = compiled.resultsOf(all, summaries);
  const outcomes = await Promise.all(
    experiments.map((experiment, i) => outcomeOf(experiment, results[i]!, TINY)),
  );
  return { outcomes, rows: outcomes.flatMap(({ rows }) => rows), progress };
}

describe("experiments at a tiny size", { timeout: 120_000 }, () => {
  let one: Course;
  beforeAll(async () => {
    one = await run("one", { workers: 1 });
  });

  it("have the same rows with two threads as with one", async () => {
    expect(one.rows.length).toBeGreaterThan(100);
    const two = await run("two", { workers: 2 });
    expect(two.rows).toEqual(one.rows);
  });

  it("have the same rows when they were interrupted and go on", async () => {
    await expect(run("cut", { workers: 2, abortAfter: 9 })).rejects.toThrow(compiled.Interrupted);
    const finished = readdirSync(join(directory, "cut")).length;
    expect(finished).toBeGreaterThanOrEqual(9);
    expect(finished).toBeLessThan(one.progress.at(-1)!.total);
    const rest = await run("cut", { workers: 2 });
    expect(rest.progress[0]!.reused).toBe(finished);
    expect(rest.rows).toEqual(one.rows);
  });

  it("run nothing again", async () => {
    const { progress, rows } = await run("one", { workers: 1 });
    expect(progress).toHaveLength(1);
    expect(progress[0]).toMatchObject({ part: 1, done: progress[0]!.total });
    expect(rows).toEqual(one.rows);
  });

  it("do what should take longest first, and count it as most", () => {
    const parts = one.progress.map(({ part }) => part);
    expect(parts[0]).toBe(0);
    expect(parts.at(-1)).toBeCloseTo(1, 9);
    const steps = parts.slice(1).map((part, i) => part - parts[i]!);
    for (const [i, step] of steps.slice(1).entries())
      expect(step).toBeLessThanOrEqual(steps[i]! + 1e-9);
    // Otherwise all were taken to be alike.
    expect(steps[0]).toBeGreaterThan(2 * steps.at(-1)!);
  });

  it("say what the numbers mean, and draw what was published beside what came out", () => {
    for (const { experiment, rows, plots, findings } of one.outcomes) {
      expect([experiment.name, findings.length > 0]).toEqual([experiment.name, true]);
      if (rows.every(({ published }) => published === null)) continue;
      const values = plots.flatMap(({ data }) => data.flatMap((row) => Object.values(row)));
      const drawn = values.some((value) => String(value).startsWith("published"));
      expect([experiment.name, drawn]).toEqual([experiment.name, true]);
    }
  });

  it("give a reason for each figure that is off, and for no other", () => {
    for (const { quantity, verdict, reason } of one.rows) {
      expect([quantity, reason !== null]).toEqual([quantity, isOff(verdict)]);
    }
  });
});
