/** `sweep`, `advise` and `fleet` of the library: what the command line gives, from a program. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type * as library from "../../src/library/index.ts";
import { fleet as fleetText, GUEST, write } from "../questions/fleet/fleets.ts";

/** The compiled one: a pool's threads run no TypeScript. */
const LIBRARY = join(import.meta.dirname, "../../dist/src/library/index.js");
const SMALL = {
  name: "small",
  vms: [{ workload: { kind: "uniform", pages: 50, writeFraction: 0.5, accesses: 500 } }],
} as const;

describe("sweep", () => {
  let sweep: typeof library.sweep;
  beforeAll(async () => {
    ({ sweep } = (await import(LIBRARY)) as typeof library);
  });

  it("runs all combinations of values, and gives the same on any number of threads", async () => {
    const vary = { "tracker.technique": ["pml", "prl"], "machine.logEntries": "64..256*2" };
    const settings = { vary, seeds: [1, 2], metrics: ["exits", "found"] };
    const stages: string[] = [];
    const one = await sweep(SMALL, {
      ...{ ...settings, workers: 1 },
      onProgress: (what, { done, total }) => stages.push(`${what} ${done}/${total}`),
    });
    expect(one.points.map(({ values }) => Object.values(values).join())).toEqual([
      ...["pml,64", "pml,128", "pml,256"],
      ...["prl,64", "prl,128", "prl,256"],
    ]);
    expect(one.points.every(({ runs }) => runs.length === 2)).toBe(true);
    expect(stages[0]).toBe("runs 0/12");
    expect(stages.at(-1)).toBe("runs 12/12");
    expect(await sweep(SMALL, { ...settings, workers: 2 })).toEqual(one);
  });

  it("takes points that are listed", async () => {
    const points = [{ "tracker.technique": "pml" }, { "machine.cpus": 2 }];
    const result = await sweep(SMALL, { points, metrics: ["accesses"] });
    expect(result.points.map(({ means }) => means)).toEqual([{ accesses: 500 }, { accesses: 500 }]);
  });

  it("refuses mistakes in one line before any run, and ends by a signal with its reason", async () => {
    const vary = { "machine.cpus": [1, 2] };
    for (const [settings, said] of [
      [{}, /nothing to vary/],
      [{ points: [] }, /points: expected points/],
      [{ vary: { "machine.cpus": [] } }, /vary: expected values/],
      [{ vary: { "machine.cpus": [1, 1] } }, /set "machine.cpus": has "1" twice/],
      [{ vary: { "machine.cpus": "2..1" } }, /^vary machine.cpus=2..1: "2..1" goes down/],
      [{ vary: { "machine.cpu": [1, 2] } }, /did you mean "cpus"/],
      [{ vary, metrics: ["exit"] }, /^metrics: there is no "exit"; did you mean "exits"/],
      [{ vary, set: { "machine.cpus": 4 } }, /machine.cpus is varied, and set as well/],
    ] as const) {
      await expect(sweep(SMALL, settings)).rejects.toThrow(said);
      await expect(sweep(SMALL, settings)).rejects.toMatchObject({ name: "UserError" });
    }
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(sweep(SMALL, { vary, signal })).rejects.toBe(reason);
  });
});

describe("advise", () => {
  it("answers with the runs behind each sentence, and refuses a mistake before it runs anything", async () => {
    const { advise } = (await import(LIBRARY)) as typeof library;
    const asked = { only: ["workingSet"], seeds: [1], workers: 1 } as const;
    const { workingSets, trackers, runs } = await advise(SMALL, asked);
    expect(trackers).toBeNull();
    const [{ truth, sentences } = { truth: null, sentences: [] }] = workingSets ?? [];
    expect(truth?.mean).toBeGreaterThan(0);
    const known = runs.map(({ id }) => id);
    expect(sentences.flatMap((one) => one.runs).every((id) => known.includes(id))).toBe(true);
    await expect(advise(SMALL, { link: "fast" })).rejects.toThrow("--link fast");
  });
});

describe("fleet", () => {
  it("gives each way's day with the runs behind its curves, and refuses a tracker that there is not", async () => {
    const { fleet } = (await import(LIBRARY)) as typeof library;
    write("guest.yaml", GUEST);
    const file = write("fleet.yaml", fleetText());
    await expect(fleet(file, { trackers: ["bit"] })).rejects.toThrow(
      'trackers: there is no "bit"; did you mean "bits"?',
    );
    const stages = new Set<string>();
    const { days, runs } = await fleet(file, {
      ...{ trackers: ["bits"], workers: 1 },
      onProgress: (what) => stages.add(what),
    });
    expect(days.map(({ sizes, tracker }) => tracker ?? sizes)).toEqual([
      ...["declared", "exact", "bits"],
    ]);
    expect(new Set(runs.map(({ run }) => run)).size).toBe(runs.length);
    expect([...stages]).toEqual(["runs of curves", "runs with less memory"]);
    const reason = new Error("enough");
    await expect(fleet(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
