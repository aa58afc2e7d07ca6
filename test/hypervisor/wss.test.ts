/** Working-set-size estimation on the data plane: counting, sampling, averaging, following, the truth. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearTruth, countTruth, GuestPages } from "../../src/hardware/guestPages.ts";
import {
  addOccurrence,
  CumulativeBuffer,
  occurrencesOf,
} from "../../src/hypervisor/cumulativeBuffer.ts";
import { endsPeriod, harvestOf } from "../../src/hypervisor/wss/estimation.ts";
import {
  LOOP_BEGIN,
  type LoopProgress,
  type LoopRule,
  type LoopStep,
  loopStep,
} from "../../src/hypervisor/wss/hotPageLoop.ts";
import { countHotPages, passGeneration } from "../../src/hypervisor/wss/hotPages.ts";
import { findKernelFootprint } from "../../src/hypervisor/wss/kernelFootprint.ts";
import {
  type Averages,
  averageOf,
  largestAverage,
} from "../../src/hypervisor/wss/movingAverages.ts";
import { drawPages } from "../../src/hypervisor/wss/pageSample.ts";
import { WindowTruth } from "../../src/hypervisor/wss/windowTruth.ts";
import { kernelLives } from "../../src/system/operations/estimate/kernelVm.ts";
import { Random } from "../../workloads/random.ts";

const PUBLISHED: LoopRule = {
  least: 51,
  stableIntervals: 4,
  follow: "none",
  generationIntervals: 4,
  continueWhenStable: false,
};

/** The loop over a series of hot-page counts, up to its end. */
function stepsOf(rule: LoopRule, hot: readonly number[]): LoopStep[] {
  const steps: LoopStep[] = [];
  let progress: LoopProgress = LOOP_BEGIN;
  for (const count of hot) {
    const step = loopStep(rule, progress, count);
    steps.push(step);
    progress = step.progress;
    if (step.ends) break;
  }
  return steps;
}

describe("the loop of VEE21 3.4", () => {
  it("ends at the first t with dist[t] - dist[t - omega] = 0, dist[0] being 0", () => {
    const growing = fc
      .array(fc.constantFrom(0, 0, 0, 1, 7), { minLength: 1, maxLength: 40 })
      .map((steps) =>
        steps.map((_, i) => steps.slice(0, i + 1).reduce<number>((a, b) => a + b, 0)),
      );
    fc.assert(
      fc.property(growing, fc.integer({ min: 1, max: 6 }), (hot, omega) => {
        const dist = [0, ...hot];
        const end = dist.findIndex((value, t) => t >= omega && value === dist[t - omega]);
        const steps = stepsOf({ ...PUBLISHED, stableIntervals: omega }, hot);
        expect(steps.length).toBe(end < 0 ? hot.length : end);
        expect(steps.at(-1)!.ends).toBe(end >= 0);
        expect(steps.map(({ progress }) => progress.estimate)).toEqual(hot.slice(0, steps.length));
      }),
    );
  });

  it("has nothing to end in an idle VM but its own patience: omega, with an estimate of 0", () => {
    const steps = stepsOf(PUBLISHED, [0, 0, 0, 0, 0, 0]);
    expect(steps.length).toBe(4);
    expect(steps.at(-1)!.progress.estimate).toBe(0);
  });

  it("in DW19's form ends when one interval adds nothing", () => {
    const steps = stepsOf({ ...PUBLISHED, stableIntervals: 1 }, [5, 9, 9, 12]);
    expect(steps.length).toBe(3);
  });
});

