/** The parts of a Linux guest, each by itself: archives, the cache, the console, the stream; and what is refused. */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { TRANSLATION_PAGE_SHIFT, Translation } from "../../../src/hardware/tracedPaging.ts";
import { readKept, writeKept } from "../../../src/io/keptFile.ts";
import { ConsoleText } from "../../../workloads/guests/linux/consoleText.ts";
import { cpioArchive, FileMode } from "../../../workloads/guests/linux/cpio.ts";
import { MachineStream } from "../../../workloads/guests/linux/machineStream.ts";
import { findTranslations } from "../../../workloads/guests/linux/translations.ts";
import { Flush } from "../../../workloads/guests/linux/v86.ts";
import { VirtualClock } from "../../../workloads/guests/linux/virtualClock.ts";
import { CONTROL } from "../../../workloads/guests/tap/machineNotes.ts";
import { EventType } from "../../../workloads/trace/events.ts";
import { scratchDirectory } from "../traceHelpers.ts";

const directory = scratchDirectory();
const ROOT = join(import.meta.dirname, "..", "..", "..");
const PROGRAM = join(ROOT, "dist", "src", "cli", "main.js");

describe("the first file system", () => {
  const entries = [
    { name: "bin", mode: FileMode.directory, bytes: new Uint8Array(0) },
    { name: "bin/x", mode: FileMode.program, bytes: Buffer.from("12345") },
    { name: "bin/y", mode: FileMode.link, bytes: Buffer.from("x") },
  ];
  const archive = cpioArchive(entries);

  it("is an archive of cpio's: heads of 110 characters, all of it aligned to 4 bytes", () => {
    const names: string[] = [];
    for (let at = 0; at < archive.length; ) {
      const field = (i: number): number =>
        Number.parseInt(archive.toString("latin1", at + 6 + 8 * i, at + 14 + 8 * i), 16);
      expect(archive.toString("latin1", at, at + 6)).toBe("070701");
      const [size, length] = [field(6), field(11)];
      names.push(archive.toString("utf8", at + 110, at + 110 + length - 1));
      at = Math.ceil((at + 110 + length) / 4) * 4;
      if (names.at(-1) === "bin/x") expect(archive.toString("utf8", at, at + size)).toBe("12345");
      at = Math.ceil((at + size) / 4) * 4;
    }
    expect(names).toEqual(["bin", "bin/x", "bin/y", "TRAILER!!!"]);
  });

  const hasCpio = spawnSync("cpio", ["--version"]).status === 0;
  it.skipIf(!hasCpio)("is one to the system's cpio, too", () => {
    const listed = execFileSync("cpio", ["-t", "--quiet"], { input: archive, encoding: "utf8" });
    expect(listed.trim().split("\n")).toEqual(["bin", "bin/x", "bin/y"]);
  });
});

describe("what is kept in the cache", () => {
  const path = join(directory, "deep", "kept");
  const about = z.strictObject({ ticks: z.int() });
  const kept = { about: { ticks: 7 }, bytes: Buffer.from("state of a machine") };

  it("comes back, and is not there before", () => {
    expect(readKept(path, about)).toBeUndefined();
    writeKept(path, kept);
    const back = readKept(path, about);
    expect(back?.about).toEqual(kept.about);
    expect(Buffer.from(back?.bytes ?? [])).toEqual(kept.bytes);
  });

  it("is refused in a line if any of its bytes is damaged, or it is of another version", () => {
    writeKept(path, kept);
    const sound = readFileSync(path);
    for (let at = 0; at < sound.length; at++) {
      const damaged = Buffer.from(sound);
      damaged[at] = damaged[at]! ^ 0x40;
      writeFileSync(path, damaged);
      // Some bits of gzip's head and of its last byte say nothing.
      try {
        expect(Buffer.from(readKept(path, about)?.bytes ?? []), `byte ${at}`).toEqual(kept.bytes);
      } catch (error) {
        expect(String(error)).toMatch(/^[^\n]*: (damaged|of another version)[^\n]*$/);
      }
    }
    writeFileSync(path, sound.subarray(0, sound.length - 3));
    expect(() => readKept(path, about)).toThrow(/damaged/);
    writeKept(path, { ...kept, about: { ticks: "many" } });
    expect(() => readKept(path, about)).toThrow(/damaged/);
  });
});

