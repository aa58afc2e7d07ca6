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
import { PANELS } from "../../src/tui/panels/all.ts";
import { Runner } from "../../src/tui/runner.ts";
import { startTui } from "../../src/tui/start.tsx";
import { UNICODE } from "../../src/tui/themes.ts";
import { type Benchmark, median, percentile, type Result } from "./harness.ts";

const WARM_UP = 60;
const FRAMES = 200;
const MESSAGES_PER_FRAME = 200;
const IDLE_MS = 2000;
/** Keys of panels that are not in front at the start. */
const OTHER_PANELS = PANELS.flatMap(({ place }, i) =>
  PANELS.findIndex((panel) => panel.place === place) < i ? [String(i + 1)] : [],
);
/** Keys that open each view over the panels, and that begin to arrange them. */
const VIEWS: Readonly<Record<string, string>> = {
  help: "?",
  actors: "a",
  message: "k\r",
  chart: "S",
  "panels moved and resized": "RLLKhh\u001b",
};
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

  #text: string | null = null;
  #awaited: { readonly pattern: RegExp; readonly found: () => void } | null = null;

  write(text: string): boolean {
    if (this.#awaited?.pattern.test(text)) {
      this.#awaited.found();
      this.#awaited = null;
    }
    return true;
  }

  /** When text that matches is written. */
  next(pattern: RegExp): Promise<void> {
    return new Promise((found) => {
      this.#awaited = { pattern, found };
    });
  }

  read(): string | null {
    const text = this.#text;
    this.#text = null;
    return text;
  }

  type(text: string): void {
    this.#text = text;
    this.emit("readable");
  }

  setRawMode(): void {}
  setEncoding(): void {}
  ref(): void {}
  unref(): void {}
}

interface Opened {
  readonly session: Session;
  readonly driver: Driver;
  readonly input: NoTerminal;
  readonly output: NoTerminal;
  readonly close: () => Promise<void>;
}

async function open(size: { readonly columns: number; readonly rows: number }): Promise<Opened> {
  const session = Session.start(SCENARIO, ".");
  const [input, output] = [new NoTerminal(size), new NoTerminal(size)];
  const readable: object = input;
  let driver: Driver | undefined;
  const ended = startTui({
    session,
    look: { theme: "default", colours: "256", glyphs: UNICODE },
    keys: keyMap("", {}),
    input: readable as NodeJS.ReadStream,
    output,
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
  return { session, driver: driver!, input, output, close };
}

/** Milliseconds of this process on a CPU, all its threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const KEY_NAMES: Readonly<Record<string, string>> = { "\r": "enter", "\u001b": "escape" };

/** @param keys what is pressed first @param view what that opens; "" = nothing */
async function frames(size: (typeof SIZES)[number], keys: string, view: string): Promise<Result[]> {
  const { session, driver, close } = await open(size);
  session.advance(MESSAGES_PER_FRAME);
  driver.paint();
  for (const key of keys) driver.press(KEY_NAMES[key] ?? key, key);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + FRAMES; i++) {
    session.advance(MESSAGES_PER_FRAME);
    const start = performance.now();
    driver.paint();
    if (i >= WARM_UP) times.push(performance.now() - start);
  }
  await close();
  const what = `tui: frame at ${size.columns}x${size.rows}${view === "" ? "" : `, ${view}`}`;
  const bar = "bar" in size ? { bar: { atMost: size.bar } } : {};
  return [
    { what: `${what}, median`, value: median(times), unit: "ms" },
    { what: `${what}, 95 %`, value: percentile(times, 0.95), unit: "ms", ...bar },
  ];
}

/** Messages of one turn of the comparison: enough that its first and last frame do not count; and pairs of turns. */
const TURN_MESSAGES = 30_000;
const PAIRS = 6;

/** How long a session takes for its next messages, as a screen drives it and alone. */
async function withScreen({ session, driver }: Opened): Promise<number> {
  const end = session.position + TURN_MESSAGES;
  const start = cpuMs();
  driver.do(`seek #${end}`);
  while (session.position < end) await new Promise((resolve) => setTimeout(resolve, 5));
  return cpuMs() - start;
}

/** In the same slices of time, but nobody looks. */
async function alone({ session }: Opened): Promise<number> {
  const start = cpuMs();
  await new Promise<void>((resolve, reject) => {
    const runner = new Runner(session, {
      progress: () => {},
      stopped: () => resolve(),
      failed: reject,
    });
    runner.go({ kind: "position", position: session.position + TURN_MESSAGES });
  });
  return cpuMs() - start;
}

/**
 * The same messages of the same run, by turns with the screen and without: two sessions that go on side by
 * side, which change places after each turn.
 */
async function slowDown(): Promise<Result[]> {
  const [one, other] = [await open(SIZES[1]), await open(SIZES[1])];
  // Until V8 has compiled what draws: the first frames are several times dearer.
  for (const opened of [one, other]) {
    for (let i = 0; i < WARM_UP; i++) {
      opened.session.advance(TURN_MESSAGES / WARM_UP);
      opened.driver.paint();
    }
  }
  const ratios: number[] = [];
  let [frames, drawing, wall] = [0, 0, 0];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [seen, hidden] = pair % 2 === 0 ? [one, other] : [other, one];
    seen.driver.frameTimes.length = 0;
    // Whoever comes first has the colder caches: by turns, too.
    let plain = pair % 4 < 2 ? await alone(hidden) : 0;
    const start = performance.now();
    const cost = await withScreen(seen);
    wall += performance.now() - start;
    plain ||= await alone(hidden);
    drawing += seen.driver.frameTimes.reduce((sum, time) => sum + time, 0);
    frames += seen.driver.frameTimes.length;
    ratios.push(100 * (cost / plain - 1));
  }
  await one.close();
  await other.close();
  return [
    {
      what: "tui: the part of the time at full speed that frames take",
      value: (100 * drawing) / wall,
      unit: "%",
      bar: { atMost: 5 },
    },
    {
      what: "tui: the run's loss at full speed, median of pairs",
      value: median(ratios),
      unit: "% of CPU",
      note: `${PAIRS} pairs of ${TURN_MESSAGES} messages, ${frames} frames, ${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)} %`,
    },
  ];
}

