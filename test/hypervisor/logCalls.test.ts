/** Calls to a log that several share, and Xen's log-dirty operations: what they answer, and with which errors. */
import { describe, expect, it } from "vitest";
import {
  logWrite,
  setRunning,
  sharedLog,
  startUser,
  stopUser,
  syncLog,
  takeBitmap,
} from "../../src/hypervisor/sharedLog.ts";
import {
  xenClean,
  xenEnable,
  xenLog,
  xenOff,
  xenPeek,
  xenTrackVram,
  xenWrite,
} from "../../src/hypervisor/xenLogDirty.ts";

const [MIGRATION, DIRTY_RATE] = [0, 1];

describe("a dirty log with two users", () => {
  const both = [MIGRATION, DIRTY_RATE].reduce(
    (log, user) => startUser(log, user).log,
    sharedLog(4, 2),
  );

  it("gives each what was written, and takes from none what another has", () => {
    const first = takeBitmap(logWrite(both, 2), MIGRATION);
    expect(first.pages).toEqual([false, false, true, false]);
    expect(takeBitmap(first.log, MIGRATION).pages).not.toContain(true);
    expect(takeBitmap(first.log, DIRTY_RATE).pages).toEqual(first.pages);
  });

  it("ends with the last of them", () => {
    const one = stopUser(both, MIGRATION).log;
    expect(one.logs).toBe(true);
    expect(stopUser(one, DIRTY_RATE).log.logs).toBe(false);
  });

  it("goes on until the VM runs again, where the last stops while it stands still (case 240)", () => {
    const [one, other] = [MIGRATION, DIRTY_RATE];
    const still = setRunning(stopUser(both, one).log, false);
    const put = stopUser(still, other).log;
    expect(put.logs).toBe(true);
    expect(setRunning(put, true).logs).toBe(false);
    // A new beginning takes the stop back.
    expect(setRunning(startUser(put, other).log, true).logs).toBe(true);
  });

  it("refuses a user that begins or ends twice, and changes nothing", () => {
    expect(startUser(both, MIGRATION)).toEqual({ log: both, error: "EINVAL", pages: null });
    const { log } = stopUser(both, MIGRATION);
    expect(stopUser(log, MIGRATION)).toEqual({ log, error: "EINVAL", pages: null });
    expect(takeBitmap(log, MIGRATION).error).toBe("EINVAL");
  });

  it("says nothing to a user of what was written before it began", () => {
    const log = logWrite(startUser(sharedLog(4, 2), MIGRATION).log, 1);
    const later = startUser(log, DIRTY_RATE).log;
    expect(takeBitmap(later, DIRTY_RATE).pages).not.toContain(true);
    expect(syncLog(later, MIGRATION).users[MIGRATION]?.bitmap[1]).toBe(true);
  });
});

describe("Xen's log-dirty operations", () => {
  const on = xenEnable(xenLog(4, [3])).log;

  it("refuse to be enabled twice, or beside a device that is passed through (case 261)", () => {
    expect(xenEnable(on).error).toBe("EINVAL");
    const { log, error } = xenOff(on);
    expect([error, xenEnable(log).error]).toEqual([null, null]);
    expect(xenEnable(log, { passedThrough: true }).error).toBe("EINVAL");
    expect(xenEnable(log, { ioreqServer: true }).error).toBe("EBUSY");
    expect(xenOff(log).error).toBeNull();
  });

  it("show the same bits at each PEEK, and take them by CLEAN (case 266)", () => {
    const written = xenWrite(on, 1);
    const bits = [false, true, false, false];
    const peeked = xenPeek(written);
    expect(peeked).toEqual({ log: written, error: null, bitmap: bits });
    const cleaned = xenClean(peeked.log, {});
    expect(cleaned.bitmap).toEqual(bits);
    expect(xenClean(cleaned.log, {}).bitmap).not.toContain(true);
  });

  it("fail with ENOMEM until OFF, once memory for the trie was missing (case 267)", () => {
    const failed = xenWrite(on, 1, false);
    const first = xenClean(failed, {});
    expect(first.error).toBe("ENOMEM");
    expect([xenClean(first.log, {}).error, xenPeek(first.log).error]).toEqual(["ENOMEM", "ENOMEM"]);
    expect(xenClean(xenEnable(xenOff(first.log).log).log, {}).error).toBeNull();
  });

  it("are EBUSY for others while one is unfinished, which goes on", () => {
    const unfinished = xenClean(xenWrite(on, 1), { preempted: true }).log;
    const others = [xenEnable(unfinished), xenOff(unfinished), xenPeek(unfinished)];
    expect(others.map(({ error }) => error)).toEqual(["EBUSY", "EBUSY", "EBUSY"]);
    expect(xenClean(unfinished, {}).bitmap).toEqual([false, true, false, false]);
  });

  it("answer CLEAN and PEEK with zeros while the log is off", () => {
    const off = xenWrite(xenLog(2), 0);
    expect([xenClean(off, {}).bitmap, xenPeek(off).bitmap]).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  it("mark what the hypervisor has mapped at the FINAL one, and a back end's page not (case 271)", () => {
    expect(xenClean(on, {}).bitmap?.[3]).toBe(false);
    expect(xenClean(on, { final: true }).bitmap).toEqual([false, false, false, true]);
  });

  it("take from video memory's tracking what was written before a CLEAN (case 268)", () => {
    const first = xenTrackVram(on, 1, 2);
    expect(first.bitmap).toEqual([false, true, true, false]);
    const written = xenWrite(first.log, 1);
    expect(xenTrackVram(written, 1, 2).bitmap).toEqual([false, true, false, false]);
    const cleaned = xenClean(written, {}).log;
    expect(xenTrackVram(cleaned, 1, 2).bitmap).not.toContain(true);
    expect(xenTrackVram(on, 0, (1 << 18) + 1).error).toBe("EINVAL");
    // The log has its bit still.
    expect(xenPeek(xenTrackVram(written, 1, 2).log).bitmap?.[1]).toBe(true);
  });
});
