/** What the plugin for QEMU writes, read: the accesses of known.S, which are known one by one; damage; several vCPUs. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { TRANSLATION_PAGE_SHIFT, Translation } from "../../../src/hardware/tracedPaging.ts";
import { runScenario } from "../../../src/library/index.ts";
import { EventType } from "../../../workloads/trace/events.ts";
import { encodeFrame } from "../../../workloads/trace/format.ts";
import { tvplugin } from "../../../workloads/trace/formats/tvplugin.ts";
import { importLog } from "../../../workloads/trace/import.ts";
import { KNOWN_RUNS } from "../guests/qemu/known.ts";
import { type Run, scratchDirectory } from "../traceHelpers.ts";
import { READ, readLog, WRITE } from "./reading.ts";

const directory = scratchDirectory();
const known = readFileSync(join(import.meta.dirname, "..", "guests", "qemu", "known.tvq"));
const strict = { lenient: false };
const physical = { addresses: "guestPhysical", lenient: false } as const;

const HEAD = 0x44414548;
const NOTE = 0x45544f4e;
const DONE = 0x454e4f44;
const PAGE = 2;
const TIME = 2 | (4 << 2);

/** A file with these records. @param totals of its end; default: accesses and runs of one access each, no flush */
function fileOf(records: readonly number[], { vcpus = 1, totals = [1, 1] } = {}): Buffer {
  const head = Buffer.from(`vcpus=${vcpus}\nmemory=${16 << 20}\ncommand=it\n`);
  const done = Buffer.alloc(84);
  for (const [i, total] of totals.entries()) done.writeBigUInt64LE(BigInt(total), 8 * i);
  const blocks: [number, Buffer][] = [
    [HEAD, head],
    [NOTE, Buffer.from(records)],
    [DONE, done],
  ];
  const frames = blocks.flatMap(([type, payload], i) => [encodeFrame(type, i, payload), payload]);
  return Buffer.concat([known.subarray(0, 12), ...frames]);
}

/** Slot 1 is linear page 7, guest-physical page 9; and a write to it. */
const oneWrite = [PAGE, 1, 7, 9, 1 | (1 << 3), 0, TIME, 5];

describe("what the plugin for QEMU writes", () => {
  it("has of a program the accesses that it makes, and no others", () => {
    const { runs, notes, programs } = readLog(tvplugin, [known], undefined, physical);
    expect(runs).toEqual(KNOWN_RUNS.map(({ page, kind, length }): Run => ({ page, kind, length })));
    expect(programs.map(({ command }) => command)).toEqual(["known"]);
    expect(notes).toEqual([
      "1,555 instructions; loads of CR3 1, of CR0 and CR4 0, INVLPG 1",
      "left out: 1 accesses of devices, 0 of other memory than RAM",
      "noting ended when the guest executed the mark of its end",
    ]);
  });

  it("becomes a machine's trace: linear pages by first use, what they are translated to, flushes, time", () => {
    const { runs, events } = readLog(tvplugin, [known], undefined, strict);
    const linear = [...new Set(KNOWN_RUNS.map((run) => run.linear))];
    expect(runs).toEqual(
      KNOWN_RUNS.map(({ linear: page, kind, length }): Run => {
        return { page: linear.indexOf(page), kind, length };
      }),
    );
    const rights = Translation.valid | Translation.writable | Translation.table;
    const translations = events.filter(([, type]) => type === EventType.translation);
    expect(translations.map(([run, , page, word]) => [run, linear[page], word])).toEqual(
      [0x20, 0x30, 0x12, 0x31, 0x21, 0x22, 0x23, 0x24, 0x6].map((page) => {
        const run = KNOWN_RUNS.findIndex((one) => one.page === page);
        return [run, KNOWN_RUNS[run]!.linear, (page << TRANSLATION_PAGE_SHIFT) | rights];
      }),
    );
    const others = events.filter(([, type]) => type !== EventType.translation);
    expect(others).toEqual([
      [0, EventType.pace, 1040, 1034],
      // Linear page 0x400 is at another place now; then CR3 is loaded.
      [4, EventType.flushPage, 1, 0],
      [7, EventType.loadRoot, 0, 0],
      [9, EventType.pace, 515, 516],
    ]);
  });

  it("is read the same, cut anywhere", () => {
    const whole = readLog(tvplugin, [known], undefined, physical);
    for (let cut = 0; cut <= known.length; cut++) {
      const chunks = [known.subarray(0, cut), known.subarray(cut)];
      expect(readLog(tvplugin, chunks, undefined, physical)).toEqual(whole);
    }
  });

  it("keeps global what an upper half maps", () => {
    // Linear page 0xffffffff80000, in seven bits a byte.
    const upper = [PAGE, 1, 0x80, 0x80, 0xe0, 0xff, 0xff, 0xff, 0xff, 0x07, 9, 1 | (1 << 3), 0];
    const { events } = readLog(tvplugin, [fileOf(upper)], undefined, strict);
    const [word] = events.filter(([, type]) => type === EventType.translation);
    expect(word?.[3]).toBe((9 << TRANSLATION_PAGE_SHIFT) | 0b10111);
  });

  it("plays under PML as what was written, flushes and all", async () => {
    const log = join(directory, "known.tvq");
    writeFileSync(log, known);
    const trace = join(directory, "known.tvtrace");
    const imported = await importLog(log, trace);
    expect(imported).toMatchObject({ accesses: 1550, addresses: "machine", pages: 8 });
    const summary = await runScenario(trace, { set: { "tracker.technique": "pml" } });
    expect(summary.failures).toEqual([]);
    expect(summary.truth).toMatchObject({ pagesWritten: 9, pagesTouched: 9 });
    expect(summary.reported.pagesWritten).toBe(9);
    // Each page once, and 0x20 again behind the load of CR3.
    expect(summary.walks).toBe(10);
  });
});

