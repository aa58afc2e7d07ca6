/** Identifies what a scenario says, so that a file made under it is not used with another. */
import { createHash } from "node:crypto";
import type { Scenario } from "./scenarioSchema.ts";

/** Where an operation writes to is no part of it. */
export function scenarioDigest({ operation, ...scenario }: Scenario): string {
  const { file: _, ...rest } = { file: "", ...operation };
  const text = JSON.stringify({ ...scenario, operation: rest });
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
