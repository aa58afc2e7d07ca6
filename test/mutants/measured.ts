/**
 * What each judge runs, and how long it takes, without any mutant: measured in a copy of the tree whose
 * functions note that they run. So a mutant is given to those alone that run the function it is in.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type FunctionSpan, functionAround, functionsIn, instrumented } from "./instrument.ts";
import { type Judge, type JudgeOptions, judgeByModels, judgeByTests } from "./judges.ts";
import { modelJudges } from "./modelSizes.ts";
import type { Mutant } from "./mutant.ts";
import { Scratch } from "./scratch.ts";
import { areaOf, closureOf, type Imports, judgingTests, sourceFiles, textOf } from "./sources.ts";

export interface MeasuredJudge extends Judge {
  readonly seconds: number;
  /** By file: the functions that ran, by their number in the file. */
  readonly functions: Readonly<Record<string, readonly number[]>>;
}

interface FileFunctions {
  readonly file: string;
  readonly first: number;
  readonly functions: readonly FunctionSpan[];
}

export interface JudgeNames {
  readonly models: readonly string[];
  readonly tests: readonly string[];
}

/** All there are, but for those that are known. */
export function judgesBeside(known: readonly Judge[], root: string): JudgeNames {
  const names = new Set(known.map(({ name }) => name));
  const isNew = (name: string): boolean => !names.has(name);
  return { models: modelJudges().filter(isNew), tests: judgingTests(root).filter(isNew) };
}

/** Runs these judges once. One that fails without any mutant is left out, and that is said. */
export async function measureJudges(
  root: string,
  { models, tests }: JudgeNames,
  say: (text: string) => void,
): Promise<MeasuredJudge[]> {
  const scratch = new Scratch(root);
  const notes = mkdtempSync(join(tmpdir(), "trackvisor-functions-"));
  try {
    const files = instrumentAll(scratch, root);
    const program = join(scratch.directory, "dist", "test", "mutants", "functionsRun.js");
    const environment = {
      MUTANT_FUNCTIONS: notes,
      NODE_OPTIONS: `--import ${pathToFileURL(program).href}`,
    };
    const seconds = new Map<string, number>();
    const failed = new Set<string>();
    const options: JudgeOptions = {
      directory: scratch.directory,
      environment,
      // However long it takes: that is what is to be found out.
      usual: () => Number.POSITIVE_INFINITY,
      ended(name, took) {
        seconds.set(name, took);
        say(`${name}: ${took.toFixed(1)} s`);
      },
      complained({ judge: { name }, by }) {
        failed.add(name);
        say(`${name} fails without any mutant and is left out: ${by}`);
      },
    };
    const judges: MeasuredJudge[] = [];
    const add = (judge: Judge, numbers: readonly number[]): void => {
      const { name, kind } = judge;
      if (failed.has(name) || !seconds.has(name)) return;
      judges.push({
        name,
        kind,
        seconds: seconds.get(name) ?? 0,
        functions: byFile(files, numbers),
      });
    };
    for (const name of models) {
      await judgeByModels([name], options);
      add({ kind: "model", name }, processNotes(notes));
    }
    await judgeByTests(tests, options);
    for (const name of tests) {
      const file = join(notes, `${name.replaceAll("/", "+")}.test`);
      const ran = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as number[]) : [];
      add({ kind: "test", name }, ran);
    }
    return judges;
  } finally {
    scratch.remove();
    rmSync(notes, { recursive: true });
  }
}

function instrumentAll(scratch: Scratch, root: string): FileFunctions[] {
  const files: FileFunctions[] = [];
  let first = 0;
  for (const file of sourceFiles(root)) {
    const functions = functionsIn(file, textOf(root, file));
    files.push({ file, first, functions });
    first += functions.length;
  }
  scratch.rewriteSources((file, text) => {
    const found = files.find((one) => one.file === file);
    return found === undefined ? text : instrumented(file, text, found.first);
  });
  return files;
}

function byFile(
  files: readonly FileFunctions[],
  numbers: readonly number[],
): Record<string, number[]> {
  const result: Record<string, number[]> = {};
  for (const { file, first, functions } of files) {
    const own = numbers.filter((number) => number >= first && number < first + functions.length);
    if (own.length > 0) result[file] = own.map((number) => number - first);
  }
  return result;
}

/** What the processes that have ended meanwhile have noted; their notes go. */
function processNotes(directory: string): number[] {
  const ran = new Set<number>();
  for (const name of readdirSync(directory)) {
    readFileSync(join(directory, name)).forEach((bit, at) => {
      if (bit !== 0) ran.add(at);
    });
    rmSync(join(directory, name));
  }
  return [...ran];
}

/** Judges that take longer come after all that do not. */
const QUICK_SECONDS = 5;

export function isQuick({ seconds }: MeasuredJudge): boolean {
  return seconds <= QUICK_SECONDS;
}

/**
 * Those that run the mutated code, in the order in which they shall judge: the quick ones first, among them
 * models, which name a property and a run, before tests, and within a kind the quickest first. Of the rules of the
 * processor tests come first: litmus tests state them one by one, and most models do not get that far. Code outside
 * functions runs wherever a function of its file does, and in a file without functions, or of which none was seen to
 * run, wherever it is imported.
 * @param isAsMeasured the file's functions have the numbers that they had then: else all that run any of them judge
 */
export function judgesOf(
  mutant: Mutant,
  text: string,
  judges: readonly MeasuredJudge[],
  importers: (file: string) => readonly string[],
  isAsMeasured: boolean,
): MeasuredJudge[] {
  const functions = functionsIn(mutant.file, text);
  const number = isAsMeasured ? functionAround(functions, mutant.edit.start) : -1;
  const isUnseen = judges.every(({ functions: seen }) => seen[mutant.file] === undefined);
  const runs = (judge: MeasuredJudge): boolean => {
    if (functions.length === 0 || isUnseen) {
      return judge.kind === "model" || importers(mutant.file).includes(judge.name);
    }
    const own = judge.functions[mutant.file] ?? [];
    return number < 0 ? own.length > 0 : own.includes(number);
  };
  const first: Judge["kind"] = areaOf(mutant.file) === "hardware" ? "test" : "model";
  const rank = (judge: MeasuredJudge): number =>
    (isQuick(judge) ? 0 : 2) + (judge.kind === first ? 0 : 1);
  return judges.filter(runs).sort((a, b) => rank(a) - rank(b) || a.seconds - b.seconds);
}

/** Which tests import a file, directly or not. */
export function importersIn(root: string): (file: string) => readonly string[] {
  const known: Imports = new Map();
  const closures = judgingTests(root).map((test) => [test, closureOf(root, test, known)] as const);
  return (file) => closures.filter(([, files]) => files.has(file)).map(([test]) => test);
}

/** Functions of the files of an area that no judge runs. */
export function unrun(root: string, judges: readonly MeasuredJudge[]): string[] {
  return sourceFiles(root).flatMap((file) => {
    const text = textOf(root, file);
    const ran = new Set(judges.flatMap(({ functions }) => functions[file] ?? []));
    return functionsIn(file, text).flatMap(({ start }, number) => {
      if (ran.has(number) || areaOf(file) === null) return [];
      const line = text.slice(0, start).split("\n").length;
      return [`${file}:${line}`];
    });
  });
}
