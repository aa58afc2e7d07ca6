import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { RunIdentity } from "../../../src/runs/runIdentity.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import { GuestHost } from "../../../workloads/guests/host.ts";
import { type GuestRequest, loadGuest } from "../../../workloads/guests/load.ts";
import { runQuickjs } from "../../../workloads/guests/programs/quickjs.ts";
import { runSqlite } from "../../../workloads/guests/programs/sqlite.ts";
import { runWasi } from "../../../workloads/guests/programs/wasi.ts";
import { recordGuest } from "../../../workloads/guests/record.ts";
import type { Recording } from "../../../workloads/guests/spec.ts";
import { createWorkload, workloadSchema } from "../../../workloads/workloadKinds.ts";
import { scratchDirectory } from "../traceHelpers.ts";
import { assemble } from "./tapHelpers.ts";

const directory = scratchDirectory();
const SORT = join(import.meta.dirname, "..", "..", "..", "workloads", "modules", "sort.wasm");
const SYSTEM = join(import.meta.dirname, "system.wasm");
const MEMORY = 256 * 256;
const SQL = `create table t(a integer primary key, b text);
  with recursive c(i) as (select 1 union all select i + 1 from c where i < 200) insert into t select i, 'n' || (i * 7 % 40) from c;
  select b, count(*) from t group by b order by 2 desc, 1 limit 2; -- and no more
  select random(), datetime('now');`;
const JS = `[..."ffbade"].sort().join("") + " " + Math.random() + " " + new Date().toISOString()`;

type Asked = Partial<GuestRequest>;

function guest(asked: Asked) {
  return loadGuest({ args: [], files: [], memory: MEMORY, seed: 1, ...asked }, directory);
}

function record(asked: Asked): Recording {
  return recordGuest(guest(asked));
}

function said({ console }: Recording): string {
  return Buffer.from(console).toString("utf8");
}

function write(name: string, contents: string | Uint8Array): string {
  writeFileSync(join(directory, name), contents);
  return name;
}

describe("a command for WASI", () => {
  it("is found what it asks for, the same each time", () => {
    write("a.txt", "hello, a.txt");
    write("b.txt", "bb");
    const asked = { module: SYSTEM, args: ["one", "two"], files: ["a.txt", "b.txt"] };
    const recording = record(asked);
    expect(recording.exitCode).toBe(3);
    expect(said(recording)).toMatchInlineSnapshot(`
      "arguments: 3, last two, HOME unset
      the end
      file a.txt of 12 bytes
      file b.txt of 2 bytes
      read 5, then at 5: hello
      read 3: txt
      pread 4: ello
      close 0
      read closed -1: Bad file descriptor
      write -1: Read-only file system
      truncate -1: Read-only file system
      remove -1: Read-only file system
      missing -1: No such file or directory
      input 0
      year 2026
      waited 25 tenths of a second
      random 1781e37c
      "
    `);
    // Another seed, and so another thread.
    const other = record({ ...asked, seed: 2 });
    expect(said(other).replace(/random .*/, "")).toBe(said(recording).replace(/random .*/, ""));
    expect(said(other)).not.toBe(said(recording));
  });

  it("leaves the same trace in two threads", () => {
    const asked = { module: SORT, args: ["500"] };
    const first = record(asked);
    // Four others take its place among those that are kept.
    for (let seed = 2; seed < 7; seed++) record({ ...asked, seed });
    const second = record(asked);
    expect(second).not.toBe(first);
    expect(Buffer.from(second.trace).equals(Buffer.from(first.trace))).toBe(true);
    expect(record(asked)).toBe(second);
  });

  it("ends after so many accesses, if it was asked for the first ones", () => {
    const whole = record({ module: SORT, args: ["500"] });
    const part = record({ module: SORT, args: ["500"], accesses: 20_000 });
    expect(part.accesses).toBe(20_000);
    expect(whole.accesses).toBeGreaterThan(20_000);
  });
});