describe("a file of the plugin that is not sound", () => {
  const refused = (file: Buffer, options: Parameters<typeof readLog>[3] = strict) => {
    try {
      readLog(tvplugin, [file], undefined, options);
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return String(error).replace("UserError: ", "");
    }
    return undefined;
  };

  it("is refused whichever byte of it is another one, and wherever it is cut off", () => {
    for (let at = 0; at < known.length; at++) {
      const bytes = Buffer.from(known);
      bytes[at]! ^= 0x10;
      expect(refused(bytes, physical), `byte ${at}`).toMatch(/^(damaged at block|is of version)/);
      expect(refused(known.subarray(0, at), physical), `${at} bytes`).toMatch(/^damaged at block/);
    }
  });

  it("gives what comes before the damage when that is asked for", () => {
    const cut = known.subarray(0, known.length - 1);
    expect(refused(cut)).toBe(
      "damaged at block 2: the file ends within a block; --lenient takes what is before",
    );
    const { runs, understood } = readLog(tvplugin, [cut], undefined, { lenient: true });
    expect(runs).toHaveLength(KNOWN_RUNS.length);
    expect(understood).toMatchObject({ unknownLines: 1 });
  });

  it.each([
    ["its end is missing", known.subarray(0, known.length - 100)],
    ["something follows its end", Buffer.concat([known, encodeFrame(NOTE, 3, Buffer.alloc(0))])],
    ["its end does not agree with what comes before", fileOf(oneWrite, { totals: [2, 1] })],
    ["an access is to a page that it does not name", fileOf([1 | (2 << 3), 0])],
    ["a record is cut off", fileOf([1])],
    ["a record is none", fileOf([3])],
    ["an event is of no known type", fileOf([2 | (6 << 2)])],
    ["a number is none", fileOf([TIME, 0x80])],
    // Behind the 16 MiB that the guest has.
    ["a page is out of range", fileOf([PAGE, 1, 7, 0x80, 0x20])],
  ])("because %s", (reason, file) => {
    expect(refused(file)).toContain(reason);
  });

  it("is refused if the plugin has found itself wrong", () => {
    const stale = fileOf(oneWrite, { totals: [1, 1, 5, 0, 0, 0, 0, 0, 0, 3] });
    expect(refused(stale)).toBe("3 accesses were noted with a page that they were not to");
  });

  it("is refused with several vCPUs, unless its guest-physical pages alone are taken", () => {
    const two = fileOf(oneWrite, { vcpus: 2 });
    expect(refused(two)).toBe(
      "is of 2 vCPUs, each with a TLB of its own; take guest-physical pages alone: --gpa",
    );
    expect(readLog(tvplugin, [two], undefined, physical).runs).toEqual([
      { page: 9, kind: WRITE, length: 1 },
    ]);
    expect(KNOWN_RUNS.some(({ kind }) => kind === READ)).toBe(true);
  });
});
