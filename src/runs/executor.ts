/** Where runs are done: on threads of this machine, or by others (src/queue). */
import type { RunOrder } from "./runOrder.ts";
import type { Reply } from "./worker.ts";

/** A run that is not in the store. */
export interface DueRun {
  /** Identifies it, and the code that does it. */
  readonly key: string;
  readonly order: RunOrder;
}

export interface Executor {
  /**
   * Does each run once, those at the head first.
   * @param onReply called once for each, in whatever order they end; what it throws ends everything
   * @throws whatever the signal's end makes of what is under way: the caller looks at the signal
   */
  run<Run extends DueRun>(
    due: readonly Run[],
    onReply: (run: Run, reply: Reply) => void,
    signal?: AbortSignal,
  ): Promise<void>;
}
