/**
 * Who judges a mutant: the models of the catalogue, whose properties must hold, and the tests, in processes
 * that end at the first failure. Whoever takes too long or dies has noticed the mutant as well.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A model, or a file of tests. */
export interface Judge {
  readonly kind: "model" | "test";
  readonly name: string;
}

/** How a mutant was noticed. */
export interface Catch {
  readonly judge: Judge;
  /** The property, or the test. */
  readonly by: string;
  /** Messages of the counterexample; null where there is none. */
  readonly messages: number | null;
}

/** One line of a judging process's output. */
export type Note =
  | { readonly begins: string }
  | { readonly ends: string; readonly seconds: number }
  | { readonly fails: string; readonly by: string; readonly messages: number | null };

export const NOTE_MARK = "@judge ";
/** Old-space megabytes of a judging process: a mutant that allocates for ever must not take the machine. */
const HEAP_MEGABYTES = 2000;
/** How long a judge may take: so many seconds, and so many times what it takes without a mutant. */
const GRACE_SECONDS = 30;
const GRACE_TIMES = 8;
/** How much longer than that it may take by the clock. */
const WAITING_TIMES = 20;
/** Of the times in /proc: USER_HZ, which is 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;
const TICK_MILLISECONDS = 1000;

export interface JudgeOptions {
  /** Of the copy of the tree. */
  readonly directory: string;
  /** What a judge takes without a mutant, in seconds; undefined if it is not known. */
  readonly usual: (name: string) => number | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of each judge that came to its end, and of the seconds of processors that it had. */
  readonly ended?: (name: string, seconds: number) => void;
  /** Told of each judge that complains; if this is there, the others go on all the same. */
  readonly complained?: (complaint: Catch) => void;
}

/** Has models judge, in this order; null if every one of them is content. */
export function judgeByModels(
  names: readonly string[],
  options: JudgeOptions,
): Promise<Catch | null> {
  const program = join(options.directory, "dist", "test", "mutants", "modelJudge.js");
  return judge("model", [program, ...names], names, options);
}

/** Has files of tests judge, in this order. */
export function judgeByTests(
  files: readonly string[],
  options: JudgeOptions,
): Promise<Catch | null> {
  const vitest = join(options.directory, "node_modules", "vitest", "vitest.mjs");
  const config = join(options.directory, "test", "mutants", "judgingTests.config.ts");
  const args = [vitest, "run", "--config", config, "--root", options.directory];
  const environment = { ...options.environment, MUTANT_TESTS: JSON.stringify(files) };
  return judge("test", args, files, { ...options, environment });
}

function judge(
  kind: Judge["kind"],
  args: readonly string[],
  names: readonly string[],
  { directory, usual, environment = {}, ended, complained }: JudgeOptions,
): Promise<Catch | null> {
  if (names.length === 0) return Promise.resolve(null);
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEGABYTES}`, ...args], {
    cwd: directory,
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: what it has started ends with it.
    detached: true,
  });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  };
  process.once("exit", kill);
  let current = names[0]!;
  const group = child.pid ?? 0;
  let begun = timesOf(group);
  let caught: Catch | null = null;
  let errors = "";
  const caughtBy = (name: string, by: string, messages: number | null): void => {
    caught ??= { judge: { kind, name }, by, messages };
  };
  const take = (note: Note): void => {
    if ("begins" in note) {
      current = note.begins;
      begun = timesOf(group);
    } else if ("ends" in note) ended?.(note.ends, usedSince(begun, group) ?? note.seconds);
    else if (complained !== undefined) {
      complained({ judge: { kind, name: note.fails }, by: note.by, messages: note.messages });
    } else {
      caughtBy(note.fails, note.by, note.messages);
      kill();
    }
  };
  const watch = setInterval(() => {
    const limit = GRACE_SECONDS + GRACE_TIMES * (usual(current) ?? GRACE_SECONDS);
    // On a machine that does other work, too, what counts is what the judge gets of it; one that waits uses nothing.
    const used = usedSince(begun, group);
    const waited = performance.now() / 1000 - begun.wall;
    if (used === null ? waited < limit : used < limit && waited < WAITING_TIMES * limit) return;
    caughtBy(current, "takes too long", null);
    kill();
  }, TICK_MILLISECONDS);
  readLines(child.stdout, (line) => {
    if (line.startsWith(NOTE_MARK)) take(JSON.parse(line.slice(NOTE_MARK.length)) as Note);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(watch);
      process.removeListener("exit", kill);
      kill();
      if (code !== 0 && complained === undefined)
        caughtBy(current, `ends with an error: ${firstError(errors)}`, null);
      resolve(caught);
    });
  });
}

interface Times {
  /** Seconds of processors that the processes of a group have had; null where that cannot be known. */
  readonly processor: number | null;
  readonly wall: number;
}

/** Seconds of processors since then; null where that cannot be known, or the group has ended. */
function usedSince({ processor: before }: Times, group: number): number | null {
  const { processor } = timesOf(group);
  return processor === null || before === null || processor < before ? null : processor - before;
}

/** @param group number of a process group */
function timesOf(group: number): Times {
  const wall = performance.now() / 1000;
  try {
    let ticks = 0;
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // proc(5): behind the name in parentheses come state, ppid, pgrp; utime, stime, cutime and cstime are 11 to 14.
      const fields = statOf(name).split(") ").at(-1)!.split(" ");
      if (Number(fields[2]) !== group) continue;
      for (const field of fields.slice(11, 15)) ticks += Number(field);
    }
    return { processor: ticks / TICKS_PER_SECOND, wall };
  } catch {
    return { processor: null, wall };
  }
}

/** Of a process that may end at any moment. */
function statOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/stat`, "utf8");
  } catch {
    return "";
  }
}

function firstError(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.find((line) => line !== "") ?? "";
}

function readLines(stream: NodeJS.ReadableStream, visit: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) visit(line);
  });
}
