/** The questions and answers that come with the program. */
import { join } from "node:path";
import { UserError } from "../../errors.ts";
import { listDirectory, readText } from "../../io/inputFile.ts";
import { packagePath } from "../../io/packageFiles.ts";
import { type KvmQuestion, loadQuestions } from "./question.ts";
import { readAnswers, type StoredAnswers } from "./stored.ts";

const FILE_BYTES_MAX = 4 << 20;

function files(kind: "questions" | "answers", suffix: string): string[] {
  const directory = packagePath("src", "witness", "kvm", kind);
  if (directory === null) throw new UserError(`the ${kind} to KVM are not in this package`);
  const found = listDirectory(directory).filter((name) => name.endsWith(suffix));
  return found.map((name) => join(directory, name));
}

/** Those of some files; of none: all that are shipped. @throws UserError, a line for each mistake */
export function questionsOf(paths: readonly string[]): KvmQuestion[] {
  const chosen = paths.length > 0 ? paths : files("questions", ".kvm.yaml");
  return chosen.flatMap((path) => loadQuestions(path, readText(path, FILE_BYTES_MAX)));
}

export function shippedAnswers(): StoredAnswers[] {
  return files("answers", ".json").map((path) => readAnswers(path, readText(path, FILE_BYTES_MAX)));
}
