/** Results of litmus tests as text. */
import type { LitmusSummary } from "./paths.ts";
import type { LitmusResult } from "./run.ts";

/** A failed test: where, which step, and each assertion with what was expected and what came. */
export function describeFailure(result: LitmusResult): string[] {
  const { failure } = result;
  const lines = [`FAILED ${result.file}: ${testTitle(result)}`];
  if (failure === null) return lines;
  lines.push(`  step ${failure.step} (${failure.title}), ${failure.at}`);
  for (const { what, expected, actual } of failure.differences) {
    lines.push(`    ${what}:`, `      expected ${expected}`, `      actual   ${actual}`);
  }
  return lines;
}

/** Name, parameters and cases of a test. */
export function testTitle({ name, parameters, cases }: LitmusResult): string {
  const numbers = cases.length === 0 ? "" : ` (case ${cases.join(", ")})`;
  return `${name}${parameters === "" ? "" : ` [${parameters}]`}${numbers}`;
}

/** The failures, then one line of totals. */
export function describeSummary(summary: LitmusSummary): string[] {
  const { files, passed, failed } = summary;
  const failures = summary.results.filter((result) => !result.passed).flatMap(describeFailure);
  return [
    ...failures,
    `${passed} passed, ${failed} failed, in ${files} ${files === 1 ? "file" : "files"}`,
  ];
}
