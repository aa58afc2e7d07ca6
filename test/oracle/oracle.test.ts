/**
 * Traces as an independent program counts them (oracle.c, the rules of docs/counting.md): the emulator's TLB, walks,
 * logs, cycles and pages are the same in all values. Skipped where there is no C compiler.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, Scratch } from "../../src/io/scratch.ts";
import { runToEnd } from "../../src/runs/runOrder.ts";
import { traceScenario } from "../../src/runs/scenarioFile.ts";
import { importLog } from "../../workloads/trace/import.ts";
import { IS_ALL, IS_LONG, shareOf } from "../share.ts";

const SOURCES = ["oracle.c", "trace.c", "trace.h"];
const traces = join(import.meta.dirname, "..", "..", "workloads", "traces");
const shipped = readdirSync(traces).filter((name) => name.endsWith(".tvtrace"));
const TRACKERS = [
  ...["none", "writeProtect", "presentBit", "accessedDirtyScan", "pml", "prl", "dirtyRing"],
];
const PAGINGS = ["longMode", "off"];
const CASES = TRACKERS.flatMap((tracker) => PAGINGS.map((paging) => [tracker, paging] as const));
/** Of a program: a seventh, by its place among them, so that all have each; where there is time, all. */
function casesOf(program: number): typeof CASES {
  if (!IS_LONG) return CASES.slice(8);
  return CASES.filter((_, i) => IS_ALL || i % 7 === program % 7);
}

/** Whether C is compiled here: a compiler alone has no library. */
const COMPILES =
  spawnSync("gcc", ["-fsyntax-only", "-include", "stdio.h", "-x", "c", "/dev/null"]).status === 0;

const sourceOf = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");

/** Compiles the oracle, with one rule changed if that is asked for. */
function compile(scratch: Scratch, name: string, from = "", to = ""): string {
  for (const source of SOURCES) {
    const text = sourceOf(source);
    scratch.write(source, source === "oracle.c" ? text.replace(from, to) : text);
  }
  const program = join(scratch.directory, name);
  const files = SOURCES.slice(0, 2).map((source) => join(scratch.directory, source));
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, ...files]);
  return program;
}

interface Counts {
  readonly [name: string]: number | null | Counts;
}

function answer(program: string, tracker: string, paging: string, file: string): Counts {
  return JSON.parse(execFileSync(program, [tracker, paging, file], { encoding: "utf8" }));
}

function emulated(tracker: string, paging: string, file: string): Counts {
  const overrides = [
    { path: ["tracker", "technique"], value: tracker, origin: "test" },
    { path: ["vms", 0, "paging"], value: paging, origin: "test" },
  ];
  const { scenario, directory } = traceScenario(
    file,
    { name: "oracle", origin: "test" },
    overrides,
  );
  return JSON.parse(JSON.stringify(runToEnd({ scenario, directory }).summary));
}

/** Names of the oracle's counts that are different in the run's summary. */
function different(oracle: Counts, other: Counts, path = ""): string[] {
  return Object.entries(oracle).flatMap(([name, value]) => {
    const own = other[name];
    if (typeof value !== "object" || value === null) return own === value ? [] : [path + name];
    const nested = typeof own === "object" && own !== null ? own : {};
    return different(value, nested, `${path}${name}.`);
  });
}

