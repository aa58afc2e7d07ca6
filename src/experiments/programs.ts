/** The study's macro-benchmarks as workloads, at a scale. */
import type { ScenarioInput } from "./experiment.ts";
import { type Scale, scaled } from "./scale.ts";

type Workload = ScenarioInput["vms"][number]["workload"];

export const PROGRAMS = ["read", "sort", "write", "hpl"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

/** 8 N (N + 1) bytes are 1.8 GB: VEE21's working set of HPL. */
const HPL_ORDER = 15_000;
/** 1 GiB of the 10 GB: what counts is how fast pages are written, not how many there are. */
const DATA_PAGES = 262_144;

/** HPL with a matrix of 1.8 GB. Memory grows with the square of the order. */
export function hplWorkload({ divisor }: Scale): Workload & { kind: "hpl" } {
  return { kind: "hpl", order: Math.round(HPL_ORDER / Math.sqrt(divisor)) };
}

export function programWorkload(name: ProgramName, scale: Scale): Workload {
  const dataPages = scaled(DATA_PAGES, scale);
  switch (name) {
    case "read":
      return { kind: "recordStore", mode: "read", dataPages };
    case "write":
      return { kind: "recordStore", mode: "write", dataPages, tablePages: scaled(32_768, scale) };
    case "sort":
      return { kind: "externalSort", dataPages, bufferPages: scaled(25_600, scale) };
    case "hpl":
      return hplWorkload(scale);
  }
}

export const PROGRAM_ASSUMPTIONS = [
  "read, sort, write and HPL are models made from the programs' structure (docs/workloads.md): one access is a cache line moved, 100 cycles; HPL does 8 flops a cycle; an operation of the record store takes 100 us of other work; sorting takes 1,000 cycles a record and pass. None of it was fitted",
  "one vCPU; the study's macro-benchmarks had four",
];
