/**
 * `npm run bench [-- --json] [-- --only NAME]`: measures, and says which bars are met. Several benchmarks run
 * each in a process of its own: what one leaves in the heap, and has the engine compile, is not the next's.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { accessLoop } from "./accessLoop.ts";
import { bigGuest } from "./bigGuest.ts";
import { estimation } from "./estimation.ts";
import { exits } from "./exits.ts";
import {
  type Bar,
  type Benchmark,
  CounterMismatchError,
  type Result,
  statusOf,
} from "./harness.ts";
import { lackeyImport } from "./lackeyImport.ts";
import { linux } from "./linux.ts";
import { log } from "./log.ts";
import { migration } from "./migration.ts";
import { modelChecking } from "./modelChecking.ts";
import { tui, tuiByInk } from "./tui.ts";
import { walkVariants } from "./walkVariants.ts";

const BENCHMARKS: readonly Benchmark[] = [
  accessLoop,
  exits,
  lackeyImport,
  bigGuest,
  walkVariants,
  migration,
  modelChecking,
  estimation,
  tui,
  tuiByInk,
  log,
  linux,
];
const USAGE_ERROR = 2;

function parseArguments(args: readonly string[]): { json: boolean; chosen: readonly Benchmark[] } {
  let json = false;
  let chosen = BENCHMARKS;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--json") json = true;
    else if (args[i] === "--only") {
      const name = args[++i];
      chosen = BENCHMARKS.filter((benchmark) => benchmark.name === name);
      const names = BENCHMARKS.map((benchmark) => benchmark.name).join(", ");
      if (chosen.length === 0) fail(`--only ${name ?? ""}: expected one of ${names}`);
    } else fail(`unknown argument "${args[i]}"; expected --json or --only NAME`);
  }
  return { json, chosen };
}

function fail(message: string): never {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(USAGE_ERROR);
}

function describeBar(bar: Bar | undefined): string {
  if (bar === undefined) return "";
  return "atLeast" in bar ? `>= ${bar.atLeast}` : `<= ${bar.atMost}`;
}

function table(results: readonly Result[]): string {
  const table = new Table({
    head: ["what", "value", "unit", "bar", "status"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "left", "left", "left"],
  });
  for (const result of results) {
    const { what, value, unit, bar, note } = result;
    const status = statusOf(result);
    table.push([
      what,
      value === null ? "-" : value.toPrecision(3),
      unit,
      describeBar(bar),
      note === undefined ? status : `${status}: ${note}`,
    ]);
  }
  return table.toString();
}

/** The results of a benchmark that runs in a process of its own. */
function runApart({ name }: Benchmark): readonly Result[] {
  const command = [fileURLToPath(import.meta.url), "--json", "--only", name];
  const { stdout, status } = spawnSync(process.execPath, command, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) process.exitCode = 1;
  return JSON.parse(stdout) as Result[];
}

const { json, chosen } = parseArguments(process.argv.slice(2));
const results: Result[] = [];
try {
  for (const benchmark of chosen) {
    if (process.stderr.isTTY) process.stderr.write(`${benchmark.name}...\n`);
    results.push(...(chosen.length === 1 ? await benchmark.run() : runApart(benchmark)));
  }
} catch (error) {
  if (!(error instanceof CounterMismatchError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
if (json) {
  const rows = results.map((result) => ({ ...result, status: statusOf(result) }));
  process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
} else {
  process.stdout.write(`${table(results)}\n`);
}
