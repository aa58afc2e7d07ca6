/**
 * `npm run fuzz:files [-- --cases N] [-- --seed S] [-- --from N] [-- --out DIRECTORY]`: files that were made
 * up, each read by a command, in a process that is watched: one that hangs or dies is a finding, and the next
 * process goes on behind it. Findings are saved. With --shard a share of the cases, and --merge puts shares together
 * (docs/security.md). Exit codes: 0 none, 1 some, 2 bad usage.
 */
import { fork } from "node:child_process";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../../src/cli/optionParsers.ts";
import { makeDirectory, writeOutput } from "../../src/io/outputFile.ts";
import { placesOf, type Share, shareOf } from "../../src/shares/shareFile.ts";
import {
  keepShare,
  mergeFiles,
  refuseShare,
  runScript,
  type ShareOptions,
  say,
  withoutRoot,
  withShares,
  workOf,
} from "../shares/toolShares.ts";
import { type CaseResult, Cases } from "./cases.ts";
import { FORGED_SHARES, type ForgedAsked, type ForgedResult } from "./share.ts";
import { findingText, tallyText } from "./tally.ts";

const SCRIPT = "fuzz:files";
const NUMBER_MAX = 999_999_999;
/** Without a word from the process for so long, it hangs, and the machine is not just busy. */
const SILENCE_SECONDS = 300;
const MEMORY_MIB = 1024;
const WORKER = "worker";

interface Options extends ShareOptions, ForgedAsked {
  readonly out: string;
}

/** What the process that is watched is to do, and where it begins. */
interface Job {
  readonly seed: number;
  readonly out: string;
  readonly from: number;
  readonly places: readonly number[];
}

type Report =
  | { readonly kind: "begins" }
  | { readonly kind: "done"; readonly result: CaseResult }
  | { readonly kind: "ended"; readonly megabytes: number };

/** In the process that is watched. */
async function work({ seed, out, from, places }: Job): Promise<void> {
  const tell = (report: Report): void => void process.send?.(report);
  const all = await Cases.create();
  for (const place of places) {
    tell({ kind: "begins" });
    const number = from + place;
    const result = await all.run(seed, number);
    if (result.problem !== undefined) save(all, seed, number, out);
    tell({ kind: "done", result });
  }
  all.close();
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  tell({ kind: "ended", megabytes });
  process.disconnect?.();
}

function save(all: Cases, seed: number, number: number, out: string): void {
  const { kind } = all.prepare(seed, number);
  makeDirectory(out);
  const file = join(out, `forged-${seed}-${number}${kind.extension}`);
  writeOutput(file, all.file(kind.name), { force: true });
}

/** What is measured beside the results: it differs from machine to machine. */
interface Measured {
  megabytes: number;
  slowest: CaseResult | null;
}

/** One process after the other, until all these cases are done. */
async function watch(
  job: Job,
  onResult: (place: number, result: ForgedResult) => void,
  measured: Measured,
): Promise<void> {
  for (let places = job.places; places.length > 0; ) {
    places = await watchOne({ ...job, places }, onResult, measured);
  }
}

/** @returns the cases that it has not come to */
function watchOne(
  job: Job,
  onResult: (place: number, result: ForgedResult) => void,
  measured: Measured,
): Promise<readonly number[]> {
  const child = fork(import.meta.filename, [WORKER], {
    execArgv: [`--max-old-space-size=${MEMORY_MIB}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.send(job);
  let last = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    last = (last + text).slice(-2000);
  });
  let done = 0;
  let hasEnded = false;
  let timer = setTimeout(() => {}, 0);
  return new Promise((end) => {
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), SILENCE_SECONDS * 1000);
    };
    wait();
    child.on("message", (report: Report) => {
      wait();
      if (report.kind === "done") {
        const { kind, words, code, seconds, problem } = report.result;
        onResult(job.places[done++]!, { kind, words: [...words], code, problem: problem ?? null });
        if (seconds > (measured.slowest?.seconds ?? 0)) measured.slowest = report.result;
      } else if (report.kind === "ended") {
        hasEnded = true;
        measured.megabytes = Math.max(measured.megabytes, report.megabytes);
      }
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (hasEnded) return end([]);
      const problem = withoutRoot(`the process ended: ${signal ?? code}: ${last}`);
      // One that ends behind its last case has ended over that one.
      const place = job.places[Math.min(done++, job.places.length - 1)]!;
      onResult(place, { kind: null, words: [], code: null, problem });
      end(job.places.slice(done));
    });
  });
}

async function fuzz(options: Options): Promise<Share<ForgedAsked, ForgedResult>> {
  const { seed, from, cases, out } = options;
  const { shard = null } = options;
  const names = Array.from({ length: cases }, (_, place) => String(from + place));
  const all = workOf({ seed, from, cases }, names);
  const places = placesOf(all, shard);
  const results = new Map<number, ForgedResult>();
  const measured: Measured = { megabytes: 0, slowest: null };
  const started = performance.now();
  const keep = (place: number, result: ForgedResult): void => {
    results.set(place, result);
    // At once: a fuzz may take a night.
    process.stdout.write(findingText(from + place, result));
  };
  await watch({ seed, out: resolve(out), from, places }, keep, measured);
  const seconds = (performance.now() - started) / 1000;
  const each = ((1000 * seconds) / Math.max(1, places.length)).toFixed(1);
  say(SCRIPT, `${places.length} cases in ${seconds.toFixed(0)} s, ${each} ms each`);
  if (measured.slowest !== null) {
    const { words, seconds: most } = measured.slowest;
    say(SCRIPT, `slowest: ${most.toFixed(2)} s of the processor, trackvisor ${words.join(" ")}`);
  }
  say(SCRIPT, `memory: at most ${measured.megabytes} MB`);
  return shareOf(FORGED_SHARES, all, shard, (place) => results.get(place)!);
}

async function run(options: Options): Promise<void> {
  refuseShare(options);
  const { merge } = options;
  const share = merge ? mergeFiles(FORGED_SHARES, merge) : await fuzz(options);
  keepShare(share, options);
  const { asked, items } = share;
  if (merge !== undefined) {
    for (const { index, result } of items) {
      process.stdout.write(findingText(asked.from + index, result));
    }
  }
  process.stdout.write(tallyText(items.map(({ result }) => result)));
  if (items.some(({ result }) => result.problem !== null)) process.exitCode = 1;
}

const number = wholeNumber(0, NUMBER_MAX);
const command = new Command(SCRIPT)
  .description("files that were made up, each read by a command (docs/security.md)")
  .option("--cases <number>", "files", number, 2000)
  .option("--seed <number>", "of the cases", number, 1)
  .option("--from <number>", "the first case", number, 0)
  .option("--out <directory>", "where files that were findings go", "forged");

if (process.argv[2] === WORKER) process.once("message", work);
else await runScript(withShares(command, ["cases", "seed", "from", "out"]).action(run));