describe("a guest's console", () => {
  const consoleOf = (text: string): ConsoleText => {
    const console = new ConsoleText();
    for (const byte of Buffer.from(text, "latin1")) console.write(byte);
    return console;
  };
  const ask = `${String.fromCharCode(27)}[6n`;

  it("waits at a prompt, with the exit code of the last command, whatever it asks its terminal", () => {
    expect(consoleOf(`# ls\r\nx\r\n[0] # ${ask}`).prompt()).toBe(0);
    expect(consoleOf("[127] # ").prompt()).toBe(127);
    expect(consoleOf("[0] # l").prompt()).toBeUndefined();
    expect(Buffer.from(consoleOf(`a${ask}b\r\n`).bytes).toString()).toBe("ab\n");
  });

  it("says that the kernel has given up, and why", () => {
    const panics = consoleOf("[1.2] Kernel panic - not syncing: No working init found.\n");
    expect(() => panics.prompt()).toThrow(/^its kernel panics: No working init found\.$/);
  });
});

describe("the clock of a machine", () => {
  it("counts instructions beyond 32 bits, and what was waited", () => {
    let counter = 2 ** 32 - 10;
    const clock = new VirtualClock(5);
    clock.attach(() => counter);
    counter = 20;
    expect(clock.ticks()).toBe(35);
    clock.wait(0.001);
    expect([clock.ticks(), clock.idle, clock.elapsed()]).toEqual([135, 100, 1350n]);
  });
});

describe("v86's table of translations", () => {
  it("is found by the way in which v86 looks into it", () => {
    const module = createRequire(import.meta.url).resolve("v86/build/v86.wasm");
    const at = findTranslations(new Uint8Array(readFileSync(module)));
    expect(at % 4).toBe(0);
    expect(at).toBeGreaterThan(1 << 20);
  });

  it("is refused where nobody looks", () => {
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    expect(() => findTranslations(empty)).toThrow(/table of translations/);
  });
});

describe("the stream of a machine", () => {
  const RAM = 0x100000;
  const [READ, WRITE] = [0, 1];
  const { valid, writable, directory: hasDirectory, table: hasTable } = Translation;
  type Record = readonly [linear: number, key: number, value: number];
  const access = (linear: number, page: number, kind: number, count = 1): Record => [
    4 * linear,
    (page << 2) | kind,
    count,
  ];
  /** As v86 stores it: the address, with the linear one taken out by exclusive or. */
  const mapped = (linear: number, page: number, bits = 1): Record => [
    4 * linear,
    CONTROL,
    ((RAM + page * 4096) ^ (linear << 12)) | bits,
  ];
  const unmapped = (linear: number): Record => [4 * linear, CONTROL, 0];
  const loaded = (page: number): Record => [page << 12, (Flush.notGlobal << 2) | CONTROL, 0];

  function streamOf(records: readonly Record[]) {
    const runs: [number, number, number][] = [];
    const events: [number, number, number][] = [];
    const stream = new MachineStream(
      {
        run: (page, kind, length) => runs.push([page, kind, length]),
        event: (type, a, b = 0) => events.push([type, a, b]),
      },
      64 << 12,
    );
    stream.begin(RAM, 20 << 12, 1000, 0);
    stream.take(Int32Array.from(records.flat()), 3 * records.length);
    stream.time(1100, 7);
    return { runs, events: events.filter(([type]) => type <= EventType.flushPage), all: events };
  }

  it("takes what a walk reads for the way to a translation, and what it writes for an access", () => {
    const walk = [access(5, 20, READ), access(5, 21, READ), access(5, 21, WRITE), mapped(5, 2)];
    const { runs, events } = streamOf([...walk, access(5, 2, WRITE, 3)]);
    const word = (2 << TRANSLATION_PAGE_SHIFT) | valid | writable | hasDirectory | hasTable;
    expect(events).toEqual([
      [EventType.loadRoot, 20, 0],
      [EventType.table, 0, 21],
      [EventType.translation, 5, word],
    ]);
    expect(runs).toEqual([
      [2 ** 20 + 21, WRITE, 1],
      [5, WRITE, 3],
    ]);
  });

  it("says a translation once, until it changes", () => {
    const walk = [access(5, 20, READ), access(5, 21, READ), mapped(5, 2)];
    const readOnly = [access(5, 20, READ), access(5, 21, READ), mapped(5, 2, 3)];
    const { events } = streamOf([...walk, loaded(20), ...walk, loaded(20), ...readOnly]);
    expect(events.filter(([type]) => type === EventType.translation)).toHaveLength(2);
    expect(events.filter(([type]) => type === EventType.loadRoot)).toHaveLength(3);
  });

  it("finds the linear page of what was accessed through an earlier translation", () => {
    const { runs } = streamOf([
      mapped(5, 2),
      mapped(6, 3),
      access(6, 3, READ),
      access(6, 2, READ, 4),
    ]);
    expect(runs).toEqual([
      [6, READ, 1],
      [5, READ, 4],
    ]);
  });

  it("does not take the fetch before a walk for a part of it", () => {
    const fetch = access(5, 2, READ, 9);
    const walk = [access(7, 20, READ), access(7, 21, READ), mapped(7, 4)];
    const { runs, events } = streamOf([
      mapped(5, 2),
      [4 * 7, fetch[1], 9],
      ...walk,
      access(7, 4, READ),
    ]);
    expect(runs).toEqual([
      [5, READ, 9],
      [7, READ, 1],
    ]);
    expect(events).toContainEqual([EventType.table, 0, 21]);
  });

  it("has flushes in their places, and the time of what lies between", () => {
    const { all } = streamOf([mapped(5, 2), access(5, 2, READ), unmapped(5), loaded(30)]);
    expect(all).toEqual([
      [EventType.pace, 100, 1],
      [EventType.loadRoot, 20, 0],
      [EventType.translation, 5, (2 << TRANSLATION_PAGE_SHIFT) | valid | writable],
      [EventType.flushPage, 5, 0],
      [EventType.loadRoot, 30, 0],
      [EventType.idle, 7, 0],
    ]);
  });
});

