/** A log replays in a fresh process, wherever and after whatever it runs. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createActor, createMachine } from "xstate";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { originOf, rebuild } from "../../src/replay/rebuild.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { runnableScenarios } from "../runnableScenarios.ts";
import { shareOf } from "../share.ts";
import { readerOf, replayAll } from "./logs.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const directory = mkdtempSync(join(tmpdir(), "trackvisor-log-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Messages of each scenario that are recorded: enough to arm, run, and harvest or send. */
const MESSAGES = process.env["TRACKVISOR_QUICK"] === "1" ? 80 : 250;

function record(name: string): Buffer {
  const { scenario, directory: from } = loadScenario(name);
  const system = buildSystem(scenario, { directory: from });
  const sink = new LogBuffer();
  const recorder = new Recorder(system, originOf(scenario, from), sink);
  system.run(MESSAGES);
  recorder.finish();
  return sink.bytes;
}

describe.each(shareOf(runnableScenarios(), 4, 2))("%s", (name) => {
  it("replays after unrelated actors were created", { timeout: 120_000 }, () => {
    const bytes = record(name);
    const other = createMachine({
      initial: "a",
      states: { a: { after: { 1: "b" }, on: { X: "b" } }, b: { on: { X: "a" } } },
    });
    const actors = [1, 2, 3].map(() => createActor(other).start());
    for (const actor of actors) actor.send({ type: "X" });
    expect(replayAll(bytes, rebuild(name, readerOf(bytes).header))).toBeNull();
    for (const actor of actors) actor.stop();
  });
});

it("the same bytes come out in another time zone and locale, and replay there", () => {
  const here = { TZ: "UTC", LC_ALL: "C" };
  const elsewhere = { TZ: "Asia/Kathmandu", LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8" };
  const run = (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const options = { cwd: directory, encoding: "utf8", env: { ...process.env, ...env } } as const;
    return spawnSync(process.execPath, [MAIN, ...words], options);
  };
  expect(run(["run", "--record", "here.tvlog"], here).status).toBe(0);
  expect(run(["run", "--record", "elsewhere.tvlog"], elsewhere).status).toBe(0);
  const [a, b] = ["here", "elsewhere"].map((one) => readFileSync(join(directory, `${one}.tvlog`)));
  expect(b!.equals(a!)).toBe(true);
  const replay = run(["replay", "here.tvlog"], elsewhere);
  expect(replay.stdout).toMatch(/no difference/);
  expect(replay.status).toBe(0);
});
