/**
 * How tests judge a mutant: in one process that keeps its modules from file to file, in the order given, up to
 * the first failure. MUTANT_TESTS: the files, as a JSON list. MUTANT_FUNCTIONS: where to note which functions ran.
 */
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { JudgeReporter } from "./judgeReporter.ts";

const root = process.cwd();
const files = JSON.parse(process.env["MUTANT_TESTS"] ?? "[]") as string[];
const notesFunctions = process.env["MUTANT_FUNCTIONS"] !== undefined;

class AsGiven extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number =>
      files.findIndex((file) => join(root, file) === moduleId);
    return specifications.sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  cacheDir: join(root, ".vite"),
  test: {
    include: files,
    isolate: false,
    maxWorkers: 1,
    bail: notesFunctions ? 0 : 1,
    testTimeout: 300_000,
    reporters: [new JudgeReporter(root)],
    sequence: { sequencer: AsGiven },
    setupFiles: notesFunctions ? ["test/mutants/noteFunctions.ts"] : [],
  },
});
