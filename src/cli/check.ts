/** `trackvisor check`: explores every interleaving of a model, and proves or breaks its properties. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  buildModel,
  type CheckTarget,
  MODELS,
  modelNamed,
  mutationNamed,
  mutationsOf,
} from "../check/catalogue.ts";
import {
  type CheckBounds,
  type CheckReport,
  CheckRun,
  type SearchOrder,
  STEPS_DEFAULT,
  WALKS_DEFAULT,
} from "../check/checkRun.ts";
import { ModelError } from "../check/engine/modelError.ts";
import { watchSteps } from "../check/engine/stepWatch.ts";
import { describeSymmetry, hasSymmetry } from "../check/engine/symmetryOf.ts";
import { isModelFile, loadModelFile } from "../check/modelFile.ts";
import { judgeCoverage } from "../check/neverTaken.ts";
import { itfTrace } from "../check/output/itf.ts";
import { mermaidDiagram } from "../check/output/mermaid.ts";
import { readSearch, writeSearch } from "../check/savedSearch.ts";
import { UserError } from "../errors.ts";
import { refuseUnwritable, writeOutput } from "../io/outputFile.ts";
import { note, print } from "../io/standardStreams.ts";
import { jsonText } from "../io/visible.ts";
import { parseShard } from "../shares/shard.ts";
import { checkLive } from "./checkLive.ts";
import { formatCheck } from "./checkReport.ts";
import { checkSummary } from "./checkSummary.ts";
import { writeLog } from "./counterexampleFile.ts";
import { explore, lineWatch } from "./explore.ts";
import { JSON_OPTION, printResult } from "./jsonFormats.ts";
import { LIVE, refuseLive } from "./live.ts";
import { FORCE, seedList } from "./optionParsers.ts";
import { refuseSwarm, type SwarmOptions, walkSwarm } from "./walks.ts";

/** What is of one search, or of none that walks. */
const NOT_OF_SWARMS = ["seed", "all", "list", "save", "continue", "log", "mermaid", "itf", "live"];
const BOUNDS = ["states", "depth", "walks", "steps"];
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
/** What fits into a few gigabytes. */
const STATES_DEFAULT = 30_000_000;
/** Far longer than a step of a model takes. */
const STEP_SECONDS_DEFAULT = 30;

interface Options extends SwarmOptions {
  readonly all?: true;
  readonly list?: true;
  readonly bfs?: true;
  readonly set: Readonly<Record<string, number>>;
  readonly fault?: string;
  readonly bound: Readonly<Record<string, number>>;
  readonly keepGoing?: true;
  readonly symmetry?: boolean | undefined;
  readonly por?: true;
  readonly workers: number;
  readonly dfs?: true;
  readonly random?: true;
  readonly pct?: number;
  readonly seed?: number;
  readonly bitstate?: number;
  readonly save?: string;
  readonly continue?: string;
  readonly log?: string;
  readonly mermaid?: string;
  readonly itf?: string;
  readonly stepSeconds: number;
  readonly live?: true;
}

/**
 * The command. Exit codes: 0 nothing broken; 1 a property is broken or vacuous, or a model is not as it says;
 * 2 bad input; 130 interrupted.
 */
