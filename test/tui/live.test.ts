/** `--live`: long work as a screen. What is shown follows from what is known; the work is the same with and without it. */
import { afterAll, describe, expect, it, vi } from "vitest";
import { CheckRun } from "../../src/check/checkRun.ts";
import { checkFrame } from "../../src/cli/checkLive.ts";
import { explore, lineWatch } from "../../src/cli/explore.ts";
import { refuseLive } from "../../src/cli/live.ts";
import { experimentSeen, runsFrame, sweepSeen } from "../../src/cli/runsLive.ts";
import { metricNamed } from "../../src/questions/metrics.ts";
import { parseVary } from "../../src/questions/sweep/axis.ts";
import { type PlannedPoint, planSweep } from "../../src/questions/sweep/plan.ts";
import { loaderOf } from "../../src/runs/scenarioFile.ts";
import { widthOf } from "../../src/tui/canvas.ts";
import type { LiveFrame } from "../../src/tui/live/liveFrame.ts";
import { LiveScreen } from "../../src/tui/live/liveScreen.ts";
import { liveLines } from "../../src/tui/live/liveView.ts";
import { ASCII, type Look, UNICODE } from "../../src/tui/themes.ts";
import { Scratch } from "../cli/command.ts";
import { FakeInput, FakeOutput, settled } from "./fakeTerminal.ts";

const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
const TARGET = { model: "pml", set: {}, mutation: "index-wraps" };
const scratch = new Scratch();
afterAll(() => scratch.remove());

/** The cursor is on what is broken. */
function textOf(frame: LiveFrame, [width, height]: readonly [number, number], look = LOOK): string {
  const cursor = Math.max(
    0,
    frame.list.rows.findIndex(({ sign }) => sign === "VIOLATED"),
  );
  const lines = liveLines({ frame, ui: { cursor }, look, notice: "" }, { width, height });
  expect(lines.length).toBeLessThanOrEqual(height - 1);
  for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(width);
  return lines.map((one) => one.map(({ text }) => text).join("")).join("\n");
}

/** A search, and its frames on the way. */
function searched() {
  const run = new CheckRun(TARGET, { clock: () => performance.now() });
  const frames: LiveFrame[] = [];
  let states = 0;
  while (run.exploration.run(() => run.exploration.distinct < states + 50) === "stopped") {
    states = run.exploration.distinct;
    frames.push(checkFrame(run, "exploring", 1));
  }
  while (run.judge(0)) frames.push(checkFrame(run, "judging liveness", 2));
  return { run, frames, last: checkFrame(run, "done", 3) };
}

describe("a search", () => {
  const { run, frames, last } = searched();

  it("says of a property no more than what is known, and at its end what the report says", () => {
    const report = run.report();
    expect(frames.length).toBeGreaterThan(3);
    for (const { list } of frames.slice(0, -1)) {
      expect(list.rows.map(({ text }) => text)).toEqual(
        run.model.properties.map(({ name }) => name),
      );
    }
    const first = checkFrame(new CheckRun(TARGET), "exploring", 0).list.rows;
    expect(first.some(({ note }) => note === "judged when all states are known")).toBe(true);
    expect(first.every(({ sign }) => sign === "open")).toBe(true);
    const signs = { holds: "ok", violated: "VIOLATED", open: "open", vacuous: "VACUOUS" };
    expect(last.list.rows.map(({ sign }) => sign)).toEqual(
      report.properties.map(({ verdict }) => signs[verdict]),
    );
    expect(last.list.rows.some(({ sign, note }) => sign === "VIOLATED" && /\d/.test(note))).toBe(
      true,
    );
    expect(last.opens).toBe("counterexample");
    const { facts, phase } = last;
    expect(phase).toBe("done: violation");
    expect(Object.fromEntries(facts)["states"]).toBe(report.distinct.toLocaleString("en"));
  });

  it("finds the same whether somebody looks or not", async () => {
    const times = { seconds: 0, livenessSeconds: 0 };
    const alone = new CheckRun(TARGET, { clock: () => performance.now() });
    expect(await explore(alone, lineWatch(alone))).toBe(false);
    expect({ ...run.report(), ...times }).toEqual({ ...alone.report(), ...times });
  });

  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
    [40, 12],
    [20, 6],
  ] as const)("is a screen at %i x %i, in ASCII too", (...size) => {
    const text = textOf(last, size);
    expect(text).toMatch(size[0] >= 40 ? /states [\d,]+/ : /./);
    expect(textOf(last, size, { ...LOOK, glyphs: ASCII })).toMatch(/^[\x20-\x7e\n]*$/);
    if (size[1] >= 24) {
      expect(text).toContain("new states by depth");
      expect(text).toContain("VIOLATED");
    }
  });
});

