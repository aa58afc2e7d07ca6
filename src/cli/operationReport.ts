/** What came of an operation, as lines of text: each kind of operation has a formatter of its own. */
import type { OperationResult } from "../system/operation.ts";
import { type Tellings, tellResult } from "../system/operations/results.ts";
import { formatCheckpoints } from "./checkpointReport.ts";
import { formatEstimation } from "./estimateReport.ts";
import { formatMigration } from "./migrateReport.ts";
import { formatOvercommit } from "./overcommitReport.ts";

const FORMATTERS: Tellings<[], string[]> = {
  // The summary of the VMs says it all.
  measure: () => [],
  checkpoint: formatCheckpoints,
  estimate: formatEstimation,
  migrate: formatMigration,
  overcommit: formatOvercommit,
};

/** No lines for a kind that has nothing to say. */
export function formatOperation(result: OperationResult): string[] {
  return tellResult(FORMATTERS, result);
}
