/** `--queue`: runs are done by `trackvisor worker` on other machines. */
import { Option } from "commander";
import { note } from "../io/standardStreams.ts";
import { parseQueueAddress, type QueueAddress } from "../queue/address.ts";
import { measuringVersion } from "../runs/codeVersion.ts";
import type { Executor } from "../runs/executor.ts";

/** For an address without a password: what stands on a command line, everybody on the machine can see. */
const PASSWORD = "TRACKVISOR_QUEUE_PASSWORD";

export function queueAddress(before: string): (text: string) => QueueAddress {
  return (text) => parseQueueAddress(text, before, process.env[PASSWORD]);
}

export function queueOption(): Option {
  return new Option(
    "--queue <address>",
    "have trackvisor worker do the runs: redis://HOST[:PORT][/NUMBER] (docs/sweep.md)",
  )
    .argParser(queueAddress("--queue"))
    .conflicts("workers");
}

/**
 * Does something with who does the runs: workers behind the queue, or undefined if there is none.
 * @throws UserError if the queue cannot be reached
 */
export async function withQueue<T>(
  address: QueueAddress | undefined,
  action: (executor: Executor | undefined) => Promise<T>,
): Promise<T> {
  if (address === undefined) return await action(undefined);
  // The engine is optional, and takes a while to load.
  const { Coordinator } = await import("../queue/coordinator.ts");
  const coordinator = await Coordinator.open(address, { code: measuringVersion(), onNote: note });
  try {
    return await action(coordinator);
  } finally {
    await coordinator.close();
  }
}
