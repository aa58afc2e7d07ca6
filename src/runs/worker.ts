/** What a thread of the pool does: one run after the other. */
import { UserError } from "../errors.ts";
import { type RunOrder, runToEnd } from "./runOrder.ts";

/** A finished run as a text, as it is stored, so that a result is the same whether it was run or read. */
export type Reply = { readonly finished: string } | { readonly problem: string };

/** Errors lose their class between threads: one that is the user's goes back as a reply. */
export default (order: RunOrder): Reply => {
  try {
    return { finished: JSON.stringify(runToEnd(order)) };
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    throw error;
  }
};
