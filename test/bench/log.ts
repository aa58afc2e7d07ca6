/**
 * The message log: what recording costs, how fast a log is replayed, and how long a jump or a step back
 * takes. The run is as heavy in messages as a run can be: write protection, a VM exit for each access.
 */

import { sourceOf } from "../../src/io/byteSource.ts";
import { LogBuffer } from "../../src/replay/logFile.ts";
import { Player } from "../../src/replay/player.ts";
import { LogReader } from "../../src/replay/reader.ts";
import { originOf, rebuild } from "../../src/replay/rebuild.ts";
import { Recorder } from "../../src/replay/recorder.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { buildSystem } from "../../src/system/build.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { Random } from "../../workloads/random.ts";
import { type Benchmark, median, type Result, ROUNDS, secondsOf } from "./harness.ts";

/** Six messages for each page: about a million. */
const PAGES = 170_000;
const SEEKS = 60;

function heavyScenario(pages: number): Scenario {
  return scenarioSchema.parse({
    name: "an exit for each access",
    vms: [{ paging: "off", workload: { kind: "sequential", pages, passes: 1, writeFraction: 1 } }],
    tracker: { technique: "writeProtect" },
  });
}

/** A run as people make them: guests that run between exits, and messages every few microseconds. */
function usualScenario(): Scenario {
  const workload = { kind: "uniform", pages: 20_000, writeFraction: 0.5, accesses: 400_000 };
  return scenarioSchema.parse({
    name: "three VMs, two CPUs",
    machine: { cpus: 2, timeslice: "1ms", quantum: "20us" },
    vms: [{ workload }, { workload }, { workload }],
    tracker: { technique: "pml" },
    operation: { kind: "measure", harvest: "10ms" },
  });
}

/** Seconds of a run; with its log, if it is recorded. */
function run(scenario: Scenario, recorded: boolean): { seconds: number; log: Buffer } {
  const system = buildSystem(scenario);
  const sink = new LogBuffer();
  const recorder = recorded ? new Recorder(system, originOf(scenario, "."), sink) : null;
  const seconds = secondsOf(() => {
    system.run();
    recorder?.finish();
  });
  return { seconds, log: sink.bytes };
}

function replaySeconds(log: Buffer): { seconds: number; messages: number } {
  const reader = new LogReader(sourceOf("bench", log));
  const player = new Player(reader, rebuild("bench", reader.header));
  const seconds = secondsOf(() => {
    let result = player.step();
    while (result === true) result = player.step();
    if (result !== false) throw new Error(`replay differs after ${result.position} messages`);
  });
  return { seconds, messages: player.position };
}

/** Time with a log over time without one, the median of some rounds. */
function overhead(scenario: Scenario): number {
  run(scenario, true);
  const ratios = Array.from({ length: ROUNDS }, () => {
    return run(scenario, true).seconds / run(scenario, false).seconds;
  });
  return median(ratios);
}

/** Milliseconds, each. */
function jumps(timeline: Timeline, end: number): { seeks: number[]; steps: number[] } {
  const random = new Random(1);
  const seeks: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < SEEKS; i++) {
    const target = 1 + random.below(end);
    seeks.push(1000 * secondsOf(() => timeline.seek(target)));
    for (let back = 0; back < 3; back++) steps.push(1000 * secondsOf(() => timeline.stepBack()));
  }
  return { seeks, steps };
}

export const log: Benchmark = {
  name: "log",
  async run(): Promise<readonly Result[]> {
    const heavy = overhead(heavyScenario(PAGES >> 2));
    const usual = overhead(usualScenario());
    const scenario = heavyScenario(PAGES);
    const { log: bytes } = run(scenario, true);
    const { seconds, messages } = replaySeconds(bytes);
    const timeline = new Timeline(buildSystem(scenario));
    const end = timeline.run();
    const { seeks, steps } = jumps(timeline, end);
    const { snapshots, bytes: kept } = timeline.memory;
    return [
      {
        what: "recording a run of exits alone: time with / without",
        value: heavy,
        unit: "x",
        bar: { atMost: 1.15 },
      },
      {
        what: "recording three VMs under PML: time with / without",
        value: usual,
        unit: "x",
        bar: { atMost: 1.15 },
      },
      {
        what: "bytes of a message in a log",
        value: bytes.length / messages,
        unit: "bytes",
        bar: { atMost: 24 },
      },
      {
        what: "replay with comparison",
        value: messages / seconds / 1e6,
        unit: "M messages/s",
        bar: { atLeast: 0.2 },
      },
      {
        what: `seek in ${messages.toLocaleString("en-US")} messages, median`,
        value: median(seeks),
        unit: "ms",
      },
      { what: "seek, longest", value: Math.max(...seeks), unit: "ms", bar: { atMost: 100 } },
      { what: "step back, median", value: median(steps), unit: "ms" },
      { what: "step back, longest", value: Math.max(...steps), unit: "ms", bar: { atMost: 20 } },
      { what: `memory of ${snapshots} snapshots`, value: kept / 2 ** 20, unit: "MiB" },
    ];
  },
};
