/** `trackvisor worker`: does the runs of sweeps and experiments that others have ordered through a queue. */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { grouped } from "../config/figures.ts";
import { note, print, printed } from "../io/standardStreams.ts";
import type { QueueAddress } from "../queue/address.ts";
import { IMPORT, importModules, wholeNumber } from "./optionParsers.ts";
import { WORKERS } from "./poolOptions.ts";
import { ProgressLine } from "./progress.ts";
import { queueAddress } from "./queue.ts";

const SECONDS_MAX = 86_400;
const LOST_AFTER = 30;

interface WorkerOptions {
  readonly workers?: number;
  readonly traces?: string;
  readonly idle?: number;
  readonly lostAfter: number;
}

/** The command. Exit codes: 0 told to end, or idle; 2 bad input, a queue out of reach, runs that it cannot do. */
export function workerCommand(): Command {
  return new Command("worker")
    .description("do the runs that sweep --queue and experiment run --queue order (docs/sweep.md)")
    .argument(
      "<queue>",
      "redis://HOST[:PORT][/NUMBER], of Redis or Valkey",
      queueAddress("trackvisor worker"),
    )
    .option(...WORKERS)
    .option(...IMPORT)
    .hook("preAction", importModules)
    .option("--traces <directory>", "where names of traces start; default: as at the sweep")
    .option(
      "--idle <seconds>",
      "end when the queue was empty for so long; default: never",
      wholeNumber(1, SECONDS_MAX),
    )
    .option(
      "--lost-after <seconds>",
      "without a sign of it for so long, a worker is lost and its runs are others'",
      wholeNumber(1, SECONDS_MAX),
      LOST_AFTER,
    )
    .action(work);
}

async function work(address: QueueAddress, options: WorkerOptions): Promise<void> {
  const { workers = availableParallelism(), traces = null, idle = null, lostAfter } = options;
  const { serveQueue } = await import("../queue/queueWorker.ts");
  const controller = new AbortController();
  const end = (): void => controller.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const progress = new ProgressLine();
  try {
    const { done, givenBack } = await serveQueue(address, {
      ...{ threads: workers, traces, idle, lostAfter, signal: controller.signal, onNote: note },
      onDone: (count) =>
        progress.update(`${grouped(count)} runs done`, count, undefined, (seconds) => {
          return `${((60 * count) / seconds).toFixed(1)} runs/min`;
        }),
    });
    progress.clear();
    const back = givenBack === 0 ? "" : `, ${grouped(givenBack)} given back`;
    print(`${grouped(done)} runs done${back}`);
  } finally {
    progress.clear();
    process.removeListener("SIGINT", end);
    process.removeListener("SIGTERM", end);
    // BullMQ keeps a timer for locks if the queue goes away while its worker is being closed: nothing else would end.
    setImmediate(() => void printed().then(() => process.exit()));
  }
}
