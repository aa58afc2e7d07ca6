/** The files that mutants are made of, the tests that may judge them, and who imports whom. */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { filesIn } from "../shares/treeVersion.ts";

/** Where mutants are looked for, by the name that the tables use. */
export const AREAS: readonly { readonly name: string; readonly files: RegExp }[] = [
  { name: "machines", files: /^machines\// },
  { name: "page-logging units", files: /^src\/units\// },
  { name: "hypervisor", files: /^src\/hypervisor\// },
  { name: "hardware", files: /^src\/hardware\// },
  { name: "operations", files: /^src\/system\/(operations\/|\w*[dD]evice\.ts$)/ },
];

/**
 * Tests of other things than these sources: the checker's own, the screen's, the shape of the house, the package; those that
 * run the command line, program by program; those that run a machine twice, and the same mutant both times.
 */
const NO_JUDGES =
  /^test\/((architecture|bench|check|cli|config|experiments|mutants|package|tui)\/|interconnect\/compiledLogic)/;

export function sourceFiles(root: string): string[] {
  const all = ["machines", "src"].flatMap((directory) => filesIn(root, directory, /\.ts$/));
  return all.filter((file) => areaOf(file) !== null);
}

export function areaOf(file: string): string | null {
  return AREAS.find(({ files }) => files.test(file))?.name ?? null;
}

export function judgingTests(root: string): string[] {
  return filesIn(root, "test", /\.test\.ts$/).filter((file) => !NO_JUDGES.test(file));
}

export function textOf(root: string, file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** A file and all that it imports, directly or not. */
export function closureOf(root: string, file: string, known: Imports = new Map()): Set<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const imported of importsOf(root, name, known)) add(imported);
  };
  add(file);
  return found;
}

export type Imports = Map<string, readonly string[]>;

function importsOf(root: string, file: string, known: Imports): readonly string[] {
  const before = known.get(file);
  if (before !== undefined) return before;
  const { importedFiles } = ts.preProcessFile(textOf(root, file), true, true);
  const found = importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => /^\.\.?\/.*\.tsx?$/.test(name))
    .map((name) => normalize(join(dirname(file), name)).replaceAll("\\", "/"));
  known.set(file, found);
  return found;
}
