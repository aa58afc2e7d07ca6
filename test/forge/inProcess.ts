/**
 * Commands as the command line runs them, in this process: what they print, how they end, which files they
 * open for writing.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { runCommandLine } from "../../src/cli/program.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Names that were opened for writing, made, renamed to or removed. */
  readonly touched: readonly string[];
  /** Of the processor: what else the machine does makes no command slower. */
  readonly seconds: number;
}

let touched: string[] = [];
let isWatched = false;

const WRITING = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT;

/** From here on every change to a file is noted. The modules of Node.js are the same for everybody here. */
function watchFiles(): void {
  if (isWatched) return;
  isWatched = true;
  const { openSync, renameSync, linkSync, mkdirSync, unlinkSync, writeFileSync } = fs;
  Object.assign(fs, {
    openSync: (...words: Parameters<typeof openSync>) => {
      const [path, flags = "r"] = words;
      const writes = typeof flags === "number" ? (flags & WRITING) !== 0 : flags !== "r";
      if (writes) touched.push(String(path));
      return openSync(...words);
    },
    renameSync: (from: fs.PathLike, to: fs.PathLike) => {
      touched.push(String(to));
      renameSync(from, to);
    },
    linkSync: (from: fs.PathLike, to: fs.PathLike) => {
      touched.push(String(to));
      linkSync(from, to);
    },
    mkdirSync: (...words: Parameters<typeof mkdirSync>) => {
      touched.push(String(words[0]));
      return mkdirSync(...words);
    },
    unlinkSync: (path: fs.PathLike) => {
      touched.push(String(path));
      unlinkSync(path);
    },
    writeFileSync: (...words: Parameters<typeof writeFileSync>) => {
      touched.push(String(words[0]));
      writeFileSync(...words);
    },
  });
  syncBuiltinESMExports();
}

/** Runs a command line in the present directory. */
export async function runInProcess(words: readonly string[]): Promise<Ran> {
  watchFiles();
  touched = [];
  const { stdout, stderr } = process;
  const before = [stdout.write, stderr.write] as const;
  let [out, err] = ["", ""];
  const started = process.cpuUsage();
  stdout.write = (text: string | Uint8Array): boolean => {
    out += String(text);
    return true;
  };
  stderr.write = (text: string | Uint8Array): boolean => {
    err += String(text);
    return true;
  };
  process.exitCode = 0;
  try {
    await runCommandLine(words);
  } finally {
    [stdout.write, stderr.write] = before;
  }
  const code = Number(process.exitCode);
  process.exitCode = 0;
  const { user, system } = process.cpuUsage(started);
  return { code, out, err, touched, seconds: (user + system) / 1e6 };
}
