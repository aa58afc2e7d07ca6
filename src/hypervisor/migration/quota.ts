/**
 * QEMU's max-bandwidth (migration/migration-stats.c; before 8.1 qemu_file_rate_limit): a quota of bytes for each window of 100 ms,
 * asked before each page, so that a window exceeds it by a page at most. Who has exceeded it sleeps to the window's end. What is
 * sent while the VM is suspended knows no limit (migration_completion).
 */
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { type Progress, WINDOW_SECONDS } from "./progress.ts";
import { type Policy, WIRE_PAGE_BYTES } from "./stats.ts";

const WINDOW_CYCLES = WINDOW_SECONDS * CYCLES_PER_SECOND;

/** A window of the quota: when it began, and what was sent in it. */
interface Window {
  readonly windowStart: number;
  readonly windowBytes: number;
}

/** Bytes of a window; infinite without a limit, and in the last round. */
function quotaOf(policy: Policy, { round }: Progress): number {
  const limit = policy.kind === "qemu" ? (policy.maxBandwidth ?? 0) : 0;
  return round?.live === false ? Number.POSITIVE_INFINITY : bytesOfWindow(limit);
}

/** @param limit bytes a second; 0: there is none */
function bytesOfWindow(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit * WINDOW_SECONDS;
}

/** Pages that may be sent before the quota is asked for again: `batch` at most, and one at least. */
export function pagesWithin(policy: Policy, progress: Progress, batch: number): number {
  return pagesOf(quotaOf(policy, progress), progress, batch);
}

/** The same of a limit in bytes a second. */
export function quotaOfWindow(limit: number, window: Window, batch: number): number {
  return pagesOf(bytesOfWindow(limit), window, batch);
}

function pagesOf(quota: number, { windowBytes }: Window, batch: number): number {
  if (quota === Number.POSITIVE_INFINITY) return batch;
  // A window that is over has been slept through: the next one begins.
  const left = windowBytes > quota ? quota : quota - windowBytes;
  return Math.min(batch, Math.floor(left / WIRE_PAGE_BYTES) + 1);
}

/** Cycles from now to the window's end, if these bytes exceed its quota; else 0. */
export function quotaWait(policy: Policy, progress: Progress, bytes: number, now: number): number {
  if (progress.windowBytes + bytes <= quotaOf(policy, progress)) return 0;
  return Math.max(0, progress.windowStart + WINDOW_CYCLES - now);
}

/** The window when so many bytes more are sent: the same, or a new one if it is over. */
export function windowAfter(window: Window, bytes: number, now: number): Window {
  const { windowStart, windowBytes } = window;
  if (now - windowStart >= WINDOW_CYCLES) return { windowStart: now, windowBytes: bytes };
  return { windowStart, windowBytes: windowBytes + bytes };
}

/** Cycles from `end` to the window's end, if its quota is exceeded; else 0. @param limit bytes a second; 0: there is none */
export function windowRest(limit: number, window: Window, end: number): number {
  if (window.windowBytes <= bytesOfWindow(limit)) return 0;
  return Math.max(0, window.windowStart + WINDOW_CYCLES - end);
}
