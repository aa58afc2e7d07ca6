/** The queue of pages to send, and the destination's memory. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEpt, mapRange } from "../../src/hardware/ept.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { DirtyBitmap, markDirty } from "../../src/hypervisor/dirtyBitmap.ts";
import { buildGuestTables } from "../../src/hypervisor/guestTables.ts";
import {
  copyPage,
  Destination,
  firstDifference,
} from "../../src/hypervisor/migration/destination.ts";
import {
  clearQueue,
  queued,
  queueHarvest,
  queueMapped,
  SendQueue,
  takePages,
} from "../../src/hypervisor/migration/sendQueue.ts";

const PAGES = 70;

function harvestOf(pages: readonly number[]): DirtyBitmap {
  const harvest = new DirtyBitmap("harvest", PAGES);
  for (const page of pages) markDirty(harvest, page);
  return harvest;
}

/** Guest memory of 70 data pages with two gaps' worth of large pages after them, and guest tables. */
function source() {
  const geometry = { ...DEFAULT_GEOMETRY, indexBits: 3 };
  const ept = createEpt(new HostMemory(3), geometry);
  mapRange(ept, 0, DATA_FRAME_BASE, PAGES, 2);
  const tables = buildGuestTables(ept, "longMode", PAGES, 80);
  return { ept, tables, guest: new GuestPages("guest", 80 + tables.count, true) };
}

describe("the send queue", () => {
  it("gives each queued page once, going round, in batches of any size", () => {
    const page = fc.nat(PAGES - 1);
    const steps = fc.array(fc.record({ harvest: fc.array(page), take: fc.nat(40) }));
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new SendQueue("queue", PAGES);
        const waiting = new Set<number>();
        for (const { harvest, take } of list) {
          const distinct = new Set(harvest);
          expect(queueHarvest(queue, harvestOf(harvest))).toBe(distinct.size);
          for (const one of distinct) waiting.add(one);
          const taken: number[] = [];
          const count = Math.min(take, waiting.size);
          expect(takePages(queue, take, (one) => taken.push(one))).toBe(count);
          expect(new Set(taken).size).toBe(count);
          // Ascending but for one turn at the end.
          expect(taken.filter((one, n) => n > 0 && one < taken[n - 1]!).length).toBeLessThan(2);
          for (const one of taken) expect(waiting.delete(one)).toBe(true);
          expect(queued(queue)).toBe(waiting.size);
        }
      }),
    );
  });

  it("goes on where it was while pages are left, and from the first page when none is", () => {
    const queue = new SendQueue("queue", PAGES);
    const take = (count: number): number[] => {
      const taken: number[] = [];
      takePages(queue, count, (page) => taken.push(page));
      return taken;
    };
    queueHarvest(queue, harvestOf([3, 40, 69]));
    expect(take(2)).toEqual([3, 40]);
    queueHarvest(queue, harvestOf([3, 5]));
    expect(take(2)).toEqual([69, 3]);
    expect(take(9)).toEqual([5]);
    queueHarvest(queue, harvestOf([1, 69]));
    expect(take(9)).toEqual([1, 69]);
  });

  it("queues every mapped page, and no other", () => {
    const { ept, tables } = source();
    const queue = new SendQueue("queue", 80 + tables.count);
    queueMapped(queue, { ept, slots: null });
    const taken: number[] = [];
    takePages(queue, 1000, (page) => taken.push(page));
    const data = Array.from({ length: PAGES }, (_, page) => page);
    const guestTables = Array.from({ length: tables.count }, (_, n) => 80 + n);
    expect(taken).toEqual([...data, ...guestTables]);
  });

  it("forgets what waits", () => {
    const queue = new SendQueue("queue", PAGES);
    queueHarvest(queue, harvestOf([1, 2]));
    clearQueue(queue);
    expect(queued(queue)).toBe(0);
    expect(takePages(queue, 9, () => {})).toBe(0);
  });
});

describe("the destination", () => {
  function copied() {
    const { ept, tables, guest } = source();
    const destination = new Destination("destination", guest.pages, tables, 16);
    const queue = new SendQueue("queue", guest.pages);
    queueMapped(queue, { ept, slots: null });
    takePages(queue, 1000, (page) => copyPage({ ept, guest }, destination, page));
    return { ept, tables, guest, destination };
  }

  it("equals the source when every page has been copied", () => {
    const { ept, guest, destination } = copied();
    expect(firstDifference({ ept, guest }, destination)).toBe(-1);
  });

  it("differs in a page that has not arrived, though nobody ever wrote to it", () => {
    const { ept, guest, tables } = copied();
    const destination = new Destination("destination", guest.pages, tables, 16);
    copyPage({ ept, guest }, destination, 0);
    expect(firstDifference({ ept, guest }, destination)).toBe(1);
  });

  it("differs in a page written after it was copied", () => {
    const { ept, guest, destination } = copied();
    guest.versions[69] = 1;
    expect(firstDifference({ ept, guest }, destination)).toBe(69);
    copyPage({ ept, guest }, destination, 69);
    expect(firstDifference({ ept, guest }, destination)).toBe(-1);
  });

  it("differs in a page of the guest's tables when the processor set a flag there", () => {
    const { ept, guest, tables, destination } = copied();
    const word = tables.rootFrame * ept.memory.frameWords;
    ept.memory.words[word] = ept.memory.words[word]! ^ 0x20;
    expect(firstDifference({ ept, guest }, destination)).toBe(tables.rootPage);
    copyPage({ ept, guest }, destination, tables.rootPage);
    expect(firstDifference({ ept, guest }, destination)).toBe(-1);
  });
});