describe("following a working set", () => {
  it("restart: empties the counts once stable, and only a stable result lowers the estimate", () => {
    const rule: LoopRule = { ...PUBLISHED, stableIntervals: 2, follow: "restart" };
    const steps = stepsOf(rule, [80, 100, 100, 100, 30, 30, 30, 120, 120, 120]);
    expect(steps.map(({ forget }) => forget !== "nothing")).toEqual(
      [0, 0, 0, 1, 0, 0, 1, 0, 0, 1].map(Boolean),
    );
    expect(steps.map(({ progress }) => progress.estimate)).toEqual([
      80, 100, 100, 100, 100, 100, 30, 120, 120, 120,
    ]);
    expect(steps.some(({ ends }) => ends)).toBe(false);
  });

  it("ageing: lowers the estimate at the end of a generation only, and raises it at once", () => {
    const rule: LoopRule = { ...PUBLISHED, generationIntervals: 2, follow: "ageing" };
    const steps = stepsOf(rule, [100, 100, 60, 60, 90, 60, 60, 60]);
    expect(steps.map(({ progress }) => progress.estimate)).toEqual([
      100, 100, 100, 60, 90, 60, 60, 60,
    ]);
    expect(steps.map(({ forget }) => forget)).toEqual([
      "nothing",
      "generation",
      "nothing",
      "generation",
      "nothing",
      "generation",
      "nothing",
      "generation",
    ]);
    expect(steps.map(({ stable }) => stable)).toEqual([0, 0, 0, 0, 0, 1, 0, 1].map(Boolean));
  });
});

describe("hot pages", () => {
  const PAGES = 1300;
  const occurrences = fc.array(fc.nat(PAGES - 1), { maxLength: 400 });

  it("are those logged often enough, page tables apart", () => {
    fc.assert(
      fc.property(
        occurrences,
        fc.integer({ min: 1, max: 4 }),
        fc.nat(PAGES),
        (pages, least, data) => {
          const buffer = new CumulativeBuffer("counts", PAGES);
          const counts = new Map<number, number>();
          for (const page of pages) {
            addOccurrence(buffer, page);
            counts.set(page, (counts.get(page) ?? 0) + 1);
          }
          const hot = [...counts].filter(([, count]) => count >= least).map(([page]) => page);
          const named = new Int32Array(Math.ceil(PAGES / 32)).fill(-1);
          const found = countHotPages(buffer, null, least, data, named);
          const isNamed = (page: number): boolean =>
            ((named[page >>> 5]! >>> (page & 31)) & 1) === 1;
          const all = Array.from({ length: PAGES }, (_, page) => page).filter(isNamed);
          expect(all).toEqual(hot.filter((page) => page < data).sort((a, b) => a - b));
          expect(found.pages).toBe(hot.filter((page) => page < data).length);
          expect(found.tables).toBe(hot.filter((page) => page >= data).length);
          expect(found.scanned).toBe(512 * new Set(pages.map((page) => page >>> 9)).size);
        },
      ),
    );
  });

  it("of two generations are those logged often enough in both together, and no more than two count", () => {
    fc.assert(
      fc.property(occurrences, occurrences, occurrences, (first, second, third) => {
        const buffer = new CumulativeBuffer("counts", PAGES);
        const older = new CumulativeBuffer("older", PAGES);
        for (const generation of [first, second, third]) {
          passGeneration(buffer, older);
          for (const page of generation) addOccurrence(buffer, page);
        }
        const counts = new Map<number, number>();
        for (const page of [...second, ...third]) counts.set(page, (counts.get(page) ?? 0) + 1);
        const hot = [...counts.values()].filter((count) => count >= 2).length;
        const named = new Int32Array(Math.ceil(PAGES / 32));
        expect(countHotPages(buffer, older, 2, PAGES, named).pages).toBe(hot);
        for (const page of third) expect(occurrencesOf(buffer, page)).toBeGreaterThan(0);
      }),
    );
  });
});

describe("a sample", () => {
  it("is of different pages of the VM", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(299), fc.nat(), (pages, less, seed) => {
        const count = Math.max(1, pages - less);
        const drawn = drawPages(new Random(seed), count, pages);
        expect(new Set(drawn).size).toBe(count);
        expect(drawn.every((page) => page >= 0 && page < pages)).toBe(true);
        expect(drawn).toEqual([...drawn].sort((a, b) => a - b));
      }),
    );
  });

  it("takes every page equally often", () => {
    const [pages, count, draws] = [40, 10, 4000];
    const random = new Random(11);
    const taken = new Array<number>(pages).fill(0);
    for (let i = 0; i < draws; i++) {
      for (const page of drawPages(random, count, pages)) taken[page] = taken[page]! + 1;
    }
    const expected = (draws * count) / pages;
    const p = count / pages;
    // Five standard deviations of a binomial, for each of 40 pages.
    const bound = 5 * Math.sqrt(draws * p * (1 - p));
    for (const times of taken) expect(Math.abs(times - expected)).toBeLessThan(bound);
  });
});