export function checkCommand(): Command {
  return new Command("check")
    .description("explore every interleaving of a model of the machines (docs/check.md)")
    .argument("[model]", "name of a model (see --list), or a file that exports one: ./my-model.ts")
    .option("--all", "check every model")
    .option("--list", "name the models, their parameters and planted faults")
    .option("--bfs", "breadth first: the default, and the shortest counterexamples")
    .option("--dfs", "depth first: any counterexample, mostly a long one")
    .option("--random", "random walks: --bound walks=N, steps=N")
    .option(
      "--pct <depth>",
      "random walks by priorities, for mistakes of that many orderings",
      whole(1, 20),
    )
    .option("--seed <number>", "of random walks", whole(0, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option("--seeds <seeds>", "a swarm: random walks of each seed, such as 1..20")
        .argParser(seedList)
        .conflicts(NOT_OF_SWARMS),
    )
    .option("--shard <i/n>", "only this share of the seeds, of n; see merge", parseShard)
    .option("-o, --output <file>", "write what came of each seed, for merge")
    .option("--bitstate <bits>", "a filter of 2^bits bits in place of the states", whole(10, 32))
    .option("--set <name=value>", "a parameter of the model", assignment, {})
    .option("--fault <name>", "plant a fault")
    .option("--bound <what=number>", "states, depth, walks or steps=N: end there", assignment, {})
    .option("--keep-going", "go on after a property was broken")
    .option(
      "--symmetry",
      "count states that differ by the numbers of what is alike once; liveness stays open",
    )
    .option("--por", "leave out steps that only commute with others; liveness stays open")
    .option("--workers <number>", "threads: the same results, sooner", whole(1, 64), 1)
    .option("--save <file>", "write the search there if it ends at a bound or is interrupted")
    .option("--continue <file>", "go on with a search that was saved")
    .option("--log <file>", "write the counterexample as a message log (see: trackvisor replay)")
    .option("--mermaid <file>", "write it as a Mermaid sequence diagram")
    .option("--itf <file>", "write it in the Informal Trace Format")
    .option(...FORCE)
    .option(
      "--step-seconds <number>",
      "of one step of a model in a file: one that takes longer is named, and ends everything",
      whole(1, 86_400),
      STEP_SECONDS_DEFAULT,
    )
    .addOption(new Option(...LIVE).conflicts(["all", "list"]))
    .option(...JSON_OPTION)
    .action(async (model: string | undefined, options: Options) => {
      refuseSwarm(options, ["random", "pct"].includes(orderOf(options)));
      refuseOutputs(options);
      refuseLive(options);
      if (model !== undefined && isModelFile(model)) {
        watchSteps(options.stepSeconds);
        await loadModelFile(model);
      }
      if (options.list) print(...catalogue(model));
      else if (options.all) await checkAll(options);
      else await orModelError(() => checkFrom(model, options));
    });
}

async function checkFrom(model: string | undefined, options: Options): Promise<void> {
  if (options.continue !== undefined) return continueOne(options.continue, model, options);
  if (model !== undefined && options.seeds !== undefined) return checkSwarm(model, options);
  if (model !== undefined) return checkOne(model, options);
  throw new UserError("which model? Give its name, or --all, or --list to see them");
}

/** Says in one line that a model is not as it says, and ends with 1. Null where it is so. */
async function orModelError<Result>(check: () => Promise<Result>): Promise<Result | null> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    note(error.message);
    process.exitCode = EXIT_FAILED;
    return null;
  }
}

/** What could not be written afterwards is said before the search, and not after it. */
function refuseOutputs({ save, log, mermaid, itf, force, continue: from }: Options): void {
  for (const path of [save, log, mermaid, itf]) {
    if (path === undefined) continue;
    // A search that goes on is saved over itself.
    refuseUnwritable(path, { force: force === true || (path === save && path === from) });
  }
}

async function checkOne(model: string, options: Options): Promise<void> {
  await checkRun(newRun(targetOf(model, options), options), options);
}

function targetOf(model: string, { fault, set }: Options): CheckTarget {
  const mutation = fault ?? null;
  const defaults = mutation === null ? {} : mutationNamed(mutation, model).set;
  return { model, set: { ...defaults, ...set }, mutation };
}

/** Random walks of many seeds, each a check of its own. */
async function checkSwarm(model: string, options: Options): Promise<void> {
  const target = targetOf(model, options);
  const { walks = WALKS_DEFAULT, steps = STEPS_DEFAULT } = boundsOf(options);
  const { pct: depth = 0, keepGoing = false } = options;
  const { set, mutation: fault } = target;
  const asked = { model, set, fault, depth, walks, steps, keepGoing };
  await walkSwarm(asked, options, async (seed) => {
    const run = newRun(target, { ...options, seed });
    return (await explore(run, lineWatch(run))) ? null : run;
  });
}

