/** An overcommitted host is told beside the same one with enough memory. */
import { comparedResult } from "../system/operations/all.ts";
import type { RunSummary } from "../system/summary.ts";
import type { System } from "../system/system.ts";
import type { Standstill } from "../system/verdict/standstill.ts";
import { failuresOf } from "../system/verdict/verdict.ts";

/**
 * The summary of a run with what each VM does on a host with enough memory; that run must not have failed either.
 * @param reference the system of `referenceScenario`, at its end; @param standstill of it
 */
export function comparedWith(
  reference: System,
  standstill: Standstill | null,
  summary: RunSummary,
): RunSummary {
  const enough = reference.result();
  const failures = failuresOf(reference, standstill).map((what) => `with enough memory: ${what}`);
  return {
    ...summary,
    operation: comparedResult(enough, summary.operation),
    failures: [...summary.failures, ...failures],
  };
}
