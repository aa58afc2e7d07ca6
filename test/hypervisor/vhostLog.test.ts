/** The log of a vhost back end: which bits a write sets, and that none is lost where another log takes its place. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  logCompletion,
  logWrite,
  startVhostLog,
  switchLog,
  takeVhostLog,
  VhostLog,
} from "../../src/hypervisor/vhostLog.ts";

const PAGES = 40;

function started(): VhostLog {
  const log = new VhostLog("vhost", PAGES);
  startVhostLog(log);
  return log;
}

function taken(log: VhostLog): number[] {
  const pages: number[] = [];
  takeVhostLog(log, (page) => pages.push(page));
  return pages;
}

describe("log_write", () => {
  it.each([
    [0x1fff, 8192, [1, 2, 3]],
    [0x1fff, 0, []],
    [0x1fff, 1, [1]],
    [0x2000, 4096, [2]],
    [0x2000, 4097, [2, 3]],
  ])("of address %i, %i bytes sets the bits %j", (address, length, pages) => {
    const log = started();
    logWrite(log, { address, length });
    expect(taken(log)).toEqual(pages);
  });

  it("sets none before logging has begun", () => {
    const log = new VhostLog("vhost", PAGES);
    logWrite(log, { address: 0, length: 4096 });
    startVhostLog(log);
    expect(taken(log)).toEqual([]);
  });
});

describe("a completion", () => {
  const data = { address: 0x5000, length: 0x1800 };
  // Entry 300 of 256 is number 44. The element lies in the page behind that of the index.
  const used = { address: 0x8f00, size: 256, number: 300 };

  it("logs the data, the used element and the used index", () => {
    const log = started();
    logCompletion(log, data, used);
    expect(taken(log)).toEqual([5, 6, 8, 9]);
  });

  it("logs the data alone where the queue has no VHOST_VRING_F_LOG", () => {
    const log = started();
    logCompletion(log, data, null);
    expect(taken(log)).toEqual([5, 6]);
  });
});

describe("another log in the place of the one that is written", () => {
  it("has what is logged from then on; the old one has what was logged before", () => {
    const log = started();
    logWrite(log, { address: 0x1000, length: 1 });
    const old = switchLog(log);
    logWrite(log, { address: 0x2000, length: 1 });
    expect(old[0]).toBe(1 << 1);
    expect(switchLog(log)[0]).toBe(1 << 2);
  });

  it("loses nothing, whenever it is put there", () => {
    const deeds = fc.array(fc.option(fc.nat(PAGES - 1), { nil: "take" as const }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(deeds, (all) => {
        const log = started();
        const since = new Set<number>();
        for (const deed of all) {
          if (deed === "take") {
            expect(taken(log)).toEqual([...since].sort((one, other) => one - other));
            since.clear();
          } else {
            logWrite(log, { address: 4096 * deed + 7, length: 9 });
            since.add(deed);
          }
        }
      }),
    );
  });
});