describe("trackvisor says in one line that", { timeout: 60_000 }, () => {
  const cache = join(directory, "cache");
  const run = (...words: string[]) => {
    const env = { ...process.env, XDG_CACHE_HOME: cache };
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], {
      env,
      encoding: "utf8",
    });
    return [status, stderr];
  };
  const scenario = (workload: string): string => {
    const path = join(directory, "linux.yaml");
    writeFileSync(
      path,
      `name: x\nvms: [{ paging: "off", workload: { kind: linux, ${workload} } }]\n`,
    );
    return path;
  };

  it.each([
    [
      "there is no image",
      ["run", "linux-sort"],
      /no Linux to boot yet: trackvisor guest prepare linux/,
    ],
    ["no guest has this name", ["guest", "prepare", "linus"], /did you mean "linux"/],
    ["nothing is to be run", ["trace", "record", "linux"], /expected what it is to run/],
    [
      "a machine has no such memory",
      ["trace", "record", "linux", "--memory", "100MiB", "--", "ls"],
      /--memory: expected a power of two, in MiB/,
    ],
    ["a part is not there", ["guest", "prepare", "linux", "--kernel", "none"], /none: /],
  ] as const)("%s", (_what, words, message) => {
    const [status, stderr] = run(...words);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it.each([
    ["memory: 100MiB, run: ls", /power of two/],
    ["memory: 32MiB, run: ls", /64MiB to 1024MiB/],
    ["memory: 128MiB, live: false", /needs an end/],
    ["run: ls, input: [{ after: 5, text: a }, { after: 4, text: b }]", /input\[1\]: comes before/],
    ["run: ls, files: [none.txt]", /none\.txt: /],
  ])("%s cannot be", (workload, message) => {
    const [status, stderr] = run("run", scenario(workload));
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("the image is damaged, or of another version", () => {
    const path = join(cache, "trackvisor", "guests", "linux", "image");
    writeKept(path, { about: { version: 0 }, bytes: Buffer.from("x") });
    expect(run("run", "linux-sort")[1]).toMatch(
      /of another version of the program: trackvisor guest/,
    );
    const about = { version: 1, lengths: [1, 1, 1, 1], digest: "0", sources: [] };
    writeKept(path, { about, bytes: Buffer.from("abcd") });
    expect(run("run", "linux-sort")[1]).toMatch(/^trackvisor: [^\n]*image: damaged[^\n]*\n$/);
  });
});
