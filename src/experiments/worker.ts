/** What a thread of the pool does: one run after the other. */
import { UserError } from "../errors.ts";
import type { ScenarioInput } from "./experiment.ts";
import { BrokenRun, runPoint } from "./runPoint.ts";

/** The summary as a text, as it is stored, so that a result is the same whether it was run or read. */
export type Reply =
  | { readonly summary: string }
  | { readonly problem: string }
  | { readonly broken: string };

/** Errors lose their class between threads: one that is the user's, or says what a run broke, goes back as a reply. */
export default (scenario: ScenarioInput): Reply => {
  try {
    return { summary: JSON.stringify(runPoint(scenario)) };
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    if (error instanceof BrokenRun) return { broken: error.message };
    throw error;
  }
};
