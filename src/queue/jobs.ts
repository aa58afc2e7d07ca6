/** What a queue holds: orders of runs for the workers, and what the workers make of them. */
import * as z from "zod";
import { UserError } from "../errors.ts";
import { digestOf } from "../runs/runIdentity.ts";
import type { RunOrder } from "../runs/runOrder.ts";
import type { Reply } from "../runs/worker.ts";

const PREFIX = "run-";
/** Seconds that a result waits for somebody who wants it: a sweep that was killed takes it when it goes on. */
export const RESULT_AGE = 7 * 24 * 3600;

export interface RunJob {
  /** The version of the program that ordered it (measuringVersion). */
  readonly code: string;
  readonly order: RunOrder;
}

const jobSchema = z.object({
  code: z.string(),
  // A scenario as this version reads it: what is of another version is given back before it is looked into.
  order: z.object({
    scenario: z.custom<RunOrder["scenario"]>((value) => typeof value === "object"),
    directory: z.string(),
  }),
});

const replySchema = z.union([
  z.strictObject({ finished: z.string() }),
  z.strictObject({ problem: z.string() }),
]);
const resultSchema = z.strictObject({ digest: z.string(), reply: replySchema });

export type JobResult = z.infer<typeof resultSchema>;

/** One run, ordered how often ever, is one job: its name is the run's key. (BullMQ takes no number as a name.) */
export function jobOf(key: string): string {
  return `${PREFIX}${key}`;
}

export function keyOf(job: string): string | null {
  return job.startsWith(PREFIX) ? job.slice(PREFIX.length) : null;
}

/** @throws UserError if it is something else */
export function parseJob(data: unknown): RunJob {
  const { data: job } = jobSchema.safeParse(data);
  if (job === undefined)
    throw new UserError("the queue holds a job that is not a run of Trackvisor's");
  return job;
}

export function resultOf(reply: Reply): JobResult {
  return { digest: digestOf(JSON.stringify(reply)), reply };
}

/** What a worker has written; null if it is not as it was written. */
export function parseResult(value: unknown): JobResult | null {
  const { data } = resultSchema.safeParse(value);
  return data !== undefined && digestOf(JSON.stringify(data.reply)) === data.digest ? data : null;
}

/** A run in a message. */
export function runText({ scenario }: RunOrder): string {
  return `run "${scenario.name}" (seed ${scenario.seed})`;
}
