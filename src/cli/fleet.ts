/** `trackvisor fleet`: a virtual day of thousands of VMs on hundreds of hosts, by what each tracker makes of them. */
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import { UserError } from "../errors.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { print, printJson } from "../io/standardStreams.ts";
import { curveRunsAtMost } from "../questions/fleet/curveRuns.ts";
import { runFleet, withTrackers } from "../questions/fleet/fleet.ts";
import { fleetCsv } from "../questions/fleet/fleetCsv.ts";
import { type Fleet, loadFleet } from "../questions/fleet/fleetFile.ts";
import { reportOf } from "../questions/fleet/fleetReport.ts";
import type { QueueAddress } from "../queue/address.ts";
import { codeVersion, measuringVersion } from "../runs/codeVersion.ts";
import { RunStore } from "../runs/runStore.ts";
import { fleetLines } from "./fleetTable.ts";
import { FORCE } from "./optionParsers.ts";
import { noteDamaged } from "./output.ts";
import { defaultStore, RUNS_UNASKED, STORE, WORKERS, withProgress, YES } from "./poolOptions.ts";
import { queueOption, withQueue } from "./queue.ts";

const EXIT_INTERRUPTED = 130;

interface FleetOptions {
  readonly trackers?: readonly string[];
  readonly workers?: number;
  readonly queue?: QueueAddress;
  readonly store?: string;
  readonly yes?: true;
  readonly csv?: string;
  readonly json?: true;
  readonly force?: true;
}

/** The command. Exit codes: 0 fine, 2 bad input, 130 interrupted. Hosts that are too few are an answer. */
export function fleetCommand(): Command {
  return new Command("fleet")
    .description("a day of many VMs on many hosts: how many are left? (docs/fleet.md)")
    .argument("<fleet>", "fleet file, or the name of a shipped one")
    .option("--trackers <names>", "some of the file's trackers", (text: string) =>
      text.split(",").map((name) => name.trim()),
    )
    .option(...WORKERS)
    .addOption(queueOption())
    .option(...STORE)
    .option(...YES)
    .option("--csv <file>", "write the course of the day as CSV")
    .option("--json", "print one JSON object (docs/fleet.schema.json)")
    .option(...FORCE)
    .action(run);
}

async function run(name: string, options: FleetOptions): Promise<void> {
  const { csv, json, force } = options;
  if (csv !== undefined) refuseUnwritable(csv, options);
  const fleet = asked(name, options);
  const store = new RunStore(options.store ?? defaultStore(), codeVersion(), noteDamaged);
  const result = await withQueue(options.queue, (executor) =>
    withProgress((signal, onProgress) =>
      runFleet(fleet, { store, workers: options.workers, executor, signal, onProgress }),
    ),
  );
  if (result === null) {
    process.exitCode = EXIT_INTERRUPTED;
    return;
  }
  const report = reportOf(result, measuringVersion());
  if (csv !== undefined) writeOutput(csv, fleetCsv(report), { force });
  if (json) printJson(report);
  else print(...fleetLines(report));
}

/** @throws UserError */
function asked(name: string, { trackers, yes }: FleetOptions): Fleet {
  const fleet = withTrackers(loadFleet(name), trackers, "--trackers");
  const runs = curveRunsAtMost(fleet.config, fleet.kinds.length);
  if (runs > RUNS_UNASKED && yes !== true) {
    throw new UserError(`up to ${grouped(runs)} runs; give --yes to run that many`);
  }
  return fleet;
}
