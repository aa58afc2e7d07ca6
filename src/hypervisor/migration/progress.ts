/** The bookkeeping of a pre-copy migration: rounds, times, measured bandwidth. Plain data and pure functions. */

import { CYCLES_PER_SECOND } from "../../config/units.ts";
import { present } from "../../lookup.ts";
import { type PrecopyStats, SLICE_SECONDS } from "./stats.ts";

/** The window over which the bandwidth is measured: a tenth of a second (QEMU: BUFFER_DELAY). */
export const WINDOW_SECONDS = 0.1;

/** A round of sending. Times in cycles of virtual time. */
export interface MigrationRound {
  readonly iteration: number;
  /** False for the last one, which is sent while the VM is suspended. */
  readonly live: boolean;
  readonly pagesSent: number;
  readonly bytes: number;
  readonly startTime: number;
  readonly duration: number;
  /** Pages that the next harvest found dirty; null if there was none. */
  readonly dirtyAfter: number | null;
  /** The same a second. */
  readonly dirtyRate: number | null;
}

export interface Progress {
  /** When the migration began, when tracking was armed, when it ended; -1 = not yet. */
  readonly startTime: number;
  readonly armedTime: number;
  readonly endTime: number;
  /** When the VM was told to stop, and when the destination resumed it; -1 = not yet. */
  readonly suspendTime: number;
  readonly resumeTime: number;
  readonly lastSyncTime: number;
  /** Live rounds completed. */
  readonly iteration: number;
  readonly dirtyPages: number;
  readonly pendingPages: number;
  /** The fewest pages that were pending after a harvest; -1 = no harvest yet. */
  readonly leastPending: number;
  readonly pagesSent: number;
  readonly bytesSent: number;
  readonly bytesAtSync: number;
  readonly bytesArrived: number;
  /** The round under way and those before. */
  readonly round: MigrationRound | null;
  readonly rounds: readonly MigrationRound[];
  /** Bytes a second, measured over windows; 0 = not yet. */
  readonly bandwidth: number;
  readonly windowStart: number;
  readonly windowBytes: number;
  /** Slices of sending in this round, and whether the last batch ended one. */
  readonly slices: number;
  readonly sliceOver: boolean;
}

export const NO_PROGRESS: Progress = {
  startTime: -1,
  armedTime: -1,
  endTime: -1,
  suspendTime: -1,
  resumeTime: -1,
  lastSyncTime: -1,
  iteration: 0,
  dirtyPages: -1,
  pendingPages: 0,
  leastPending: -1,
  pagesSent: 0,
  bytesSent: 0,
  bytesAtSync: 0,
  bytesArrived: 0,
  round: null,
  rounds: [],
  bandwidth: 0,
  windowStart: 0,
  windowBytes: 0,
  slices: 0,
  sliceOver: false,
};

export function statsOf(progress: Progress): PrecopyStats {
  const { iteration, dirtyPages, pendingPages, bandwidth, sliceOver } = progress;
  return { iteration, dirtyPages, pendingPages, bandwidth, sliceOver };
}

/** A harvest found `dirty` pages, `pending` wait now. */
export function synced(progress: Progress, now: number, dirty: number, pending: number): Progress {
  const seconds = (now - progress.lastSyncTime) / CYCLES_PER_SECOND;
  const last = progress.rounds.at(-1);
  const rounds =
    last === undefined || last.dirtyAfter !== null
      ? progress.rounds
      : progress.rounds.with(-1, {
          ...last,
          dirtyAfter: dirty,
          dirtyRate: seconds > 0 ? dirty / seconds : null,
        });
  const first = progress.iteration === 0;
  const least = progress.leastPending < 0 ? pending : Math.min(progress.leastPending, pending);
  return {
    ...progress,
    rounds,
    lastSyncTime: now,
    bytesAtSync: progress.bytesSent,
    dirtyPages: dirty,
    pendingPages: pending,
    leastPending: first ? -1 : least,
    windowStart: first ? now : progress.windowStart,
  };
}

export function roundOpened(progress: Progress, live: boolean): Progress {
  const iteration = progress.rounds.length + 1;
  const { lastSyncTime: startTime } = progress;
  const round = { iteration, live, pagesSent: 0, bytes: 0, startTime, duration: 0 };
  const opened = { ...round, dirtyAfter: null, dirtyRate: null };
  return { ...progress, round: opened, slices: 0, sliceOver: false };
}

export function batchTaken(
  progress: Progress,
  pages: number,
  bytes: number,
  pending: number,
): Progress {
  const round = present(progress.round, "the round of a batch");
  return {
    ...progress,
    pendingPages: pending,
    pagesSent: progress.pagesSent + pages,
    bytesSent: progress.bytesSent + bytes,
    windowBytes: progress.windowBytes + bytes,
    round: { ...round, pagesSent: round.pagesSent + pages, bytes: round.bytes + bytes },
  };
}

export function batchArrived(progress: Progress, now: number): Progress {
  const round = present(progress.round, "the round of a batch");
  const duration = now - round.startTime;
  const slices = Math.floor(duration / (SLICE_SECONDS * CYCLES_PER_SECOND));
  const sliceOver = slices > progress.slices;
  const arrived = {
    ...progress,
    bytesArrived: progress.bytesSent,
    slices,
    sliceOver,
    round: { ...round, duration },
  };
  const seconds = (now - progress.windowStart) / CYCLES_PER_SECOND;
  if (seconds < WINDOW_SECONDS) return arrived;
  return {
    ...arrived,
    bandwidth: progress.windowBytes / seconds,
    windowStart: now,
    windowBytes: 0,
  };
}

export function roundClosed(progress: Progress): Progress {
  const { round, rounds, iteration } = progress;
  if (round === null) return progress;
  const closed = round.live ? round : { ...round, dirtyAfter: 0, dirtyRate: 0 };
  return {
    ...progress,
    iteration: round.live ? iteration + 1 : iteration,
    rounds: [...rounds, closed],
    round: null,
  };
}

/** All is there and compared. In post-copy the VM has been resumed long before. */
export function ended(progress: Progress, now: number): Progress {
  const resumeTime = progress.resumeTime < 0 ? now : progress.resumeTime;
  return { ...progress, resumeTime, endTime: now };
}

/** Bytes a second while rounds were under way; the harvests between them do not count. */
export function averageRate({ rounds, round, bytesArrived }: Progress): number {
  const all = round === null ? rounds : [...rounds, round];
  const cycles = all.reduce((sum, { duration }) => sum + duration, 0);
  return cycles > 0 ? (bytesArrived * CYCLES_PER_SECOND) / cycles : 0;
}
