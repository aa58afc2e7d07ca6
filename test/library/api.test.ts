/** The library's face: a name that comes or goes is seen here, and goes with a new major version alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { setup } from "xstate";
import * as z from "zod";
import { actorModel, inState, not } from "../../src/check/library.ts";
import * as library from "../../src/library/index.ts";
import { Scratch } from "../cli/command.ts";

const { check, compare, loadScenario, openLog, runScenario, UserError } = library;
const SMALL = {
  name: "small",
  vms: [{ workload: { kind: "uniform", pages: 10, writeFraction: 0.5, accesses: 100 } }],
} as const;

const directory = mkdtempSync(join(tmpdir(), "trackvisor-library-"));
const scratch = new Scratch();
afterAll(() => {
  rmSync(directory, { recursive: true });
  scratch.remove();
});

it("exports these names and no others", () => {
  expect(Object.keys(library).sort()).toEqual([
    "CYCLES_PER_SECOND",
    "FieldError",
    "Generator",
    "MessageLog",
    "ModelError",
    "UserError",
    "VERSION",
    "advise",
    "check",
    "compare",
    "fleet",
    "importModule",
    "loadScenario",
    "openLog",
    "registerEstimator",
    "registerTracker",
    "registerUnit",
    "registerWorkload",
    "runScenario",
    "shippedScenarios",
    "sweep",
  ]);
});

describe("loadScenario", () => {
  it("takes a name, or fields, and other values for fields", () => {
    const shipped = loadScenario("sort-pml", { set: { "tracker.technique": "prl" } });
    expect(shipped.scenario.tracker.technique).toBe("prl");
    const own = loadScenario(SMALL, { set: { "vms.*.memory": "1MiB", until: "1ms" } });
    expect(own.scenario.vms[0]?.memory).toBe(256);
    expect(own.scenario.until).toBe(0.001 * library.CYCLES_PER_SECOND);
  });

  it.each([
    [() => loadScenario("sort-pm"), 'did you mean "sort-pml"'],
    [() => loadScenario(SMALL, { set: { "tracker.techniqe": "prl" } }), 'did you mean "technique"'],
    [() => loadScenario(SMALL, { set: { "a=b": 1 } }), 'set "a=b": expected a path of fields'],
    [() => loadScenario(SMALL, { set: { until: "soon" } }), 'set "until": until: expected a time'],
    [() => openLog("no-such.tvlog"), "no-such.tvlog"],
  ])("mistakes are errors of one line: %s", (act, text) => {
    try {
      act();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      const { message, name } = error as Error;
      expect(name).toBe("UserError");
      expect(message).toContain(text);
      expect(message).not.toContain("\n");
    }
  });
});

describe("runScenario", () => {
  it("gives the same summary each time, and records what openLog reads and replays", async () => {
    const record = join(directory, "small.tvlog");
    const first = await runScenario(SMALL, { record });
    expect(await runScenario(loadScenario(SMALL))).toEqual(first);
    expect(first).toMatchObject({ complete: true, accesses: 100, failures: [] });
    const log = openLog(record);
    const messages = [...log.messages()];
    expect(messages).toHaveLength(first.messages);
    expect(messages.map(({ message }) => message.type)).toContain("enterGuest");
    expect(log.actors).toContain(messages[0]?.to);
    const replayed = await log.replay();
    expect(replayed).toMatchObject({ difference: null, damage: null, messages: messages.length });
    log.close();
    await expect(runScenario(SMALL, { record })).rejects.toThrow("small.tvlog");
  });

  it("ends early by a signal, with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(runScenario(SMALL, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("tells an overcommitted host beside one with enough memory, as the command does", async () => {
    const set = { until: "1s", "operation.interval": "250ms" };
    const { operation } = await runScenario("overcommit-underestimate", { set });
    if (operation.kind !== "overcommit") return expect.unreachable();
    expect(operation.vms.every((vm) => vm.relativeThroughput !== null)).toBe(true);
  });
});

describe("compare", () => {
  it("runs one scenario under each of the trackers, or several as they are", async () => {
    const one = await compare(SMALL, { trackers: ["pml", "writeProtect"], seeds: [1, 2] });
    expect(one.rows.map(({ name }) => name).sort()).toEqual(["pml", "writeProtect"]);
    expect(one.answers[0]).toContain("Cheapest for written pages");
    const two = await compare([SMALL, { ...SMALL, name: "other" }]);
    expect(two.rows.map(({ name }) => name).sort()).toEqual(["other", "small"]);
  });

  it("refuses what there is not", async () => {
    await expect(compare(SMALL, { trackers: ["pm"] })).rejects.toThrow(
      'trackers: there is no "pm"; did you mean "pml"?',
    );
    await expect(compare([])).rejects.toThrow("the list is empty");
  });
});

describe("check", () => {
  const light = setup({}).createMachine({
    initial: "off",
    states: { off: { on: { press: "on" } }, on: { on: { press: "off" } } },
  });
  const model = actorModel({
    name: "light",
    actors: { light: { machine: light, choices: [{ type: "press" }] } },
    wires: [],
    properties: [{ kind: "always", name: "it stays off", that: not(inState("light", "on")) }],
  });

  it("takes a shipped model by name, with its parameters", async () => {
    const { report, traces } = await check("two-phase-commit", { set: { managers: 2 } });
    expect(report.complete).toBe(true);
    expect(traces.every(({ steps }) => steps.length > 0)).toBe(true);
    await expect(check("two-phase-comit")).rejects.toThrow('did you mean "two-phase-commit"');
  });

  it("takes a model of one's own, and shows how its property breaks", async () => {
    const { report, traces } = await check(model);
    expect(report.model).toBe("light");
    expect(report.properties[0]).toMatchObject({ name: "it stays off", verdict: "violated" });
    expect(traces[0]?.steps.map(({ message }) => message.type)).toEqual(["press"]);
    await expect(check(model, { workers: 2 })).rejects.toThrow("workers:");
  });
});

describe("registerWorkload", () => {
  class Stripes extends library.Generator {
    readonly #stride: number;
    constructor(name: string, config: library.OwnWorkloadConfig, seed: number) {
      super(name, 64, config, seed);
      this.#stride = Number(config["stride"]);
    }
    protected override generate(block: Int32Array, count: number, made: number): void {
      for (let i = 0; i < count; i++) block[i] = ((((made + i) * this.#stride) % 64) << 2) | 1;
    }
  }
  const striped = (stride: number, more = {}) => {
    const workload = { kind: "stripes", stride, accesses: 640, ...more };
    return loadScenario(SMALL, { set: { "vms.0.workload": workload } });
  };

  it("makes a kind that scenarios name, with fields of its own, and that logs demand", async () => {
    expect(() => striped(2)).toThrow("expected one of");
    library.registerWorkload({
      kind: "stripes",
      parameters: { stride: z.int().min(1).max(63) },
      create: (config, name, seed) => new Stripes(name, config, seed),
    });
    const record = join(directory, "stripes.tvlog");
    const { truth, writes } = await runScenario(striped(2), { record });
    expect({ truth: truth.pagesWritten, writes }).toEqual({ truth: 32, writes: 640 });
    const log = openLog(record);
    expect((await log.replay()).difference).toBe(null);
    log.close();
    expect(() => striped(99)).toThrow("vms[0].workload.stride: Too big");
    expect(() => striped(2, { strid: 1 })).toThrow('did you mean "stride"');
    // Another program, which has not registered it.
    const { code, err } = await scratch.run(["replay", record]);
    expect(err).toMatch(/stripes/);
    expect(err.trim()).not.toContain("\n");
    expect(code).toBe(2);
  });

  it("refuses a kind that there is, and fields that all have", () => {
    const create = (): never => expect.unreachable();
    const one = (kind: string, parameters = {}) =>
      library.registerWorkload({ kind, parameters, create });
    expect(() => one("uniform")).toThrow('workload "uniform": there is one of this kind already');
    expect(() => one("a b")).toThrow("expected letters");
    expect(() => one("mine", { seed: z.int() })).toThrow('the field "seed"');
  });
});
