/** Counterexamples of the checker on the screen: the property, the message that breaks it, the loop. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finish } from "../../src/replay/timeline.ts";
import { OPERATOR_COMMANDS } from "../../src/session/operatorCommands.ts";
import { Session } from "../../src/session/session.ts";
import { frameOf } from "../../src/tui/batch.ts";
import { startRobot } from "./fakeTerminal.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const directory = mkdtempSync(join(tmpdir(), "trackvisor-counterexamples-"));
const file = (fault: string): string => join(directory, `${fault}.tvlog`);
/** One that a message breaks, and one that a loop does. */
const FAULTS = ["index-wraps", "log-full-spins"] as const;

beforeAll(() => {
  for (const fault of FAULTS) {
    const words = ["check", "pml", "--fault", fault, "--log", file(fault)];
    expect(spawnSync(process.execPath, [MAIN, ...words]).status).toBe(1);
  }
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true }));

describe("a property of a step", () => {
  it("is broken by the last message: it is marked, and gone to", async () => {
    const session = Session.open(file("index-wraps"));
    const { recorded, counterexample } = session;
    expect(counterexample).toEqual({
      property: "the log index is in range and each entry is written once",
      at: recorded,
      loop: null,
    });
    const robot = await startRobot({ session, columns: 120 });
    expect(robot.output.text).toContain(`message ${recorded} breaks "the log index`);
    await robot.keys("!");
    expect(session.position).toBe(recorded);
    // Also when nothing else is to be said: there, and nowhere before.
    const broken = `message ${recorded} breaks "the log index`;
    await robot.keys("escape");
    expect(robot.output.text).toContain(broken);
    await robot.keys("b");
    expect(robot.output.text).not.toContain(broken);
    await robot.keys("n");
    expect(robot.output.text).toContain(`breaks at ${recorded}`);
    const marked = robot.output.text.split("\n").filter((line) => line.includes("×"));
    expect(marked).toHaveLength(1);
    expect(marked[0]).toContain(session.ring.entry(recorded)!.type);
    await robot.keys("7");
    expect(robot.output.text).toContain("×");
    await robot.quit();
  });
});

describe("what should come at last", () => {
  it("is broken by a loop: its messages are marked, and the state at its end is that before it", async () => {
    const session = Session.open(file("log-full-spins"));
    const { property, at, loop } = session.counterexample!;
    expect(property).toBe("what the toolstack asks for is done");
    expect(at).toBeNull();
    expect(loop!.last).toBe(session.recorded);
    const states = () => session.system.actors.map(({ value }) => value);
    session.seek(loop!.first - 1);
    const before = states();
    session.seek(loop!.last);
    expect(states()).toEqual(before);
    const robot = await startRobot({ session, columns: 120 });
    await robot.keys("g", "!");
    expect(session.position).toBe(loop!.first);
    expect(robot.output.text).toMatch(
      /repeats? for ever: that breaks "what the toolstack asks for is done"/,
    );
    expect(robot.output.text).toContain("↻");
    await robot.quit();
  });
});

describe("another run", () => {
  it("is none any more, and its log does not say that it is; one that nobody has changed stays one", () => {
    const session = Session.open(file("index-wraps"));
    session.seek(session.recorded);
    const same = join(directory, "same.tvlog");
    finish(session.save(same));
    expect(Session.open(same).counterexample).toEqual(session.counterexample);
    session.seek(8);
    OPERATOR_COMMANDS["pauseVm"]?.(session, 0, "");
    expect(session.counterexample).toBeNull();
    expect(frameOf(session).counterexample).toBeNull();
    const other = join(directory, "other.tvlog");
    finish(session.save(other));
    expect(Session.open(other).counterexample?.at).toBeNull();
  });
});
