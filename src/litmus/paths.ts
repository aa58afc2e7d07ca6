/** Runs the litmus files that paths name: files, or directories searched for *.litmus.yaml. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { loadLitmus } from "./load.ts";
import { type LitmusResult, runLitmus } from "./run.ts";

const SUFFIX = ".litmus.yaml";
/** A litmus test is written by hand: a file beyond this size is none. */
const FILE_BYTES_LIMIT = 4 << 20;

export interface LitmusOptions {
  /** Runs only the tests that name this case. */
  readonly caseNumber?: number;
  /** Called after each test. */
  readonly onResult?: (result: LitmusResult) => void;
}

export interface LitmusSummary {
  /** Files read. */
  readonly files: number;
  /** Tests run. */
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly LitmusResult[];
}

/** Runs all tests of the files and directories. Throws UserError, one line, on bad input. */
export async function runLitmusPaths(
  paths: readonly string[],
  options: LitmusOptions = {},
): Promise<LitmusSummary> {
  const files = await findLitmusFiles(paths);
  const results: LitmusResult[] = [];
  for (const file of files) {
    for (const test of loadLitmus(file, await readText(file))) {
      const { caseNumber } = options;
      if (caseNumber !== undefined && !(test.cases ?? []).includes(caseNumber)) continue;
      const result = runLitmus(test);
      results.push(result);
      options.onResult?.(result);
    }
  }
  const passed = results.filter((result) => result.passed).length;
  return {
    files: files.length,
    tests: results.length,
    passed,
    failed: results.length - passed,
    results,
  };
}

/** The litmus files of some paths, in the order of the paths and by name within a directory. */
export async function findLitmusFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => null);
    if (info === null) throw new UserError(`${path}: no such file or directory`);
    if (!info.isDirectory()) files.push(path);
    else {
      const inside = await readdir(path, { recursive: true });
      const found = inside.filter((name) => name.endsWith(SUFFIX)).sort();
      if (found.length === 0) throw new UserError(`${path}: no *${SUFFIX} file in it`);
      files.push(...found.map((name) => join(path, name)));
    }
  }
  return files;
}

async function readText(file: string): Promise<string> {
  const info = await stat(file).catch(() => null);
  if (info !== null && info.size > FILE_BYTES_LIMIT) {
    throw new UserError(`${file}: too large for a litmus file`);
  }
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file}: cannot be read: ${reason}`);
  }
}