/** The model, its parameters and the order are those of the saved search. */
async function continueOne(
  file: string,
  model: string | undefined,
  options: Options,
): Promise<void> {
  const ofFile = "--continue takes the model, its parameters and its fault from the file";
  if (model !== undefined && !isModelFile(model)) throw new UserError(ofFile);
  const saved = readSearch(file);
  const of = saved.target.model;
  // A file that is opened says nothing about which program is run.
  const isNamed = model !== undefined && isModelFile(of) && resolve(model) === resolve(of);
  if (isModelFile(of) && !isNamed) {
    throw new UserError(
      `${file} is of a model in a file: trackvisor check ${of} --continue ${file}, if you trust that file`,
    );
  }
  const isOther = model !== undefined && !isNamed;
  if (isOther || options.fault !== undefined || Object.keys(options.set).length > 0) {
    throw new UserError(ofFile);
  }
  await orFileError(file, async () => {
    const run = CheckRun.from(saved, {
      bounds: boundsOf(options),
      clock: () => performance.now(),
    });
    await checkRun(run, options);
  });
}

/**
 * Each number in a saved search may be one that its model can have, and all of them together no search of
 * it: what then goes wrong is the file's mistake.
 */
async function orFileError(file: string, goOn: () => Promise<void>): Promise<void> {
  try {
    await goOn();
  } catch (error) {
    const isSaid = error instanceof UserError || error instanceof ModelError;
    if (isSaid || !(error instanceof Error)) throw error;
    throw new UserError(`${file}: is not a search of its model: ${error.message}`);
  }
}

/** One search, to its report. What is written to files is written before anybody looks at it any longer. */
async function checkRun(run: CheckRun, options: Options): Promise<void> {
  if (!options.live) {
    conclude(run, await explore(run, lineWatch(run)), options)();
    return;
  }
  let tell = (): void => {};
  await checkLive(run, (interrupted) => {
    tell = conclude(run, interrupted, options);
  });
  tell();
}

/** Writes files. @returns what says what came of the search, and of that */
function conclude(run: CheckRun, interrupted: boolean, options: Options): () => void {
  // What the search has cost is counted before counterexamples look at its steps again.
  const report = run.report();
  const lines = options.json ? [] : formatCheck(run, report);
  const notes = writeFiles(run, interrupted, options);
  return () => {
    for (const one of notes) note(one);
    if (options.json) printResult("check", report);
    else print(...lines);
    setExitCode([report], interrupted);
  };
}

/** @returns what there is to say of it */
function writeFiles(run: CheckRun, interrupted: boolean, options: Options): string[] {
  const notes: string[] = [];
  const isOpen = interrupted || run.exploration.ending === "bound";
  if (options.save !== undefined && isOpen) {
    const { save, continue: from, force } = options;
    writeSearch(save, run.save(), { force: force === true || save === from });
    const model = isModelFile(run.target.model) ? `${run.target.model} ` : "";
    notes.push(`to go on: trackvisor check ${model}--continue ${options.save}`);
  }
  return [...notes, ...writeTraces(run, run.target, options)];
}

async function checkAll(options: Options): Promise<void> {
  const reports: CheckReport[] = [];
  let wasInterrupted = false;
  for (const { name } of MODELS) {
    const target = { model: name, set: {}, mutation: null };
    // Some models have nothing that is alike.
    const symmetry = options.symmetry && hasSymmetry(buildModel(target));
    const run = newRun(target, { ...options, symmetry });
    const interrupted = await orModelError(() => explore(run, lineWatch(run)));
    if (interrupted === null) continue;
    const report = run.report();
    reports.push(report);
    if (!options.json) print(...formatCheck(run, report), "");
    if (interrupted) {
      wasInterrupted = true;
      break;
    }
  }
  const { transitions, taken, excepted, wrong } = judgeCoverage(
    reports.map((report) => report.coverage),
    reports.length === MODELS.length && reports.every(({ complete }) => complete),
  );
  if (options.json) printResult("check all", { reports });
  else {
    print(
      ...checkSummary(reports),
      `${taken} of ${transitions} transitions of the machines are taken by some model; for ${excepted} there is a reason why not`,
    );
  }
  for (const one of wrong) note(one);
  setExitCode(reports, wasInterrupted);
  if (wrong.length > 0) process.exitCode = EXIT_FAILED;
}

