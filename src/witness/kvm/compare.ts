/** A kernel's answers beside the emulator's. */
import { emulatedAnswers } from "./emulated.ts";
import type { KernelAnswers } from "./kernel.ts";
import { type KvmQuestion, lineOf } from "./question.ts";
import { answersTo } from "./stored.ts";

/** The first answer of a question in which they differ: what follows may only follow from it. */
export interface KvmDifference {
  readonly question: KvmQuestion;
  /** From 1. */
  readonly step: number;
  /** As the kernel was given it. */
  readonly line: string;
  readonly emulated: string;
  readonly kernel: string;
}

export interface KvmReport {
  readonly questions: number;
  readonly answers: number;
  readonly differing: readonly KvmDifference[];
}

/** @throws UserError if the kernel has not answered one of the questions */
export function compareAnswers(
  questions: readonly KvmQuestion[],
  kernel: KernelAnswers,
): KvmReport {
  const differing: KvmDifference[] = [];
  let answers = 0;
  // x86 has no ring with bitmaps (arch/x86/kvm/Kconfig), and no other architecture is asked.
  const machine = { logs: kernel.logs, offersRingBitmap: false };
  for (const question of questions) {
    const theirs = answersTo(question, kernel);
    const ours = emulatedAnswers(question, machine);
    answers += theirs.length;
    const at = theirs.findIndex((answer, i) => answer !== ours[i]);
    if (at < 0) continue;
    const command = question.commands[at];
    differing.push({
      question,
      step: at + 1,
      line: command === undefined ? "" : lineOf(command),
      emulated: ours[at] ?? "",
      kernel: theirs[at] ?? "",
    });
  }
  return { questions: questions.length, answers, differing };
}
