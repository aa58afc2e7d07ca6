/**
 * PRL's estimation loop (VEE21 3.4): every mu, dist[t] is the number of pages logged more than tau
 * times; the estimation ends when dist[t] - dist[t - omega] = 0. Within one estimation dist never
 * falls. How the estimate follows a working set that shrinks or moves the papers do not say; `follow`
 * is our answer (docs/wss.md).
 */

export const FOLLOW = ["none", "restart", "ageing"] as const;
export type Follow = (typeof FOLLOW)[number];

export interface LoopRule {
  /** Occurrences that make a page hot, at least. */
  readonly least: number;
  /** omega / mu. DW19's loop is 1: it ends when one interval has added nothing. */
  readonly stableIntervals: number;
  readonly follow: Follow;
  /** Ageing: intervals of a generation. */
  readonly generationIntervals: number;
  /** Goes on looking, without emptying anything, once stable. */
  readonly continueWhenStable: boolean;
}

export interface LoopProgress {
  /** dist since the estimation began, its last stableIntervals + 1 values; 0 at the beginning. */
  readonly dist: readonly number[];
  /** Intervals of the present generation. */
  readonly age: number;
  /** dist at the end of the last generation, -1 before. */
  readonly lastGeneration: number;
  readonly estimate: number;
}

export const LOOP_BEGIN: LoopProgress = { dist: [0], age: 0, lastGeneration: -1, estimate: 0 };

/** What the pVM does to the counts after a look: nothing, empty them, or begin a new generation. */
export type Forget = "nothing" | "everything" | "generation";

export interface LoopStep {
  readonly progress: LoopProgress;
  readonly stable: boolean;
  readonly ends: boolean;
  readonly forget: Forget;
}

/** One look at the cumulative buffer, with the number of hot pages in it. */
export function loopStep(rule: LoopRule, before: LoopProgress, hot: number): LoopStep {
  if (rule.follow === "ageing") return ageingStep(rule, before, hot);
  const dist = [...before.dist, hot].slice(-rule.stableIntervals - 1);
  const stable = dist.length > rule.stableIntervals && dist.at(-1) === dist[0];
  if (rule.follow === "none") {
    const progress = { ...before, dist, estimate: hot };
    return { progress, stable, ends: stable && !rule.continueWhenStable, forget: "nothing" };
  }
  // While a new estimation is under way its dist may only raise the last one's result.
  if (!stable) {
    const progress = { ...before, dist, estimate: Math.max(before.estimate, hot) };
    return { progress, stable, ends: false, forget: "nothing" };
  }
  const progress = { ...before, dist: LOOP_BEGIN.dist, estimate: hot };
  return { progress, stable, ends: false, forget: "everything" };
}

/** `hot` is over two generations, the previous one and the present: at its end, a window of both. */
function ageingStep(rule: LoopRule, before: LoopProgress, hot: number): LoopStep {
  const age = before.age + 1;
  if (age < rule.generationIntervals) {
    const progress = { ...before, age, estimate: Math.max(before.estimate, hot) };
    return { progress, stable: false, ends: false, forget: "nothing" };
  }
  const progress = { ...before, age: 0, lastGeneration: hot, estimate: hot };
  const stable = before.lastGeneration === hot;
  return { progress, stable, ends: false, forget: "generation" };
}
