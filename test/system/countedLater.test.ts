/** Where a process of the pVM counts what PRL's handler has copied, the log is held up by copying and resetting alone. */
import { expect, it } from "vitest";
import { DEFAULT_HYPERVISOR_COSTS } from "../../src/hypervisor/costs.ts";
import { buildSystem } from "../../src/system/build.ts";
import { resultOf } from "../../src/system/operations/all.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import { assertTimeConserved } from "../../src/system/verdict/timeLedger.ts";

const ENTRIES = 16;
/** Each access misses the TLB. */
const SMALL_TLB = {
  l1: { sets: 1, ways: 1 },
  l1Large: { sets: 1, ways: 1 },
  l2: { sets: 1, ways: 1 },
};

/** @param gap cycles between two accesses */
function run(counting: "handler" | "process", gap: number, more: object = {}) {
  const system = buildSystem(
    scenarioSchema.parse({
      name: "counting",
      machine: {
        logEntries: ENTRIES,
        tlb: SMALL_TLB,
        quantum: "10us",
        costs: { hypervisor: { prlEntry: 1206 } },
      },
      vms: [{ paging: "off", workload: { kind: "sequential", pages: 200, gap, accesses: 20_000 } }],
      tracker: { technique: "prl", prl: { slotRule: "store-at-zero", counting } },
      ...more,
    }),
  );
  system.run();
  assertTimeConserved(system);
  return summarize(system);
}

it("counting after the reset loses no GPA that the handler would lose, and costs the pVM as much", () => {
  const gap = 15_000;
  const [handler, process] = [run("handler", gap), run("process", gap)];
  expect(handler.missedGpas).toBeGreaterThan(0);
  expect(process.missedGpas).toBe(0);
  expect(handler.pvm.processes).toBe(0);
  const { prlCopy, prlCount, prlHandler } = DEFAULT_HYPERVISOR_COSTS;
  expect(process.pvm.processes).toBe(process.pvm.logsServed * ENTRIES * prlCount);
  // An interrupt may find its log served already.
  const work = ({ pvm }: typeof handler): number =>
    (pvm.handler - pvm.handlerRuns * prlHandler + pvm.processes) / pvm.logsServed;
  expect(prlCopy + prlCount).toBe(1206);
  expect(work(process)).toBe(work(handler));
});

it("what is copied faster than it can be counted waits, and is counted all the same", () => {
  const { pvm, logEntries, missedGpas } = run("process", 1000);
  const { prlCount } = DEFAULT_HYPERVISOR_COSTS;
  expect(pvm.processes).toBe(pvm.logsServed * ENTRIES * prlCount);
  expect(logEntries + missedGpas).toBe(20_000);
});

it("a look at a list goes through every GPA that was logged, a look at counters through the counters", () => {
  const looks = (buffer: string): number => {
    const estimator = { kind: "prl", tau: 1, mu: "1ms", omega: "1s", buffer };
    const operation = { kind: "estimate", estimator };
    const summary = run("handler", 3000, { operation, until: "2500us", tracker: {} });
    return resultOf("estimate", summary.operation).pvm.processCycles;
  };
  const { estimatorWake, scanEntry } = DEFAULT_HYPERVISOR_COSTS;
  expect(looks("counters")).toBe(2 * (estimatorWake + 512 * scanEntry));
  const logged = looks("list") - 2 * estimatorWake;
  expect(logged % DEFAULT_HYPERVISOR_COSTS.scanLogged).toBe(0);
  expect(logged).toBeGreaterThan(2 * 512 * scanEntry);
});
