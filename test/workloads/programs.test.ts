/** Models of real programs: their order of accesses, from what the programs do. */
import { describe, expect, it } from "vitest";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import { hplLayout, pivotRow } from "../../workloads/generators/hpl.ts";
import { PARSEC_PROGRAMS } from "../../workloads/generators/parsecPrograms.ts";
import { type Access, make, take } from "./helpers.ts";
import { loggedSolve } from "./loggedLu.ts";

const writes = ({ kind }: Access) => kind !== AccessKind.read;

describe("HPL", () => {
  it.each([
    [150, 32],
    [131, 20],
    [90, 100],
  ])("order %i in blocks of %i: pages in the order of a solver that logs its accesses", (n, nb) => {
    const seed = 5;
    const { pages, residual } = loggedSolve(n, nb, (column) => pivotRow(seed, 0, column, n));
    expect(residual).toBeLessThan(1e-6);
    const { matrixPages } = hplLayout(n, nb);
    const seen: number[] = [];
    const program = make({ kind: "hpl", order: n, blockSize: nb, seed });
    const block = new Int32Array(4096);
    // One more: so that the next solve has begun.
    while (seen.length <= pages.length) {
      program.fill(block);
      for (const word of block) {
        const page = word >>> 2;
        if (page < matrixPages && seen.at(-1) !== page) seen.push(page);
      }
    }
    expect(seen.slice(0, pages.length)).toEqual(pages);
  });

  it("takes the time of its arithmetic and of its moves", () => {
    const n = 800;
    const flops = (2 / 3) * n ** 3;
    const program = make({ kind: "hpl", order: n, blockSize: 64 });
    // A solve ends where the matrix is generated again: its first page is written anew.
    const block = new Int32Array(1 << 16);
    const { matrixPages } = hplLayout(n, 64);
    let accesses = 0;
    let generated = 0;
    let previous = -1;
    while (generated < 2) {
      program.fill(block);
      for (const word of block) {
        if (generated < 2) accesses++;
        const page = word >>> 2;
        const starts = page === 0 && (word & 3) === AccessKind.write && previous !== 0;
        if (starts) generated++;
        previous = page;
      }
    }
    const moved = 64 * matrixPages;
    expect(accesses).toBeGreaterThan(flops / 800);
    expect(accesses).toBeLessThan(1.5 * (flops / 800) + 40 * moved);
  });
});

describe("external sort", () => {
  const config = { dataPages: 40, bufferPages: 10, fanIn: 2, recordBytes: 128 };
  const accesses = take(make({ kind: "externalSort", ...config }), 200_000);
  const input = ({ page }: Access) => page < 40;
  const runs = ({ page }: Access) => page >= 50 && page < 90;
  const merged = ({ page }: Access) => page >= 90 && page < 130;

  it("only reads its input, all of it, in order", () => {
    const own = accesses.filter(input);
    expect(own.some(writes)).toBe(false);
    const order = own.map(({ page }) => page).filter((page, i, all) => page !== all[i - 1]);
    expect(order.slice(0, 40)).toEqual([...Array(40).keys()]);
  });

  it("writes all runs before the first merge, and merges all of them", () => {
    const firstMerge = accesses.findIndex((one) => merged(one) && writes(one));
    const before = accesses.slice(0, firstMerge).filter((one) => runs(one) && writes(one));
    expect(new Set(before.map(({ page }) => page)).size).toBe(40);
    // Four runs two by two: one pass to the second place, another one back to the first.
    const again = accesses.findIndex((one, i) => i > firstMerge && runs(one) && writes(one));
    const pass = accesses.slice(firstMerge, again).filter((one) => merged(one) && writes(one));
    expect(new Set(pass.map(({ page }) => page)).size).toBe(40);
    const next = accesses.findIndex((one, i) => i > again && input(one));
    const second = accesses.slice(again, next).filter((one) => runs(one) && writes(one));
    expect(new Set(second.map(({ page }) => page)).size).toBe(40);
  });
});

describe("record store", () => {
  const base = { kind: "recordStore", accessesPerOperation: 1, heapPages: 1, recordBytes: 1024 };

  it("a read store writes no more than its heap and one page of answers", () => {
    const store = make({ ...base, mode: "read", dataPages: 160 });
    const written = new Set(
      take(store, 50_000)
        .filter(writes)
        .map(({ page }) => page),
    );
    expect(written.size).toBe(2);
  });

  it("a load writes table, log and files, and each record of a file once a flush", () => {
    // heap 0, log 1-4, table 5-8, three files 9-20, merged file 21-32.
    const store = make({ ...base, mode: "write", dataPages: 1, tablePages: 4 });
    const accesses = take(store, 6000);
    const written = new Set(accesses.filter(writes).map(({ page }) => page));
    expect(written).toEqual(new Set(Array(33).keys()));
    const firstFile = accesses.filter(({ page }) => page >= 9 && page < 13).filter(writes);
    const end = accesses.findIndex(({ page, kind }) => page === 13 && kind === AccessKind.write);
    const flushed = accesses.slice(0, end).filter(({ page }) => page >= 9 && page < 13);
    expect(flushed.length).toBe(4 * 64);
    expect(firstFile.length).toBeGreaterThanOrEqual(4 * 64);
  });
});

describe("PARSEC", () => {
  it.each(Object.keys(PARSEC_PROGRAMS))(
    "%s uses its large set, and writes what it may",
    (program) => {
      const { large, readOnly } = PARSEC_PROGRAMS[program as keyof typeof PARSEC_PROGRAMS];
      const workload = make({ kind: "parsec", program });
      const pages = large * 256;
      expect(workload.pages).toBe(pages);
      const touched = new Uint8Array(pages);
      const block = new Int32Array(1 << 16);
      for (let filled = 0; filled < 40 * 64 * pages && filled < 3e7; filled += block.length) {
        workload.fill(block);
        for (const word of block) touched[word >>> 2]! |= (word & 3) === 0 ? 1 : 2;
      }
      const used = touched.filter((kinds) => kinds > 0).length;
      const written = touched.filter((kinds) => kinds > 1).length;
      expect(used).toBeGreaterThan(0.99 * pages);
      expect(written).toBeLessThanOrEqual((1 - readOnly) * pages + 10);
      expect(written).toBeGreaterThan(0);
    },
  );
});
