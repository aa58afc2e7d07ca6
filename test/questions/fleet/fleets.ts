/** Small fleets for tests: their curves take a second or two to measure. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { RunStore } from "../../../src/runs/runStore.ts";

const directory = mkdtempSync(join(tmpdir(), "trackvisor-fleet-"));
afterAll(() => rmSync(directory, { recursive: true }));

export function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** 4 MiB of which 2 MiB are used, a third of the accesses written. */
export const GUEST = `name: guest
vms:
  - memory: 4MiB
    workload: { kind: hotCold, pages: 512, hotPages: 128, hotProbability: 0.8, writeFraction: 0.3, gap: 4000 }
`;

/** @param fields in place of the usual ones, or beside them; null leaves one out */
export function fleet(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    name: "small",
    curves: {
      seeds: [1, 2],
      length: "60ms",
      interval: "20ms",
      warmUp: "20ms",
      windows: { shortest: "200us", longest: "20ms" },
      memory: [0.5, 0.9],
    },
    kinds: { web: { scenario: "guest.yaml" } },
    trackers: {
      bits: { estimator: { kind: "accessedBits", interval: "20ms" } },
      pml: { estimator: { kind: "pml", interval: "20ms", clean: true } },
    },
    vms: [{ name: "all", count: 10, phases: [{ from: "00:00", kind: "web" }] }],
    hosts: { count: 4, memory: "16MiB", link: "1Gbit/s" },
    ...fields,
  });
}

export const store = new RunStore(null, "test");
