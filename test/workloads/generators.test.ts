import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import { digestPart, restorePart, savePart } from "../../src/hardware/part.ts";
import { Random } from "../../workloads/random.ts";
import { isCertain, workloadSchema } from "../../workloads/workloadKinds.ts";
import { ZipfSampler } from "../../workloads/zipfSampler.ts";
import { type Access, binomial, make, take } from "./helpers.ts";

/** One of each kind, all but the last without end. */
const samples: readonly Readonly<Record<string, unknown>>[] = [
  { kind: "arrayParser", pages: 37, writeIntensity: 20 },
  { kind: "arrayParser", pages: 37, writeIntensity: 0 },
  { kind: "arrayParser", pages: 37, writeIntensity: 100 },
  { kind: "phases", pages: 10, mode: "RWRW" },
  { kind: "phases", pages: 10, mode: "RRWW", readPasses: 2, writePasses: 3 },
  { kind: "phases", pages: 10, mode: "WWRR", readPasses: 2 },
  { kind: "uniform", pages: 1000, writeFraction: 0.3 },
  { kind: "zipf", pages: 1000, exponent: 0.9, writeFraction: 0.1 },
  { kind: "hotCold", pages: 500, hotPages: 20, hotProbability: 0.8, scatter: true },
  { kind: "sequential", pages: 9, accessesPerPage: 4, writeFraction: 0.5 },
  { kind: "sequential", pages: 9, accessesPerPage: 4, writeFraction: 1 },
  { kind: "script", script: ["read 0", "write 1"], passes: "endless" },
  { kind: "trace", file: "shipped:sort", accesses: 50_000 },
  { kind: "hpl", order: 96, blockSize: 16 },
  { kind: "hpl", order: 70, blockSize: 32, flopsPerAccess: 1 },
  { kind: "externalSort", dataPages: 9, bufferPages: 2, fanIn: 2, recordBytes: 300 },
  { kind: "recordStore", mode: "write", dataPages: 1, tablePages: 2, accessesPerOperation: 1 },
  { kind: "recordStore", mode: "read", dataPages: 99, accessesPerOperation: 8 },
  { kind: "parsec", program: "dedup" },
  { kind: "parsec", program: "canneal" },
  { kind: "wasm", module: "shipped:sort", args: ["3000"], memory: "1MiB", live: true },
  {
    kind: "phaseChange",
    rounds: 40,
    phases: [
      { firstPage: 5, pages: 10, accesses: 33, writeFraction: 0.5 },
      { firstPage: 100, pages: 50, accesses: 21 },
    ],
  },
];
const label = (sample: Readonly<Record<string, unknown>>) => JSON.stringify(sample).slice(0, 60);
const writes = (accesses: readonly Access[]) =>
  accesses.filter(({ kind }) => kind === AccessKind.write).length;

describe.each(samples.map((sample) => [label(sample), sample] as const))("%s", (_, sample) => {
  it("is the same for the same seed, name and configuration", () => {
    expect(take(make(sample), 3000)).toEqual(take(make(sample), 3000));
  });

  it("is the same with another seed if it says so, and another one otherwise", () => {
    const config = workloadSchema.parse(sample);
    // A program may ask for random numbers or not.
    if (config.kind === "wasm") return;
    const of = (seed: number) => JSON.stringify(take(make({ ...sample, seed }), 20_000, 20_000));
    expect(of(1) === of(2)).toBe(isCertain(config));
  });

  it("is the same stream in blocks of any size", () => {
    const whole = take(make(sample), 1500, 1500);
    const workload = make(sample);
    const start = savePart(workload);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 30 }), (sizes) => {
        restorePart(workload, start);
        const pieces: Access[] = [];
        for (const size of sizes) pieces.push(...take(workload, size, Math.max(1, size)));
        return JSON.stringify(pieces) === JSON.stringify(whole.slice(0, pieces.length));
      }),
      { numRuns: 50 },
    );
  });

  it("goes on the same after a restore, in itself and in a new one", () => {
    const workload = make(sample);
    take(workload, 777);
    const saved = savePart(workload);
    const digest = digestPart(workload);
    const rest = take(workload, 1000);
    expect(digestPart(workload)).not.toBe(digest);
    restorePart(workload, saved);
    expect(digestPart(workload)).toBe(digest);
    expect(take(workload, 1000)).toEqual(rest);
    const other = make(sample);
    restorePart(other, saved);
    expect(take(other, 1000)).toEqual(rest);
  });

  it("stays within its pages and writes nothing beyond what it returns", () => {
    const workload = make({ ...sample, accesses: 1100 });
    const block = new Int32Array(1000).fill(-7);
    expect(workload.fill(block)).toBe(1000);
    expect(block.every((word) => word >>> 2 < workload.pages)).toBe(true);
    block.fill(-7);
    expect(workload.fill(block)).toBe(100);
    expect(block.subarray(100).every((word) => word === -7)).toBe(true);
    expect(workload.fill(block)).toBe(0);
    expect(workload.fill(new Int32Array(0))).toBe(0);
  });
});

