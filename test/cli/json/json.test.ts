/**
 * Each command that prints JSON has a published format: what it prints is valid by the schema in docs, and
 * the schema is what the types say. UPDATE_SCHEMA=1 writes docs/json anew.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { JSON_VERSIONS } from "../../../src/cli/jsonFormats.ts";
import { IS_LONG } from "../../share.ts";
import { Scratch, scenario } from "../command.ts";
import { TypeSchemas } from "./typeSchema.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const DOCS = join(ROOT, "docs");
const SORT = join(ROOT, "workloads", "traces", "sort.tvtrace");
/** Of formats that stand in src/questions (test/questions/schemas.test.ts). */
const ELSEWHERE: Readonly<Record<string, string>> = {
  sweep: "sweep.schema.json",
  advise: "advise.schema.json",
  fleet: "fleet.schema.json",
};
const UPDATE = process.env["UPDATE_SCHEMA"] !== undefined;

const scratch = new Scratch();
const at = (name: string): string => scratch.path(name);

/** A command line with --json, and the format of what it prints. `long`: it takes seconds. */
interface Case {
  readonly words: readonly string[];
  readonly format: string;
  readonly long?: true;
}

function* cases(): Generator<Case> {
  const some = (format: string, ...words: string[]): Case => ({ words, format });
  const long = (format: string, ...words: string[]): Case => ({ words, format, long: true });
  for (const name of [
    "small",
    "sampled",
    "lossy",
    "checkpoint",
    "estimate",
    "shards",
    "overcommit",
    "postcopy",
  ]) {
    yield some("run", "run", at(`${name}.json`));
  }
  yield some("run", "run", "migrate-libxc", "--until", "1ms");
  yield some("compare", "compare", at("small.json"), "--trackers", "pml,prl");
  yield some("tui", "tui", at("small.json"));
  yield some("litmus", "litmus", at("failing.litmus.yaml"));
  yield some("check", "check", "two-phase-commit", "--set", "managers=2");
  yield some("check", "check", "pml", "--fault", "reset-at-exit", "--bound", "states=500");
  const seeds = ["--random", "--seeds", "1,2", "--bound", "walks=2"];
  yield some("check walks", "check", "two-phase-commit", ...seeds);
  yield long("check all", "check", "--all", "--bound", "states=20");
  yield some("replay", "replay", at("a.tvlog"));
  yield some("replay bisect", "replay", at("a.tvlog"), "--bisect", at("b.tvlog"));
  yield some("replay component", "replay", at("a.tvlog"), "--component", "vcpu0");
  yield some("log entry", "log", "show", at("a.tvlog"), "--count", "1000000");
  yield some("log entry", "log", "grep", at("a.tvlog"), "--type", "vmExit");
  yield some("log stats", "log", "stats", at("a.tvlog"));
  yield some("log stats", "log", "stats", at("torn.tvlog"));
  const once = ["--expect", "noFailure", "--points", "1", "--draws", "1"];
  yield some("log inevitable", "log", "inevitable", at("lossy.tvlog"), ...once);
  yield some("trace import", "trace", "import", at("a.log"), "-o", at("a.tvtrace"));
  yield some("trace info", "trace", "info", at("b.tvtrace"));
  yield some("trace info", "trace", "info", at("torn.tvtrace"));
  yield some("trace head", "trace", "head", SORT);
  yield some("trace head", "trace", "head", at("torn.tvtrace"), "-n", "100000");
  yield some("checkpoint info", "checkpoint", "info", at("a.tvckpt"));
  yield some("checkpoint info", "checkpoint", "info", at("torn.tvckpt"));
  yield some("scenarios", "scenarios", "list");
  yield some("experiments", "experiment", "list");
  const quick = ["--quick", "--out", at("experiments")];
  yield long("experiment run", "experiment", "run", "present-bit", ...quick);
  const share = ["--shard", "1/3", "-o", at("share.json")];
  yield long("experiment", "experiment", "run", "present-bit", ...quick, ...share);
  const store = ["--store", at("store")];
  const vary = ["--vary", "machine.logEntries=64,128", ...store];
  yield long("sweep", "sweep", at("small.json"), ...vary, "-o", at("sweep.json"));
  yield long("sweep", "merge", at("sweep.json"));
  yield long("advise", "advise", at("small.json"), "--only", "trackers", "--seeds", "1", ...store);
  yield long("fleet", "fleet", "two-racks", "--trackers", "pml", ...store);
}

