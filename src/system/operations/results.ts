/** The results of all kinds of operations. Whoever tells one to people tells them all, or does not compile. */
import type { OperationResult } from "../operation.ts";
import type { CheckpointResult } from "./checkpoint.ts";
import type { EstimateResult } from "./estimate/result.ts";
import type { MeasureResult } from "./measure.ts";
import type { MigrateResult } from "./migration/result.ts";
import type { OvercommitResult } from "./overcommit/result.ts";
import type { OperationConfig } from "./schema.ts";

/** A session's result is that of the operation under way. */
export type ResultKind = Exclude<OperationConfig["kind"], "session">;

interface Results {
  readonly measure: MeasureResult;
  readonly migrate: MigrateResult;
  readonly checkpoint: CheckpointResult;
  readonly estimate: EstimateResult;
  readonly overcommit: OvercommitResult;
}

export type ResultOf<Kind extends ResultKind> = Results[Kind];

/** What came of an operation, of whichever kind: told apart by `kind`. */
export type AnyResult = ResultOf<ResultKind>;

const KINDS: Readonly<Record<ResultKind, true>> = {
  measure: true,
  migrate: true,
  checkpoint: true,
  estimate: true,
  overcommit: true,
};

/** @throws if no operation gives results of this kind */
export function knownResult(result: OperationResult): AnyResult {
  if (!isKnown(result)) throw new Error(`no operation has results of kind "${result.kind}"`);
  return result;
}

function isKnown(result: OperationResult): result is AnyResult {
  return Object.hasOwn(KINDS, result.kind);
}

/** One function for each kind of result. */
export type Tellings<Arguments extends readonly unknown[], Told> = {
  readonly [Kind in ResultKind]: (result: ResultOf<Kind>, ...more: Arguments) => Told;
};

/** @throws if no operation gives results of this kind */
export function tellResult<Arguments extends readonly unknown[], Told>(
  tellings: Tellings<Arguments, Told>,
  result: OperationResult,
  ...more: Arguments
): Told {
  const tell = tellings[knownResult(result).kind] as (
    result: OperationResult,
    ...more: Arguments
  ) => Told;
  return tell(result, ...more);
}
