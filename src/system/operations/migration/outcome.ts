/** How a migration ended. */
import type { Attempt } from "../../../../machines/migrationContext.ts";

/** "unfinished": the run was interrupted, or could go no further. "paused": in post-copy, without a link. */
export type Outcome =
  | "completed"
  | "aborted"
  | "failed"
  | "did-not-converge"
  | "unfinished"
  | "paused";

/** @param linkIsDown in post-copy */
export function outcomeOf({ progress, cancelledBy }: Attempt, linkIsDown = false): Outcome {
  if (progress.endTime >= 0 && progress.resumeTime >= 0) return "completed";
  if (progress.resumeTime >= 0) return linkIsDown ? "paused" : "unfinished";
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
