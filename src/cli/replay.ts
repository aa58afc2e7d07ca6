/** `trackvisor replay`: runs a recorded log again and says where the two differ first. */
import { Command, InvalidArgumentError } from "commander";
import { systemOfLog } from "../check/systemOfLog.ts";
import { grouped } from "../config/figures.ts";
import { DURATION_HELP, formatCycles, parseDuration } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { openSource } from "../io/byteSource.ts";
import { note, print } from "../io/standardStreams.ts";
import { firstDifference } from "../replay/bisect.ts";
import { replayComponent } from "../replay/component.ts";
import type { MessageEntry } from "../replay/decoder.ts";
import type { Divergence } from "../replay/divergence.ts";
import { Player } from "../replay/player.ts";
import { damageNote, LogReader } from "../replay/reader.ts";
import { changedMachines } from "../replay/rebuild.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import { standstillOf } from "../system/verdict/standstill.ts";
import { brokenPromises } from "../system/verdict/verdict.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { namesOf } from "./messageText.ts";
import { IMPORT, importModules } from "./optionParsers.ts";
import { ProgressLine } from "./progress.ts";
import { formatComponent, formatDivergence, formatLogDifference } from "./replayReport.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const SLICE_MESSAGES = 4096;
const DIFFERENCES_SHOWN = 5;

/** Where a replay stops: behind so many messages, or behind the last one up to a time in cycles. */
export interface Until {
  readonly messages: number;
  readonly time: number;
}

interface ReplayOptions {
  readonly until?: Until;
  readonly bisect?: string;
  readonly component?: string;
  readonly directory?: string;
  readonly json?: true;
}

/**
 * The command. Exit codes: 0 the same, 1 a difference, damage, or a run that broke what no run may
 * (docs/verdict.md), 2 bad input, 130 interrupted.
 */
export function replayCommand(): Command {
  return new Command("replay")
    .description("run a recorded log again, and compare every message")
    .argument("<file>", "a message log (see: trackvisor run --record)")
    .option(
      "--until <where>",
      "stop after this many messages, or at this virtual time",
      untilOption,
    )
    .option(
      "--bisect <file>",
      "find the first difference of the two logs instead, by their digests",
    )
    .option(
      "--component <actor>",
      "give this actor its recorded inbox, and compare what it sends with what was recorded",
    )
    .option("--directory <path>", "where relative names of trace files start")
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option(...JSON_OPTION)
    .action(async (file: string, options: ReplayOptions) => {
      if (options.component !== undefined) componentAction(file, options.component, options);
      else if (options.bisect !== undefined) bisectAction(file, options.bisect, options);
      else await replayAction(file, options);
    });
}

async function replayAction(file: string, options: ReplayOptions): Promise<void> {
  const source = openSource(file);
  try {
    const log = new LogReader(source);
    const system = systemOfLog(file, log.header, options.directory);
    const changed = changedMachines(log.header, system);
    if (changed.length > 0) {
      const names = changed.join(", ");
      note(`${file}: recorded with other definitions of ${names}: their states are not compared`);
    }
    const player = new Player(log, system, { except: changed });
    const watch = new ProgressWatch(system);
    const { difference, interrupted } = await play(player, log, watch, options.until);
    const damage = damageNote(log);
    if (damage !== undefined) note(damage);
    const isWhole = difference === null && !interrupted && options.until === undefined;
    // What the run itself broke, it breaks again.
    const verdict = () => brokenPromises(system, watch.standstill ?? standstillOf(system));
    const broken = isWhole ? system.examine(verdict) : [];
    const failures = broken.map(({ what }) => what);
    for (const failure of failures) note(failure);
    const { now } = system.interconnect;
    if (options.json === true) {
      const { position: messages } = player;
      const complete = log.end?.complete ?? false;
      const result = { log: file, messages, time: now, complete, changedMachines: changed };
      printResult("replay", { ...result, damage: log.damage ?? null, difference, failures });
    } else if (difference !== null) {
      print(...formatDivergence(difference, namesOf(log.header)));
    } else {
      print(`${file}: ${grouped(player.position)} messages, ${formatCycles(now)}: no difference`);
    }
    if (difference !== null || damage !== undefined || failures.length > 0) {
      process.exitCode = EXIT_FAILED;
    } else if (interrupted) process.exitCode = EXIT_INTERRUPTED;
  } finally {
    source.close();
  }
}

async function play(
  player: Player,
  log: LogReader,
  watch: ProgressWatch,
  until: Until = { messages: Infinity, time: Infinity },
): Promise<{ readonly difference: Divergence | null; readonly interrupted: boolean }> {
  const progress = new ProgressLine();
  const total = log.places().at(-1)?.position;
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once("SIGINT", interrupt);
  try {
    for (let played = 1; !interrupted; played++) {
      const { interconnect } = player.system;
      if (player.position >= until.messages || interconnect.nextTime > until.time) break;
      const result = player.step();
      if (result === false) break;
      if (result !== true) return { difference: result, interrupted: false };
      watch.note();
      if (played % SLICE_MESSAGES !== 0) continue;
      const text = `${grouped(player.position)} messages`;
      progress.update(text, player.position, total, (seconds) => {
        return `${grouped(Math.round(player.position / seconds))} messages/s`;
      });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    progress.clear();
    process.removeListener("SIGINT", interrupt);
  }
  return { difference: null, interrupted };
}

function bisectAction(file: string, other: string, options: ReplayOptions): void {
  const sources = [openSource(file), openSource(other)] as const;
  try {
    const logs = [new LogReader(sources[0]), new LogReader(sources[1])] as const;
    const difference = firstDifference(logs[0], logs[1]);
    const damages = logs.map(damageNote).filter((one) => one !== undefined);
    for (const damage of damages) note(damage);
    if (options.json === true) printResult("replay bisect", { logs: [file, other], difference });
    else if (difference === null) print(`${file} and ${other}: no difference`);
    else print(...formatLogDifference(difference, [file, other], namesOf(logs[0].header)));
    if (difference !== null || damages.length > 0) process.exitCode = EXIT_FAILED;
  } finally {
    for (const source of sources) source.close();
  }
}

function componentAction(file: string, name: string, options: ReplayOptions): void {
  const source = openSource(file);
  try {
    const messages: MessageEntry[] = [];
    const first = new LogReader(source);
    for (let entry = first.next(); entry !== undefined; entry = first.next()) {
      if (entry.kind === "message") messages.push(entry);
    }
    const damage = damageNote(first);
    if (damage !== undefined) note(damage);
    const log = new LogReader(source);
    const system = systemOfLog(file, log.header, options.directory);
    const names = system.actors.map((actor) => actor.name);
    if (!names.includes(name)) {
      throw new UserError(`--component: there is no "${name}" (actors: ${names.join(", ")})`);
    }
    const result = replayComponent(log, messages, system, name, DIFFERENCES_SHOWN);
    if (options.json === true)
      printResult("replay component", { log: file, actor: name, ...result });
    else print(...formatComponent(name, result, namesOf(log.header)));
    if (result.differing > 0 || result.elsewhere !== null) process.exitCode = EXIT_FAILED;
  } finally {
    source.close();
  }
}

/** A number of messages, or a duration. */
export function untilOption(text: string): Until {
  if (/^\d+$/.test(text)) return { messages: Number(text), time: Infinity };
  const time = parseDuration(text);
  if (time === null) {
    throw new InvalidArgumentError(`expected a number of messages, or ${DURATION_HELP}.`);
  }
  return { messages: Infinity, time };
}
