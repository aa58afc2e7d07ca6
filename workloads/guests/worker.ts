/** The thread of a guest: runs it once, answers, and is ended. */
import { type MessagePort, workerData } from "node:worker_threads";
import { UserError } from "../../src/errors.ts";
import { recordRun } from "./run.ts";
import type { GuestReply, GuestSpec } from "./spec.ts";

export interface GuestThreadData {
  readonly spec: GuestSpec;
  readonly port: MessagePort;
  /** One word: 0 until the answer is there. */
  readonly answered: SharedArrayBuffer;
}

const { spec, port, answered } = workerData as GuestThreadData;
const flag = new Int32Array(answered);

function answer(reply: GuestReply): void {
  if (Atomics.load(flag, 0) !== 0) return;
  port.postMessage(reply);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

function problem(error: unknown): GuestReply {
  if (error instanceof UserError) return { problem: error.message };
  return { problem: `cannot be run: ${error instanceof Error ? error.message : String(error)}` };
}

// What a package throws where nobody waits for it, and a thread that a package ends: somebody waits for an answer.
let last: unknown = "it has ended its thread";
process.on("uncaughtExceptionMonitor", (error) => {
  last = error;
});
process.on("exit", () => answer(problem(last)));

try {
  answer({ recording: await recordRun(spec) });
} catch (error) {
  answer(problem(error));
}
