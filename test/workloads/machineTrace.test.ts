/** Traces of whole machines: translations, flushes and time between accesses, and what the emulated TLB makes of them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Counter } from "../../src/hardware/counters.ts";
import {
  PHYSICAL_PAGES,
  TRANSLATION_PAGE_SHIFT,
  Translation,
} from "../../src/hardware/tracedPaging.ts";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import {
  decodeEvents,
  EVENT_BYTES_MAX,
  EventList,
  EventType,
  encodeEvents,
} from "../../workloads/trace/events.ts";
import { TraceReader } from "../../workloads/trace/reader.ts";
import { scanTrace } from "../../workloads/trace/scan.ts";
import { TraceWriter } from "../../workloads/trace/writer.ts";
import "../fixedSeed.ts";
import { scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const READ = 0;
const WRITE = 1;
const { valid, writable, global, directory: hasDirectory, table: hasTable } = Translation;
/** Guest-physical pages of the guest's tables. */
const ROOT = 20;
const TABLE = 21;

type Step = readonly ["run", number, number, number] | readonly ["event", number, number, number?];

function translated(linear: number, page: number, bits: number = writable): Step {
  const word = (page << TRANSLATION_PAGE_SHIFT) | valid | hasDirectory | hasTable | bits;
  return ["event", EventType.translation, linear, word];
}

const start: readonly Step[] = [
  ["event", EventType.loadRoot, ROOT],
  ["event", EventType.table, 0, TABLE],
];

let files = 0;

function traceOf(steps: readonly Step[], runsPerBlock?: number): string {
  const pieces: Buffer[] = [];
  const writer = new TraceWriter(
    (bytes) => pieces.push(Buffer.from(bytes)),
    () => ({ addresses: "machine", command: "linux" }),
    runsPerBlock,
  );
  for (const [what, a, b, c] of steps) {
    if (what === "run") writer.run(a, b, c ?? 1);
    else writer.event(a, b, c);
  }
  writer.finish(0);
  const path = join(directory, `${files++}.tvtrace`);
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

function systemOf(file: string, fields: object = {}, technique = "pml") {
  return buildSystem(
    scenarioSchema.parse({
      name: "machine",
      vms: [{ paging: "off", workload: { kind: "trace", file }, ...fields }],
      tracker: { technique },
    }),
  );
}

function walksOf(steps: readonly Step[]): number {
  const system = systemOf(traceOf([...start, ...steps]));
  system.run();
  return system.world.vcpus[0]!.counters.values[Counter.walks]!;
}

describe("events of a machine's trace", () => {
  it("are read as they were written, block by block", () => {
    const steps: Step[] = [
      ...start,
      translated(5, 2),
      ["run", 5, WRITE, 3],
      ["event", EventType.pace, 10, 3],
      ["event", EventType.flushPage, 5],
      ["run", 5, READ, 1],
      ["event", EventType.idle, 2 ** 40],
    ];
    for (const perBlock of [1, 65536]) {
      const reader = new TraceReader(traceOf(steps, perBlock));
      const seen: Step[] = [];
      for (let block = reader.next(); block !== undefined; block = reader.next()) {
        const { events, count, pages, kinds, lengths } = block;
        let event = 0;
        for (let run = 0; run <= count; run++) {
          for (; event < events.count && events.at[event] === run; event++) {
            seen.push(["event", events.types[event]!, events.a[event]!, events.b[event]!]);
          }
          if (run < count) seen.push(["run", pages[run]!, kinds[run]!, lengths[run]!]);
        }
      }
      reader.close();
      expect(reader.damage).toBeUndefined();
      expect(seen).toEqual(steps.map(([what, a, b, c = 0]) => [what, a, b, c]));
    }
  });

  it("of whatever numbers", () => {
    const event = fc.tuple(
      fc.nat(9),
      fc.nat(7),
      fc.maxSafeNat().map((n) => n % 2 ** 50),
      fc.maxSafeNat().map((n) => n % 2 ** 50),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const list = new EventList();
        let at = 0;
        for (const [distance, type, a, b] of events) {
          at += distance;
          list.add(at, type, a, b);
        }
        const bytes = new Uint8Array(events.length * EVENT_BYTES_MAX);
        const used = encodeEvents(list, bytes);
        const read = new EventList();
        const coded = bytes.subarray(0, used);
        expect(decodeEvents(coded, events.length, at, read)).toBeUndefined();
        for (const key of ["at", "types", "a", "b"] as const) {
          expect(read[key].subarray(0, events.length)).toEqual(
            list[key].subarray(0, events.length),
          );
        }
        if (used > 0) {
          expect(decodeEvents(coded.subarray(0, used - 1), events.length, at, read)).toBeDefined();
        }
      }),
      { numRuns: 200 },
    );
  });

  it("are refused by a sentence where they name what cannot be", () => {
    for (const [steps, message] of [
      [[["run", 5, READ, 1]], /linear page 5, which is not translated/],
      [[translated(2 ** 20, 2)], /linear page 1048576/],
      [[["event", EventType.loadRoot, 2 ** 20]], /guest-physical page 1048576/],
      [[["run", PHYSICAL_PAGES + 2 ** 20, READ, 1]], /guest-physical page 1048576/],
      [[["event", EventType.table, 1024, 1]], /page table 1024/],
    ] as const) {
      const file = traceOf([...start, ...steps, ["run", PHYSICAL_PAGES, READ, 1]]);
      expect(() => scanTrace(file, "compact")).toThrow(message);
    }
    expect(() => systemOf(traceOf([["run", PHYSICAL_PAGES, READ, 1]]), { vcpus: 2 })).toThrow(
      /one processor/,
    );
  });
});

