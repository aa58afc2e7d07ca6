/**
 * `npm run fuzz:keys [-- --sequences N] [-- --seed S] [-- --in-process]`: what somebody might do at the screen, made up: keys,
 * typed lines, the mouse, other sizes; each sequence at the real program in a real terminal (tmux), and before that at the
 * screen in this process (docs/tui.md). What fails is made small and printed. Exit codes: 0 none, 1 one does, 2 bad usage.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import fc from "fast-check";
import { wholeNumber } from "../../src/cli/optionParsers.ts";
import { runScript, say } from "../shares/toolShares.ts";
import { SMALL } from "../tui/fakeTerminal.ts";
import { type Sequence, sequences } from "./deeds.ts";
import { Sitting } from "./inProcess.ts";
import { actInTerminal } from "./inTerminal.ts";
import { hasTmux } from "./tmux.ts";

const SCRIPT = "fuzz:keys";
const MAIN = join(import.meta.dirname, "..", "..", "src", "cli", "main.js");
/** Each is what the next sequence is done to. */
const SCENARIOS = ["sort-pml", "sort-prl", "crowded-host", "array-parser"] as const;
const NUMBER_MAX = 999_999_999;
/** Sequences that are done to one program. */
const TOGETHER = 10;
/** Smaller sequences that are tried when one has failed. */
const TRIES = 80;

interface Options {
  readonly sequences: number;
  readonly seed: number;
  readonly inProcess?: true;
}

const number = wholeNumber(0, NUMBER_MAX);
const command = new Command(SCRIPT)
  .description("keys, lines, clicks and sizes that were made up (docs/tui.md)")
  .option("--sequences <number>", "of deeds", number, 1000)
  .option("--seed <number>", "of the sequences", number, 1)
  .option("--in-process", "without a terminal: only the screen of this process");

await runScript(command.action(run));

async function run({ sequences: count, seed, inProcess }: Options): Promise<void> {
  if (!inProcess && !hasTmux) throw new Error("tmux is needed, or --in-process");
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-keys-"));
  const started = performance.now();
  let [tried, deeds, failed] = [0, 0, 0];
  /** @returns what is wrong; null: nothing */
  const act = async (some: readonly Sequence[], scenario: string): Promise<string | null> => {
    for (const sequence of some) {
      const problem = await new Sitting(SMALL, sequence.size, directory).act(sequence);
      if (problem !== null) return problem;
    }
    return inProcess ? null : actInTerminal(programOf(scenario), some);
  };
  const judge = async (some: readonly Sequence[], scenario: string): Promise<void> => {
    if (failed > 0 && ++failed > TRIES) return;
    tried += some.length;
    deeds += some.reduce((sum, sequence) => sum + sequence.deeds.length, 0);
    const problem = await act(some, scenario).catch((fault: unknown) => (fault as Error).stack);
    process.stderr.write(`\r${tried} `);
    if (problem === null) return;
    // At once: to make it small may take a while.
    if (failed === 0) say(SCRIPT, `${problem}\n${JSON.stringify(some)}`);
    failed ||= 1;
    throw new Error(problem);
  };
  const some = fc.array(sequences, { minLength: TOGETHER, maxLength: TOGETHER });
  const property = fc.asyncProperty(some, fc.constantFrom(...SCENARIOS), judge);
  const details = await fc.check(property, { seed, numRuns: Math.ceil(count / TOGETHER) });
  rmSync(directory, { recursive: true, force: true });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  say(SCRIPT, `${tried} sequences of ${deeds} deeds in ${seconds} s`);
  if (!details.failed) return;
  const { errorInstance: problem } = details;
  process.stdout.write(`${problem instanceof Error ? problem.message : ""}\n`);
  process.stdout.write(`${fc.defaultReportMessage(details) ?? ""}\n`);
  process.exitCode = 1;
}

function programOf(scenario: string): string {
  return `${process.execPath} ${MAIN} tui ${scenario}`;
}
