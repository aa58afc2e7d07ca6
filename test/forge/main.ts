/**
 * `npm run fuzz:files [-- --cases N] [-- --seed S] [-- --from N] [-- --out DIRECTORY]`: files that were made
 * up, each read by a command, in a process that is watched: one that hangs or dies is a finding, and the next
 * process goes on behind it. Findings are saved. Exit codes: 0 none, 1 some, 2 bad usage.
 */
import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CaseResult, Cases } from "./cases.ts";

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly from: number;
  readonly out: string;
}

const USAGE = "expected --cases N, --seed N, --from N, --out DIRECTORY";
/** Without a word from the process for so long, it hangs, and the machine is not just busy. */
const SILENCE_SECONDS = 300;
const MEMORY_MIB = 1024;

type Report =
  | { readonly kind: "begins"; readonly number: number }
  | { readonly kind: "done"; readonly number: number; readonly result: CaseResult }
  | { readonly kind: "ended"; readonly megabytes: number };

function parseArguments(words: readonly string[]): Options {
  const values = { cases: "2000", seed: "1", from: "0", out: "forged" };
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i]?.slice(2) ?? "";
    const value = words[i + 1];
    if (!Object.hasOwn(values, name) || value === undefined) fail();
    values[name as keyof typeof values] = value;
  }
  const number = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : fail());
  const { cases, seed, from, out } = values;
  return { cases: number(cases), seed: number(seed), from: number(from), out: resolve(out) };
}

function fail(): never {
  process.stderr.write(`fuzz:files: ${USAGE}\n`);
  process.exit(2);
}

/** In the process that is watched. */
async function work({ cases, seed, from, out }: Options): Promise<void> {
  const tell = (report: Report): void => void process.send?.(report);
  const all = await Cases.create();
  for (let number = from; number < from + cases; number++) {
    tell({ kind: "begins", number });
    const result = await all.run(seed, number);
    if (result.problem !== undefined) save(all, seed, number, out);
    tell({ kind: "done", number, result });
  }
  all.close();
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  tell({ kind: "ended", megabytes });
  process.disconnect?.();
}

function save(all: Cases, seed: number, number: number, out: string): string {
  mkdirSync(out, { recursive: true });
  const { kind } = all.prepare(seed, number);
  const file = join(out, `forged-${seed}-${number}${kind.extension}`);
  writeFileSync(file, all.file(kind.name));
  return file;
}

class Tally {
  findings = 0;
  cases = 0;
  megabytes = 0;
  #slowest: CaseResult | null = null;
  readonly #byKind = new Map<string, [cases: number, refused: number]>();

  add(number: number, result: CaseResult): void {
    this.cases++;
    const counts = this.#byKind.get(result.kind) ?? [0, 0];
    counts[0]++;
    if (result.code === 2) counts[1]++;
    this.#byKind.set(result.kind, counts);
    if (result.seconds > (this.#slowest?.seconds ?? 0)) this.#slowest = result;
    if (result.problem !== undefined) this.find(number, result.words, result.problem);
  }

  find(number: number, words: readonly string[], problem: string): void {
    this.findings++;
    process.stdout.write(`${number}: trackvisor ${words.join(" ")}: ${JSON.stringify(problem)}\n`);
  }

  print(seconds: number): void {
    const each = ((1000 * seconds) / Math.max(1, this.cases)).toFixed(1);
    process.stdout.write(`${this.cases} cases in ${seconds.toFixed(0)} s, ${each} ms each\n`);
    for (const [kind, [cases, refused]] of [...this.#byKind].sort()) {
      const count = String(cases).padStart(7);
      process.stdout.write(`  ${kind.padEnd(16)}${count}, refused with exit code 2: ${refused}\n`);
    }
    if (this.#slowest !== null) {
      const { words, seconds: most } = this.#slowest;
      process.stdout.write(
        `slowest: ${most.toFixed(2)} s of the processor, trackvisor ${words.join(" ")}\n`,
      );
    }
    process.stdout.write(`memory: at most ${this.megabytes} MB\nfindings: ${this.findings}\n`);
  }
}

/** One process after the other, until all cases are done. */
async function watch(options: Options): Promise<Tally> {
  const tally = new Tally();
  const end = options.from + options.cases;
  for (let from = options.from; from < end; ) {
    from = await watchOne({ ...options, from, cases: end - from }, tally);
  }
  return tally;
}

/** @returns the first case that it has not come to */
function watchOne(options: Options, tally: Tally): Promise<number> {
  const { cases, seed, from, out } = options;
  const words = ["--cases", cases, "--seed", seed, "--from", from, "--out", out].map(String);
  const child = fork(import.meta.filename, ["worker", ...words], {
    execArgv: [`--max-old-space-size=${MEMORY_MIB}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let last = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    last = (last + text).slice(-2000);
  });
  let next = from;
  let hasEnded = false;
  let timer = setTimeout(() => {}, 0);
  return new Promise((done) => {
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), SILENCE_SECONDS * 1000);
    };
    wait();
    child.on("message", (report: Report) => {
      wait();
      if (report.kind === "begins") next = report.number;
      else if (report.kind === "done") {
        next = report.number + 1;
        tally.add(report.number, report.result);
      } else {
        hasEnded = true;
        tally.megabytes = Math.max(tally.megabytes, report.megabytes);
      }
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (hasEnded) return done(from + cases);
      tally.cases++;
      tally.find(next, [], `the process ended: ${signal ?? code}: ${last}`);
      done(next + 1);
    });
  });
}

async function main(words: readonly string[]): Promise<void> {
  if (words[0] === "worker") return work(parseArguments(words.slice(1)));
  const started = performance.now();
  const tally = await watch(parseArguments(words));
  tally.print((performance.now() - started) / 1000);
  process.exitCode = tally.findings > 0 ? 1 : 0;
}

await main(process.argv.slice(2));
