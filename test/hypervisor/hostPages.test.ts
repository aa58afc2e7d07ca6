/** Calls that ask the kernel which pages of a process were written: what they find, and their errors. */
import { describe, expect, it } from "vitest";
import {
  clearSoftDirty,
  hostArea,
  hostWrite,
  mapAgain,
  protectArea,
  residentPages,
  scanWritten,
  softDirtyPages,
  swapOut,
} from "../../src/hypervisor/hostPages.ts";

describe("userfaultfd's write protection", () => {
  it("passes over pages that were never touched, without WP_UNPOPULATED (case 287)", () => {
    const faultOf = (unpopulated: boolean): string =>
      hostWrite(protectArea(hostArea(1, "sync", unpopulated)).area, 0).fault;
    expect([faultOf(false), faultOf(true)]).toEqual(["none", "message"]);
  });

  it("is ENOENT of memory that is not registered", () => {
    expect(protectArea(hostArea(1, null)).error).toBe("ENOENT");
  });
});

describe("PAGEMAP_SCAN with PM_SCAN_WP_MATCHING", () => {
  it("reports a page once for each time that it was written, and the kernel ends its faults", () => {
    const armed = protectArea(hostArea(3, "WP_ASYNC")).area;
    const written = hostWrite(armed, 1);
    expect(written.fault).toBe("kernel");
    const first = scanWritten(written.area, false);
    expect(first.pages).toEqual([1]);
    const second = scanWritten(first.area, false);
    expect(second.pages).toEqual([]);
    expect(scanWritten(hostWrite(second.area, 1).area, false).pages).toEqual([1]);
  });

  it("passes over memory that is not in WP_ASYNC, or is EPERM if it is to check (case 289)", () => {
    const { area } = hostWrite(protectArea(hostArea(2, "sync")).area, 0);
    expect(scanWritten(area, false)).toEqual({ area, error: null, pages: [] });
    expect(scanWritten(area, true).error).toBe("EPERM");
  });
});

describe("soft-dirty bits", () => {
  const cleared = clearSoftDirty(hostArea(2, null));

  it("are set of memory that is mapped anew and not touched (case 290)", () => {
    expect(softDirtyPages(cleared)).toEqual([]);
    expect(softDirtyPages(mapAgain(cleared))).toEqual([0, 1]);
  });

  it("stay with a page that is swapped out, of which mincore says nothing any more", () => {
    const { area } = hostWrite(cleared, 1);
    expect([softDirtyPages(area), residentPages(area)]).toEqual([[1], [1]]);
    const swapped = swapOut(area, 1);
    expect([softDirtyPages(swapped), residentPages(swapped)]).toEqual([[1], []]);
  });
});
