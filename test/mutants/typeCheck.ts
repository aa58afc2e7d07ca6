/** Whether a mutant compiles: what the compiler refuses is nobody's mistake to find. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { digest, KEPT_DIRECTORY } from "./kept.ts";
import { type Mutant, mutated } from "./mutant.ts";
import { textOf } from "./sources.ts";

/** "... is declared but never used": a mutant may well leave such things behind. */
const UNUSED = [6133, 6138, 6192, 6196, 6198, 6199];

export interface TypeCheck {
  accepts(mutant: Mutant): boolean;
}

/** A type check that knows its earlier answers, of this run and those before it. */
export function keptTypeCheckIn(root: string): TypeCheck {
  const directory = join(root, KEPT_DIRECTORY);
  const file = join(directory, "compiles.txt");
  mkdirSync(directory, { recursive: true });
  const known = new Map<string, boolean>();
  for (const line of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
    const [key = "", answer] = line.split(" ");
    if (answer === "yes" || answer === "no") known.set(key, answer === "yes");
  }
  let check: TypeCheck | null = null;
  return {
    accepts(mutant) {
      const key = digest(mutant.file, mutated(textOf(root, mutant.file), mutant));
      const before = known.get(key);
      if (before !== undefined) return before;
      check ??= typeCheckIn(root);
      const answer = check.accepts(mutant);
      known.set(key, answer);
      appendFileSync(file, `${key} ${answer ? "yes" : "no"}\n`);
      return answer;
    },
  };
}

/** A compiler that keeps what it knows of the tree from mutant to mutant. */
function typeCheckIn(root: string): TypeCheck {
  const configFile = join(root, "tsconfig.json");
  const { config } = ts.readConfigFile(configFile, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const changed = new Map<string, { text: string; version: number }>();
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...changed.keys()],
    getScriptVersion: (name) => String(changed.get(name)?.version ?? 0),
    getScriptSnapshot(name) {
      const text = changed.get(name)?.text ?? ts.sys.readFile(name);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (all) => ts.getDefaultLibFilePath(all),
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  };
  const service = ts.createLanguageService(host);
  const put = (file: string, text: string): void => {
    changed.set(file, { text, version: (changed.get(file)?.version ?? 0) + 1 });
  };
  return {
    accepts(mutant) {
      const source = textOf(root, mutant.file);
      const file = join(root, mutant.file);
      put(file, mutated(source, mutant));
      const problems = [
        ...service.getSyntacticDiagnostics(file),
        ...service.getSemanticDiagnostics(file),
      ];
      put(file, source);
      return problems.every(({ code }) => UNUSED.includes(code));
    },
  };
}
