/**
 * A copy of the tree in which one file at a time is another: mutants never touch the tree itself. Tests run
 * from the copied sources, models and commands from the copied program, in which that one file is compiled anew.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { filesIn } from "../shares/treeVersion.ts";
import { textOf } from "./sources.ts";

const COPIED = [
  "machines",
  "src",
  "workloads",
  "test",
  "docs",
  "dist",
  "package.json",
  "README.md",
  "tsconfig.json",
];
/** What is compiled into dist. */
const COMPILED = /^(src|machines|workloads|test\/(bench|mutants))\//;

export class Scratch {
  readonly directory: string;
  readonly #root: string;
  readonly #atExit = (): void => rmSync(this.directory, { recursive: true, force: true });

  /** @param root of the tree, whose program (dist) is up to date */
  constructor(root: string) {
    this.#root = root;
    this.directory = mkdtempSync(join(tmpdir(), "trackvisor-mutants-"));
    for (const name of COPIED) {
      cpSync(join(root, name), join(this.directory, name), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(this.directory, "node_modules"));
    process.once("exit", this.#atExit);
  }

  /** Puts another text in the place of a file. */
  write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
    if (!COMPILED.test(file)) return;
    const target = join(this.directory, "dist", file.replace(/\.tsx?$/, ".js"));
    mkdirSync(join(target, ".."), { recursive: true });
    writeFileSync(target, compiled(text, file));
  }

  /** Makes a file what it is in the tree again. */
  restore(file: string): void {
    this.write(file, textOf(this.#root, file));
  }

  /** Puts into the place of each source of the program what `change` makes of it. */
  rewriteSources(change: (file: string, text: string) => string): void {
    for (const directory of ["machines", "src"]) {
      for (const file of filesIn(this.directory, directory, /\.ts$/)) {
        const text = textOf(this.directory, file);
        const other = change(file, text);
        if (other !== text) this.write(file, other);
      }
    }
  }

  remove(): void {
    process.removeListener("exit", this.#atExit);
    this.#atExit();
  }
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  jsx: ts.JsxEmit.ReactJSX,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  rewriteRelativeImportExtensions: true,
};

/** JavaScript of one file. Types are not checked. */
function compiled(text: string, file: string): string {
  return ts.transpileModule(text, { compilerOptions: OPTIONS, fileName: file }).outputText;
}
