/**
 * What a stranger's file says is shown and not done: whatever a terminal would obey is visible text, in each
 * command and each form of its answer; and nothing is written but what the command line names.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sourceOf } from "../../src/io/byteSource.ts";
import { LogReader } from "../../src/replay/reader.ts";
import { entriesOf, forgedLog } from "../replay/logs.ts";
import { forgedCheckpoint, piecesOf } from "./checkpoint.ts";
import { runInProcess } from "./inProcess.ts";
import { broken } from "./judge.ts";
import { ESCAPES } from "./mutate.ts";

const before = process.cwd();
const directory = mkdtempSync(join(tmpdir(), "trackvisor-strangers-"));
beforeAll(() => process.chdir(directory));
afterAll(() => {
  process.chdir(before);
  rmSync(directory, { recursive: true });
});

const workload = { kind: "uniform", pages: 16, writeFraction: 0.5, accesses: 150, gap: 300 };
const measured = {
  name: "small",
  machine: { logEntries: 8 },
  vms: [{ name: "guest", workload }],
  tracker: { technique: "pml" },
  operation: { kind: "measure", harvest: "40us" },
};
const checkpointed = {
  ...measured,
  operation: { kind: "checkpoint", mode: "stop", times: ["20us"], file: "named-by-the-file.ckpt" },
  until: "1ms",
};

/** Every path to a text in a value, objects' keys among them. */
function textsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === "string") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, [...path, key]));
}

/** The value with what a terminal would obey at the end of one text. */
function withEscapes<T extends object>(value: T, path: readonly string[]): T {
  const changed = structuredClone(value);
  let at: object = changed;
  for (const key of path.slice(0, -1)) at = Reflect.get(at, key) as object;
  const key = path.at(-1) ?? "";
  Reflect.set(at, key, `${Reflect.get(at, key)}${ESCAPES}`);
  return changed;
}

async function expectHarmless(commands: readonly (readonly string[])[], files: string[]) {
  for (const words of commands) {
    const ran = await runInProcess(words);
    expect(broken(ran, files), `trackvisor ${words.join(" ")}: ${ran.err}`).toBeUndefined();
  }
}

const LOG_COMMANDS = [
  ["replay", "x.tvlog"],
  ["replay", "x.tvlog", "--json"],
  ["replay", "x.tvlog", "--component", "vcpu0"],
  ["log", "show", "x.tvlog"],
  ["log", "show", "x.tvlog", "--json"],
  ["log", "stats", "x.tvlog"],
  ["log", "stats", "x.tvlog", "--json"],
  ["log", "grep", "x.tvlog", "--actor", "nobody"],
  ["log", "diff", "x.tvlog", "honest.tvlog"],
  ["log", "export", "x.tvlog", "--format", "jsonl"],
  ["log", "export", "x.tvlog", "--format", "mermaid", "--count", "50"],
  ["log", "export", "x.tvlog", "--format", "perfetto"],
  ["log", "branch", "x.tvlog", "--at", "10"],
  ["log", "branch", "x.tvlog", "--at", "10", "-o", "out.tvlog"],
  ["tui", "x.tvlog", "--once"],
  ["tui", "x.tvlog", "--json"],
  ["tui", "x.tvlog", "--log"],
];

async function honestLog(): Promise<Buffer> {
  writeFileSync("small.yaml", JSON.stringify(measured));
  rmSync("honest.tvlog", { force: true });
  await runInProcess(["run", "small.yaml", "--record", "honest.tvlog"]);
  return readFileSync("honest.tvlog");
}