describe("the oracle", () => {
  it("shares nothing with the emulator: it includes the C library and itself", () => {
    const includes = SOURCES.flatMap((name) => [...sourceOf(name).matchAll(/#include (.*)/g)]);
    const files = new Set(includes.map(([, file]) => file));
    expect([...files].sort()).toEqual(
      ['"trace.h"', "<stdint.h>", "<stdio.h>", "<stdlib.h>", "<string.h>"].sort(),
    );
    const others = readdirSync(import.meta.dirname).filter((name) => !SOURCES.includes(name));
    expect(others).toEqual(["oracle.test.ts"]);
  });

  it("refers to each rule of docs/counting.md", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/counting.md"), "utf8");
    const rules = [...page.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
    expect(rules).toEqual(rules.map((_, i) => i + 1));
    const text = sourceOf("oracle.c");
    const named = (rule: number): boolean =>
      [...text.matchAll(/\[(\d+)\](?: to \[(\d+)\])?/g)].some(
        ([, from, to]) => rule >= Number(from) && rule <= Number(to ?? from),
      );
    expect(rules.filter((rule) => !named(rule))).toEqual([]);
  });
});

/** A rule changed in the oracle, and a run of the shipped trace that shows it. */
const FAULTS: readonly (readonly [
  what: string,
  from: string,
  to: string,
  tracker: string,
  paging: string,
])[] = [
  [
    "the way that is replaced: always the first",
    "l->next[set] = (l->next[set] + 1) % l->ways; /* [3] */",
    "",
    "none",
    "off",
  ],
  [
    "the set: the page's upper bits",
    "page % l->sets * l->ways",
    "page / 8 % l->sets * l->ways",
    "none",
    "off",
  ],
  [
    "a hit of the second level does not fill the first",
    "fill(&l1, page, l2.rights[slot]); /* [2] */",
    "",
    "none",
    "off",
  ],
  [
    "an entry with too few rights takes a turn",
    "int slot = find(l, page); /* [4] */",
    "int slot = -1;",
    "writeProtect",
    "longMode",
  ],
  [
    "a violation empties the page's ways",
    "if (slot >= 0) l->rights[slot] = 0; /* [5] */",
    "if (slot >= 0) l->valid[slot] = 0;",
    "writeProtect",
    "longMode",
  ],
  [
    "upper levels begin accessed",
    "upper[level] = calloc((room >> 9 * (level - 1)) + 1, 1);",
    "upper[level] = malloc((room >> 9 * (level - 1)) + 1), memset(upper[level], A, (room >> 9 * (level - 1)) + 1);",
    "pml",
    "off",
  ],
  [
    "arming PML clears A, too",
    "if (tracker == PML) leaf[page] &= ~D;",
    "if (tracker == PML) leaf[page] &= ~(A | D);",
    "pml",
    "off",
  ],
  [
    "arming the scan leaves A",
    "if (tracker == SCAN) leaf[page] &= ~(A | D);",
    "if (tracker == SCAN) leaf[page] &= ~D;",
    "accessedDirtyScan",
    "off",
  ],
  [
    "a read of a clean page gives the right to write",
    "granted &= ~W; /* [8] */",
    "granted |= 0;",
    "pml",
    "off",
  ],
  [
    "a guest's table is not dirtied by a read",
    "if (is_table && accessed_dirty) need |= W; /* [9] */",
    "",
    "pml",
    "longMode",
  ],
  ["PRL logs the page that finds index 0", "missed++; /* [14] */", "store(page);", "prl", "off"],
  [
    "PRL's window without the time of the entries",
    "HANDLER_ENTRY * (ENTRIES - 1)",
    "HANDLER_ENTRY",
    "prl",
    "longMode",
  ],
];

describe.skipIf(!COMPILES)("the emulator counts what the oracle counts", () => {
  const scratch = new Scratch();
  let oracle = "";
  beforeAll(() => {
    oracle = compile(scratch, "oracle");
  });
  afterAll(() => scratch.remove());

  describe.each(shipped)("of %s", (name) => {
    it.each(CASES)("with %s, paging %s", (tracker, paging) => {
      const file = join(traces, name);
      expect(emulated(tracker, paging, file)).toMatchObject(answer(oracle, tracker, paging, file));
    });
  });

  it.each(FAULTS)("and sees a planted fault: %s", (_, from, to, tracker, paging) => {
    expect(sourceOf("oracle.c").split(from)).toHaveLength(2);
    const wrong = compile(scratch, "wrong", from, to);
    const file = join(traces, "sort.tvtrace");
    const right = answer(oracle, tracker, paging, file);
    expect(different(right, answer(wrong, tracker, paging, file))).not.toEqual([]);
  });
});

/** Programs that a Debian has: half a million to two and a half million accesses each. */
const LINES = Array.from({ length: 400 }, (_, i) => `${(i * 7919) % 3001} ${i}\n`).join("");
const PROGRAMS: readonly (readonly [program: string, ...words: string[]])[] = [
  ["cut", "-c1-3", "lines.txt"],
  ["grep", "-c", "9.*1", "lines.txt"],
  ["gzip", "-c", "lines.txt"],
  ["tar", "cf", "-", "lines.txt", "oracle.c"],
  ["sort", "lines.txt"],
  ["bash", "-c", "for i in 1 2 3 4; do x=$x$i; done; echo $x"],
  ["perl", "-e", "print scalar(1..50)"],
  ["awk", "{ a[$1] = a[$2 - 1] $2 } END { print length(a) }", "lines.txt"],
  ["sed", "-e", "s/1/one/g", "lines.txt"],
  ["ls", "-l", "."],
];

describe.skipIf(!COMPILES || !hasProgram("valgrind"))(
  "and of a program that is recorded now",
  () => {
    const scratch = new Scratch();
    let oracle = "";
    beforeAll(() => {
      oracle = compile(scratch, "oracle");
      scratch.write("lines.txt", LINES);
    });
    afterAll(() => scratch.remove());

    const there = PROGRAMS.filter(([program]) => hasProgram(program));
    const programs = IS_LONG ? shareOf(there, 2, 2) : there.slice(0, 1);
    it.each(programs)("%s", { timeout: 600_000 }, async (...words) => {
      const log = join(scratch.directory, "program.log");
      const valgrind = ["--tool=lackey", "--trace-mem=yes", `--log-file=${log}`, ...words];
      const { code } = await scratch.run("valgrind", valgrind, 500);
      expect(code).toBe(0);
      const trace = join(scratch.directory, "program.tvtrace");
      await importLog(log, trace, undefined, undefined, { force: true });
      for (const [tracker, paging] of casesOf(programs.findIndex(([own]) => own === words[0]))) {
        const counted = answer(oracle, tracker, paging, log);
        expect({ tracker, paging, ...emulated(tracker, paging, trace) }).toMatchObject(counted);
      }
    });
  },
);