describe("the screen of it", () => {
  const frame = searched().last;

  async function opened() {
    const output = new FakeOutput(80, 24);
    const input = new FakeInput();
    const asked: string[] = [];
    const readable: object = input;
    const screen = new LiveScreen({
      input: readable as NodeJS.ReadStream,
      output,
      look: LOOK,
      takeTerminal: false,
      interrupt: () => asked.push("interrupt"),
    });
    do await settled();
    while (input.listenerCount("readable") === 0);
    const type = async (text: string): Promise<void> => {
      input.type(text);
      await settled();
    };
    return { screen, output, asked, type };
  }

  it("opens the row under the cursor, and says why it does not", async () => {
    const { screen, output, asked, type } = await opened();
    const broken = frame.list.rows.findIndex(({ sign }) => sign === "VIOLATED");
    const left = screen.stay(frame, {
      row: 0,
      refusal: (row) => (row === broken ? "" : `row ${row} is not broken`),
      open: async (row) => {
        asked.push(`row ${row}`);
      },
    });
    await type("\r");
    if (broken > 0) expect(output.text).toContain("row 0 is not broken");
    for (let i = 0; i < broken; i++) await type("j");
    await type("\r");
    expect(asked).toEqual([`row ${broken}`]);
    output.resize(120, 40);
    expect(output.text.split("\n").length).toBeGreaterThan(24);
    // After the aside keys are heard again.
    await settled();
    await type("q");
    await left;
    screen.close();
    expect(output.overflow).toBe(0);
  });

  it("ends the work by Ctrl-C while it goes on, and by nothing else", async () => {
    const { screen, asked, type } = await opened();
    screen.show({ ...frame, isOver: false });
    await type("q");
    expect(asked).toEqual([]);
    await type("\x03");
    expect(asked).toEqual(["interrupt"]);
    screen.close();
  });
});

describe("a sweep", () => {
  const plan = planSweep({
    load: loaderOf("sort-pml"),
    common: [],
    axes: [parseVary("tracker.technique=pml,prl"), parseVary("machine.logEntries=128..512*2")],
    seeds: [1, 2],
    metrics: () => ["overhead", "missed"].map((name) => metricNamed(name)),
  });
  if (!("points" in plan)) throw new Error("the sweep cannot be planned");
  const end = (seen: ReturnType<typeof sweepSeen>, point: PlannedPoint, missed: number): void => {
    for (const seed of [1, 2]) {
      const failures = missed > 5 ? ["lost a page"] : [];
      seen.onRun(point, { seed, measures: { overhead: null, missed }, failures });
    }
  };

  it("has a row for each run that has ended, and a plot of the points that are whole", () => {
    const seen = sweepSeen(plan);
    expect(seen.plot()).toBeNull();
    const [first, second] = plan.points;
    end(seen, first!, 4);
    seen.onRun(second!, { seed: 1, measures: { overhead: null, missed: 9 }, failures: [] });
    expect(seen.ended()).toHaveLength(3);
    // Any of them can be gone through again: as it was, with its seed.
    expect(seen.ended().map(({ order }) => order.scenario.seed)).toEqual([1, 2, 1]);
    expect(seen.ended()[0]!.order.scenario.machine).toEqual(second!.order.scenario.machine);
    expect(seen.plot()).toEqual({
      title: "missed",
      unit: metricNamed("missed").unit,
      x: { name: "machine.logEntries", unit: "", values: [128, 256, 512] },
      series: [
        { name: "pml", values: [4, null, null] },
        { name: "prl", values: [null, null, null] },
      ],
    });
    for (const point of plan.points.slice(1)) end(seen, point, 7);
    expect(seen.ended()[0]!.row).toMatchObject({ sign: "FAILED", note: "lost a page" });
    const progress = { done: 3, total: 12, reused: 1, part: 0.25 };
    const from = performance.now() - 10_000;
    const frame = runsFrame(seen, new Map([["runs", { progress, from }]]), 10, false);
    expect(frame.parts[0]!.left).toBeCloseTo(30, 0);
    const text = textOf(frame, [80, 24]);
    expect(text).toMatch(/3 of 12 runs, 25 %, 3\d s left/);
    expect(text).toContain("missed");
    expect(Object.fromEntries(frame.facts)["runs done"]).toBe("3, 1 from before");
  });
});

describe("an experiment", () => {
  it("has its runs by their names, and how many have ended", () => {
    const seen = experimentSeen("prl-cost");
    expect(seen.plot()).toBeNull();
    const frame = runsFrame(seen, new Map(), 0, false);
    expect(frame.list.rows).toEqual([]);
    textOf(frame, [80, 24]);
    expect(runsFrame(seen, new Map(), 0, true).opens).toBe("");
  });
});

describe("where nobody could see it", () => {
  it("is refused, with what it needs", () => {
    expect(() => refuseLive({ live: true })).toThrow(/^--live: needs a terminal/);
    expect(() => refuseLive({})).not.toThrow();
  });

  it("is refused where the screen is read out", () => {
    vi.stubEnv("INK_SCREEN_READER", "true");
    expect(() => refuseLive({ live: true })).toThrow(/^--live: is a picture/);
    vi.unstubAllEnvs();
  });

  it("is refused before anything is done, and beside what is no single search", async () => {
    const { code, out, err } = await scratch.run([
      "sweep",
      "sort-pml",
      "--vary",
      "seed=1,2",
      "--live",
    ]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^trackvisor: --live: needs a terminal.*\n$/);
    const other = await scratch.run(["check", "pml", "--live", "--all"]);
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/cannot be used with option '--all'/);
  });
});
