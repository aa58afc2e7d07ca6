/** `trackvisor log branch`, `inevitable` and `shrink`: other runs, made from a recorded one. */

import { type Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { isOfCheck, systemOfLog } from "../check/systemOfLog.ts";
import { grouped } from "../config/figures.ts";
import { DURATION_HELP, formatCycles, parseDuration } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { type Message, messages } from "../interconnect/messages.ts";
import { openSource } from "../io/byteSource.ts";
import { isSameFile } from "../io/inputFile.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import { jsonText } from "../io/visible.ts";
import { itemAt, namesOf, present } from "../lookup.ts";
import { outlineOf, recordBranch, repeat } from "../replay/branch.ts";
import { causalPast } from "../replay/causality.ts";
import type { LogEntry } from "../replay/decoder.ts";
import type { LogHeader } from "../replay/format.ts";
import { type Chance, chances, inevitableFrom } from "../replay/inevitable.ts";
import { LogFile } from "../replay/logFile.ts";
import { PROPERTIES, type Property } from "../replay/properties.ts";
import { LogReader } from "../replay/reader.ts";
import { originOf, rebuild, scenarioOf } from "../replay/rebuild.ts";
import { Recorder } from "../replay/recorder.ts";
import { shrink } from "../replay/shrink.ts";
import { timed } from "../replay/timedIntervention.ts";
import { Timeline } from "../replay/timeline.ts";
import { buildSystem } from "../system/build.ts";
import type { Intervention } from "../system/intervention.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { messageLine } from "./messageText.ts";
import { FORCE, IMPORT, importModules, SEED_MAX, wholeNumber } from "./optionParsers.ts";
import { ProgressLine } from "./progress.ts";

/** A run that goes on for so many times its parent's messages does not end. */
const GIVE_UP = 20;
const GIVE_UP_LEAST = 100_000;
const RUNS_MAX = 1_000_000;
const BAR = 40;

interface BranchOptions {
  readonly at: number;
  readonly output?: string;
  readonly force?: true;
  readonly skip: readonly number[];
  readonly next: readonly number[];
  readonly delay: readonly { readonly sequence: number; readonly cycles: number }[];
  readonly inject: readonly { readonly to: string; readonly message: unknown }[];
  readonly reseed?: number;
  readonly directory?: string;
}

interface ExpectOptions {
  readonly expect: string;
  readonly directory?: string;
}

/** Adds the subcommands to `trackvisor log`. */
export function addWhatIf(log: Command): void {
  const expectation = (): Option =>
    new Option("--expect <property>", "what the run should have, and does not")
      .choices(PROPERTIES.map(({ name }) => name))
      .makeOptionMandatory();
  const directory = ["--directory <path>", "where relative names of trace files start"] as const;
  log
    .command("branch")
    .description(
      "run on from a point in another way, and record it; without -o, say what is pending",
    )
    .argument("<file>", "a message log")
    .requiredOption(
      "--at <position>",
      "messages that the branch shares with the log",
      wholeNumber(),
    )
    .option("-o, --output <file>", "the branch's log")
    .option(...FORCE)
    .option("--skip <message>", "never deliver this pending message", list(wholeNumber()), [])
    .option("--next <message>", "deliver this pending message now", list(wholeNumber()), [])
    .option("--delay <message=time>", "deliver it so much later", list(delayOption), [])
    .option("--inject <actor=json>", "send the actor a message", list(injectOption), [])
    .option(
      "--reseed <seed>",
      "draw all further random choices from this seed",
      wholeNumber(0, SEED_MAX),
    )
    .option(...directory)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .action(branchAction);
  log
    .command("inevitable")
    .description("how often the run still fails if its choices are drawn anew from a point on")
    .argument("<file>", "a message log of a run that fails")
    .addOption(expectation())
    .option("--points <number>", "points to rewind to", wholeNumber(1, RUNS_MAX), 16)
    .option("--draws <number>", "runs from each", wholeNumber(1, RUNS_MAX), 20)
    .option("--seed <number>", "seed of the new choices", wholeNumber(0, SEED_MAX), 1)
    .option(...directory)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option(...JSON_OPTION)
    .action(inevitableAction);
  log
    .command("shrink")
    .description("cut a failing run down to a small one that fails in the same way")
    .argument("<file>", "a message log of a run that fails")
    .addOption(expectation())
    .option("-o, --output <file>", "log of the small run")
    .option("--scenario <file>", "scenario of the small run")
    .option(...FORCE)
    .option("--runs <number>", "runs to try at most", wholeNumber(1, RUNS_MAX), 500)
    .option(...directory)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .action(shrinkAction);
}

function withLog<T>(file: string, action: (log: LogReader) => T): T {
  const source = openSource(file);
  try {
    return action(new LogReader(source));
  } finally {
    source.close();
  }
}

function refuseCheck(file: string, header: LogHeader, why: string): void {
  if (isOfCheck(header)) {
    throw new UserError(`${file}: comes from trackvisor check: ${why}`);
  }
}

/** A log that is written over is lost: its branch or its cut needs it to compare with. */
function refuseSame(file: string, output: string | undefined): void {
  if (output === undefined || !isSameFile(file, output)) return;
  throw new UserError(`${output}: is the log that is read; choose another name`);
}

function giveUpAfter(messages: number): number {
  return Math.max(GIVE_UP_LEAST, GIVE_UP * messages);
}

function branchAction(file: string, options: BranchOptions): void {
  withLog(file, (log) => {
    const parent = outlineOf(log);
    const { at, output } = options;
    if (at > parent.messages) {
      throw new UserError(`--at: ${file} has ${parent.messages} messages`);
    }
    const system = systemOfLog(file, log.header, options.directory);
    if (output === undefined) {
      repeat(system, parent.interventions, 0, at);
      showPending(system);
      return;
    }
    refuseSame(file, output);
    const interventions = interventionsOf(system, options);
    const most = giveUpAfter(parent.messages);
    const branch = { at, interventions, most, where: file };
    const sink = new LogFile(output, { force: options.force });
    let end: ReturnType<typeof recordBranch>;
    try {
      end = recordBranch(log.header, parent, system, branch, sink);
    } finally {
      sink.abort();
    }
    const state = end.complete ? "" : ", and the operation has not ended";
    print(
      `${output}: ${grouped(end.messages)} messages, ${formatCycles(end.time)}; ` +
        `the first ${grouped(at)} are those of ${file}${state}`,
    );
  });
}

function showPending(system: System): void {
  const { interconnect } = system;
  const nameOf = (id: number): string => system.nameOf(id);
  for (const delivery of interconnect.pending()) {
    const note = interconnect.mayDeliver(delivery.sequence) ? "" : "  (not before the one above)";
    print(`${messageLine(delivery.sequence, delivery, nameOf)}${note}`);
  }
}

function interventionsOf(system: System, options: BranchOptions): Intervention[] {
  const actor = (name: string): number => {
    const found = system.actors.find((one) => one.name === name);
    if (found !== undefined) return found.id;
    const names = system.actors.map((one) => one.name).join(", ");
    throw new UserError(`--inject: there is no actor "${name}" (actors: ${names})`);
  };
  const { skip, next, delay, inject, reseed } = options;
  return [
    ...(reseed === undefined ? [] : [{ kind: "reseed", seed: reseed } as const]),
    ...skip.map((sequence) => ({ kind: "skip", sequence }) as const),
    ...delay.map((one) => ({ kind: "postpone", ...one }) as const),
    ...inject.map(({ to, message }) => {
      return {
        kind: "command",
        to: actor(to),
        delay: 0,
        message: injected(message, system),
      } as const;
    }),
    ...next.map((sequence) => ({ kind: "deliver", sequence }) as const),
  ];
}

/** @throws UserError if it is no message, or one about what this system does not have */
function injected(value: unknown, { census }: System): Message {
  messages.accept(value, census, (problem) => new UserError(`--inject: ${problem}`));
  return value;
}

async function inevitableAction(
  file: string,
  options: ExpectOptions & { points: number; draws: number; seed: number; json?: true },
): Promise<void> {
  const { timeline, property } = withLog(file, (log) => {
    refuseCheck(file, log.header, "its guests draw no random choices");
    const { interventions } = outlineOf(log);
    const system = rebuild(file, log.header, options.directory);
    return { timeline: new Timeline(system, interventions), property: propertyNamed(options) };
  });
  const end = timeline.run();
  const failure = property.check(timeline.system);
  if (failure === null) throw new UserError(`${file}: does not fail: "${property.name}" holds`);
  const { points, draws, seed } = options;
  const found: Chance[] = [];
  const progress = new ProgressLine();
  for (const one of chances(timeline, property, { points, draws, seed, most: giveUpAfter(end) })) {
    found.push(one);
    progress.update(`${grouped(found.length)} points`, found.length, points + 1, () => "");
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  progress.clear();
  const from = inevitableFrom(found);
  if (options.json === true) {
    printResult("log inevitable", { log: file, failure, chances: found, inevitableFrom: from });
    return;
  }
  print(`${failure.actor}: ${failure.what}`);
  print("");
  print("  messages            time   runs that still fail");
  for (const { position, time, failures } of found) {
    const bar = "#".repeat(Math.round((BAR * failures) / draws)).padEnd(BAR, ".");
    const share = `${Math.round((100 * failures) / draws)} %`.padStart(6);
    print(`${grouped(position).padStart(10)} ${formatCycles(time).padStart(15)}   ${bar} ${share}`);
  }
  print("");
  if (from === null) print("some runs do not fail, wherever they begin");
  else print(`inevitable from ${grouped(from.position)} messages on, ${formatCycles(from.time)}`);
}

function shrinkAction(
  file: string,
  options: ExpectOptions & { output?: string; scenario?: string; runs: number; force?: true },
): void {
  const property = propertyNamed(options);
  const { force } = options;
  // What could not be written afterwards is said before the work, and not after it.
  refuseSame(file, options.output);
  for (const path of [options.output, options.scenario]) {
    if (path !== undefined) refuseUnwritable(path, { force });
  }
  const { scenario, header, interventions, entries } = withLog(file, (log) => {
    refuseCheck(file, log.header, "there is no scenario to cut down");
    const all: LogEntry[] = [];
    for (let entry = log.next(); entry !== undefined; entry = log.next()) all.push(entry);
    return {
      scenario: scenarioOf(file, log.header),
      header: log.header,
      interventions: all.flatMap((entry) => (entry.kind === "intervention" ? [timed(entry)] : [])),
      entries: all,
    };
  });
  const directory = options.directory ?? header.directory ?? ".";
  const system = rebuild(file, header, options.directory);
  repeat(system, interventions, 0, Infinity);
  const failing = property.check(system)?.actor;
  const progress = new ProgressLine();
  const { failure, before, after, result, tried } = shrink({ scenario, interventions }, property, {
    directory,
    runs: options.runs,
    most: giveUpAfter(entries.length),
    unrelatedVms: failing === undefined ? [] : unrelatedVms(system, entries, failing),
    onTry: (count, size) => {
      progress.update(`${grouped(size.accesses)} accesses`, count, options.runs, () => "");
    },
  });
  progress.clear();
  print(`${failure.actor}: ${failure.what}`);
  print(`                 before         after   (${grouped(tried)} runs tried)`);
  for (const key of namesOf(before)) {
    const cells = [before[key], after[key]].map((value) => grouped(value).padStart(14)).join("");
    print(`  ${key.padEnd(13)}${cells}`);
  }
  if (options.scenario !== undefined) {
    const text = jsonText(z.encode(scenarioSchema, result.scenario), 2);
    writeOutput(options.scenario, `${text}\n`, { force });
  }
  if (options.output === undefined) return;
  const small = buildSystem(result.scenario, { directory });
  const sink = new LogFile(options.output, { force });
  try {
    const recorder = new Recorder(small, originOf(result.scenario, directory), sink);
    repeat(small, result.interventions, 0, giveUpAfter(entries.length));
    recorder.finish();
  } finally {
    sink.abort();
  }
}

/** VMs of which nothing is in the causal past of what the failing actor received last. */
function unrelatedVms(system: System, entries: readonly LogEntry[], failing: string): string[] {
  const messages = entries.filter((entry) => entry.kind === "message");
  const { id } = system.actor(failing);
  const last = messages.findLastIndex(({ delivery }) => delivery.to === id);
  if (last < 0) return [];
  const receivers = new Set(
    [...causalPast(messages, last)].map((at) => itemAt(messages, at).delivery.to),
  );
  return system.world.vms.flatMap(({ config, vcpus }, vm) => {
    const names = [`vm${vm}/tracker`, ...vcpus.map((vcpu) => `vcpu${vcpu}`)];
    return names.some((name) => receivers.has(system.actor(name).id)) ? [] : [config.name];
  });
}

function propertyNamed({ expect }: ExpectOptions): Property {
  return present(
    PROPERTIES.find(({ name }) => name === expect),
    `the property ${expect}`,
  );
}

function list<T>(parse: (text: string) => T): (text: string, before: readonly T[]) => readonly T[] {
  return (text, before) => [...before, parse(text)];
}

function delayOption(text: string): { readonly sequence: number; readonly cycles: number } {
  const [, sequence, time] = /^(\d{1,9})=(.+)$/.exec(text) ?? [];
  const cycles = parseDuration(time ?? "");
  if (cycles === null) {
    throw new InvalidArgumentError(`expected MESSAGE=TIME, with ${DURATION_HELP}.`);
  }
  return { sequence: Number(sequence), cycles };
}

function injectOption(text: string): { readonly to: string; readonly message: unknown } {
  const [, to, json] = /^([^={]+)=(\{.*\})$/s.exec(text) ?? [];
  try {
    const message: { readonly type?: unknown } = JSON.parse(json ?? "");
    if (to !== undefined && typeof message.type === "string") return { to, message };
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('expected ACTOR={"type": ...}.');
}