describe("seeds", () => {
  it("decide the stream; without one, the name does", () => {
    const sample = { kind: "uniform", pages: 1000 };
    expect(take(make({ ...sample, seed: 4 }, "a"), 20)).toEqual(
      take(make({ ...sample, seed: 4 }, "b"), 20),
    );
    expect(take(make({ ...sample, seed: 4 }), 20)).not.toEqual(
      take(make({ ...sample, seed: 5 }), 20),
    );
    expect(take(make(sample, "a"), 20)).not.toEqual(take(make(sample, "b"), 20));
  });
});

describe("the array parser", () => {
  it.each([0, 20, 50, 80, 100])("writes %i percent of the time, in page order", (percent) => {
    const accesses = take(
      make({ kind: "arrayParser", pages: 300, writeIntensity: percent }),
      30_000,
    );
    expect(accesses.map(({ page }) => page)).toEqual(accesses.map((_, i) => i % 300));
    expect(binomial(writes(accesses), 30_000, percent / 100)).toBe(true);
  });

  it("ends after its passes", () => {
    const parser = make({ kind: "arrayParser", pages: 7, writeIntensity: 50, passes: 3 });
    expect(take(parser, 1000)).toHaveLength(21);
  });
});

describe("phases", () => {
  const letters = (accesses: readonly Access[]) =>
    accesses.map(({ page, kind }) => (kind === AccessKind.write ? "W" : "R") + page).join(" ");

  it("RWRW reads, then writes each entry", () => {
    const phases = make({ kind: "phases", pages: 3, mode: "RWRW", rounds: 2 });
    expect(letters(take(phases, 100))).toBe("R0 W0 R1 W1 R2 W2 R0 W0 R1 W1 R2 W2");
  });

  it("RRWW reads for its passes, then writes for its passes", () => {
    const phases = make({ kind: "phases", pages: 2, mode: "RRWW", readPasses: 2, rounds: 2 });
    expect(letters(take(phases, 100))).toBe("R0 R1 R0 R1 W0 W1 R0 R1 R0 R1 W0 W1");
  });

  it("WWRR is the reverse", () => {
    const phases = make({ kind: "phases", pages: 2, mode: "WWRR", readPasses: 2, rounds: 1 });
    expect(letters(take(phases, 100))).toBe("W0 W1 R0 R1 R0 R1");
  });
});

describe("sequential", () => {
  it("stays on a page for its accesses", () => {
    const pages = take(make({ kind: "sequential", pages: 3, accessesPerPage: 2, passes: 2 }), 99);
    expect(pages.map(({ page }) => page)).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
  });
});

describe("uniform", () => {
  it("uses all pages as often and writes the fraction asked for", () => {
    const accesses = take(make({ kind: "uniform", pages: 10, writeFraction: 0.3 }), 50_000);
    for (let page = 0; page < 10; page++) {
      const count = accesses.filter((access) => access.page === page).length;
      expect(binomial(count, 50_000, 0.1)).toBe(true);
    }
    expect(binomial(writes(accesses), 50_000, 0.3)).toBe(true);
  });
});

describe("hot and cold", () => {
  it.each([false, true])("the hot set takes its share, scattered: %s", (scatter) => {
    const hotCold = { kind: "hotCold", pages: 1000, hotPages: 10, hotProbability: 0.9, scatter };
    const counts = new Map<number, number>();
    for (const { page } of take(make(hotCold), 100_000)) {
      counts.set(page, (counts.get(page) ?? 0) + 1);
    }
    const hot = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 10);
    expect(
      binomial(
        hot.reduce((sum, [, count]) => sum + count, 0),
        100_000,
        0.9,
      ),
    ).toBe(true);
    for (const [, count] of hot) expect(binomial(count, 100_000, 0.09)).toBe(true);
    const first = hot.every(([page]) => page < 10);
    expect(first).toBe(!scatter);
  });

  it("works when everything is hot", () => {
    const accesses = take(
      make({ kind: "hotCold", pages: 3, hotPages: 3, hotProbability: 0.1 }),
      100,
    );
    expect(new Set(accesses.map(({ page }) => page)).size).toBe(3);
  });
});

