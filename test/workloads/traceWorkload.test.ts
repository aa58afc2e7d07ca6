import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { TraceWorkload, traceSchema } from "../../workloads/generators/trace.ts";
import { importLog } from "../../workloads/trace/import.ts";
import { createRelocation } from "../../workloads/trace/relocate.ts";
import { scanTrace } from "../../workloads/trace/scan.ts";
import { make, take } from "./helpers.ts";
import { encodeTrace, type Run, scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const REGION = 2 ** 18;

function save(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

const runs: readonly Run[] = [
  { page: 0x1fff000, kind: 1, length: 3 },
  { page: 0x4016, kind: 2, length: 1 },
  { page: 0x1fff000, kind: 0, length: 2 },
  { page: 0x4017, kind: 3, length: 1 },
  { page: 0x1fff001, kind: 0, length: 1 },
];

describe("playing a trace", () => {
  const file = save("t.tvtrace", encodeTrace(runs, 2));
  const trace = { kind: "trace", file };

  it("compact: numbers pages by their first use", () => {
    const workload = make(trace);
    expect(workload.pages).toBe(4);
    const accesses = take(workload, 100, 1);
    expect(accesses.map(({ page }) => page)).toEqual([0, 0, 0, 1, 0, 0, 2, 3]);
    expect(accesses.map(({ kind }) => kind)).toEqual([1, 1, 1, 2, 0, 0, 3, 0]);
  });

  it("regions: keeps the inside of each region", () => {
    const workload = make({ ...trace, placement: "regions" });
    expect(workload.pages).toBe(2 * REGION);
    const inFirst = 0x1fff000 % REGION;
    const stack = [inFirst, inFirst, inFirst];
    const places = [...stack, REGION + 0x4016, inFirst, inFirst, REGION + 0x4017, inFirst + 1];
    expect(take(workload, 100).map(({ page }) => page)).toEqual(places);
  });

  it("again and again, as often as asked", () => {
    const once = take(make(trace), 100);
    expect(take(make({ ...trace, passes: 3 }), 100)).toEqual([...once, ...once, ...once]);
    expect(take(make({ ...trace, passes: "endless" }), 20)).toHaveLength(20);
    expect(take(make({ ...trace, accesses: 5 }), 20)).toEqual(once.slice(0, 5));
  });

  it("that is damaged plays up to the damage, and says so", () => {
    const bytes = encodeTrace(runs, 2);
    bytes[bytes.length - 100]! ^= 1;
    const config = traceSchema.parse({ kind: "trace", file: save("damaged.tvtrace", bytes) });
    const workload = new TraceWorkload("guest", config, 1, ".");
    expect(take(workload, 100)).toEqual(take(make(trace), 7));
    expect(workload.warning).toMatch(/damaged at block 3, byte \d+: .*; used the 7 accesses/);
  });

  it("that cannot be played is the user's mistake", () => {
    const cut = encodeTrace(runs).subarray(0, 40);
    for (const path of [
      save("cut.tvtrace", cut),
      save("empty.tvtrace", encodeTrace([])),
      save("text.tvtrace", Buffer.from("hello, this is no trace")),
      join(directory, "missing"),
      directory,
      "shipped:nothing",
      "shipped:../traces/sort",
    ]) {
      expect(() => make({ kind: "trace", file: path }), path).toThrow(UserError);
    }
  });

  it("that changes while it is played stops it", () => {
    const changing = save("changing.tvtrace", encodeTrace(runs, 2));
    const workload = make({ kind: "trace", file: changing });
    take(workload, 2);
    const other = runs.map((run) => ({ ...run, page: run.page + 1 }));
    save("changing.tvtrace", encodeTrace(other, 2));
    expect(() => take(workload, 6)).toThrow(UserError);
  });
});

describe("relocation", () => {
  it("numbers as a Map does, whatever the pages", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 52 - 1 }), { maxLength: 3000 }),
        (pages) => {
          const numbers = createRelocation("compact");
          const map = new Map<number, number>();
          for (const page of [...pages, ...pages]) {
            if (!map.has(page)) map.set(page, map.size);
            expect(numbers.linearPage(page)).toBe(map.get(page));
          }
          expect(numbers.pages).toBe(map.size);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("refuses what does not fit in linear space", () => {
    const regions = createRelocation("regions");
    for (let i = 0; i < 4096; i++) regions.linearPage(i * 3 * REGION);
    expect(regions.linearPage(2 ** 18 * 3 + 7)).toBe(REGION + 7);
    expect(() => regions.linearPage(1 * REGION)).toThrow(UserError);
  });

  it("refuses pages that lie as far apart as no program's, before they take much memory", () => {
    const compact = createRelocation("compact");
    const scatter = () => {
      for (let high = 0; high < 2 ** 20; high++) {
        compact.linearPage(high * 2 ** 32 + (Math.imul(high, 0x9e3779b1) >>> 0));
      }
    };
    expect(scatter).toThrow(UserError);
    expect(compact.pages).toBe(2 ** 16);
  });

  it("takes a million pages in a row without crawling", () => {
    const compact = createRelocation("compact");
    for (let page = 0; page < 1_000_000; page++) compact.linearPage(page * 3);
    expect(compact.pages).toBe(1_000_000);
  });
});

describe("the shipped trace", () => {
  it("is sound and is what its README says", () => {
    const scan = scanTrace("workloads/traces/sort.tvtrace", "compact");
    const readme = readFileSync("workloads/traces/README.md", "utf8");
    expect(scan.damage).toBeUndefined();
    expect(scan.command).toBe("sort lines.txt");
    expect(readme).toContain(scan.accesses.toLocaleString("en-US"));
    expect(readme).toContain(`${scan.pages} pages`);
    expect(make({ kind: "trace", file: "shipped:sort" }).pages).toBe(scan.pages);
  });
});

const valgrind = spawnSync("valgrind", ["--version"]).status === 0;

describe.skipIf(!valgrind)("a real program, recorded here (skipped if valgrind is missing)", () => {
  it("has the pages that a simple count finds", async () => {
    const log = join(directory, "ls.log");
    const arguments_ = ["--tool=lackey", "--trace-mem=yes", `--log-file=${log}`, "ls", "/"];
    expect(spawnSync("valgrind", arguments_).status).toBe(0);
    const pages = new Set<bigint>();
    let accesses = 0;
    for (const line of readFileSync(log, "latin1").split("\n")) {
      const match = /^[I ][ LSM] ([0-9a-f]+),(\d+)$/.exec(line);
      if (match === null) continue;
      const first = BigInt(`0x${match[1]}`) / 4096n;
      const last = (BigInt(`0x${match[1]}`) + BigInt(match[2]!) - 1n) / 4096n;
      for (let page = first; page <= last; page++) pages.add(page);
      accesses += Number(last - first) + 1;
    }
    const result = await importLog(log, join(directory, "ls.tvtrace"));
    expect(result).toMatchObject({ accesses, pages: pages.size, command: "ls /" });
    expect(make({ kind: "trace", file: join(directory, "ls.tvtrace") }).pages).toBe(pages.size);
  });
});
