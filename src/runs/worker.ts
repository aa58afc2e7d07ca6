/** What a thread of the pool does: one run after the other. */
import { UserError } from "../errors.ts";
import { type RunOrder, runToEnd } from "./runOrder.ts";
import { importModule, type UserModule } from "./userModules.ts";

/** A finished run as a text, as it is stored, so that a result is the same whether it was run or read. */
export type Reply = { readonly finished: string } | { readonly problem: string };

/** A run, and the modules that its thread has to have imported. */
export interface ThreadOrder extends RunOrder {
  readonly modules: readonly UserModule[];
}

/** Errors lose their class between threads: one that is the user's goes back as a reply. */
export default async ({ modules, ...order }: ThreadOrder): Promise<Reply> => {
  try {
    for (const { path, digest } of modules) await importModule(path, digest);
    return { finished: JSON.stringify(runToEnd(order)) };
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    throw error;
  }
};
