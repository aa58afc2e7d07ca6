/**
 * PRL's log-full handler on a pVM CPU that guests give more work than it can do: it serves its budget in a
 * row, and then leaves the CPU to the pVM's processes for as long as it has taken.
 */
import { expect, it } from "vitest";
import type { PvmCpuContext } from "../../machines/pvmCpu.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { System } from "../../src/system/system.ts";

/** Two guests that miss their TLBs at every access, with logs of seven GPAs and a slow handler. */
function overloaded(handlerBudget: number): System {
  const guest = (name: string) => ({
    name,
    paging: "off" as const,
    workload: { kind: "uniform" as const, pages: 200, accesses: 40_000 },
  });
  return buildSystem(
    scenarioSchema.parse({
      name: "overload",
      machine: {
        cpus: 2,
        handlerBudget,
        logEntries: 8,
        quantum: "1us",
        costs: { hypervisor: { ipi: 100, remoteReload: 100, prlHandler: 4000 } },
        tlb: {
          l1: { sets: 1, ways: 1 },
          l1Large: { sets: 1, ways: 1 },
          l2: { sets: 1, ways: 1 },
        },
      },
      vms: [guest("one"), guest("two")],
      tracker: { technique: "prl", prl: { doubleBuffer: true } },
    }),
  );
}

interface Turn {
  readonly begins: number;
  readonly ends: number;
  /** Its budget was spent, and there was still work. */
  readonly isSpent: boolean;
}

/** The times that the handler had the CPU without a pause, and how often it served at most in one. */
function turnsOf(system: System): { readonly turns: Turn[]; readonly mostInARow: number } {
  const pvm = system.actor("pvm0");
  const turns: Turn[] = [];
  let begins = -1;
  let mostInARow = 0;
  while (system.step()) {
    const { now } = system.interconnect;
    if (pvm.value === "handling" && begins < 0) begins = now;
    if (pvm.value !== "handling" && begins >= 0) {
      turns.push({ begins, ends: now, isSpent: pvm.value === "deferred" });
      begins = -1;
    }
    mostInARow = Math.max(mostInARow, (pvm.live.context as PvmCpuContext).inARow);
  }
  if (begins >= 0) {
    turns.push({ begins, ends: system.interconnect.now, isSpent: false });
  }
  return { turns, mostInARow };
}

it("the handler serves its budget in a row, and processes get as long after it", () => {
  const system = overloaded(3);
  const { turns, mostInARow } = turnsOf(system);
  expect(mostInARow).toBe(3);
  turns.slice(1).forEach((next, i) => {
    const { begins, ends, isSpent } = turns[i]!;
    if (isSpent) expect(next.begins - ends).toBe(ends - begins);
  });
  expect(turns.filter(({ isSpent }) => isSpent).length).toBeGreaterThan(10);
  const handled = turns.reduce((sum, { begins, ends }) => sum + ends - begins, 0);
  expect(handled / system.interconnect.now).toBeLessThan(0.6);
});

it("without a bound the same guests keep the CPU almost to themselves", () => {
  const system = overloaded(1_000_000);
  const { turns } = turnsOf(system);
  const handled = turns.reduce((sum, { begins, ends }) => sum + ends - begins, 0);
  expect(handled / system.interconnect.now).toBeGreaterThan(0.9);
});

it("what is pending while processes run is served after it", () => {
  const system = overloaded(1);
  const pvm = system.actor("pvm0");
  let deferred = 0;
  let wasDeferred = false;
  while (system.step()) {
    if (wasDeferred && pvm.value !== "deferred") expect(pvm.value).toBe("handling");
    wasDeferred = pvm.value === "deferred";
    if (wasDeferred) deferred++;
  }
  expect(deferred).toBeGreaterThan(50);
});
