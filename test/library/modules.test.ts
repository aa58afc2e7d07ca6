/** Modules with kinds of workloads of one's own: known in every thread that does runs, and part of what a run is. */
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import * as library from "../../src/library/index.ts";
import { Generator, registerWorkload, sweep } from "../../src/library/index.ts";
import * as face from "../../src/runs/moduleFace.ts";
import { Scratch } from "../cli/command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** In TypeScript, with a part in a file of its own. */
const STRIPES = `
import { Generator, type OwnWorkloadConfig, registerWorkload } from "trackvisor";
import { z } from "zod";
import { pageOf } from "./pages";

class Stripes extends Generator {
  stride: number;
  constructor(name: string, config: OwnWorkloadConfig, seed: number) {
    super(name, config.pages as number, config, seed);
    this.stride = config.stride as number;
  }
  generate(block: Int32Array, count: number, made: number): void {
    for (let i = 0; i < count; i++) block[i] = (pageOf(made + i, this.stride, this.pages) << 2) | 1;
  }
}
registerWorkload({
  kind: "stripes",
  parameters: { pages: z.int().min(1).max(1024), stride: z.int().min(1) },
  create: (config, name, seed) => new Stripes(name, config, seed),
});
`;
const PAGES =
  "export const pageOf = (n: number, stride: number, pages: number) => (n * stride) % pages;\n";
const OTHER_PAGES = PAGES.replace("(n * stride) % pages", "0");
const workload = { kind: "stripes", pages: 64, stride: 1, accesses: 640 };
const scenarioOf = (fields: object): string =>
  JSON.stringify({ name: "own", vms: [{ workload: { ...workload, ...fields } }] });

scratch.write("stripes.ts", STRIPES);
scratch.write("pages.ts", PAGES);
scratch.write("own.json", scenarioOf({}));
const IMPORT = ["--import", "stripes.ts"];

async function fine(words: readonly string[]): Promise<string> {
  const { code, out, err } = await scratch.run(words);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

describe("a module of --import", { timeout: 120_000 }, () => {
  const words = ["sweep", "own.json", ...IMPORT, "--vary", "vms.0.workload.stride=1,2"];
  const wrote = ["--metric", "pagesWritten", "--workers", "2", "--store", "store", "--json"];
  const written = async (): Promise<unknown> => {
    const { points } = JSON.parse(await fine([...words, ...wrote]));
    return points.map(({ means }: { means: object }) => Object.values(means));
  };

  it("is known in each thread, and is part of a run's identity with all that it imports", async () => {
    expect(await written()).toEqual([[64], [32]]);
    const finished = scratch.list().length;
    expect(await written()).toEqual([[64], [32]]);
    expect(scratch.list()).toHaveLength(finished);
    // A result that is kept is another module's.
    scratch.write("pages.ts", OTHER_PAGES);
    expect(await written()).toEqual([[1], [1]]);
    scratch.write("pages.ts", PAGES);
    expect(await written()).toEqual([[64], [32]]);
  });

  it("serves run, record and replay; a log says without it what it lacks", async () => {
    const { truth } = JSON.parse(
      await fine(["run", "own.json", ...IMPORT, "--record", "own.tvlog", "--json"]),
    );
    expect(truth.pagesWritten).toBe(64);
    expect(await fine(["replay", "own.tvlog", ...IMPORT])).toMatch(/no difference\n$/);
    const { code, err } = await scratch.run(["replay", "own.tvlog"]);
    expect(code).toBe(2);
    expect(err).toContain('"stripes"');
  });

  it.each([
    [["run", "near.json", ...IMPORT], /workload\.kind: .*did you mean "stripes"\?/],
    [["run", "wrong.json", ...IMPORT], /wrong\.json:1: vms\[0\]\.workload\.stride: /],
    [["run", "own.json"], /own\.json:1: vms\[0\]\.workload\.kind: expected one of /],
    [["run", "own.json", "--import", "no.ts"], /no\.ts: there is no such file/],
    [["run", "own.json", "--import", "pages.ts"], /pages\.ts: registers nothing/],
    [["run", "own.json", "--import", "bad.mjs"], /bad\.mjs: cannot be loaded: /],
    [["run", "own.json", ...IMPORT, "--import", "twice.mjs"], /twice\.mjs: registers nothing/],
  ])("%j is refused in one line", async (refused, message) => {
    scratch.write("near.json", scenarioOf({ kind: "stripe" }));
    scratch.write("wrong.json", scenarioOf({ stride: 0 }));
    scratch.write("bad.mjs", "export const = 1;\n");
    scratch.write("twice.mjs", 'import "./stripes.ts";\n');
    const { code, out, err } = await scratch.run(refused);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err.trimEnd()).not.toContain("\n");
  });
});

describe("the library", () => {
  it("gives a module the part of itself that registers", () => {
    for (const [name, value] of Object.entries(face)) {
      expect((library as Record<string, unknown>)[name], name).toBe(value);
    }
  });

  it("refuses to do runs in threads of what is registered in one of them alone", async () => {
    class Still extends Generator {
      protected generate(block: Int32Array, count: number): void {
        block.fill(0, 0, count);
      }
    }
    registerWorkload({
      kind: "still",
      parameters: { pages: z.int() },
      create: (config, name, seed) => new Still(name, 1, config, seed),
    });
    const scenario = { name: "still", vms: [{ workload: { kind: "uniform", pages: 1 } }] } as const;
    const set = { "vms.0.workload": { kind: "still", pages: 1, accesses: 10 } };
    await expect(sweep(scenario, { set, vary: { seed: [1, 2] } })).rejects.toThrow(
      "workload still: was registered in this thread alone",
    );
  });
});
