/** Answers that kernels have given, as files: what is compared where there is no /dev/kvm. */
import * as z from "zod";
import { parseYaml } from "../../config/yamlFile.ts";
import { UserError } from "../../errors.ts";
import type { Kernel, KernelAnswers } from "./kernel.ts";
import type { KvmQuestion } from "./question.ts";

const schema = z.strictObject({
  kernel: z.string(),
  module: z.string(),
  logs: z.boolean(),
  asked: z.iso.date(),
  answers: z.record(z.string(), z.array(z.string())),
});

export interface StoredAnswers extends KernelAnswers {
  /** The day on which they were given. */
  readonly asked: string;
}

/** @throws UserError, a line for each mistake, if the text is no file of answers */
export function readAnswers(file: string, text: string): StoredAnswers {
  // JSON is YAML.
  const { value } = parseYaml(file, text, schema);
  return { ...value, answers: new Map(Object.entries(value.answers)) };
}

export function answersText(
  { kernel, module, logs, answers }: KernelAnswers,
  asked: string,
): string {
  const stored = { kernel, module, logs, asked, answers: Object.fromEntries(answers) };
  return `${JSON.stringify(stored, null, 2)}\n`;
}

/** The answers to a question. @throws UserError if there are none, or the question had other steps then */
export function answersTo(
  { file, name, commands }: KvmQuestion,
  { kernel, answers }: KernelAnswers,
): readonly string[] {
  const found = answers.get(name);
  if (found === undefined) throw new UserError(`${file}: "${name}": Linux ${kernel} was not asked`);
  if (found.length !== commands.length) {
    const counts = `${found.length} answers to ${commands.length} steps`;
    throw new UserError(`${file}: "${name}": Linux ${kernel} has ${counts}: ask it again`);
  }
  return found;
}

/** A kernel in words. */
export function kernelText({ kernel, module, logs }: Kernel): string {
  return `Linux ${kernel} (${module}, ${logs ? "with" : "without"} a log of writes)`;
}