/** What a command line prints, done in this process. */
async function run(words: readonly string[]): Promise<string> {
  let out = "";
  let err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
  const { runCommandLine } = await import("../../../dist/src/cli/program.js");
  try {
    await runCommandLine(words);
    // What is damaged or fails is told, too.
    expect([undefined, 0, 1], err).toContain(process.exitCode);
    return out;
  } finally {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  }
}

function everyCommand(command: Command, before: readonly string[]): [string, Command][] {
  const words = [...before, command.name()];
  return [
    [words.join(" "), command],
    ...command.commands.flatMap((one) => everyCommand(one, words)),
  ];
}

function titled(): [string, Case][] {
  const wanted = [...cases()].filter(({ long }) => IS_LONG || !long);
  return wanted.map((one) => [shortOf(one), one]);
}

function shortOf({ words }: Case): string {
  return words.join(" ").replaceAll(`${scratch.directory}/`, "").replaceAll(`${ROOT}/`, "");
}

const fileOf = (format: string): string =>
  ELSEWHERE[format] ?? join("json", `${format.replaceAll(" ", "-")}.schema.json`);

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
const validators = new Map<string, ReturnType<Ajv2020["compile"]>>();

function problemsOf(format: string, value: unknown): unknown {
  const file = fileOf(format);
  const known = validators.get(file);
  const validate = known ?? ajv.compile(JSON.parse(readFileSync(join(DOCS, file), "utf8")));
  validators.set(file, validate);
  return validate(value) ? [] : validate.errors?.slice(0, 5);
}

