/**
 * Records a guest in a thread of its own, and waits for it. A program cannot be paused between two accesses, and what
 * comes with JavaScript reads clocks and randomness wherever it finds them: in that thread they are the guest's.
 */
import { createHash } from "node:crypto";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { UserError } from "../../src/errors.ts";
import { packagePath } from "../../src/io/packageFiles.ts";
import type { GuestReply, GuestSpec, Recording } from "./spec.ts";
import type { GuestThreadData } from "./worker.ts";

/** Recordings that are kept: a machine has several vCPUs, and is built several times. */
const KEPT_MAX = 4;
const kept = new Map<string, Recording>();

/** Identifies what a guest will do: its module, script, files, arguments, seed and limits. */
export function guestDigest(spec: GuestSpec): string {
  const hash = createHash("sha256");
  const { module, loader: _, files, ...rest } = spec;
  hash.update(
    JSON.stringify([rest, module.length, files.map(({ name, bytes }) => [name, bytes.length])]),
  );
  hash.update(module);
  for (const { bytes } of files) hash.update(bytes);
  return hash.digest("hex").slice(0, 32);
}

/**
 * What a guest does, from its start to its end; once for the same guest.
 * @throws UserError, one line, if it cannot be run to its end
 */
export function recordGuest(spec: GuestSpec): Recording {
  const key = guestDigest(spec);
  const recording = kept.get(key) ?? recordNow(spec);
  kept.delete(key);
  kept.set(key, recording);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) break;
    kept.delete(oldest);
  }
  return recording;
}

function recordNow(spec: GuestSpec): Recording {
  const path = packagePath("dist", "workloads", "guests", "worker.js");
  if (path === null) throw new UserError("the program is not built: npm run build");
  const answered = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  const workerData: GuestThreadData = { spec, port: port2, answered };
  const worker = new Worker(path, {
    workerData,
    transferList: [port2],
    // Nothing of this process's is the guest's.
    argv: [],
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // It has answered by then.
  worker.on("error", () => {});
  Atomics.wait(new Int32Array(answered), 0, 0);
  const received = receiveMessageOnPort(port1);
  port1.close();
  void worker.terminate();
  const reply = received?.message as GuestReply | undefined;
  if (reply === undefined) throw new UserError(`${spec.name}: the guest's thread has ended`);
  if ("problem" in reply) throw new UserError(`${spec.name}: ${reply.problem}`);
  return reply.recording;
}