describe("escape sequences in every text", () => {
  it("of a scenario", async () => {
    for (const scenario of [measured, checkpointed]) {
      for (const path of textsIn(scenario)) {
        writeFileSync("x.yaml", JSON.stringify(withEscapes(scenario, path)));
        const commands = [
          ["run", "x.yaml"],
          ["run", "x.yaml", "--json"],
          ["run", "x.yaml", "--record", "out.tvlog"],
          ["tui", "x.yaml", "--once"],
          ["tui", "x.yaml", "--json", "--at", "#30"],
        ];
        // A run writes the checkpoints that its scenario names, below this directory: here to `out`.
        const named = scenario === measured ? [] : ["--checkpoint", "out.ckpt"];
        await expectHarmless(
          commands.map((words) => (words[0] === "run" ? [...words, ...named] : words)),
          ["x.yaml", "small.yaml", "honest.tvlog"],
        );
      }
    }
  });

  it("of a log: its header, and the fields of one message of each type", async () => {
    const bytes = await honestLog();
    const { header } = new LogReader(sourceOf("honest", bytes));
    const entries = entriesOf(new LogReader(sourceOf("honest", bytes)));
    const forged = textsIn(header)
      // Actors, parts and machines are many, and all treated alike.
      .filter(([field, number]) => field === "scenario" || Number(number ?? 0) < 2)
      .map((path) => forgedLog(withEscapes(header, path), entries));
    const types = new Set<string>();
    entries.forEach((entry, i) => {
      if (entry.kind !== "message" || types.has(entry.delivery.message.type)) return;
      types.add(entry.delivery.message.type);
      for (const path of textsIn(entry.delivery)) {
        const changed = { ...entry, delivery: withEscapes(entry.delivery, path) };
        forged.push(forgedLog(header, entries.with(i, changed)));
      }
    });
    expect(forged.length).toBeGreaterThan(20);
    for (const [i, file] of forged.entries()) {
      writeFileSync("x.tvlog", file);
      // All commands for the header; for the rest, which is read by one reader, a few in turn.
      const commands = LOG_COMMANDS.filter((_, at) => at % 4 === i % 4);
      await expectHarmless(commands, ["x.tvlog", "honest.tvlog", "small.yaml", "x.yaml"]);
    }
  });

  it("of a checkpoint: its header, its actors, messages and parts", async () => {
    writeFileSync("c.yaml", JSON.stringify(checkpointed));
    await runInProcess(["run", "c.yaml", "--checkpoint", "honest.ckpt"]);
    const bytes = readFileSync("honest.ckpt");
    const pieces = piecesOf(bytes);
    const headers = textsIn(pieces.header).map((path) =>
      forgedCheckpoint(bytes, { ...pieces, header: withEscapes(pieces.header, path) }),
    );
    const states = textsIn(pieces.state)
      .filter((path) => path[0] !== "parts" || Number(path[1]) < 2)
      .map((path) => {
        const state = JSON.stringify(withEscapes(pieces.state, path));
        return forgedCheckpoint(bytes, pieces, state);
      });
    const files = [
      "c.yaml",
      "honest.ckpt",
      "x.ckpt",
      "x.tvlog",
      "honest.tvlog",
      "small.yaml",
      "x.yaml",
    ];
    for (const forged of [...headers, ...states]) {
      writeFileSync("x.ckpt", forged);
      const commands = [
        ["checkpoint", "info", "x.ckpt"],
        ["checkpoint", "info", "x.ckpt", "--json"],
        ["checkpoint", "verify", "x.ckpt"],
        ["run", "c.yaml", "--from-checkpoint", "x.ckpt", "--checkpoint", "out.ckpt"],
      ];
      await expectHarmless(commands, files);
    }
  });
});

describe("a directory that is watched", () => {
  /** Names, sizes and times of change of all that is in it. */
  function contents(): readonly string[] {
    return readdirSync(".")
      .sort()
      .map((name) => `${name} ${statSync(name).size} ${statSync(name).mtimeMs}`);
  }

  it("is as it was after each command that only reads a log, a checkpoint included", async () => {
    for (const name of readdirSync(".")) rmSync(name, { recursive: true });
    await honestLog();
    writeFileSync("c.yaml", JSON.stringify(checkpointed));
    await runInProcess(["run", "c.yaml", "--record", "x.tvlog", "--checkpoint", "mine.ckpt"]);
    const was = contents();
    expect(was.length).toBe(5);
    const reading = [
      ...LOG_COMMANDS.filter((words) => !words.includes("-o")),
      ["log", "inevitable", "x.tvlog", "--expect", "ends", "--points", "1", "--draws", "1"],
      ["log", "shrink", "x.tvlog", "--expect", "ends", "--runs", "3"],
      ["replay", "x.tvlog", "--bisect", "honest.tvlog"],
      ["tui", "c.yaml", "--once"],
      ["checkpoint", "info", "mine.ckpt"],
      ["checkpoint", "verify", "mine.ckpt"],
    ];
    for (const words of reading) {
      const { touched, code } = await runInProcess(words);
      expect(touched, words.join(" ")).toEqual([]);
      expect(contents(), words.join(" ")).toEqual(was);
      expect([0, 1, 2]).toContain(code);
    }
  });

  it("has one file more after a command that names one, and no other has changed", async () => {
    const was = contents();
    await runInProcess(["log", "branch", "x.tvlog", "--at", "10", "-o", "branch.tvlog"]);
    const now = contents();
    expect(now.filter((one) => !was.includes(one)).map((one) => one.split(" ")[0])).toEqual([
      "branch.tvlog",
    ]);
    const again = await runInProcess([
      "log",
      "branch",
      "x.tvlog",
      "--at",
      "10",
      "-o",
      "branch.tvlog",
    ]);
    expect([again.code, again.err]).toEqual([2, expect.stringMatching(/exists; .*--force/)]);
    expect(contents()).toEqual(now);
  });
});
