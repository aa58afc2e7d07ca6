/** Two runs side by side: in step forwards, backwards and at breakpoints; each is what it is alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { besideOption, openBeside } from "../../src/cli/tuiBeside.ts";
import { finish } from "../../src/replay/timeline.ts";
import { overlaidPlots } from "../../src/session/overlaidPlots.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import type { SideBySide } from "../../src/session/sideBySide.ts";
import { frameOf, screenRows } from "../../src/tui/batch.ts";
import { LEAST_REQUEST } from "../../src/tui/frameRequest.ts";
import { ASCII, type Look, UNICODE } from "../../src/tui/themes.ts";
import { SMALL, startRobot } from "./fakeTerminal.ts";
import { OTHER, pair } from "./pairOfRuns.ts";

const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
const directory = mkdtempSync(join(tmpdir(), "trackvisor-beside-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** How far both are. */
function places({ position, beside }: SideBySide): [number, number] {
  return [position, beside.position];
}

function expectInStep(both: SideBySide): void {
  const [own, other] = [both, both.beside].map(({ system }) => system.interconnect);
  expect(own!.nextTime).toBeGreaterThanOrEqual(other!.now);
  expect(other!.nextTime).toBeGreaterThanOrEqual(own!.now);
}

describe("both runs", () => {
  it("have done what was due at every step, and are what each is alone", () => {
    const both = pair();
    for (const messages of [1, 1, 1, 40, 300, 1]) {
      const before = places(both);
      both.advance(messages);
      const after = places(both);
      expect(after[0] + after[1] - before[0] - before[1]).toBe(messages);
      expectInStep(both);
    }
    expect(Math.min(...places(both))).toBeGreaterThan(50);
    const alone = [Session.start(SMALL, "."), Session.start(OTHER, ".")];
    [both, both.beside].forEach((run, i) => {
      alone[i]!.advance(run.position);
      expect(run.system.digests()).toEqual(alone[i]!.system.digests());
    });
  });

  it("go back the way they came, and from a time or a message to the same places", () => {
    const both = pair();
    both.advance(200);
    const way: [number, number][] = [];
    for (let i = 0; i < 30; i++) {
      way.push(places(both));
      both.advance(1);
    }
    for (const place of way.toReversed()) {
      finish(both.goingBack(1)!);
      expect(places(both)).toEqual(place);
    }
    const { now } = both.system.interconnect;
    both.advance(100);
    both.seekTime(now);
    expectInStep(both);
    const there = places(both);
    both.seek(0);
    expect(places(both)).toEqual([0, 0]);
    expect(both.goingBack(1)).toBeNull();
    both.seekTime(now);
    expect(places(both)).toEqual(there);
  });

  it("go back where a way is given up, in step", () => {
    const both = pair();
    both.advance(600);
    const way = both.seeking(30);
    way.next();
    way.return();
    expectInStep(both);
  });

  it("go on until both have ended; the frame says who has", () => {
    const both = pair();
    let stop = null;
    while (stop === null) stop = both.advance(1000);
    expect(stop).toBe("end");
    expect([both.ended, both.system.done, both.beside.system.done]).toEqual([true, true, true]);
    const { beside, ended } = frameOf(both);
    expect(ended).toBe(true);
    expect(beside!.runs.map(({ name }) => name)).toEqual(["prl", "pml"]);
    finish(both.goingBack(1)!);
    expect(frameOf(both).ended).toBe(false);
  });
});

describe("a breakpoint", () => {
  it("stops at whichever run comes to it first, and on the way back at the last", () => {
    const both = pair();
    both.addBreakpoint("message vmExit");
    const hits: [string, number, number][] = [];
    for (let i = 0; i < 6; i++) {
      let hit = null;
      while (hit === null) hit = both.advance(16);
      hits.push([hit, ...places(both)]);
      expectInStep(both);
    }
    expect(new Set(hits.map(([text]) => text))).toEqual(
      new Set(["prl: message vmExit", "pml: message vmExit"]),
    );
    for (const [text] of hits.slice(0, -1).toReversed()) {
      expect(both.runBack()).toBe(text);
      expectInStep(both);
    }
    expect(both.runBack()).toBeNull();
    expect(both.breakpointFrames()).toEqual([{ text: "message vmExit", on: true, value: null }]);
  });

  it("is refused where one of the two machines has no such thing", () => {
    const both = pair();
    expect(() => both.addBreakpoint("actor vcpu0/prl full")).toThrow(/beside, pml|no state/);
    expect(both.breakpoints).toEqual([]);
    both.addBreakpoint("when accesses > 100");
    expect(both.breakpointFrames()[0]?.value).toBe("0 | 0");
  });
});

