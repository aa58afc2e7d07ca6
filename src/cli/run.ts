/** `trackvisor run`: runs a scenario, or a trace, and says what the tracker saw and what it cost. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { workloadSchema } from "../../workloads/schema.ts";
import { UserError } from "../errors.ts";
import { TECHNIQUES, type TechniqueName } from "../hypervisor/techniques/technique.ts";
import { openSource } from "../io/byteSource.ts";
import { note, print, printJson } from "../io/standardStreams.ts";
import { LogFile } from "../replay/logFile.ts";
import { originOf } from "../replay/rebuild.ts";
import { Recorder } from "../replay/recorder.ts";
import { referenceScenario } from "../system/build.ts";
import { FileSink } from "../system/operations/checkpoint/fileSink.ts";
import { restoreCheckpoint } from "../system/operations/checkpoint/restore.ts";
import { compareWith, type OvercommitResult } from "../system/operations/overcommit/result.ts";
import { estimates } from "../system/operations/schema.ts";
import { type Scenario, scenarioSchema } from "../system/scenarioSchema.ts";
import { type RunSummary, summarize } from "../system/summary.ts";
import type { System } from "../system/system.ts";
import type { Standstill } from "../system/verdict/standstill.ts";
import { failuresOf } from "../system/verdict/verdict.ts";
import { drive } from "./drive.ts";
import { FORCE, longerThanZero, SEED_MAX, wholeNumber } from "./optionParsers.ts";
import { formatSummary } from "./runReport.ts";
import { buildLoaded, type LoadedScenario, loadScenario } from "./scenarios.ts";

/** The scenario of `npm start`. */
export const DEFAULT_SCENARIO = "sort-pml";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

interface RunOptions {
  readonly trace?: string;
  readonly tracker?: TechniqueName;
  readonly vcpus?: number;
  readonly until?: number;
  readonly seed?: number;
  readonly checkpoint?: string;
  readonly fromCheckpoint?: string;
  readonly record?: string;
  readonly force?: true;
  readonly json?: true;
}

/** The command. Exit codes: 0 fine, 1 something failed (docs/verdict.md), 2 bad input, 130 interrupted. */
export function runCommand(): Command {
  return new Command("run")
    .description("run a scenario, or a trace of a real program")
    .argument("[scenario]", `scenario file, or the name of a shipped one (${DEFAULT_SCENARIO})`)
    .option("--trace <file>", "play this trace (see: trackvisor trace import)")
    .addOption(new Option("--tracker <technique>", "how accesses are tracked").choices(TECHNIQUES))
    .option("--vcpus <count>", "vCPUs of each VM, each on a physical CPU", wholeNumber(1, 64))
    .option("--until <time>", "end after this virtual time", longerThanZero)
    .option("--seed <number>", "seed of the workloads", wholeNumber(0, SEED_MAX))
    .option("--checkpoint <file>", "write the checkpoints of a checkpoint scenario to this file")
    .option("--from-checkpoint <file>", "go on from the last complete checkpoint in this file")
    .option("--record <file>", "record every message (see: trackvisor replay)")
    .option(...FORCE)
    .option("--json", "print one JSON object")
    .action(async (name: string | undefined, options: RunOptions) => {
      if (options.record !== undefined && options.fromCheckpoint !== undefined) {
        throw new UserError("--record: a run that goes on from a checkpoint cannot be recorded");
      }
      const loaded = applyOptions(loadInput(name, options), options);
      const { scenario } = loaded;
      const system = buildLoaded(loaded, { checkpointSink: checkpointSink(loaded, options) });
      warnOfDamage(system);
      if (options.fromCheckpoint !== undefined) goOnFrom(options.fromCheckpoint, system);
      const recorder =
        options.record === undefined ? null : record(options.record, system, loaded, options);
      const driven = await drive(system, scenario.until, { recorder });
      let { interrupted } = driven;
      recorder?.finish();
      let summary = summarize(system, driven.standstill);
      const reference = interrupted ? null : referenceScenario(scenario, system);
      if (reference !== null) {
        const enough = buildLoaded({ ...loaded, scenario: reference });
        const label = "with enough memory, to compare: ";
        const again = await drive(enough, reference.until, { label });
        interrupted = again.interrupted;
        if (!interrupted) summary = comparedWith(enough, again.standstill, summary);
      }
      if (options.json) printJson(summary);
      else print(...formatSummary(scenario.name, summary));
      if (interrupted) process.exitCode = EXIT_INTERRUPTED;
      else if (summary.failures.length > 0) process.exitCode = EXIT_FAILED;
    });
}

