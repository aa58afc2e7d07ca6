/** Every key of the command table, pressed in the real UI: it does what its help says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/tui/commands.ts";
import { type Robot, startRobot } from "./fakeTerminal.ts";

/** What is done before, then the key, then what must hold. */
interface Effect {
  readonly before?: readonly string[];
  readonly seen: (robot: Robot, before: Seen) => void;
}

interface Seen {
  readonly position: number;
  readonly text: string;
}

const START = 400;
const MARKS = { exit: "vmExit", ipi: "ipi", full: "prlLogFilled" } as const;

const at = ({ session }: Robot): number => session.position;
const frame = ({ driver }: Robot) => driver.shown().frame;
const ui = ({ driver }: Robot) => driver.shown().ui;
const says = (text: string | RegExp) => (robot: Robot) => expect(robot.output.text).toMatch(text);
const typing = (text: string) => (robot: Robot) => {
  expect(robot.driver.shown().mode).toBe("palette");
  expect(ui(robot).line.text).toBe(text);
};
const landed = (type: string) => (robot: Robot, before: Seen) => {
  expect(at(robot)).toBeGreaterThan(before.position);
  expect(frame(robot).stream.at(-1)?.type).toBe(type);
};
const interventions = ({ session }: Robot) =>
  session.timeline.interventions.map(({ intervention }) =>
    intervention.kind === "command" ? intervention.message.type : "",
  );
const moved = (by: number) => (robot: Robot) => expect(ui(robot).cursor).toBe(START + by);