beforeAll(async () => {
  const guest = { kind: "uniform", pages: 50, writeFraction: 0.5, gap: 400, accesses: 9000 };
  const measured = { vms: [{ workload: guest }], operation: { kind: "measure", harvest: "200us" } };
  scratch.write("small.json", scenario({}, 3000));
  scratch.write("other.json", scenario({ seed: 2 }, 3000));
  scratch.write("sampled.json", scenario(measured));
  scratch.write("lossy.json", scenario({ ...measured, faults: ["skipInvept"] }));
  const other = (name: string, operation: object, more: object = {}): void => {
    scratch.write(name, scenario({ ...measured, operation, ...more }));
  };
  other("checkpoint.json", { kind: "checkpoint", mode: "live", epoch: "1ms" });
  const estimator = { kind: "prl", tau: 50, mu: "1ms", omega: "4ms" };
  const until = { until: "8ms" };
  other("estimate.json", { kind: "estimate", estimator }, until);
  const shards = { kind: "shards", interval: "2ms" };
  other("shards.json", { kind: "estimate", estimator: shards }, until);
  const policy = { kind: "qemu", postcopy: { after: "100us" } };
  other("postcopy.json", { kind: "migrate", policy });
  const truth = { kind: "truth", interval: "1ms" };
  const host = { kind: "overcommit", memory: "1MiB", estimator: truth, interval: "2ms" };
  const guests = [0, 1].map(() => ({ memory: "1MiB", workload: guest }));
  other("overcommit.json", host, { vms: guests, machine: { cpus: 2 }, ...until });
  scratch.write("failing.litmus.yaml", "name: bad\nsteps: [{ write: 0 }]\n");
  scratch.write("a.log", "==1== Command: a\nI  1000,4\n S 2ffc,8\n");
  const recorded = async (name: string, log: string): Promise<void> => {
    await run(["run", at(name), "--record", at(log)]);
  };
  await recorded("small.json", "a.tvlog");
  await recorded("other.json", "b.tvlog");
  await recorded("lossy.json", "lossy.tvlog");
  await run(["run", at("checkpoint.json"), "--checkpoint", at("a.tvckpt")]);
  await run(["trace", "import", at("a.log"), "-o", at("b.tvtrace")]);
  const torn = (from: string, name: string, part: number): void => {
    const bytes = readFileSync(from);
    scratch.write(name, bytes.subarray(0, Math.floor(bytes.length * part)));
  };
  torn(at("a.tvlog"), "torn.tvlog", 0.6);
  torn(at("a.tvckpt"), "torn.tvckpt", 0.6);
  torn(SORT, "torn.tvtrace", 0.05);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => scratch.remove());

/** In an order of its own: the compiler's follows from what else it has read, and says nothing. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const keys = value.map((one) => JSON.stringify(ordered(one)));
    return keys.sort();
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, ordered(one)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("JSON output", () => {
  // The compiler takes seconds for all the types of the program.
  it.runIf(IS_LONG || UPDATE)("has the schemas that its types say", () => {
    const { schemas, type } = TypeSchemas.of(join(ROOT, "src", "cli", "jsonFormats.ts"), "Json");
    if (UPDATE) {
      rmSync(join(DOCS, "json"), { recursive: true, force: true });
      mkdirSync(join(DOCS, "json"));
    }
    for (const [name, own, what] of schemas.members(type)) {
      expect(what).not.toBe("");
      const head = { $schema: "https://json-schema.org/draft/2020-12/schema", description: what };
      const text = `${JSON.stringify({ ...head, ...schemas.schemaOf(own) }, null, 1)}\n`;
      const file = join(DOCS, fileOf(name));
      if (UPDATE) writeFileSync(file, text);
      expect(existsSync(file), file).toBe(true);
      expect(ordered(JSON.parse(readFileSync(file, "utf8"))), file).toEqual(
        ordered(JSON.parse(text)),
      );
    }
  });

  it("is printed by each command with --json in a format that this test has", async () => {
    const tried = [...cases()].map(({ words }) => `${words.join(" ")} `);
    const missing: string[] = [];
    const { COMMANDS } = await import("../../../dist/src/cli/commands.js");
    for (const entry of COMMANDS) {
      for (const [name, command] of everyCommand(await entry.load(), [])) {
        const says = command.options.some(({ long }) => long === "--json");
        if (says && !tried.some((words) => words.startsWith(`${name} `))) missing.push(name);
      }
    }
    expect(missing).toEqual([]);
  });

  it.each(titled())("of %s is valid by the published schema", async (_, { words, format }) => {
    const out = await run([...words, "--json"]);
    const isLines = format === "log entry";
    const values: unknown[] = isLines
      ? out
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [JSON.parse(out)];
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) {
      expect(value).toMatchObject({
        format: `trackvisor ${format}`,
        version: expect.any(Number),
      });
      expect(problemsOf(format, value)).toEqual([]);
    }
  });

  it("of log export is what log show prints", async () => {
    const window = [at("a.tvlog"), "--count", "20"];
    const shown = await run(["log", "show", ...window, "--json"]);
    expect(await run(["log", "export", ...window, "--format", "jsonl"])).toBe(shown);
  });

  it("has a schema for each format, and no other", () => {
    const files = Object.keys(JSON_VERSIONS).map((format) => fileOf(format).slice("json/".length));
    expect(readdirSync(join(DOCS, "json")).sort()).toEqual(files.sort());
    const list = readFileSync(join(DOCS, "json.md"), "utf8");
    for (const format of [...Object.keys(JSON_VERSIONS), ...Object.keys(ELSEWHERE)]) {
      expect(list).toContain(`](${fileOf(format)})`);
    }
  });
});
