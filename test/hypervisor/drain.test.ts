/** Emptying logs: what the processor wrote is what the hypervisor gets, once. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_GEOMETRY, type Geometry } from "../../src/hardware/geometry.ts";
import { HostMemory } from "../../src/hardware/memory.ts";
import { Mmu } from "../../src/hardware/mmu.ts";
import { Field, readField, Vmcs, writeField } from "../../src/hardware/vmcs.ts";
import {
  addOccurrence,
  CumulativeBuffer,
  forEachOccurrence,
} from "../../src/hypervisor/cumulativeBuffer.ts";
import { drainLogs, visitLogs } from "../../src/hypervisor/drain.ts";
import { allotLog, LogPages } from "../../src/hypervisor/logPages.ts";
import { configuredUnits, unitNamed } from "../../src/units/all.ts";
import type { PrlSlotRuleName } from "../../src/units/prl/options.ts";
import { prlCapacity, prlInitialIndex } from "../../src/units/prl/walk.ts";
import { isFull, logDownwards } from "../../src/units/shortIndex.ts";
import type { Unit } from "../../src/units/unit.ts";

interface Bench {
  readonly mmu: Mmu;
  readonly vmcs: Vmcs;
  readonly logs: LogPages;
}

function unit(name: string, slotRule?: PrlSlotRuleName): Unit {
  return unitNamed(configuredUnits({ prl: { slotRule } }), name)!;
}

function bench(logEntries: number): Bench {
  const geometry: Geometry = { ...DEFAULT_GEOMETRY, indexBits: 3, logEntries };
  const memory = new HostMemory(geometry.indexBits);
  const mmu = new Mmu("mmu", memory, geometry);
  const vmcs = new Vmcs("vmcs");
  const logs = new LogPages(memory, geometry, 1);
  allotLog(logs, 0);
  writeField(vmcs, Field.logAddress, logs.frame[0]! << 12, 0);
  writeField(vmcs, Field.logIndex, logEntries - 1, 0);
  mmu.vmcs = vmcs;
  return { mmu, vmcs, logs };
}

function drain({ logs, vmcs }: Bench): number[] {
  const pages: number[] = [];
  // To look at a log, before and after, gives as much and changes nothing.
  const seen: number[] = [];
  const at = { logs, unit: unit("pml"), vcpu: 0, vmcs };
  expect(visitLogs(at, (page) => seen.push(page))).toBe(seen.length);
  const entries = drainLogs(at, (page) => pages.push(page));
  expect(entries).toBe(pages.length);
  expect(seen).toEqual(pages);
  return pages;
}

const page = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("draining a PML log", () => {
  it("gives every page that was logged, the newest first, and leaves the log empty (cases 69, 71)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(page, { maxLength: 200 }),
        fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }),
        (logEntries, pages, drains) => {
          const one = bench(logEntries);
          let logged: number[] = [];
          const check = (): void => {
            expect(drain(one)).toEqual(logged.toReversed());
            expect(readField(one.vmcs, Field.logIndex)).toBe(logEntries - 1);
            // Drained again, nothing is processed.
            expect(drain(one)).toEqual([]);
            expect(readField(one.vmcs, Field.logIndex)).toBe(logEntries - 1);
            logged = [];
          };
          pages.forEach((next, i) => {
            // With the log full the processor exits before it logs.
            if (isFull(one.mmu) || drains[i]) check();
            logDownwards(one.mmu, next);
            logged.push(next);
          });
          check();
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes any index out of range for a full log", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 512 }),
        fc.integer({ min: 0, max: 0xffff }),
        (logEntries, index) => {
          const one = bench(logEntries);
          writeField(one.vmcs, Field.logIndex, index, 0);
          const used = index >= logEntries ? logEntries : logEntries - 1 - index;
          expect(drain(one)).toHaveLength(used);
          expect(readField(one.vmcs, Field.logIndex)).toBe(logEntries - 1);
        },
      ),
    );
  });

  it("finds nothing in a vCPU that has no log", () => {
    const { logs } = bench(4);
    const vmcs = new Vmcs("other");
    const at = { logs, unit: unit("pml"), vcpu: 0, vmcs };
    expect(drainLogs(at, () => expect.fail("a page"))).toBe(0);
  });
});

describe("copying a PRL log", () => {
  const rules = ["decrement-then-store", "store-then-decrement", "store-at-zero"] as const;
  it.each(rules)("gives each logged page with its count, under %s", (rule) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.nat(20), { maxLength: 60 }),
        (logEntries, pages) => {
          const { mmu, vmcs, logs } = bench(logEntries);
          const prl = unit("prl", rule);
          const { log } = prl.processorSide(true);
          writeField(vmcs, Field.logIndex, prlInitialIndex(logEntries));
          for (const next of pages) log.log(mmu, next, 1);
          const buffer = new CumulativeBuffer("c", 64);
          const at = { logs, unit: prl, vcpu: 0, vmcs };
          const entries = visitLogs(at, (one) => addOccurrence(buffer, one));
          const logged = pages.slice(0, prlCapacity(logEntries, rule));
          expect(entries).toBe(logged.length);
          const counts = new Map<number, number>();
          for (const next of logged) counts.set(next, (counts.get(next) ?? 0) + 1);
          const seen = new Map<number, number>();
          forEachOccurrence(buffer, (next, count) => seen.set(next, count));
          expect(seen).toEqual(new Map([...counts].toSorted(([a], [b]) => a - b)));
        },
      ),
    );
  });
});