/** By command. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  help: { seen: says("Running, and going back") },
  palette: { seen: typing("") },
  run: { seen: (robot, before) => expect(at(robot)).toBeGreaterThan(before.position) },
  step: { seen: (robot) => expect(at(robot)).toBe(START + 1) },
  back: { seen: (robot) => expect(at(robot)).toBe(START - 1) },
  "next-exit": { seen: landed(MARKS.exit) },
  "next-ipi": { seen: landed(MARKS.ipi) },
  "next-full": { seen: landed(MARKS.full) },
  "run-back": {
    before: [":", "break message ipi", "enter"],
    seen: (robot) => {
      expect(at(robot)).toBeLessThan(START);
      expect(frame(robot).stream.at(-1)?.type).toBe("ipi");
    },
  },
  seek: { seen: typing("seek ") },
  rewind: { seen: (robot) => expect(at(robot)).toBe(0) },
  finish: { before: ["b", "b", "b"], seen: (robot) => expect(at(robot)).toBe(START) },
  // What it does with one: counterexample.test.ts.
  broken: { seen: says("this is no counterexample of a check") },
  faster: { before: ["-", "-"], seen: says(" 1000 msg/s") },
  slower: { seen: says("1000 msg/s") },
  break: { seen: typing("break ") },
  "clear-breaks": {
    before: [":", "break message ipi", "enter"],
    seen: (robot) => expect(robot.session.breakpoints).toEqual([]),
  },
  breaks: { before: [":", "break message ipi", "enter"], seen: says(/ 1 on {2}message ipi/) },
  "toggle-break": {
    before: [":", "break message ipi", "enter", "L"],
    seen: says(/ 1 off message ipi/),
  },
  "remove-break": {
    before: [":", "break message ipi", "enter", ":", "break message vmExit", "enter", "L", "down"],
    seen: (robot) => expect(robot.session.breakpoints).toEqual(["message ipi"]),
  },
  copy: {
    before: ["3"],
    seen: ({ output, session }) => {
      const { type } = session.ring.entry(START)!;
      expect(output.clipboard).toMatch(new RegExp(`^${START} .* ${type} `));
    },
  },
  focus: { seen: (robot) => expect(ui(robot).focus).toBe(1) },
  "focus-back": { seen: (robot) => expect(ui(robot).focus).toBe(5) },
  // Alone at its place: the next one that waits for its turn.
  turn: { seen: says("▶ 7 lanes") },
  "turn-back": { before: ["3", "]"], seen: says("▶ 3 stream") },
  cause: {
    seen: (robot) => {
      const { cursor } = ui(robot);
      expect(cursor).toBe(robot.session.ring.causeOf(START));
    },
  },
  effect: {
    before: ["<"],
    seen: (robot) => {
      const { ring } = robot.session;
      expect(ui(robot).cursor).toBe(ring.effectsOf(ring.causeOf(START)!, START)[0]);
    },
  },
  fold: {
    before: ["7", "pageup", "pageup"],
    seen: (robot, before) => {
      expect(before.text).toMatch(/continueGuest x \d/);
      expect(robot.output.text).not.toMatch(/continueGuest x \d/);
    },
  },
  arrange: { seen: says("arranging machine: ") },
  zoom: { seen: (robot) => expect(robot.output.text).not.toContain("2 logs") },
  up: { seen: moved(-1) },
  down: { before: ["up", "up"], seen: moved(-1) },
  "page-up": { seen: moved(-10) },
  "page-down": { before: ["pageup", "pageup"], seen: moved(-10) },
  open: { seen: (robot) => expect(frame(robot).message?.entry.position).toBe(START) },
  chart: { seen: says(/chart of .*behind message 400/s) },
  actors: { seen: says("statechart") },
  filter: { seen: (robot) => expect(robot.driver.shown().mode).toBe("filter") },
  "next-vm": { seen: says("VM 2 of 2") },
  "next-page": { before: ["."], seen: (robot) => expect(ui(robot).page).toBeGreaterThan(0) },
  "previous-page": { before: [".", "."], seen: (robot) => expect(ui(robot).page).toBe(0) },
  page: { seen: typing("page ") },
  magnify: {
    before: ["."],
    // 300 pages, of which a quarter is shown now: on the small screen by 30 cells, on the large one by more cells than pages.
    seen: (robot) => {
      const { pagesPerCell, states } = frame(robot).heat;
      expect(pagesPerCell).toBe(Math.max(1, Math.ceil(300 / 4 / states.length)));
    },
  },
  reduce: { before: ["}"], seen: (robot) => expect(ui(robot).magnified).toBe(0) },
  // Half of the time, whose end is that of the run; then a quarter of that earlier, and back.
  earlier: {
    before: ["9", "}"],
    seen: (robot) => expect(ui(robot).plot).toEqual({ chosen: 0, zoom: 1, back: 1 }),
  },
  later: {
    before: ["9", "}", "(", "("],
    seen: (robot) => expect(ui(robot).plot).toEqual({ chosen: 0, zoom: 1, back: 1 }),
  },
  "last-change": {
    before: ["."],
    seen: (robot) => {
      expect(at(robot)).toBeLessThan(START);
      expect(robot.output.text).toContain("page 0 changed here, by ");
    },
  },
  theme: { seen: says("theme: deuteranopia") },
  // Shown in beside.test.ts; without another run there is nothing to see.
  beside: { seen: says("this run is alone") },
  close: { before: ["?"], seen: (robot) => expect(robot.driver.shown().mode).toBe("panels") },
  "pause-vm": { seen: (robot) => expect(interventions(robot)).toContain("pauseVcpu") },
  "resume-vm": {
    before: ["p", ":", "step 60", "enter"],
    seen: (robot) => expect(interventions(robot)).toContain("unpauseVcpu"),
  },
  tracker: { seen: typing("tracker ") },
  harvest: { seen: (robot) => expect(interventions(robot)).toEqual(["harvestNow"]) },
  writes: { seen: typing("writes ") },
  type: {
    seen: (robot) => {
      expect(robot.driver.shown().mode).toBe("typing");
      expect(ui(robot).panels[ui(robot).focus]).toBe("console");
    },
  },
  start: { seen: typing("start ") },
  abort: {
    before: [
      ":",
      "start migration",
      "enter",
      ":",
      "break actor migration sending",
      "enter",
      "space",
    ],
    seen: (robot) => expect(interventions(robot)).toEqual(["startOperation", "abortOperation"]),
  },
  save: { seen: says("saved: ") },
};

const directory = mkdtempSync(join(tmpdir(), "trackvisor-keys-"));
afterAll(() => rmSync(directory, { recursive: true }));

const keys = COMMANDS.flatMap((command) => command.keys.map((key) => ({ ...command, key })));
/** Pressed in a real terminal (terminal.test.ts): they end the screen, or leave it. */
const ELSEWHERE = ["quit", "suspend"];

describe.each([
  [80, 24],
  [200, 60],
] as const)("at %i x %i", (columns, rows) => {
  it.each(keys.filter(({ name }) => !ELSEWHERE.includes(name)))(
    "$key: $help",
    async ({ name, key }) => {
      const effect = EFFECTS[name];
      expect(effect, `a command without a test: ${name}`).toBeDefined();
      const { before = [], seen } = effect!;
      const robot = await startRobot({
        columns,
        rows,
        commands: [`seek #${START}`],
        savePath: join(directory, `${columns}-${name}.tvlog`),
      });
      await robot.stands();
      await robot.keys("escape");
      for (const one of before) {
        await robot.keys(one);
        await robot.stands();
      }
      const then = { position: at(robot), text: robot.output.text };
      await robot.keys(key);
      await robot.stands();
      seen(robot, then);
      await robot.quit();
    },
  );
});