describe("plots", () => {
  it("of both are one, and keep each series' own points", () => {
    const plot = (points: number[], values: (number | null)[]) => ({
      title: "dirty",
      unit: "",
      x: { name: "time", unit: "cycles" as const, values: points },
      series: [{ name: "dirty", values }],
    });
    const [first, ...others] = overlaidPlots(
      [plot([0, 4], [10, 30]), { ...plot([1], [1]), title: "mine" }],
      [plot([2, 4, 8], [1, null, 3]), { ...plot([1], [1]), title: "theirs" }],
      ["a", "b"],
    );
    expect(first!.x.values).toEqual([0, 2, 4, 8]);
    expect(first!.series).toEqual([
      { name: "a", values: [10, 20, 30, null] },
      { name: "b", values: [null, 1, null, 3] },
    ]);
    expect(others.map(({ title, series }) => [title, series[0]!.name])).toEqual([
      ["mine", "a"],
      ["theirs", "b"],
    ]);
  });

  it("of a run have the names of both trackers", () => {
    const both = pair();
    both.advance(4000);
    const { plots } = new Sampler(both).sample({ ...LEAST_REQUEST, plots: true });
    for (const { series } of plots!) {
      expect(series.every(({ name }) => /(prl|pml)$/.test(name))).toBe(true);
    }
    expect(plots!.some(({ series }) => series.length >= 2)).toBe(true);
  });
});

describe("the screen", () => {
  it.each([
    [80, 24],
    [120, 40],
    [200, 60],
  ])("shows both runs and their difference at %i x %i", (columns, rows) => {
    const both = pair();
    both.advance(3000);
    const text = screenRows(both, LOOK, { columns, rows }).join("\n");
    expect(text).toContain("prl | pml");
    const { figures } = frameOf(both).beside!;
    // On the smallest the last one has to be scrolled to.
    for (const { name } of rows > 24 ? figures : figures.slice(0, -1)) expect(text).toContain(name);
    expect(text).toMatch(/VM exits +[\d.]+k? +[\d.]+k? +[-+][\d.]+k?/);
    const ascii = screenRows(both, { ...LOOK, glyphs: ASCII }, { columns, rows }).join("\n");
    expect(ascii).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it("steps, stops and goes back with both; what would change one of them is refused; the log holds the first", async () => {
    const both = pair();
    const savePath = join(directory, "first.tvlog");
    const robot = await startRobot({ session: both, savePath, commands: ["panel beside"] });
    robot.output.resize(44, 16);
    await robot.keys("n", "n", "n");
    expect(robot.output.text).toContain("prl | pml");
    robot.output.resize(80, 24);
    expect(both.position + both.beside.position).toBe(3);
    await robot.keys("b");
    expect(both.position + both.beside.position).toBe(2);
    robot.driver.do("step 20");
    await robot.stands();
    expect(both.position + both.beside.position).toBe(22);
    robot.driver.do("break message vmExit");
    await robot.keys("space");
    await robot.stands();
    expect(robot.output.text).toMatch(/breakpoint: (prl|pml): message vmExit/);
    await robot.keys("p");
    expect(robot.output.text).toContain("two runs side by side are not changed");
    const at = both.position;
    await robot.keys("s");
    expect(robot.output.text).toContain(`saved: the first run (prl) alone, ${at} messages`);
    expect(Session.open(savePath).recorded).toBe(at);
    // Nothing is unsaved: it quits at once.
    await robot.keys("q");
    await robot.ended;
  });

  it("of a run alone has no such panel, and says so", async () => {
    const robot = await startRobot();
    expect(robot.output.text).not.toContain("beside");
    await robot.keys("V");
    expect(robot.output.text).toContain("this run is alone");
    await robot.quit();
  });
});

describe("what stands beside", () => {
  const file = join(directory, "small.yaml");
  writeFileSync(
    file,
    "name: small\nvms: [{ workload: { kind: sequential, pages: 16, writeFraction: 0.5, passes: 2 } }]\ntracker: { technique: pml }\n",
  );
  const names = (text: string) => openBeside(file, [], besideOption(text)).variants;

  it("is named as compare names trackers, or as --set gives fields", () => {
    expect(names("prl-two-logs")).toEqual(["pml", "prl-two-logs"]);
    expect(names("machine.logEntries=64")).toEqual(["as it is", "machine.logEntries=64"]);
  });

  it.each([
    ["prll", /no "prll"; did you mean "prl"/],
    ["machine.logEntrie=64", /machine\.logEntrie: unknown field/],
    ["pml", /--beside pml: the scenario is so already/],
    ["tracker.prl.logs=2", /--beside tracker\.prl\.logs=2/],
  ])("is refused where it is not understood, or would change nothing: %s", (text, why) => {
    expect(() => names(text)).toThrow(why);
  });
});
