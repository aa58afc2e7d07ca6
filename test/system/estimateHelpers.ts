/** Small estimations: a scenario as its file would say it, run to the end. */
import { buildSystem } from "../../src/system/build.ts";
import type { EstimateResult } from "../../src/system/operations/estimate/estimateResult.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { System } from "../../src/system/system.ts";

/**
 * A TLB of 12 entries in all, a log of 16: what takes seconds elsewhere takes microseconds here. Exits
 * and PRL's handler are as much faster, or PRL would miss most GPAs.
 */
export const SMALL_MACHINE = {
  logEntries: 16,
  quantum: "20us",
  costs: {
    hypervisor: { ipi: 20, vmExit: 10, vmEntry: 10, prlHandler: 0, prlEntry: 1, remoteReload: 20 },
  },
  tlb: { l1: { sets: 1, ways: 4 }, l2: { sets: 2, ways: 4 } },
} as const;

export interface Small {
  readonly workload: object;
  readonly estimator: object;
  readonly until?: string;
  readonly vm?: object;
  readonly machine?: object;
  readonly operation?: object;
  readonly tracker?: object;
  readonly seed?: number;
}

export function smallScenario(small: Small): Scenario {
  return scenarioSchema.parse({
    name: "small",
    seed: small.seed ?? 1,
    machine: { ...SMALL_MACHINE, ...small.machine },
    vms: [{ name: "vm", paging: "off", workload: small.workload, ...small.vm }],
    tracker: small.tracker ?? {},
    operation: { kind: "estimate", estimator: small.estimator, ...small.operation },
    ...(small.until === undefined ? {} : { until: small.until }),
  });
}

export function resultOf(system: System): EstimateResult {
  return system.result() as EstimateResult;
}

export function estimateSmall(small: Small): {
  readonly system: System;
  readonly result: EstimateResult;
} {
  const system = buildSystem(smallScenario(small));
  system.run();
  if (!system.done) throw new Error("the estimation has not ended");
  return { system, result: resultOf(system) };
}

/** Times of the series in microseconds, for tests that speak of them. */
export const MICROSECOND = 2400;
