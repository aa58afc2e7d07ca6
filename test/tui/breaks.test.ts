/** Breakpoints on numbers, their list, the search of the help, the clipboard, and steps asked for on the way. */
import { describe, expect, it, vi } from "vitest";
import { Session } from "../../src/session/session.ts";
import { harvestsOf } from "../../src/system/verdict/harvestVerdict.ts";
import { clipboardSequence } from "../../src/tui/terminal.ts";
import { SMALL, startRobot } from "./fakeTerminal.ts";

describe("a breakpoint on a number", () => {
  const stopped = (text: string, messages = 20_000): Session => {
    const session = Session.start(SMALL, ".");
    session.addBreakpoint(text);
    session.advance(messages);
    return session;
  };

  it("stops at the first message at which the condition has become true", () => {
    const session = stopped("when harvests >= 2");
    const { position } = session;
    const harvests = () => harvestsOf(session.system).reduce((sum, one) => sum + one.harvests, 0);
    expect(harvests()).toBeGreaterThanOrEqual(2);
    session.seek(position - 1);
    expect(harvests()).toBeLessThan(2);
  });

  it("is said with blanks or hyphens, of all vCPUs or of one, and shows its value", () => {
    const session = stopped("when log full > 3");
    expect(session.breakpointFrames()).toEqual([
      { text: "when log-full > 3", on: true, value: "4" },
    ]);
    const one = stopped("when vcpu1:log-entries>=10");
    expect(one.breakpoints).toEqual(["when vcpu1:log-entries >= 10"]);
    expect(Number(one.breakpointFrames()[0]?.value)).toBeGreaterThanOrEqual(10);
  });

  it("is found again backwards, and not while it is off", () => {
    const session = stopped("when harvests >= 2");
    const { position } = session;
    session.removeBreakpoints();
    session.advance(200);
    session.addBreakpoint("when harvests >= 2");
    session.setBreakpoint(0, false);
    expect(session.runBack()).toBeNull();
    session.setBreakpoint(0, true);
    expect(session.runBack()).toBe("when harvests >= 2");
    expect(session.position).toBe(position);
  });

  it.each([
    ["when pages-lots > 0", 'no number is called "pages-lots"; did you mean "pages-lost"?'],
    ["when pages-lost", 'expected "when NUMBER > 0"'],
    ["when vcpu9:writes > 1", 'no vCPU is called "vcpu9"'],
    ["when vcpu0:pages-lost > 1", 'no number is called "pages-lost"'],
  ])("%s is refused: %s", (text, why) => {
    const session = Session.start(SMALL, ".");
    expect(() => session.addBreakpoint(text)).toThrow(why);
  });

  it("a second one of the same words is refused", () => {
    const session = Session.start(SMALL, ".");
    session.addBreakpoint("when writes > 10");
    expect(() => session.addBreakpoint("when writes  >  10")).toThrow("number 1 already");
  });
});

describe("the list", () => {
  it("chooses one, switches it off: then the run does not stop there", async () => {
    const robot = await startRobot({ commands: ["break message ipi", "break when writes > 500"] });
    await robot.keys("L", "o");
    expect(robot.output.text).toMatch(/ 1 off message ipi/);
    await robot.keys("space");
    await robot.stands();
    expect(robot.output.text).toContain("breakpoint: when writes > 500");
    await robot.keys("down", "down", "d");
    expect(robot.session.breakpoints).toEqual(["message ipi"]);
    await robot.keys(":", "remove-break 4", "enter");
    expect(robot.output.text).toContain("there is no such breakpoint");
    await robot.quit();
  });

  it("has to be in view before one that is chosen there is removed", async () => {
    const robot = await startRobot({ commands: ["break message ipi"] });
    await robot.keys("d");
    expect(robot.session.breakpoints).toEqual(["message ipi"]);
    expect(robot.output.text).toContain("L shows the breakpoints");
    await robot.quit();
  });
});

describe("the help", () => {
  it("begins with the keys of the panel that has the focus", async () => {
    const robot = await startRobot();
    await robot.keys("4", "?");
    const [, , first = "", ...rest] = robot.output.text.split("\n");
    expect(first).toContain("With the focus on pages");
    expect(rest.slice(0, 8).join("\n")).toContain("next-page");
    await robot.keys("escape");
    await robot.quit();
  });

  it("is searched: what is left has what was typed in it", async () => {
    const robot = await startRobot();
    await robot.keys("?", "/", "harvest");
    expect(robot.output.text).toContain("harvest the VM's tracker now");
    expect(robot.output.text).not.toContain("next-page");
    await robot.keys("enter");
    expect(robot.driver.shown().mode).toBe("help");
    expect(robot.output.text).not.toContain("next-page");
    await robot.keys("/", "zzz");
    expect(robot.output.text).toContain("nothing of the help has that in it");
    await robot.keys("escape");
    expect(robot.output.text).toContain("Running, and going back");
    await robot.keys("escape");
    expect(robot.driver.shown().mode).toBe("panels");
    await robot.quit();
  });
});

describe("the clipboard", () => {
  it("gets what a panel shows, without its frame; of an open view what that shows", async () => {
    const robot = await startRobot({ commands: ["seek #300"] });
    await robot.stands();
    await robot.keys("2", "Y");
    expect(robot.output.clipboard).toMatch(/^ *index +full +missed\nPRL vcpu0/m);
    await robot.keys("enter", "Y");
    expect(robot.output.clipboard).toMatch(/^message 300 /);
    expect(robot.output.clipboard).not.toMatch(/[│┌└]/);
    await robot.quit();
  });

  it("gets no more than terminals take, and nothing but base64", () => {
    const sequence = clipboardSequence("ä\x1b".repeat(100_000));
    expect(sequence.length).toBeLessThan(74_000);
    expect(sequence.slice(1, -1)).toMatch(/^\]52;c;[A-Za-z0-9+/=]+$/);
  });
});

describe("steps", () => {
  it("that are asked for on a long way back are made from where it leads", async () => {
    const robot = await startRobot({ commands: ["seek #3000"] });
    await robot.stands();
    // A clock on which everything takes long: each way through the run goes in many slices.
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      now += 50;
      return now;
    });
    try {
      const { position } = robot.session;
      const { driver, session } = robot;
      for (const key of ["b", "b", "n", "b", "b"]) driver.press(key, key);
      expect(driver.shown().run.status).toBe("busy");
      while (driver.shown().run.status === "busy") await new Promise(setImmediate);
      expect(session.position).toBe(position - 3);
      for (const key of ["b", "b"]) driver.press(key, key);
      driver.press("escape", "");
      expect(driver.shown().run.status).toBe("paused");
    } finally {
      clock.mockRestore();
    }
    await robot.quit();
  });
});
