/** The memory of a guest's kernel: which pages of a VM a program's accesses become. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArrayParser } from "../../workloads/generators/arrayParser.ts";
import { Script } from "../../workloads/generators/script.ts";
import {
  DemandPaging,
  type KernelConfig,
  kernelSchema,
} from "../../workloads/kernel/demandPaging.ts";
import type { Workload } from "../../workloads/workload.ts";

const QUIET: KernelConfig = kernelSchema.parse({ fault: 100, zeroPage: 1000, tickPages: 0 });

/** All accesses: R and W with the page. */
function played(workload: Workload, blockLength = 64): string[] {
  const block = new Int32Array(blockLength);
  const found: string[] = [];
  for (let count = workload.fill(block); count > 0; count = workload.fill(block)) {
    for (const word of block.subarray(0, count)) found.push(`${"RW"[word & 3]}${word >>> 2}`);
  }
  return found;
}

/** Cycles of other work in all. */
function worked(workload: Workload, blockLength: number): number {
  const block = new Int32Array(blockLength);
  let cycles = 0;
  for (let count = workload.fill(block); count > 0; count = workload.fill(block)) {
    cycles += (workload.lead ?? 0) + count * workload.gap;
  }
  return cycles;
}

function script(accesses: readonly string[], gap = 0): Script {
  return new Script("program", { kind: "script", script: [...accesses], passes: 1, gap }, 1);
}

function array(writeIntensity: number, passes: number, pages = 64): ArrayParser {
  const config = {
    kind: "arrayParser",
    pages,
    writeIntensity,
    passes,
    reallocates: true,
    gap: 7,
  } as const;
  return new ArrayParser("array", config, 3);
}

/** Page 0: the table of up to 512 pages; page 1: zeros; frames from 2 on. */
describe("a page of a program", () => {
  it("is the page of zeros while it is only read", () => {
    expect(played(new DemandPaging(script(["read 5", "read 6", "read 5"]), QUIET))).toEqual([
      "W0",
      "R1",
      "W0",
      "R1",
      "R1",
    ]);
  });

  it("is a zeroed frame from its first write on", () => {
    expect(
      played(new DemandPaging(script(["write 5", "read 5", "read 6", "write 6"]), QUIET)),
    ).toEqual(["W2", "W0", "W2", "R2", "W0", "R1", "W3", "W0", "W3"]);
  });

  it("is another one after the program has freed it: the frames that were freed last", () => {
    const guest = new DemandPaging(array(100, 3, 4), QUIET);
    expect(played(guest)).toEqual([
      ..."W2 W0 W2 W3 W0 W3 W4 W0 W4 W5 W0 W5".split(" "),
      "W0",
      ..."W5 W0 W5 W4 W0 W4 W3 W0 W3 W2 W0 W2".split(" "),
      "W0",
      ..."W2 W0 W2 W3 W0 W3 W4 W0 W4 W5 W0 W5".split(" "),
    ]);
    expect(guest.kernel).toEqual({ faults: 12, zeroedPages: 12 });
  });
});

it("a tick writes the kernel's own pages", () => {
  const config = { ...QUIET, tick: 300, tickPages: 2 };
  // Page 0: the table; 1: zeros; 2 and 3: the kernel's; frames from 4 on.
  const accesses = Array.from({ length: 5 }, () => "read 0");
  expect(played(new DemandPaging(script(accesses, 100), config))).toEqual([
    "W0",
    "R1",
    "R1",
    "W2",
    "W3",
    "R1",
    "R1",
    "R1",
    "W2",
    "W3",
  ]);
});

describe("the dirty set of a program that allocates its memory anew", () => {
  it.each([0, 50, 80, 100])("is its writes' share, at %i %%", (intensity) => {
    const guest = new DemandPaging(array(intensity, 20, 10_000), QUIET, 40_000);
    const written = new Set(played(guest, 4096).filter((access) => access.startsWith("W")));
    const tables = Math.ceil(10_000 / 512);
    // The most that one of the twenty passes wrote: three standard deviations above the mean hold.
    const share = intensity / 100;
    const deviation = Math.sqrt(10_000 * share * (1 - share));
    expect(written.size - tables).toBeGreaterThanOrEqual(10_000 * share);
    expect(written.size - tables).toBeLessThanOrEqual(10_000 * share + 4 * deviation);
  });
});

it("keeps all time, however it is cut into blocks", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(0, 50, 100),
      (length, intensity) => {
        const guest = new DemandPaging(array(intensity, 3), QUIET);
        const cycles = worked(guest, length);
        const { faults, zeroedPages } = guest.kernel;
        expect(cycles).toBe(3 * 64 * 7 + faults * 100 + zeroedPages * 1000);
      },
    ),
    { numRuns: 60 },
  );
});

it("goes on from a saved state as it would have", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 20 }),
      (length, blocks) => {
        const config = kernelSchema.parse({ tick: "1us" });
        const make = () => new DemandPaging(array(50, 4), config, 200);
        const [one, other] = [make(), make()];
        const block = new Int32Array(length);
        for (let i = 0; i < blocks; i++) one.fill(block);
        const to = other.arrays();
        for (const [name, words] of Object.entries(one.arrays())) to[name]?.set(words);
        expect(played(other, length)).toEqual(played(one, length));
        expect(other.kernel).toEqual(one.kernel);
      },
    ),
    { numRuns: 60 },
  );
});

it("tells the program's accesses from its own", () => {
  const guest = new DemandPaging(array(50, 2), QUIET);
  const all = played(guest, 10).length;
  expect(all - guest.kernelAccesses(1)).toBe(2 * 64);
});

it("refuses memory that is too small", () => {
  expect(() => new DemandPaging(array(50, 1), QUIET, 65)).toThrow(
    "its program uses 64 pages and its kernel 2; its memory has 65",
  );
});
