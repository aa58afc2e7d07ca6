/** How a migration ended. */
import type { Attempt } from "../../../../machines/migrationContext.ts";

/** "unfinished": the run was interrupted, or could go no further. */
export type Outcome = "completed" | "aborted" | "failed" | "did-not-converge" | "unfinished";

export function outcomeOf({ progress, cancelledBy }: Attempt): Outcome {
  if (progress.resumeTime >= 0) return "completed";
  switch (cancelledBy) {
    case "nobody":
      return "unfinished";
    case "operator":
    case "deadline":
      return "aborted";
    case "link":
      return "failed";
    case "policy":
      return "did-not-converge";
  }
}
