/**
 * `npm run soak [-- --runs N] [-- --seed S] [-- --from N] [-- --out DIRECTORY]`: random scenarios, one after the
 * other; what fails is made small and saved. Exit codes: 0 all as they must be, 1 one is not, 2 bad usage.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { caseOf } from "./generator.ts";
import { shrinkCase } from "./shrink.ts";
import { Tally } from "./tally.ts";
import { tryCase } from "./trial.ts";

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly from: number;
  readonly out: string;
}

const USAGE = "expected --runs N, --seed N, --from N, --out DIRECTORY";
/** Refusals among a hundred cases at most: a generator that asks for the impossible tests nothing. */
const REFUSALS_PERCENT = 5;

function parseArguments(words: readonly string[]): Options {
  const values = { runs: "200", seed: "1", from: "0", out: "soak" };
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i]!.slice(2);
    const value = words[i + 1];
    if (!words[i]!.startsWith("--") || !(name in values) || value === undefined) fail(USAGE);
    values[name as keyof typeof values] = value;
  }
  const number = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : fail(USAGE));
  const { runs, seed, from, out } = values;
  return { runs: number(runs), seed: number(seed), from: number(from), out };
}

function fail(message: string): never {
  process.stderr.write(`soak: ${message}\n`);
  process.exit(2);
}

function main({ runs, seed, from, out }: Options): void {
  const tally = new Tally();
  const started = performance.now();
  for (let number = from; number < from + runs; number++) {
    const soaked = caseOf(seed, number);
    const trial = tryCase(soaked);
    tally.add(soaked, trial);
    const [problem] = trial.problems;
    if (problem !== undefined) {
      mkdirSync(out, { recursive: true });
      const small = shrinkCase(soaked, problem.kind);
      const file = join(out, `soak-${seed}-${number}.yaml`);
      const commands = small.commands.map((command) => `# ${JSON.stringify(command)}\n`).join("");
      const title = `# ${problem.kind}: ${problem.what.replaceAll("\n", "\n# ")}\n`;
      writeFileSync(file, `${title}${commands}${stringify(small.scenario)}`);
      process.stdout.write(`${number}: ${problem.kind}: ${problem.what}\n  ${file}\n`);
    }
    if (process.stderr.isTTY && number % 10 === 9) process.stderr.write(`\r${number + 1 - from} `);
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${tally.text(seconds)}\n`);
  const refused = (100 * tally.refusals) / runs;
  if (refused > REFUSALS_PERCENT) process.stdout.write(`too many were refused: ${refused} %\n`);
  if (tally.failed > 0 || refused > REFUSALS_PERCENT) process.exitCode = 1;
}

main(parseArguments(process.argv.slice(2)));
