/**
 * The terminal UI: what a frame costs from the sampling to the last byte, the running emulator's loss, and
 * what it takes while nothing moves. The frames are those of a fast run: nearly every line changes.
 */
import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import { Session } from "../../src/session/session.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { Driver } from "../../src/tui/driver.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { startTui } from "../../src/tui/start.tsx";
import { UNICODE } from "../../src/tui/themes.ts";
import { type Benchmark, median, type Result } from "./harness.ts";

const WARM_UP = 60;
const FRAMES = 200;
const MESSAGES_PER_FRAME = 200;
const RUN_MS = 4000;
const IDLE_MS = 2000;
const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40, bar: 8 },
  { columns: 200, rows: 60, bar: 16 },
] as const;

const SCENARIO = scenarioSchema.parse({
  name: "three VMs",
  machine: { cpus: 2, timeslice: "2ms" },
  vms: [
    { name: "uniform", workload: { kind: "uniform", pages: 65536, writeFraction: 0.3 } },
    { name: "zipf", vcpus: 2, workload: { kind: "zipf", pages: 65536, exponent: 0.9 } },
  ],
  tracker: { technique: "prl" },
  until: "60s",
});

class NoTerminal extends EventEmitter {
  columns: number;
  rows: number;
  isTTY = true;

  constructor({ columns, rows }: { readonly columns: number; readonly rows: number }) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(): boolean {
    return true;
  }

  read(): null {
    return null;
  }

  setRawMode(): void {}
  setEncoding(): void {}
  ref(): void {}
  unref(): void {}
}

interface Opened {
  readonly session: Session;
  readonly driver: Driver;
  readonly close: () => Promise<void>;
}

async function open(size: { readonly columns: number; readonly rows: number }): Promise<Opened> {
  const session = Session.start(SCENARIO, ".");
  const input: object = new NoTerminal(size);
  let driver: Driver | undefined;
  const ended = startTui({
    session,
    look: { theme: "default", colours: "256", glyphs: UNICODE },
    keys: keyMap("", {}),
    input: input as NodeJS.ReadStream,
    output: new NoTerminal(size),
    takeTerminal: false,
    onDriver: (one) => {
      driver = one;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const close = async (): Promise<void> => {
    driver!.quit();
    await ended;
  };
  return { session, driver: driver!, close };
}

/** Milliseconds of this process on a CPU: on a busy machine more honest than the clock. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]!;
}

async function frames(size: (typeof SIZES)[number]): Promise<Result[]> {
  const { session, driver, close } = await open(size);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + FRAMES; i++) {
    session.advance(MESSAGES_PER_FRAME);
    const start = cpuMs();
    driver.paint();
    if (i >= WARM_UP) times.push(cpuMs() - start);
  }
  await close();
  const what = `tui: frame at ${size.columns}x${size.rows}`;
  const bar = "bar" in size ? { bar: { atMost: size.bar } } : {};
  return [
    { what: `${what}, median`, value: median(times), unit: "ms of CPU" },
    { what: `${what}, 95 %`, value: percentile(times, 0.95), unit: "ms of CPU", ...bar },
  ];
}

/** The same messages with the screen and without, by turns; CPU time of the loop beside the run. */
async function slowDown(): Promise<Result> {
  const { driver, close } = await open(SIZES[1]);
  driver.toggleRun();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  driver.frameTimes.length = 0;
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, RUN_MS));
  const spent = driver.frameTimes.reduce((sum, time) => sum + time, 0);
  const share = (100 * spent) / (performance.now() - start);
  await close();
  return {
    what: "tui: the run's time that frames take at full speed",
    value: share,
    unit: "%",
    bar: { atMost: 5 },
  };
}

async function idle(): Promise<Result> {
  const { close } = await open(SIZES[1]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = cpuMs();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const share = (100 * (cpuMs() - start)) / IDLE_MS;
  await close();
  return { what: "tui: CPU while paused", value: share, unit: "%", bar: { atMost: 2 } };
}

export const tui: Benchmark = {
  name: "tui",
  async run() {
    const results: Result[] = [];
    for (const size of SIZES) results.push(...(await frames(size)));
    return [...results, await slowDown(), await idle()];
  },
};