describe("the TLB of a guest whose stream has its translations", () => {
  const use: Step = ["run", 5, READ, 2];

  it("is tagged by linear page, and is flushed as the guest flushes", () => {
    expect(walksOf([translated(5, 2), use, use])).toBe(1);
    expect(walksOf([translated(5, 2), use, ["event", EventType.loadRoot, ROOT], use])).toBe(2);
    expect(walksOf([translated(5, 2), use, ["event", EventType.flushPage, 5], use])).toBe(2);
    expect(walksOf([translated(5, 2), use, ["event", EventType.flushPage, 6], use])).toBe(1);
    // Two linear pages of one guest-physical page are two entries.
    expect(walksOf([translated(5, 2), translated(6, 2), use, ["run", 6, READ, 1]])).toBe(2);
  });

  it("keeps global pages when CR3 is loaded, and loses them when all is flushed", () => {
    const page = translated(5, 2, writable | global);
    expect(walksOf([page, use, ["event", EventType.loadRoot, ROOT], use])).toBe(1);
    expect(walksOf([page, use, ["event", EventType.flushAll, ROOT], use])).toBe(2);
  });

  it("walks through no table of a guest whose tables are not known, and caches pages of 4 KiB", () => {
    const unknown = (linear: number, page: number): Step => {
      const word = (page << TRANSLATION_PAGE_SHIFT) | valid | writable | hasTable;
      return ["event", EventType.translation, linear, word];
    };
    const path = traceOf([...start, unknown(5, 2), unknown(6, 9), use, ["run", 6, READ, 1]]);
    const system = systemOf(path, { pageSize: "2M", memory: "4MiB" });
    system.run();
    const { values } = system.world.vcpus[0]!.counters;
    // An EPT of 2 MiB leaves has 3 levels, and nothing of the guest's is read.
    expect([values[Counter.walks], values[Counter.walkReferences]]).toEqual([2, 6]);
    expect(summarize(system).truth).toMatchObject({ pagesTouched: 2, pagesWritten: 0 });
  });

  it("does not let a page that was only read be written without another walk", () => {
    const steps: Step[] = [translated(5, 2, 0), use, translated(5, 2), ["run", 5, WRITE, 1]];
    expect(walksOf(steps)).toBe(2);
  });
});

describe("what a tracker sees of a machine's trace", () => {
  const steps: Step[] = [
    ...start,
    ["event", EventType.pace, 100, 4],
    translated(5, 2),
    translated(6, 3),
    ["run", 5, WRITE, 2],
    ["run", 6, READ, 1],
    ["run", PHYSICAL_PAGES + TABLE, WRITE, 1],
    ["event", EventType.idle, 5000],
    ["event", EventType.loadRoot, ROOT],
    ["event", EventType.pace, 10, 1],
    ["run", 5, WRITE, 1],
  ];

  it("is guest-physical pages: those that were written, and the tables that the processor walks", () => {
    const system = systemOf(traceOf(steps));
    system.run();
    const { truth, reported } = summarize(system);
    // Page 2, and with EPT's A/D flags the tables, whose reads are writes.
    expect(truth).toMatchObject({ pagesRead: 3, pagesWritten: 3, pagesTouched: 4 });
    expect(reported.pagesWritten).toBe(3);
  });

  it("is the same with every technique, as far as it can tell: nothing is lost", () => {
    for (const technique of TECHNIQUES.filter((name) => name !== "none")) {
      const system = systemOf(traceOf(steps), {}, technique);
      system.run();
      const { harvests } = summarize(system);
      expect(
        harvests.map(({ lostPages, overReported }) => [lostPages, overReported]),
        technique,
      ).toEqual([[0, 0]]);
    }
  });

  it("has what devices write, which no walk shows: software marks it, in every technique", () => {
    const dma: Step[] = [...steps, ["event", EventType.deviceWrite, 9, 3], ["run", 6, READ, 1]];
    for (const technique of TECHNIQUES.filter((name) => name !== "none")) {
      const system = systemOf(traceOf(dma), {}, technique);
      system.run();
      const { harvests, truth, reported } = summarize(system);
      expect(
        harvests.map(({ lostPages, overReported }) => [lostPages, overReported]),
        technique,
      ).toEqual([[0, 0]]);
      expect(truth.pagesWritten, technique).toBeGreaterThanOrEqual(5);
      const found = reported.pagesWritten ?? reported.pagesTouched ?? 0;
      expect(found, technique).toBeGreaterThanOrEqual(5);
    }
  });

  it("takes the time that the guest took: instructions, and what it idled", () => {
    const system = systemOf(traceOf(steps), {}, "none");
    system.run();
    const { values } = system.world.vcpus[0]!.counters;
    // 96 instructions besides the accesses, and 5,000 of idling; nobody waits for what follows the last access.
    expect(values[Counter.guestCycles]).toBe(96 + 5000 + 5 * 4);
  });

  it("goes on from a snapshot as it would have gone on", () => {
    const path = traceOf(Array.from({ length: 30 }, () => steps).flat(), 7);
    const whole = systemOf(path);
    whole.run();
    const first = systemOf(path);
    first.run(20);
    const second = systemOf(path);
    second.restore(first.save());
    second.run();
    expect(second.digests()).toEqual(whole.digests());
  });
});