describe("what cannot be run ends in one line", () => {
  const module = (text: string): Asked => ({ module: write("guest.wasm", assemble(text)) });
  const start = (code: string, more = ""): Asked =>
    module(`(module ${more} (memory (export "memory") 1) (func (export "_start") ${code}))`);
  const WASI = "wasi_snapshot_preview1";
  const cases: readonly (readonly [string, () => Asked, string | RegExp])[] = [
    ["no module", () => ({ module: write("x.wasm", "int main") }), /^x.wasm: byte 0x0: no WebAss/],
    ["an invalid one", () => module(`(module (func (result i32)))`), /type mismatch|is no valid/],
    [
      "an import that nobody offers",
      () => start("call $f", `(import "env" "fork" (func $f))`),
      `guest.wasm: imports the function env.fork, which is not offered: only functions of ${WASI} are, without sockets and signals`,
    ],
    [
      "a socket",
      () => start("", `(import "${WASI}" "sock_send" (func (param i32)))`),
      /imports the function wasi_snapshot_preview1\.sock_send, which is not offered/,
    ],
    [
      "a memory from outside",
      () => module(`(module (import "env" "memory" (memory 1)) (func (export "_start")))`),
      /imports the memory env\.memory, which is not offered/,
    ],
    [
      "a library",
      () => module(`(module (memory 1) (func (export "sort")))`),
      "guest.wasm: exports no _start: it is not a command for WASI preview 1 (it exports sort)",
    ],
    [
      "a trap",
      () => start("(i32.store (i32.const 0) (i32.const 1)) unreachable"),
      "guest.wasm: traps after 1 accesses: unreachable",
    ],
    [
      "an access beyond its memory",
      () => start("(i32.store (i32.const 65536) (i32.const 1))"),
      "guest.wasm: traps after 0 accesses: memory access out of bounds",
    ],
    [
      "a bad address for a system call",
      () =>
        start(
          "(drop (call $f (i32.const -4) (i32.const 8)))",
          `(import "${WASI}" "random_get" (func $f (param i32 i32) (result i32)))`,
        ),
      "guest.wasm: a system call names address 0xfffffffc, beyond its memory",
    ],
    ["recursion without end", () => start("call 0"), /^guest.wasm: traps after 0 accesses: Max/],
    ["no access", () => start("nop"), "guest.wasm: makes no access to memory"],
    [
      "more memory than it may have",
      () => ({ module: SORT, args: ["1000000"], memory: 256 }),
      "sort.wasm: asks for more memory than it may have",
    ],
    [
      "more at its start",
      () => ({ program: "sqlite", script: "select 1", memory: 256 }),
      "sqlite: begins with 21.125 MiB of memory; it may have 1 MiB",
    ],
    [
      "SQL that is wrong",
      () => ({ program: "sqlite", script: "selec 1" }),
      'sqlite: SQL: near "selec": syntax error',
    ],
    [
      "a script that throws",
      () => ({ program: "quickjs", script: "null.x" }),
      /^quickjs: script: TypeError: /,
    ],
    [
      "a program without a script",
      () => ({ program: "sqlite" }),
      "program sqlite: expected its SQL, as script or as scriptFile",
    ],
    ["neither of both", () => ({}), /^a wasm guest is either a module .* or a program/],
    [
      "a missing file",
      () => ({ module: SORT, files: ["none.txt"] }),
      /none\.txt: cannot be read: no such file/,
    ],
    [
      "two files of one name",
      () => ({ module: SORT, files: [write("a", ""), "./a"] }),
      'files: two are called "a"',
    ],
  ];

  it.each(cases)("%s", (_what, asked, problem) => {
    const request = asked();
    let thrown: unknown;
    try {
      record(request);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UserError);
    expect(() => {
      throw thrown;
    }).toThrow(problem);
  });
});

