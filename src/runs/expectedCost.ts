/** How long runs take, about: to start long ones first and to say how much is left. No result depends on it. */
import { CYCLES_PER_SECOND } from "../config/units.ts";
import type { Scenario } from "../system/scenarioSchema.ts";

type Vm = Scenario["vms"][number];

/** Programs that stay in a page for a while, and so mostly hit the TLB. */
const PROGRAMS: ReadonlySet<string> = new Set([
  "hpl",
  "externalSort",
  "recordStore",
  "parsec",
  "trace",
  "wasm",
  "linux",
] satisfies Vm["workload"]["kind"][]);
/** Microseconds of an access of such a program, of one that needs a walk, and of one that needs it in two dimensions. */
const HIT = 0.02;
const WALK = 0.05;
const NESTED_WALK = 0.25;
/** For a run without an end in virtual time or accesses. */
const UNKNOWN_SECONDS = 1;

/** Microseconds on a machine of 2020 or so; right to within a factor, which is what an order needs. */
export function expectedCost(scenario: Scenario): number {
  return scenario.vms.reduce((sum, vm) => sum + accessesOf(vm, scenario) * accessCost(vm), 0);
}

function accessesOf({ vcpus, workload }: Vm, { machine, until }: Scenario): number {
  const pace = (workload.gap ?? 0) + machine.costs.processor.access;
  const cycles = until ?? UNKNOWN_SECONDS * CYCLES_PER_SECOND;
  const limit = workload.accesses ?? Number.POSITIVE_INFINITY;
  const inTime = until === undefined && workload.accesses !== undefined ? limit : cycles / pace;
  return vcpus * Math.min(limit, inTime);
}

function accessCost({ paging, workload }: Vm): number {
  if (PROGRAMS.has(workload.kind)) return HIT;
  return paging === "off" ? WALK : NESTED_WALK;
}
