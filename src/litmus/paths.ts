/** Runs the litmus files that paths name: files, or directories searched for *.litmus.yaml. */
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { kindOfFile, listDirectory, readText } from "../io/inputFile.ts";
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
  const files = findLitmusFiles(paths);
  const results: LitmusResult[] = [];
  for (const file of files) {
    for (const test of loadLitmus(file, readText(file, FILE_BYTES_LIMIT))) {
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
export function findLitmusFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const kind = kindOfFile(path);
    if (kind === "none") throw new UserError(`${path}: no such file or directory`);
    if (kind !== "directory") return [path];
    const found = listDirectory(path, true).filter((name) => name.endsWith(SUFFIX));
    if (found.length === 0) throw new UserError(`${path}: no *${SUFFIX} file in it`);
    return found.map((name) => join(path, name));
  });
}
