/**
 * Logs that were recorded by released versions: they are still read, and still replayed message for
 * message. (States of machines whose definition has changed since are not compared.) UPDATE_GOLDEN=1 records those of the present format anew: after a deliberate change of
 * behaviour, which the reader of the change then sees.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LOG_VERSION } from "../../src/replay/format.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { changedMachines, originOf, rebuild } from "../../src/replay/rebuild.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { readerOf } from "./logs.ts";

const directory = join(import.meta.dirname, "golden");

const twoVms = scenarioSchema.parse({
  name: "two VMs, three vCPUs, two CPUs, PRL",
  machine: { cpus: 2, timeslice: "200us", logEntries: 16, quantum: "50us" },
  vms: [
    { vcpus: 2, workload: { kind: "zipf", pages: 300, exponent: 0.9, accesses: 3000 } },
    { paging: "off", workload: { kind: "uniform", pages: 100, accesses: 3000 } },
  ],
  tracker: { technique: "prl" },
  operation: { kind: "measure", harvest: "300us" },
});

const migration = scenarioSchema.parse({
  name: "a small migration",
  vms: [{ workload: { kind: "uniform", pages: 500, writeFraction: 0.3, gap: 2000 } }],
  tracker: { technique: "pml" },
  operation: { kind: "migrate", start: "1ms", link: { bandwidth: "1Gbit/s" }, settle: "5ms" },
});

const inPieces = scenarioSchema.parse({
  name: "a VM that runs while it is tracked page by page",
  machine: { cpus: 2, logEntries: 8 },
  vms: [{ vcpus: 2, workload: { kind: "uniform", pages: 100, gap: 400, accesses: 1500 } }],
  tracker: { technique: "pml", preemptEvery: 8 },
  operation: { kind: "measure", harvest: "100us", live: true },
});

const recorded = {
  "pml-in-pieces": inPieces,
  "sort-pml": loadScenario("sort-pml").scenario,
  "two-vms-prl": twoVms,
  migration,
};

if (process.env["UPDATE_GOLDEN"] === "1") {
  const present = join(directory, `v${LOG_VERSION}`);
  mkdirSync(present, { recursive: true });
  for (const [name, scenario] of Object.entries(recorded)) {
    const system = buildSystem(scenario);
    const sink = new LogBuffer();
    const recorder = new Recorder(system, originOf(scenario, "."), sink);
    system.run(600);
    system.command("pcpu0/mmu", { type: "kick" });
    system.run();
    recorder.finish();
    writeFileSync(join(present, `${name}.tvlog`), sink.bytes);
  }
}

const logs = readdirSync(directory, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".tvlog"))
  .sort();

it("there are some of each format", () => {
  for (let version = 1; version <= LOG_VERSION; version++) {
    expect(logs.filter((file) => file.startsWith(`v${version}/`)).length).toBeGreaterThanOrEqual(3);
  }
});

it.each(logs)("%s is replayed without a difference", (file) => {
  const log = readerOf(readFileSync(join(directory, file)));
  const system = rebuild(file, log.header);
  const player = new Player(log, system, { except: changedMachines(log.header, system) });
  let result = player.step();
  while (result === true) result = player.step();
  expect(result).toBe(false);
  expect(log.damage).toBeUndefined();
  expect(log.end).toMatchObject({ complete: true, messages: player.position });
});