const KEYS = 40;

/** From a key to the frame that shows what it did, while the run goes at full speed. */
async function keyAnswers(): Promise<Result[]> {
  const { driver, session, input, output, close } = await open(SIZES[1]);
  driver.run.toggle();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const times: number[] = [];
  for (let i = 0; i < KEYS; i++) {
    const start = performance.now();
    // Each moves the focus: the mark in the panel's title is new.
    const shown = output.next(/\u25b6 \d /u);
    input.type("\t");
    await shown;
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 40 + (i % 7) * 9));
  }
  const jump = async (key: string, there: () => boolean): Promise<number> => {
    const start = performance.now();
    const shown = output.next(/esc stops|message 0/);
    input.type(key);
    await shown;
    const answered = performance.now() - start;
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 5));
    return answered;
  };
  const back = await jump("g", () => session.position === 0);
  await close();
  return [
    {
      what: "tui: key to its frame at full speed, 95 %",
      value: percentile(times, 0.95),
      unit: "ms",
      bar: { atMost: 100 },
      note: `${KEYS} keys, median ${median(times).toFixed(1)}, longest ${Math.max(...times).toFixed(1)}`,
    },
    {
      what: "tui: g after a long run, to its first frame",
      value: back,
      unit: "ms",
      bar: { atMost: 100 },
    },
  ];
}

const LONG_RUN = 1_000_000;
/** Where in it the lanes are opened. */
const PARTS = [1, 0.999, 0.5, 0.123] as const;

/** From the key to the lanes of a run of a million messages, at its end and after going back in it. */
async function lanesOfLongRun(): Promise<Result[]> {
  const { session, driver, output, input, close } = await open(SIZES[1]);
  session.advance(LONG_RUN);
  const times: number[] = [];
  for (const part of PARTS) {
    session.seek(Math.floor(part * LONG_RUN));
    driver.press("3", "3");
    driver.paint();
    const shown = output.next(/7 lanes/);
    const start = performance.now();
    input.type("7");
    await shown;
    times.push(performance.now() - start);
  }
  await close();
  return [
    {
      what: "tui: lanes of 1 M messages, from the key to the frame, longest",
      value: Math.max(...times),
      unit: "ms",
      bar: { atMost: 200 },
      note: `at ${PARTS.map((part) => `${100 * part} %`).join(", ")}: ${times.map((time) => time.toFixed(0)).join(", ")}`,
    },
  ];
}

/** Messages before the charts are opened, and between two of them. */
const CHARTS_AFTER = 20_000;
const CHARTS_STEP = 777;

/** From the key to the statechart of each actor, looked at for the first time; and to it with what the actor did lately. */
async function firstCharts(): Promise<Result[]> {
  const { session, driver, output, input, close } = await open(SIZES[1]);
  session.advance(CHARTS_AFTER);
  const answers: number[] = [];
  const whole: number[] = [];
  for (const [number] of session.system.actors.entries()) {
    session.advance(CHARTS_STEP);
    driver.press("a", "a");
    driver.paint();
    // The list keeps its place.
    if (number > 0) driver.press("j", "j");
    driver.paint();
    const start = performance.now();
    const shown = output.next(/chart of/);
    input.type("S");
    await shown;
    answers.push(performance.now() - start);
    while (driver.shown().frame.actor?.way === null)
      await new Promise((next) => setImmediate(next));
    whole.push(performance.now() - start);
    driver.press("escape", "");
  }
  await close();
  return [
    {
      what: "tui: S to the chart of an actor for the first time, longest",
      value: Math.max(...answers),
      unit: "ms",
      bar: { atMost: 100 },
      note: `${answers.length} actors, median ${median(answers).toFixed(0)}; with its last steps at most ${Math.max(...whole).toFixed(0)}`,
    },
  ];
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
    const views = [
      ["", ""] as const,
      ...OTHER_PANELS.map((panel) => [panel, `panel ${panel}`] as const),
      ...Object.entries(VIEWS).map(([view, keys]) => [keys, view] as const),
    ];
    for (const [keys, view] of views) {
      for (const size of SIZES) results.push(...(await frames(size, keys, view)));
    }
    results.push(...(await lanesOfLongRun()), ...(await firstCharts()));
    return [...results, ...(await slowDown()), ...(await keyAnswers()), await idle()];
  },
};

/** What the screen does not do, and why: docs/decisions/0001-screen.md. */
export const tuiByInk: Benchmark = {
  name: "tui-by-ink",
  async run() {
    // React decides when it is loaded whether it checks everything it does.
    process.env["NODE_ENV"] ??= "production";
    const { inkText } = await import("./inkText.tsx");
    return inkText(SCENARIO);
  },
};
