/** `trackvisor run`: runs a scenario, or a trace, and says what the tracker saw and what it cost. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { TECHNIQUES } from "../hypervisor/techniques/all.ts";
import { openSource } from "../io/byteSource.ts";
import { note, print } from "../io/standardStreams.ts";
import { LogFile } from "../replay/logFile.ts";
import { originOf } from "../replay/rebuild.ts";
import { Recorder } from "../replay/recorder.ts";
import {
  buildLoaded,
  type LoadedScenario,
  loaderBy,
  loadScenario,
  refuseUnread,
  traceScenario,
} from "../runs/scenarioFile.ts";
import { comparedWith } from "../runs/withEnoughMemory.ts";
import { referenceScenario } from "../system/build.ts";
import { configured, OPERATIONS } from "../system/operations/all.ts";
import { FileSink } from "../system/operations/checkpoint/fileSink.ts";
import { restoreCheckpoint } from "../system/operations/checkpoint/restore.ts";
import { summarize } from "../system/summary.ts";
import type { System } from "../system/system.ts";
import { drive } from "./drive.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import {
  FORCE,
  IMPORT,
  importModules,
  SEED_MAX,
  SET,
  UNTIL,
  wholeNumber,
} from "./optionParsers.ts";
import { consoleOf, noteExitCodes } from "./runConsole.ts";
import { plotOf } from "./runPlot.ts";
import { formatSummary } from "./runReport.ts";

/** The scenario of `npm start`. */
export const DEFAULT_SCENARIO = "sort-pml";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

interface RunOptions {
  readonly trace?: string;
  readonly set: readonly Override[];
  readonly tracker?: string;
  readonly vcpus?: number;
  readonly until?: string;
  readonly seed?: number;
  readonly checkpoint?: string;
  readonly fromCheckpoint?: string;
  readonly record?: string;
  readonly plot?: string;
  readonly console?: string;
  readonly force?: true;
  readonly json?: true;
}

/** The command. Exit codes: 0 fine, 1 something failed (docs/verdict.md), 2 bad input, 130 interrupted. */
export function runCommand(): Command {
  return new Command("run")
    .description("run a scenario, or a trace of a real program")
    .argument("[scenario]", `scenario file, or the name of a shipped one (${DEFAULT_SCENARIO})`)
    .option("--trace <file>", "play this trace (see: trackvisor trace import)")
    .addOption(trackerOption())
    .option("--vcpus <count>", "vCPUs of each VM, each on a physical CPU", wholeNumber(1, 64))
    .option(...UNTIL)
    .option("--seed <number>", "seed of the workloads", wholeNumber(0, SEED_MAX))
    .option(...SET)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option("--checkpoint <file>", "write the checkpoints of a checkpoint scenario to this file")
    .option("--from-checkpoint <file>", "go on from the last complete checkpoint in this file")
    .option("--record <file>", "record every message (see: trackvisor replay)")
    .option(
      "--console <file>",
      "write there what the guest prints, if it is run live or was recorded (docs/guests.md)",
    )
    .option("--plot <file>", "draw how the run went, over time, as SVG")
    .option(...FORCE)
    .option(...JSON_OPTION)
    .action(async (name: string | undefined, options: RunOptions) => {
      if (options.record !== undefined && options.fromCheckpoint !== undefined) {
        throw new UserError("--record: a run that goes on from a checkpoint cannot be recorded");
      }
      const loaded = loadInput(name, options);
      const { scenario } = loaded;
      const system = buildLoaded(loaded, { checkpointSink: checkpointSink(loaded, options) });
      warnOfDamage(system);
      const console = consoleOf(system, options);
      const { plot } = options;
      const draw = plot === undefined ? null : plotOf(plot, system, options);
      if (options.fromCheckpoint !== undefined) goOnFrom(options.fromCheckpoint, system);
      const recorder =
        options.record === undefined ? null : record(options.record, system, loaded, options);
      const driven = await drive(system, scenario.until, { recorder });
      let { interrupted } = driven;
      recorder?.finish();
      console?.write();
      noteExitCodes(system);
      let summary = system.examine(() => summarize(system, driven.standstill));
      const reference = interrupted ? null : referenceScenario(scenario, system);
      if (reference !== null) {
        const enough = buildLoaded({ ...loaded, scenario: reference });
        const label = "with enough memory, to compare: ";
        const again = await drive(enough, reference.until, { label });
        interrupted = again.interrupted;
        if (!interrupted) summary = comparedWith(enough, again.standstill, summary);
      }
      if (options.json) printResult("run", summary);
      else print(...formatSummary(scenario.name, summary));
      await draw?.(scenario.name);
      if (interrupted) process.exitCode = EXIT_INTERRUPTED;
      else if (summary.failures.length > 0) process.exitCode = EXIT_FAILED;
    });
}

/** A trace is played by the VMs of the scenario that is given, or else by one VM of one vCPU. */
function loadInput(name: string | undefined, options: RunOptions): LoadedScenario {
  const { trace, vcpus } = options;
  const load = loaderBy((overrides) => {
    if (trace === undefined || name !== undefined) {
      const loaded = loadScenario(name ?? DEFAULT_SCENARIO, overrides);
      return trace === undefined ? loaded : { ...loaded, directory: "." };
    }
    return traceScenario(trace, { name: `trace ${trace}`, origin: "--trace" }, overrides);
  });
  const overrides = overridesOf(options);
  const loaded = load(overrides);
  refuseUnread(loaded);
  // Each vCPU gets a CPU, if the scenario has no more already.
  if (vcpus === undefined || loaded.scenario.machine.cpus >= vcpus) return loaded;
  return load([{ path: ["machine", "cpus"], value: vcpus, origin: "--vcpus" }, ...overrides]);
}

/** Its names are for help and completion: one may be a module's, so that the scenario's schema has the last word. */
function trackerOption(): Option {
  const option = new Option("--tracker <technique>", "how accesses are tracked");
  option.argChoices = [...TECHNIQUES];
  return option;
}

/** Options that have names of their own are fields like all others; `--set` has the last word. */
function overridesOf({ trace, tracker, vcpus, until, seed, set }: RunOptions): Override[] {
  const given = (
    origin: string,
    path: Override["path"],
    value: unknown,
    isGiven = value !== undefined,
  ): Override[] => (isGiven ? [{ path, value, origin }] : []);
  const workload = { kind: "trace", file: trace };
  return [
    ...given("--trace", ["vms", "*", "workload"], workload, trace !== undefined),
    ...given("--tracker", ["tracker", "technique"], tracker),
    ...given("--vcpus", ["vms", "*", "vcpus"], vcpus),
    ...given("--until", ["until"], until),
    ...given("--seed", ["seed"], seed),
    ...set,
  ];
}

/** The file of checkpoints, if the command line or the scenario names one. */
function checkpointSink(
  { scenario: { operation, faults } }: LoadedScenario,
  { checkpoint, force }: RunOptions,
): FileSink | undefined {
  const writers = OPERATIONS.filter((one) => one.writesFile).map(({ kind }) => kind);
  if (checkpoint !== undefined && !writers.includes(operation.kind)) {
    throw new UserError(
      `--checkpoint: the scenario's operation is ${operation.kind}, not ${writers.join(" or ")}`,
    );
  }
  const file = checkpoint ?? configured(operation, faults).file;
  return file === null ? undefined : new FileSink(file, { force });
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