/** The comparison must not have failed either. */
function comparedWith(
  reference: System,
  standstill: Standstill | null,
  summary: RunSummary,
): RunSummary {
  const enough = reference.result() as OvercommitResult;
  const failures = failuresOf(reference, standstill).map((what) => `with enough memory: ${what}`);
  return {
    ...summary,
    operation: compareWith(enough, summary.operation as OvercommitResult),
    failures: [...summary.failures, ...failures],
  };
}

/** A trace is played by the VMs of the scenario that is given, or else by one VM of one vCPU. */
function loadInput(name: string | undefined, { trace }: RunOptions): LoadedScenario {
  if (trace === undefined) return loadScenario(name ?? DEFAULT_SCENARIO);
  const workload = { kind: "trace", file: trace };
  if (name === undefined) {
    const scenario = scenarioSchema.parse({ name: `trace ${trace}`, vms: [{ workload }] });
    return { scenario, directory: ".", at: null };
  }
  const { scenario, at } = loadScenario(name);
  const vms = scenario.vms.map((vm) => ({ ...vm, workload: workloadSchema.parse(workload) }));
  return { scenario: { ...scenario, vms }, directory: ".", at };
}

function applyOptions(loaded: LoadedScenario, options: RunOptions): LoadedScenario {
  const { vcpus } = options;
  let { scenario } = loaded;
  if (options.tracker !== undefined && estimates(scenario.operation)) {
    throw new UserError("--tracker: an estimator chooses its own way of tracking");
  }
  if (options.tracker !== undefined) {
    scenario = { ...scenario, tracker: { ...scenario.tracker, technique: options.tracker } };
  }
  if (options.until !== undefined) scenario = { ...scenario, until: options.until };
  if (options.seed !== undefined) scenario = { ...scenario, seed: options.seed };
  if (options.checkpoint !== undefined) scenario = writingTo(options.checkpoint, scenario);
  if (vcpus !== undefined) {
    const vms = scenario.vms.map((vm) => ({ ...vm, vcpus }));
    const cpus = Math.max(scenario.machine.cpus, vcpus);
    scenario = { ...scenario, vms, machine: { ...scenario.machine, cpus } };
  }
  return { ...loaded, scenario };
}

function writingTo(file: string, scenario: Scenario): Scenario {
  const { operation } = scenario;
  if (operation.kind === "checkpoint") return { ...scenario, operation: { ...operation, file } };
  throw new UserError(
    `--checkpoint: the scenario's operation is ${operation.kind}, not checkpoint`,
  );
}

/** The file of a checkpoint scenario, if it or the command line names one. */
function checkpointSink({ scenario }: LoadedScenario, { force }: RunOptions): FileSink | undefined {
  const { operation } = scenario;
  if (operation.kind !== "checkpoint" || operation.file === undefined) return undefined;
  return new FileSink(operation.file, { force });
}

/** What was recorded before a signal or a fault is of use: it can be read up to there. */
function record(
  file: string,
  system: System,
  { scenario, directory }: LoadedScenario,
  { force }: RunOptions,
): Recorder {
  const origin = originOf(scenario, resolve(directory));
  return new Recorder(system, origin, new LogFile(file, { force, unfinished: "keep" }));
}

function goOnFrom(file: string, system: System): void {
  const source = openSource(file);
  try {
    const { checkpoint, continues, damage } = restoreCheckpoint(system, source);
    if (damage !== undefined) note(damage);
    if (!continues) {
      const what = "the VMs' memory, but no state: their workloads begin at the start";
      note(`checkpoint ${checkpoint.number} of ${file} has ${what}`);
    }
  } finally {
    source.close();
  }
}

/** A damaged trace is played up to the damage, and says so. */
function warnOfDamage({ world }: System): void {
  const warnings = new Set(
    world.vcpus.flatMap(({ stream: { workload } }) =>
      "warning" in workload && typeof workload.warning === "string" ? [workload.warning] : [],
    ),
  );
  for (const warning of warnings) note(warning);
}
