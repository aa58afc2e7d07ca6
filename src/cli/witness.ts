/** `trackvisor witness`: asks implementations of the hypervisor's side that nobody here wrote (docs/witnesses.md). */
import { Command } from "commander";
import { UserError } from "../errors.ts";
import { writeOutput } from "../io/outputFile.ts";
import { print } from "../io/standardStreams.ts";
import { compareAnswers, type KvmDifference, type KvmReport } from "../witness/kvm/compare.ts";
import { askKernel, type KernelAnswers } from "../witness/kvm/kernel.ts";
import { lineOf } from "../witness/kvm/question.ts";
import { randomQuestion } from "../witness/kvm/randomQuestion.ts";
import { questionsOf, shippedAnswers } from "../witness/kvm/shipped.ts";
import { shrunkDifference } from "../witness/kvm/shrink.ts";
import { answersText, kernelText } from "../witness/kvm/stored.ts";
import { FORCE, SEED_MAX, wholeNumber } from "./optionParsers.ts";

const DATE_LENGTH = 10;

interface KvmOptions {
  readonly stored?: true;
  readonly save?: string;
  readonly force?: true;
  readonly fuzz?: number;
  readonly seed: number;
}

/** The command. Exit codes: 0 they agree, 1 they differ, 2 bad input, or nobody can be asked. */
export function witnessCommand(): Command {
  const witness = new Command("witness").description(
    "ask a real KVM what the emulator says of slots and dirty logs (docs/witnesses.md)",
  );
  witness
    .command("kvm")
    .description("questions about memory slots, dirty bitmaps and rings, asked of this Linux")
    .argument("[file...]", "files of questions; default: those that are shipped")
    .option("--stored", "ask nobody: compare with answers that kernels have given before")
    .option("--save <file>", "keep the kernel's answers")
    .option(
      "--fuzz <questions>",
      "ask so many random questions, and make the first that differs smaller",
      wholeNumber(1, 100_000),
    )
    .option("--seed <number>", "seed of the random questions", wholeNumber(0, SEED_MAX), 1)
    .option(...FORCE)
    .action(kvmAction);
  return witness;
}

async function kvmAction(paths: string[], options: KvmOptions): Promise<void> {
  const { stored, save, fuzz, seed, force } = options;
  const chosen = [stored, save, fuzz].filter((option) => option !== undefined);
  if (chosen.length > 1) throw new UserError("choose one of --stored, --save and --fuzz");
  if (fuzz !== undefined && paths.length > 0) {
    throw new UserError("--fuzz makes its own questions: give it no files");
  }
  const questions =
    fuzz === undefined
      ? questionsOf(paths)
      : Array.from({ length: fuzz }, (_, i) => randomQuestion(seed, i));
  const kernels: readonly KernelAnswers[] = stored
    ? shippedAnswers()
    : [await askKernel(questions)];
  for (const kernel of kernels) {
    const report = compareAnswers(questions, kernel);
    const told = fuzz === undefined ? report.differing : await firstShrunk(report);
    print(...describeKvm(report, told, kernel, fuzz !== undefined));
    if (report.differing.length > 0) process.exitCode = 1;
    if (save !== undefined) {
      const asked = new Date().toISOString().slice(0, DATE_LENGTH);
      writeOutput(save, answersText(kernel, asked), { force });
    }
  }
}

/** Of random questions the first that differs is made smaller, and told alone. */
async function firstShrunk({ differing: [first] }: KvmReport): Promise<KvmDifference[]> {
  return first === undefined ? [] : [await shrunkDifference(first, askKernel)];
}

/** @param told the differences to be told @param fuzz whether the questions are in no file, and have to be told */
function describeKvm(
  { questions, answers, differing }: KvmReport,
  told: readonly KvmDifference[],
  kernel: KernelAnswers,
  fuzz: boolean,
): string[] {
  const number = (value: number) => value.toLocaleString("en-US");
  return [
    ...told.flatMap(({ question, step, line, emulated, kernel: theirs }) => [
      `DIFFERS ${question.file}: ${question.name}`,
      ...(fuzz ? question.commands.slice(0, step).map((command) => `  ${lineOf(command)}`) : []),
      `  step ${step}, ${line}: expected ${emulated}, the kernel has ${theirs}`,
    ]),
    `${kernelText(kernel)}: ${number(questions)} questions, ${number(answers)} answers`,
    differing.length === 0 ? "all agree" : `${number(differing.length)} questions differ`,
  ];
}