describe("Zipf", () => {
  it.each([0, 0.5, 1, 2])("draws rank r in proportion to r^-%d", (exponent) => {
    const ranks = 3000;
    const draws = 400_000;
    const sampler = new ZipfSampler(ranks, exponent);
    const random = new Random(11);
    const seen = new Float64Array(ranks + 1);
    for (let i = 0; i < draws; i++) seen[sampler.draw(random)]!++;
    let total = 0;
    for (let rank = 1; rank <= ranks; rank++) total += rank ** -exponent;
    // Ranks one by one at the start, then all others in intervals that cut through the groups.
    let from = 1;
    for (let width = 1; from <= ranks; width = from < 20 ? 1 : Math.ceil(from / 7)) {
      const to = Math.min(ranks + 1, from + width);
      let probability = 0;
      let count = 0;
      for (let rank = from; rank < to; rank++) {
        probability += rank ** -exponent / total;
        count += seen[rank]!;
      }
      expect(binomial(count, draws, probability), `ranks ${from} to ${to - 1}`).toBe(true);
      from = to;
    }
    expect(seen[0]).toBe(0);
  });

  it("tells ranks of one group apart", () => {
    // Members of a group differ by 1.5 percent at most, so this takes many draws.
    const ranks = 2 ** 20;
    const upper = (rank: number) =>
      rank >= 128 && (Math.floor(rank / 2 ** (Math.floor(Math.log2(rank)) - 7)) & 1) === 1;
    let total = 0;
    let probability = 0;
    for (let rank = 1; rank <= ranks; rank++) {
      total += 1 / rank;
      if (upper(rank)) probability += 1 / rank;
    }
    const isUpper = Uint8Array.from({ length: ranks + 1 }, (_, rank) => (upper(rank) ? 1 : 0));
    const sampler = new ZipfSampler(ranks, 1);
    const random = new Random(3);
    let count = 0;
    for (let i = 0; i < 40_000_000; i++) count += isUpper[sampler.draw(random)]!;
    expect(binomial(count, 40_000_000, probability / total)).toBe(true);
  });

  it("scatters hot pages and writes the fraction asked for", () => {
    const accesses = take(make({ kind: "zipf", pages: 10_000, writeFraction: 0.25 }), 50_000);
    const counts = new Map<number, number>();
    for (const { page } of accesses) counts.set(page, (counts.get(page) ?? 0) + 1);
    const hot = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8);
    const gaps = hot.map(([page]) => page).sort((a, b) => a - b);
    expect(gaps.every((page, i) => i === 0 || page - gaps[i - 1]! > 1)).toBe(true);
    expect(binomial(writes(accesses), 50_000, 0.25)).toBe(true);
  });

  it("works for one page", () => {
    expect(take(make({ kind: "zipf", pages: 1 }), 5).every(({ page }) => page === 0)).toBe(true);
  });
});

describe("phase change", () => {
  it("uses exactly the set of each phase, for its accesses, with its share of writes", () => {
    const first = { firstPage: 5, pages: 10, accesses: 5000, writeFraction: 1 };
    const second = { firstPage: 100, pages: 50, accesses: 3000 };
    const change = make({ kind: "phaseChange", phases: [first, second], rounds: 2 });
    expect(change.pages).toBe(150);
    const accesses = take(change, 1e6);
    expect(accesses).toHaveLength(16_000);
    for (const start of [0, 8000]) {
      const a = accesses.slice(start, start + 5000);
      const b = accesses.slice(start + 5000, start + 8000);
      expect(new Set(a.map(({ page }) => page))).toEqual(
        new Set([...Array(10).keys()].map((i) => i + 5)),
      );
      expect(new Set(b.map(({ page }) => page))).toEqual(
        new Set([...Array(50).keys()].map((i) => i + 100)),
      );
      expect([writes(a), writes(b)]).toEqual([5000, 0]);
    }
  });
});

describe("the schema", () => {
  it.each([
    [{ kind: "uniform" }, "pages"],
    [{ kind: "uniform", pages: 0 }, "pages"],
    [{ kind: "uniform", pages: 2 ** 30 + 1 }, "pages"],
    [{ kind: "uniform", pages: 1, writeFraction: 1.5 }, "writeFraction"],
    [{ kind: "arrayParser", pages: 1, writeIntensity: 101 }, "writeIntensity"],
    [{ kind: "hotCold", pages: 5, hotPages: 6, hotProbability: 1 }, "hotPages"],
    [{ kind: "zipf", pages: 1, passes: 3 }, "passes"],
    [{ kind: "nothing" }, "kind"],
  ])("refuses %j", (input, field) => {
    const result = workloadSchema.safeParse(input);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(field);
  });
});
