/** A robot at the keyboard of the real screen. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { finish } from "../../src/replay/timeline.ts";
import { Session } from "../../src/session/session.ts";
import { frameOf, screenRows } from "../../src/tui/batch.ts";
import { COMMANDS } from "../../src/tui/commands.ts";
import { UNICODE } from "../../src/tui/themes.ts";
import { type Robot, SMALL, startRobot } from "./fakeTerminal.ts";

function positionOf({ output }: Robot): number {
  return Number(/message ([\d,]+)/.exec(output.text)![1]!.replaceAll(",", ""));
}

describe("the keys", () => {
  it("step, step back, and show the same screen again", async () => {
    const robot = await startRobot();
    await robot.keys("n", "n", "n");
    expect(positionOf(robot)).toBe(3);
    const third = robot.output.text;
    await robot.keys("n", "n", "b", "b");
    expect(robot.output.text).toBe(third);
    await robot.quit();
  });

  it("go to the next log-full event, interrupt and exit", async () => {
    const robot = await startRobot();
    const last = () => robot.driver.shown().frame.stream.at(-1)?.type;
    await robot.keys("f");
    await robot.stands();
    expect(last()).toBe("prlLogFilled");
    await robot.keys("i");
    await robot.stands();
    expect(last()).toBe("ipi");
    await robot.keys("e");
    await robot.stands();
    expect(last()).toBe("vmExit");
    await robot.quit();
  });

  it("several of them in one read are several keys", async () => {
    const robot = await startRobot();
    await robot.keys("nnnb");
    expect(positionOf(robot)).toBe(2);
    await robot.quit();
  });

  it("a pasted line is typed, and its end entered", async () => {
    const robot = await startRobot();
    await robot.keys(":seex\x7fk #2\r");
    await robot.stands();
    expect(positionOf(robot)).toBe(2);
    await robot.quit();
  });

  it("filter the stream by letters in order", async () => {
    const robot = await startRobot({ commands: ["seek #400"] });
    await robot.stands();
    await robot.keys("/", "-f rmrel", "enter");
    const types = robot.driver.shown().frame.stream.map(({ type }) => type);
    expect(types).toContain("remoteReload");
    expect(types).not.toContain("continueGuest");
    await robot.quit();
  });

  it("filter the stream, inverted too, and mark what matches", async () => {
    const robot = await startRobot({ commands: ["seek #400"], colours: "256" });
    await robot.stands();
    await robot.keys("/", "ipi", "enter");
    const types = () => robot.driver.shown().frame.stream.map(({ type }) => type);
    expect(new Set(types())).toEqual(new Set(["ipi"]));
    expect(robot.output.written).toContain("\x1b[7;38;5;221mipi");
    await robot.keys("/", "!continueGuest", "enter");
    expect(types()).not.toContain("continueGuest");
    await robot.keys("/", "(", "enter");
    expect(robot.output.text).toContain("no regular expression");
    await robot.quit();
  });

  it("show a message's cause and effects, and an actor's statechart with its state lit", async () => {
    const robot = await startRobot();
    await robot.keys("f");
    await robot.stands();
    await robot.keys("enter");
    const { message } = robot.driver.shown().frame;
    expect(message?.entry.type).toBe("prlLogFilled");
    expect(message?.effects.map(({ type }) => type)).toEqual(["ipi"]);
    expect(message?.cause?.to).toBe(message?.entry.from);
    await robot.keys("escape", "a", "j", "j");
    expect(robot.driver.shown().frame.actor?.name).toBe("pcpu0/mmu");
    expect(robot.output.text).toMatch(/▶ ┌─ (running|idle) ─/);
    await robot.quit();
  });

  it("stop at breakpoints of each kind, and find them again backwards", async () => {
    const robot = await startRobot();
    await robot.keys(":", "break actor vcpu0 root", "enter", "space");
    await robot.stands();
    expect(robot.output.text).toContain("breakpoint: actor vcpu0 root");
    expect(robot.session.system.actor("vcpu0").value).toBe("root");
    const hit = positionOf(robot);
    await robot.keys("n", "n", "n", "B");
    expect(positionOf(robot)).toBe(hit);
    await robot.keys("X", ":", "break property missed", "enter", "space");
    await robot.stands();
    expect(robot.driver.shown().frame.logs.some(({ missed }) => missed > 0)).toBe(true);
    await robot.keys(":", "break mesage x", "enter");
    expect(robot.output.text).toContain("expected");
    await robot.quit();
  });

  it("refuse in a sentence what cannot be done", async () => {
    const robot = await startRobot();
    await robot.keys("A");
    expect(robot.output.text).toContain("no operation is under way");
    await robot.keys("r");
    expect(robot.output.text).toContain("is not paused");
    await robot.keys(":", "trackr pml", "enter");
    expect(robot.output.text).toContain('did you mean "tracker"');
    for (const percent of ["-1", "101", "1e1", "0x9"]) {
      await robot.keys(":", `writes ${percent}`, "enter");
      expect(robot.output.text).toContain("expected a whole percentage from 0 to 100");
      await robot.keys("escape");
    }
    await robot.quit();
  });

  it("are all in the help, each with what it does", async () => {
    const robot = await startRobot({ columns: 130, rows: 100 });
    await robot.keys("?");
    for (const { name, keys } of COMMANDS) {
      expect(robot.output.text).toContain(` ${[...keys, ""].join(" ").padEnd(12)}${name}`);
    }
    await robot.quit();
  });
});

describe("the operator", () => {
  it("pauses a VM: its vCPUs leave the CPUs, and come back", async () => {
    const robot = await startRobot({ commands: ["step 200"] });
    await robot.stands();
    await robot.keys("p", ":", "step 60", "enter");
    await robot.stands();
    const { waiting } = robot.driver.shown().frame;
    expect(waiting.filter(({ why }) => why === "held").map(({ name }) => name)).toEqual([
      "vcpu0 one",
      "vcpu1 one",
    ]);
    await robot.keys("r", ":", "break actor vcpu0 guest", "enter", "space");
    await robot.stands();
    expect(robot.output.text).toContain("breakpoint: actor vcpu0 guest");
    await robot.quit();
  });

  it("switches the tracker without losing a page", async () => {
    const robot = await startRobot({ commands: ["step 300", "tracker accessedDirtyScan"] });
    await robot.stands();
    await robot.keys("G");
    await robot.stands();
    await robot.keys("space");
    await robot.stands();
    const [vm] = robot.driver.shown().frame.vms;
    expect(vm?.technique).toBe("accessedDirtyScan");
    expect(vm?.reported).toBe(300);
    await robot.quit();
  });

  it("changes how much a VM writes", async () => {
    const robot = await startRobot({ commands: ["step 10", "writes 100"] });
    await robot.stands();
    await robot.keys("space");
    await robot.stands();
    const [one, two] = robot.driver.shown().frame.vms;
    expect(one?.written).toBe(one?.pages);
    expect(two?.written).toBeLessThan(two!.pages);
    await robot.quit();
  });

  it("saves a session, which opens on the same screen", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const robot = await startRobot({ savePath: file, commands: ["step 150", "writes 90"] });
    await robot.stands();
    await robot.keys(":", "step 200", "enter");
    await robot.stands();
    await robot.keys(":", "pause-vcpu 1", "enter", ":", "step 150", "enter");
    await robot.stands();
    await robot.keys("b", "b", "n");
    await robot.keys("s");
    await robot.keys("escape");
    const saved = Session.open(file);
    expect(saved.timeline.interventions).toHaveLength(2);
    const again = await startRobot({ session: saved, commands: [`seek #${saved.recorded}`] });
    await again.stands();
    await again.keys("escape");
    // The header of the one names the end of the log.
    const body = (one: Robot) => one.output.text.split("\n").slice(1).join("\n");
    expect(body(again)).toBe(body(robot));
    expect(positionOf(again)).toBe(499);
    await robot.quit();
    await again.quit();
    rmSync(directory, { recursive: true });
  });

  it("is asked before a log is replaced; no leaves it as it was", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const robot = await startRobot({ savePath: file, commands: ["step 100"] });
    await robot.stands();
    await robot.keys("s");
    const first = readFileSync(file);
    await robot.keys("n", "s");
    expect(robot.output.text).toContain("y replaces, esc keeps what is there");
    await robot.keys("escape");
    expect(readFileSync(file)).toEqual(first);
    await robot.keys("s", "y");
    expect(Session.open(file).recorded).toBe(101);
    await robot.keys(":", `save ${join(directory, "none", "x.tvlog")}`, "enter");
    expect(robot.output.text).toMatch(/cannot be written|no such/);
    expect(readdirSync(directory)).toEqual(["session.tvlog"]);
    await robot.quit();
    rmSync(directory, { recursive: true });
  });

  it("who quits while a log is written gets it whole", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const robot = await startRobot({ savePath: file, commands: ["step 3000"] });
    await robot.stands();
    const { position } = robot.session;
    robot.driver.press("s", "s");
    robot.driver.press("q", "q");
    await robot.ended;
    expect(Session.open(file).recorded).toBe(position);
    expect(readdirSync(directory)).toEqual(["session.tvlog"]);
    rmSync(directory, { recursive: true });
  });

  it("who gives up the writing of a log leaves nothing of it, and what was there before", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const session = Session.start(SMALL, ".");
    session.advance(10);
    finish(session.save(file));
    const before = readFileSync(file);
    session.advance(1000);
    const writing = session.save(file, { force: true });
    writing.next();
    writing.return(0);
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(directory)).toEqual(["session.tvlog"]);
    rmSync(directory, { recursive: true });
  });

  it("is asked before commands that no log holds are lost", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const robot = await startRobot({ savePath: file, commands: ["step 50", "writes 90"] });
    await robot.stands();
    await robot.keys("q");
    expect(robot.output.text).toContain("1 operator command is not saved");
    await robot.keys("escape", "n");
    expect(robot.driver.shown().mode).toBe("panels");
    robot.driver.press("q", "q");
    robot.driver.press("s", "s");
    await robot.ended;
    expect(Session.open(file).timeline.interventions).toHaveLength(1);
    rmSync(directory, { recursive: true });
  });
});

describe("a damaged log", () => {
  it("says so on the screen from the first frame to the last, in text and in JSON", async () => {
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-tui-"));
    const file = join(directory, "session.tvlog");
    const session = Session.start(SMALL, ".");
    session.advance(3000);
    finish(session.save(file));
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length - 100));
    const damaged = Session.open(file);
    const robot = await startRobot({ session: damaged, columns: 120 });
    expect(robot.output.text).toContain("damaged at block");
    await robot.keys("n", "n");
    expect(robot.output.text).toContain("DAMAGED LOG");
    expect(frameOf(damaged).damage).toContain("damaged at block");
    const look = { theme: "default", colours: "plain", glyphs: UNICODE } as const;
    for (const columns of [40, 80, 120]) {
      expect(screenRows(damaged, look, { columns, rows: 24 }).join("\n")).toContain("DAMAGED");
    }
    await robot.quit();
    rmSync(directory, { recursive: true });
  });
});
