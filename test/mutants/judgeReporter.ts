/** Tells, line by line, which file of tests begins and ends, and the first test that fails. */
import { relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { NOTE_MARK, type Note } from "./judges.ts";

export class JudgeReporter implements Reporter {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  onTestModuleStart(module: TestModule): void {
    note({ begins: this.#nameOf(module) });
  }

  onTestCaseResult(test: TestCase): void {
    if (test.result().state !== "failed") return;
    note({ fails: this.#nameOf(test.module), by: test.fullName, messages: null });
  }

  onTestModuleEnd(module: TestModule): void {
    const name = this.#nameOf(module);
    const [error] = module.errors();
    if (error !== undefined) {
      const by = `cannot be loaded: ${(error.message ?? "").split("\n")[0]}`;
      note({ fails: name, by, messages: null });
    }
    // A hook that fails is a failure of its suite, and of no test.
    if (module.state() === "failed") note({ fails: name, by: "a suite fails", messages: null });
    note({ ends: name, seconds: module.diagnostic().duration / 1000 });
  }

  #nameOf(module: TestModule): string {
    return relative(this.#root, module.moduleId).replaceAll("\\", "/");
  }
}

function note(note: Note): void {
  process.stdout.write(`${NOTE_MARK}${JSON.stringify(note)}\n`);
}
