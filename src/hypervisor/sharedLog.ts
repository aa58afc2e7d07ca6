/**
 * One dirty log of the kernel's with several users in the VMM, as QEMU has it (system/memory.c, global_dirty_tracking): KVM
 * logs while any of them is on, a synchronisation gives what the kernel has to the bitmap of each, and each clears its own
 * alone. A user that ends while the VM stands still ends when it runs again (memory_global_dirty_log_stop), unless it begins
 * anew before that. Everything is a value: a call gives the next one.
 */

/** Ways to get it wrong, each off unless a model plants it. */
export const SHARED_LOG_FAULTS = [
  "syncServesOneUser",
  "firstStopEndsLog",
  "secondStartEmptiesLog",
  "postponedStopStays",
  "takeClearsEveryBitmap",
] as const;
export type SharedLogFault = (typeof SHARED_LOG_FAULTS)[number];

export interface LogUser {
  readonly isOn: boolean;
  /** It has stopped while the VM stood still: it stays on until the VM runs (postponed_stop_flags). */
  readonly ends: boolean;
  /** By page: what it has not taken yet. */
  readonly bitmap: readonly boolean[];
}

export interface SharedLog {
  readonly runs: boolean;
  /** The kernel's: whether it logs, and by page the bits that nobody has synchronised yet. */
  readonly logs: boolean;
  readonly dirty: readonly boolean[];
  readonly users: readonly LogUser[];
}

/** A call's answer: null is success. EINVAL: QEMU asserts that a user does not begin, or end, twice. */
export interface SharedLogAnswer {
  readonly log: SharedLog;
  readonly error: "EINVAL" | null;
  /** Of take: the user's pages. */
  readonly pages: readonly boolean[] | null;
}

export function sharedLog(pages: number, users: number): SharedLog {
  const none = Array.from({ length: pages }, () => false);
  const user = { isOn: false, ends: false, bitmap: none };
  return { runs: true, logs: false, dirty: none, users: Array.from({ length: users }, () => user) };
}

function done(log: SharedLog, pages: readonly boolean[] | null = null): SharedLogAnswer {
  return { log, error: null, pages };
}

function refused(log: SharedLog): SharedLogAnswer {
  return { log, error: "EINVAL", pages: null };
}

function withUser(log: SharedLog, number: number, user: LogUser): SharedLog {
  return { ...log, users: log.users.with(number, user) };
}

/** It has begun, and not stopped. */
export function isUsing(user: LogUser | undefined): boolean {
  return user?.isOn === true && !user.ends;
}

const isWanted = ({ users }: SharedLog): boolean => users.some(({ isOn }) => isOn);

/** The guest writes: the kernel has a bit, if it logs. */
export function logWrite(log: SharedLog, page: number): SharedLog {
  return log.logs ? { ...log, dirty: log.dirty.with(page, true) } : log;
}

/** memory_global_dirty_log_start, by one user. Its bitmap begins clean, as dirty-rate's does. */
export function startUser(
  log: SharedLog,
  number: number,
  faults: readonly SharedLogFault[] = [],
): SharedLogAnswer {
  const user = log.users[number];
  if (user === undefined || isUsing(user)) return refused(log);
  const none = log.dirty.map(() => false);
  // What the kernel has by now is what others are owed, and not it.
  const synced =
    log.logs && !faults.includes("secondStartEmptiesLog") ? syncLog(log, 0, faults) : log;
  const ends = user.ends && faults.includes("postponedStopStays");
  return done({
    ...withUser(synced, number, { isOn: true, ends, bitmap: none }),
    logs: true,
    dirty: none,
  });
}

/** memory_global_dirty_log_sync: the kernel's bits go to all that are on. @param number who asks */
export function syncLog(
  log: SharedLog,
  number: number,
  faults: readonly SharedLogFault[] = [],
): SharedLog {
  const one = faults.includes("syncServesOneUser");
  const users = log.users.map((user, i) => {
    if (!user.isOn || (one && i !== number)) return user;
    return { ...user, bitmap: user.bitmap.map((bit, page) => bit || log.dirty[page] === true) };
  });
  return { ...log, dirty: log.dirty.map(() => false), users };
}

/** A user synchronises, and takes what it has. */
export function takeBitmap(
  log: SharedLog,
  number: number,
  faults: readonly SharedLogFault[] = [],
): SharedLogAnswer {
  if (!isUsing(log.users[number])) return refused(log);
  const synced = syncLog(log, number, faults);
  const pages = synced.users[number]?.bitmap ?? [];
  const none = log.dirty.map(() => false);
  const everyones = faults.includes("takeClearsEveryBitmap");
  const users = synced.users.map((user, i) =>
    i === number || everyones ? { ...user, bitmap: none } : user,
  );
  return done({ ...synced, users }, pages);
}

/** memory_global_dirty_log_stop, by one user: the kernel's log ends with the last. */
export function stopUser(
  log: SharedLog,
  number: number,
  faults: readonly SharedLogFault[] = [],
): SharedLogAnswer {
  const user = log.users[number];
  if (user === undefined || !isUsing(user)) return refused(log);
  if (!log.runs) return done(withUser(log, number, { ...user, ends: true }));
  return done(ended(log, number, faults));
}

function ended(log: SharedLog, number: number, faults: readonly SharedLogFault[]): SharedLog {
  const none = log.dirty.map(() => false);
  const next = withUser(log, number, { isOn: false, ends: false, bitmap: none });
  const logs = isWanted(next) && !faults.includes("firstStopEndsLog");
  return { ...next, logs, dirty: logs ? next.dirty : none };
}

/** The VM stands still, or runs again: what was put off is done now (memory_vm_change_state_handler). */
export function setRunning(
  log: SharedLog,
  runs: boolean,
  faults: readonly SharedLogFault[] = [],
): SharedLog {
  const next = { ...log, runs };
  if (!runs) return next;
  return log.users.reduce(
    (now, { ends }, number) => (ends ? ended(now, number, faults) : now),
    next,
  );
}
