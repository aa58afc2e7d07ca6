/**
 * Records a guest in a thread of its own, and waits for it. A program cannot be paused between two accesses, and what
 * comes with JavaScript reads clocks and randomness wherever it finds them: in that thread they are the guest's.
 */
import { createHash } from "node:crypto";
import type { GuestReply, GuestSpec, Recording } from "./spec.ts";
import { askThread } from "./thread.ts";

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
  return askThread<GuestSpec, GuestReply>("worker", spec.name, spec).recording;
}