it("a sampling period ends with its last look, and the sample is armed anew then and not before", () => {
  const rule = { kind: "vmware", samples: 5, vmPages: 10, looksPerPeriod: 3, gains: null } as const;
  const looks = [1, 2, 3, 4, 5, 6, 7];
  expect(looks.filter((look) => endsPeriod(rule, look))).toEqual([3, 6]);
  expect(looks.filter((look) => harvestOf(rule, look) === "clean")).toEqual([3, 6]);
});

describe("VMware's averages", () => {
  const GAINS = { slow: 0.125, fast: 0.5 };

  it("begin with the first period and move by their gains", () => {
    const first = averageOf(GAINS, null, 0.4);
    expect(first).toEqual({ slow: 0.4, fast: 0.4 });
    const second = averageOf(GAINS, first, 0.8);
    expect(second.slow).toBeCloseTo(0.45, 12);
    expect(second.fast).toBeCloseTo(0.6, 12);
  });

  it("give an estimate that rises fast and falls slowly (OSDI'02 5.3)", () => {
    const follow = (from: number, to: number, periods: number): number => {
      let averages: Averages = { slow: from, fast: from };
      for (let i = 0; i < periods; i++) averages = averageOf(GAINS, averages, to);
      return largestAverage(GAINS, averages, 0);
    };
    expect(follow(0.1, 0.9, 2)).toBeGreaterThan(0.65);
    expect(follow(0.9, 0.1, 2)).toBeGreaterThan(0.65);
  });

  it("believe an unfinished period only when it raises the estimate", () => {
    const averages = { slow: 0.2, fast: 0.3 };
    expect(largestAverage(GAINS, averages, 0)).toBe(0.3);
    expect(largestAverage(GAINS, averages, 0.7)).toBeCloseTo(0.5, 12);
  });
});

describe("the kernel's footprint", () => {
  it("is the last size at which the shrinking VM lived", () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 100_000 }), (needs) => {
        const found = findKernelFootprint((pages) => pages >= needs, 200_000)!;
        expect(found).toBeGreaterThanOrEqual(needs);
        expect(Math.floor(0.95 * found)).toBeLessThan(needs);
      }),
    );
  });

  it("is found with an emulated VM that crashes when its kernel finds no memory", () => {
    const tried: number[] = [];
    const found = findKernelFootprint((pages) => {
      tried.push(pages);
      return kernelLives(700, pages);
    }, 1000);
    expect(tried).toEqual([1000, 950, 902, 856, 813, 772, 733, 696]);
    expect(found).toBe(733);
  });

  it("is unknown if the VM does not even begin to live", () => {
    expect(findKernelFootprint((pages) => kernelLives(700, pages), 600)).toBe(null);
    // One that never crashes is shrunk to a page, and no further.
    expect(findKernelFootprint(() => true, 100)).toBe(1);
  });
});

describe("the truth of a window", () => {
  it("is what was touched in its intervals, while the truth of the run keeps everything", () => {
    const interval = fc.array(fc.tuple(fc.nat(99), fc.constantFrom(1, 2, 3)), { maxLength: 60 });
    const run = fc.array(interval, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(run, fc.integer({ min: 1, max: 4 }), (intervals, length) => {
        const guest = new GuestPages("guest", 100, false);
        const truth = new WindowTruth("truth", guest, length);
        intervals.forEach((touches, index) => {
          for (const [page, kinds] of touches) {
            guest.truth[page >>> 4] = guest.truth[page >>> 4]! | (kinds << ((page & 15) * 2));
          }
          const window = intervals.slice(Math.max(0, index + 1 - length), index + 1).flat();
          expect(truth.endInterval(guest)).toBe(new Set(window.map(([page]) => page)).size);
        });
        const all = intervals.flat();
        const pagesOf = (mask: number) =>
          new Set(all.filter(([, kinds]) => (kinds & mask) !== 0).map(([page]) => page)).size;
        expect(countTruth(guest)).toEqual({
          pagesRead: pagesOf(1),
          pagesWritten: pagesOf(2),
          pagesTouched: pagesOf(3),
        });
        clearTruth(guest);
        expect(countTruth(guest).pagesTouched).toBe(0);
      }),
    );
  });
});