describe("a program", () => {
  it("SQLite runs SQL, the same each time", () => {
    const recording = record({ program: "sqlite", script: SQL });
    expect(said(recording)).toMatchInlineSnapshot(`
      "n0|5
      n1|5
      -5815188002318513296|2026-01-01 00:00:00
      "
    `);
  });

  it("QuickJS runs a script, the same each time", () => {
    expect(said(record({ program: "quickjs", script: JS }))).toMatchInlineSnapshot(`
      "abdeff 0.42742392752041525 2026-01-01T00:00:00.000Z
      "
    `);
  });

  /** A memory begins as zeros: what is none was written, by the program or by its host. And so with each step of it. */
  it.each([
    ["sort", runWasi, { module: SORT, args: ["300"] }],
    ["system", runWasi, { module: SYSTEM, files: ["a.txt"] }],
    ["SQLite", runSqlite, { program: "sqlite", script: SQL }],
    ["QuickJS", runQuickjs, { program: "quickjs", script: JS }],
  ] as const)("%s: each page that a step changes was noted as written", async (_, run, asked) => {
    write("a.txt", "hello, a.txt");
    const written = new Set<number>();
    const all = new Set<number>();
    const missing: number[] = [];
    let before = Buffer.alloc(0);
    let steps = 0;
    const sink = {
      run(page: number, kind: number) {
        if (kind !== 0) written.add(page);
      },
    };
    const stepOver = ({ hasMemory, memory }: GuestHost): void => {
      if (!hasMemory) return;
      steps++;
      const now = Buffer.from(memory.whole);
      for (let at = 0; at < now.length; at += 4096) {
        const [old, page] = [before.subarray(at, at + 4096), now.subarray(at, at + 4096)];
        const isChanged = old.length === 0 ? page.some((byte) => byte !== 0) : !page.equals(old);
        if (isChanged && !written.has(at / 4096)) missing.push(at / 4096);
      }
      for (const page of written) all.add(page);
      written.clear();
      before = now;
    };
    const host = new GuestHost(guest(asked), sink, 1e9, { stepOver });
    try {
      await run(host);
    } catch (error) {
      // It ends by exiting.
      expect(String(error)).toMatch(/exit 3/);
    }
    host.recorder.finish();
    stepOver(host);
    expect(missing).toEqual([]);
    expect(all.size).toBeGreaterThan(3);
    expect(steps).toBeGreaterThan(0);
  });
});

describe("as a workload", () => {
  const scenarioOf = (workload: object) =>
    scenarioSchema.parse({ name: "g", vms: [{ workload: { kind: "wasm", ...workload } }] });

  it("its identity is that of its bytes, script, arguments and seed", () => {
    const identity = new RunIdentity();
    const of = (workload: object) => identity.of({ scenario: scenarioOf(workload), directory });
    write("one.sql", "select 1");
    write("two.sql", "select 2");
    const all = [
      of({ program: "sqlite", script: "select 1" }),
      of({ program: "sqlite", script: "select 2" }),
      of({ program: "quickjs", script: "1" }),
      of({ module: SORT }),
      of({ module: SYSTEM }),
      of({ module: SORT, args: ["5"] }),
      of({ module: SORT, seed: 7 }),
    ];
    expect(new Set(all).size).toBe(all.length);
    const before = of({ program: "sqlite", scriptFile: "one.sql" });
    write("one.sql", "select 3");
    expect(of({ program: "sqlite", scriptFile: "one.sql" })).not.toBe(before);
    write("one.sql", "select 1");
    expect(of({ program: "sqlite", scriptFile: "one.sql" })).toBe(before);
  });

  it("plays its accesses, saved and restored in the middle", () => {
    const config = workloadSchema.parse({ kind: "wasm", module: SORT, args: ["200"] });
    const make = () => createWorkload(config, "w", { directory });
    const whole = new Int32Array(1 << 17);
    const count = make().fill(whole);
    expect(count).toBe(record({ module: SORT, args: ["200"] }).accesses);
    const first = make();
    first.fill(new Int32Array(1000));
    const second = make();
    for (const [name, array] of Object.entries(first.arrays())) {
      second.arrays()[name]!.set(array);
    }
    const rest = new Int32Array(1 << 17);
    expect(second.fill(rest)).toBe(count - 1000);
    expect(rest.subarray(0, count - 1000)).toEqual(whole.subarray(1000, count));
  });
});
