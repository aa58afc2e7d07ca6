/** What came of an operation, as lines of text: each kind of operation has a formatter of its own. */
import type { OperationResult } from "../system/operation.ts";
import type { CheckpointResult } from "../system/operations/checkpoint.ts";
import type { EstimateResult } from "../system/operations/estimate/result.ts";
import type { MigrateResult } from "../system/operations/migration/result.ts";
import type { OvercommitResult } from "../system/operations/overcommit/result.ts";
import { formatCheckpoints } from "./checkpointReport.ts";
import { formatEstimation } from "./estimateReport.ts";
import { formatMigration } from "./migrateReport.ts";
import { formatOvercommit } from "./overcommitReport.ts";

const FORMATTERS: Readonly<Record<string, (result: OperationResult) => string[]>> = {
  checkpoint: (result) => formatCheckpoints(result as CheckpointResult),
  estimate: (result) => formatEstimation(result as EstimateResult),
  migrate: (result) => formatMigration(result as MigrateResult),
  overcommit: (result) => formatOvercommit(result as OvercommitResult),
};

/** No lines for a kind that has nothing to say. */
export function formatOperation(result: OperationResult): string[] {
  return FORMATTERS[result.kind]?.(result) ?? [];
}
