/**
 * A guest of 64 GiB beside one of 1 GiB: a sequential pass under PML through the whole system, and
 * what the emulator keeps for a guest page without contents.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Counter } from "../../src/hardware/counters.ts";
import { buildSystem } from "../../src/system/build.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { System } from "../../src/system/system.ts";
import { type Benchmark, median, type Result, secondsOf } from "./harness.ts";

const SMALL_GIB = 1;
const BIG_GIB = 64;
const PAGES_PER_GIB = 1 << 18;
const ROUNDS = 5;

/** How much slower an access may be in the big guest. */
const SLOWDOWN = 2;
/** EPT leaf 8, ground truth 0.25, two bitmaps 0.25, and tables above. */
const BYTES_PER_PAGE = 9;

export const bigGuest: Benchmark = {
  name: "bigGuest",
  async run(): Promise<readonly Result[]> {
    const perPage = bytesPerPage();
    const small: number[] = [];
    const big: number[] = [];
    passRate(SMALL_GIB);
    for (let round = 0; round < ROUNDS; round++) {
      small.push(passRate(SMALL_GIB));
      big.push(passRate(BIG_GIB));
    }
    const unit = "M accesses/s";
    return [
      { what: "sequential pass, 1 GiB guest", value: median(small) / 1e6, unit },
      { what: "sequential pass, 64 GiB guest", value: median(big) / 1e6, unit },
      {
        what: "time of an access, 64 GiB / 1 GiB",
        value: median(small) / median(big),
        unit: "x",
        bar: { atMost: SLOWDOWN },
      },
      {
        what: "memory for a page, 64 GiB guest",
        value: perPage,
        unit: "bytes",
        bar: { atMost: BYTES_PER_PAGE },
      },
    ];
  },
};

/** One write to each page in order, PML on. */
function build(gib: number): System {
  const pages = gib * PAGES_PER_GIB;
  const scenario = scenarioSchema.parse({
    name: "big guest",
    vms: [{ paging: "off", workload: { kind: "sequential", pages, passes: 1, writeFraction: 1 } }],
    tracker: { technique: "pml" },
  });
  return buildSystem(scenario);
}

/** Accesses per second of a whole run: arming, guest, drains, harvest. */
function passRate(gib: number): number {
  const system = build(gib);
  const seconds = secondsOf(() => system.run());
  const accesses = system.world.vcpus[0]!.counters.values[Counter.accesses]!;
  if (accesses !== gib * PAGES_PER_GIB) throw new Error(`only ${accesses} accesses were performed`);
  return accesses / seconds;
}

/** What a built and finished run of the big guest adds to the process's memory. */
function bytesPerPage(): number {
  passRate(SMALL_GIB);
  const before = usedBytes();
  const system = build(BIG_GIB);
  system.run();
  const after = usedBytes();
  return (after - before) / system.world.vms[0]!.guest.pages;
}

/** Heap and array buffers after a full collection. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