function boundsOf({ bound }: Options): CheckBounds {
  for (const key of Object.keys(bound)) {
    if (!BOUNDS.includes(key)) {
      throw new UserError(`--bound ${key}: expected states=N, depth=N, walks=N or steps=N`);
    }
  }
  return { states: STATES_DEFAULT, ...bound };
}

function newRun(target: CheckTarget, options: Options): CheckRun {
  return new CheckRun(target, {
    bounds: boundsOf(options),
    keepGoing: options.keepGoing ?? false,
    symmetry: options.symmetry ?? false,
    partialOrder: options.por ?? false,
    workers: options.workers,
    order: orderOf(options),
    ...(options.pct === undefined ? {} : { pctDepth: options.pct }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.bitstate === undefined ? {} : { bitstate: options.bitstate }),
    clock: () => performance.now(),
  });
}

/** @returns what there is to say of it */
function writeTraces(run: CheckRun, target: CheckTarget, options: Options): string[] {
  const shown = run.results.find(
    ({ verdict, run: shown }) => verdict === "violated" && shown !== null,
  );
  const trace = shown === undefined ? null : run.traceOf(shown);
  const { log, mermaid, itf, force } = options;
  if (trace === null) {
    const isAsked = (log ?? mermaid ?? itf) !== undefined;
    return isAsked ? ["no property is broken: there is no counterexample to write"] : [];
  }
  if (mermaid !== undefined) writeOutput(mermaid, mermaidDiagram(trace), { force });
  if (itf !== undefined) {
    writeOutput(itf, `${jsonText(itfTrace(trace), 1)}\n`, { force });
  }
  if (log !== undefined) writeLog(log, target, trace, force);
  return [];
}

function setExitCode(reports: readonly CheckReport[], interrupted: boolean): void {
  const bad = reports.some(({ properties }) =>
    properties.some(({ verdict }) => verdict === "violated" || verdict === "vacuous"),
  );
  if (bad) process.exitCode = EXIT_FAILED;
  else if (interrupted) process.exitCode = EXIT_INTERRUPTED;
}

/** @param only a model; undefined: all */
function catalogue(only?: string): string[] {
  const lines: string[] = [];
  for (const { name, what, parameters } of only === undefined ? MODELS : [modelNamed(only)]) {
    lines.push(`${name}: ${what}`);
    for (const one of parameters) {
      const note = one.what === "" ? "" : `: ${one.what}`;
      lines.push(`  ${one.name}=${one.value} (${one.min} to ${one.max})${note}`);
    }
    const model = buildModel({ model: name, set: {}, mutation: null });
    lines.push(
      `  ${hasSymmetry(model) ? "--symmetry" : "--symmetry keeps every state"}: ${describeSymmetry(model)}`,
    );
    for (const fault of mutationsOf(name)) {
      lines.push(`  --fault ${fault.name}: ${fault.mistake}`);
    }
  }
  return lines;
}

function assignment(
  text: string,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const [, name, value] = /^(\w+)=(\d+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("expected NAME=NUMBER.");
  return { ...before, [name]: Number(value) };
}

/** A whole number within these limits. */
function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most)
      return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  };
}

function orderOf({ bfs, dfs, random, pct }: Options): SearchOrder {
  const asked = [bfs && "breadth", dfs && "depth", random && "random", pct && "pct"] as const;
  const orders = asked.filter((one) => typeof one === "string");
  if (orders.length > 1) throw new UserError("--bfs, --dfs, --random, --pct: expected one of them");
  return orders[0] ?? "breadth";
}
