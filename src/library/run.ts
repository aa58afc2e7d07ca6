/** Runs of a scenario from a program. */
import { resolve } from "node:path";
import { LogFile } from "../replay/logFile.ts";
import { originOf } from "../replay/rebuild.ts";
import { Recorder } from "../replay/recorder.ts";
import { buildLoaded, type LoadedScenario } from "../runs/scenarioFile.ts";
import { comparedWith } from "../runs/withEnoughMemory.ts";
import { referenceScenario } from "../system/build.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import type { System } from "../system/system.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import type { Standstill } from "../system/verdict/standstill.ts";
import {
  loaderOfSource,
  overridesOf,
  type ScenarioSettings,
  type ScenarioSource,
} from "./scenario.ts";
import { takeTurns } from "./takeTurns.ts";

/** Messages between two moments at which the rest of the program has its turn. */
const SLICE_MESSAGES = 256;

export interface RunSettings extends ScenarioSettings {
  /** Ends the run early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Records every message to this file, for `openLog` and `trackvisor replay`. */
  readonly record?: string;
  /** Whether a file of that name is replaced. */
  readonly force?: boolean;
}

/**
 * Runs a scenario to its end. The same scenario gives the same summary, number for number, on every machine.
 * @returns what the run amounts to; a run that failed (a lost page, a migration that gave up) says so in
 *   `failures` and is no error
 * @throws UserError if the scenario is malformed or asks for what cannot be, or the log cannot be written
 */
export async function runScenario(
  source: ScenarioSource,
  settings: RunSettings = {},
): Promise<RunSummary> {
  const { set, directory, signal, record, force = false } = settings;
  const loaded = loaderOfSource(source, directory)(overridesOf(set));
  const system = buildLoaded(loaded);
  const recorder = record === undefined ? null : recorderOf(record, force, system, loaded);
  const standstill = await toEnd(system, signal, recorder);
  recorder?.finish();
  const summary = system.examine(() => summarize(system, standstill));
  const reference = referenceScenario(loaded.scenario, system);
  if (reference === null) return summary;
  const enough = buildLoaded({ ...loaded, scenario: reference });
  return comparedWith(enough, await toEnd(enough, signal, null), summary);
}

function recorderOf(
  file: string,
  force: boolean,
  system: System,
  { scenario, directory }: LoadedScenario,
): Recorder {
  const origin = originOf(scenario, resolve(directory));
  return new Recorder(system, origin, new LogFile(file, { force, unfinished: "keep" }));
}

/** @returns why the run could go no further, if it could not */
async function toEnd(
  system: System,
  signal: AbortSignal | undefined,
  recorder: Recorder | null,
): Promise<Standstill | null> {
  const watch = new ProgressWatch(system);
  do {
    signal?.throwIfAborted();
    if (recorder !== null && recorder.failure !== null) throw recorder.failure;
    await takeTurns();
  } while (watch.run(SLICE_MESSAGES) === SLICE_MESSAGES);
  return watch.standstill;
}
