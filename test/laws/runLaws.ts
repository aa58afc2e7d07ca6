/** What holds for the run of every scenario, whatever rows of the registries it names. */
import { expect } from "vitest";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { originOf, rebuild } from "../../src/replay/rebuild.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../../src/system/summary.ts";
import { readerOf, replayAll } from "../replay/logs.ts";

/**
 * Runs it, and again from a save in the middle, and from its own log.
 * @returns what came of it: time is conserved, or summarize throws
 */
export function keepLaws(scenario: Scenario): RunSummary {
  const system = buildSystem(scenario);
  const sink = new LogBuffer();
  const recorder = new Recorder(system, originOf(scenario, "."), sink);
  // In the middle of an operation's beginning, or of its work.
  system.run(60);
  const saved = system.save();
  system.run();
  recorder.finish();
  const end = system.digests();
  const summary = summarize(system);
  expect(summary.failures, "a run loses nothing, and does not fail").toEqual([]);

  const other = buildSystem(scenario);
  other.restore(saved);
  other.run();
  expect(other.digests(), "a new system goes on from a save as the one that was saved").toEqual(
    end,
  );

  const log = readerOf(sink.bytes);
  const difference = replayAll(sink.bytes, rebuild("laws.tvlog", log.header));
  expect(difference, "its log is replayed without a difference").toBeNull();
  return summary;
}
