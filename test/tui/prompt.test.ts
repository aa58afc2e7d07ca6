/** What is typed on the screen: edited as in a shell, completed, remembered, counted. */
import { describe, expect, it } from "vitest";
import { parseBreakpoint } from "../../src/session/breakpoints.ts";
import { Session } from "../../src/session/session.ts";
import { vocabularyOf } from "../../src/session/vocabulary.ts";
import { completed, wordsFor } from "../../src/tui/commandLine.ts";
import { COMMANDS } from "../../src/tui/commands.ts";
import { edited, lineOf } from "../../src/tui/lineEditor.ts";
import { FRESH, noted, recalled } from "../../src/tui/lineHistory.ts";
import { SMALL, startRobot } from "./fakeTerminal.ts";

/** "|" is the cursor. */
function marked(text: string) {
  const at = text.indexOf("|");
  return { text: text.replace("|", ""), at };
}
const shown = ({ text, at }: { text: string; at: number }) =>
  `${text.slice(0, at)}|${text.slice(at)}`;

describe("a line", () => {
  it.each([
    ["left", "ab|", "a|b"],
    ["left", "|ab", "|ab"],
    ["ctrl+b", "ab|", "a|b"],
    ["right", "a|b", "ab|"],
    ["ctrl+f", "ab|", "ab|"],
    ["home", "ab|", "|ab"],
    ["ctrl+a", "a|b", "|ab"],
    ["end", "|ab", "ab|"],
    ["ctrl+e", "a|b", "ab|"],
    ["backspace", "ab|c", "a|c"],
    ["backspace", "|abc", "|abc"],
    ["ctrl+d", "a|bc", "a|c"],
    ["ctrl+d", "abc|", "abc|"],
    ["ctrl+u", "ab|c", "|c"],
    ["ctrl+k", "ab|c", "ab|"],
    ["ctrl+w", "break message ipi|", "break message |"],
    ["ctrl+w", "break message |ipi", "break |ipi"],
    ["ctrl+w", "|ipi", "|ipi"],
    ["x", "a|b", "ax|b"],
    ["ctrl+t", "a|b", "a|b"],
  ])("%s makes %s of it: %s", (key, before, after) => {
    const typed = key.length === 1 ? key : key.startsWith("ctrl+") ? "\u0001" : "";
    expect(shown(edited(marked(before), key, typed))).toBe(after);
  });

  it("takes a paste where the cursor is, and no more than fits", () => {
    expect(shown(edited(marked("a|b"), "paste", "xyz"))).toBe("axyz|b");
    const full = edited(marked("a|b"), "paste", "x".repeat(1000));
    expect(full.text).toHaveLength(200);
    expect(full.text.endsWith("b")).toBe(true);
  });
});

describe("the lines before", () => {
  it("are recalled one by one, and the new one is kept meanwhile", () => {
    let typing = { line: lineOf("one"), histories: FRESH };
    for (const text of ["one", "two", "two", " "]) {
      typing = { ...typing, ...noted("palette", { ...typing, line: lineOf(text) }) };
    }
    typing = { ...typing, line: lineOf("thr") };
    const steps = [1, 1, 1, -1, -1, -1].map((by) => {
      typing = recalled("palette", typing, by);
      return typing.line.text;
    });
    expect(steps).toEqual(["two", "one", "one", "two", "thr", "thr"]);
    expect(recalled("filter", typing, 1).line.text).toBe("thr");
  });
});

describe("completion", () => {
  const { system } = Session.start(SMALL, ".");
  const vocabulary = vocabularyOf(system);
  const complete = (text: string) => shown(completed(marked(text), vocabulary));

  it.each([
    ["se|", "seek |"],
    ["break me|", "break message|"],
    ["break message logF|", "break message logFullExit|"],
    ["break actor toolst|", "break actor toolstack|"],
    ["break actor toolstack cre|", "break actor toolstack created|"],
    ["break property m|", "break property missed|"],
    ["tracker writeP|", "tracker writeProtect|"],
    ["tracker WRITEP|", "tracker writeProtect|"],
    ["theme g|", "theme grey|"],
    ["speed f|", "speed full|"],
    ["pause-vcpu v|", "pause-vcpu vcpu|"],
    ["break message zzz|", "break message zzz|"],
    ["br| x", "break | x"],
  ])("of %s is %s", (text, whole) => {
    expect(complete(text)).toBe(whole);
  });

  it("goes as far as all that is possible is the same, then to the first", () => {
    expect(complete("pause-vcpu vcpu|")).toBe("pause-vcpu vcpu0|");
    expect(wordsFor("break actor vcpu", vocabulary)).toContain("vcpu0");
  });

  it("offers what the command takes", () => {
    for (const kind of wordsFor("break ", vocabulary) ?? []) {
      for (const word of wordsFor(`break ${kind} `, vocabulary) ?? []) {
        if (kind === "page") expect(() => parseBreakpoint(`page ${word}0`, system)).not.toThrow();
        else if (kind === "when") {
          for (const sign of wordsFor(`break when ${word} `, vocabulary) ?? []) {
            expect(() => parseBreakpoint(`when ${word} ${sign} 1`, system)).not.toThrow();
          }
        } else if (kind === "actor") {
          for (const state of wordsFor(`break actor ${word} `, vocabulary) ?? []) {
            expect(() => parseBreakpoint(`actor ${word} ${state}`, system)).not.toThrow();
          }
        } else expect(() => parseBreakpoint(`${kind} ${word}`, system)).not.toThrow();
      }
    }
    const complete = COMMANDS.filter(({ words }) => words !== undefined).map(({ name }) => name);
    expect(complete).toContain("break");
  });

  it.each([
    ["mesage ipi", "message"],
    ["message ipl", "ipi"],
    ["property mised", "missed"],
    ["actor toolstak done", "toolstack"],
  ])("of a wrong name (break %s) is suggested: %s", (text, name) => {
    expect(() => parseBreakpoint(text, system)).toThrow(`did you mean "${name}"?`);
  });
});

describe("on the screen", () => {
  it("a prompt is edited, completed and remembered", async () => {
    const robot = await startRobot();
    const line = () => shown(robot.driver.shown().ui.line);
    await robot.keys(":", "break mesage ipi", "home", "ctrl+k");
    expect(line()).toBe("|");
    await robot.keys("break me", "tab", " ipi", "enter");
    expect(robot.session.breakpoints).toEqual(["message ipi"]);
    await robot.keys(":", "up");
    expect(line()).toBe("break message ipi|");
    await robot.keys("ctrl+w", "vmExit", "enter");
    expect(robot.session.breakpoints).toEqual(["message ipi", "message vmExit"]);
    await robot.keys(":", "up", "up", "down", "down");
    expect(line()).toBe("|");
    await robot.keys("escape");
    await robot.quit();
  });

  it("a filter counts while it is typed, shows what it would, and is dropped by esc", async () => {
    const robot = await startRobot({ commands: ["seek #600"] });
    await robot.stands();
    const frame = () => robot.driver.shown().frame;
    await robot.keys("/", "ipi");
    const { stream, matches, position } = frame();
    const all = Array.from({ length: position }, (_, i) => robot.session.ring.entry(i + 1));
    const found = all.filter((entry) => /ipi/i.test(JSON.stringify(entry))).length;
    expect(matches).toEqual({ found, of: position, all: true });
    expect(found).toBeGreaterThan(0);
    expect(stream.every(({ type }) => /ipi/i.test(type))).toBe(true);
    expect(robot.output.text).toContain(`${found} of ${position}`);
    await robot.keys("(");
    expect(frame().matches).toBeNull();
    await robot.keys("escape");
    expect(frame().matches).toBeNull();
    await robot.keys("/", "ipi", "enter");
    expect(robot.output.text).toContain(`/ipi  ${found} of ${position}`);
    await robot.keys("b");
    expect(frame().matches?.of).toBe(position - 1);
    await robot.quit();
  });

  it("keys do nothing behind a view that hides what they would do", async () => {
    const robot = await startRobot({ commands: ["seek #100"] });
    await robot.stands();
    const { position } = robot.session;
    for (const open of ["?", "enter"]) {
      await robot.keys(open, "n", "space", "p", "T", "z", "g", "B");
      expect(robot.session.position).toBe(position);
      expect(robot.session.unsaved).toBe(0);
      expect(robot.output.text).toContain("esc closes it first");
      await robot.keys("escape");
    }
    // The view of an actor shows the machine as it goes on.
    await robot.keys("a", "n", "p");
    expect(robot.session.position).toBe(position + 1);
    expect(robot.session.unsaved).toBe(0);
    await robot.keys("escape");
    await robot.quit();
  });

  it("home and end go to the first and the last line of the help", async () => {
    const robot = await startRobot({ columns: 80, rows: 16, commands: ["seek #100"] });
    await robot.stands();
    await robot.keys("?");
    const first = robot.output.text;
    expect(first).toMatch(/─ \d+ more ─/);
    await robot.keys("end");
    expect(robot.output.text).toContain("5 logging ends");
    expect(robot.output.text).toMatch(/─ \d+ above ─/);
    await robot.keys("up", "home");
    expect(robot.output.text).toBe(first);
    expect(robot.session.position).toBe(100);
    await robot.keys("escape");
    await robot.quit();
  });

  it("a panel that hides rows says how many, and scrolls when it has the focus", async () => {
    const robot = await startRobot({ columns: 80, rows: 24, commands: ["seek #300"] });
    await robot.stands();
    expect(robot.output.text).not.toContain("PRL vcpu2");
    await robot.keys("2", "down");
    expect(robot.output.text).toMatch(/index +full/);
    expect(robot.output.text).toMatch(/PRL vcpu2.*\n.*─ 1 above ─/);
    expect(robot.driver.shown().ui.cursor).toBe(-1);
    await robot.keys("down", "down", "up");
    expect(robot.output.text).toMatch(/─ 1 more ─/);
    // A panel that shows all leaves these keys to the stream.
    await robot.keys("3", "up");
    expect(robot.driver.shown().ui.cursor).toBe(299);
    await robot.quit();
  });

  it("keys that come faster than frames go by what they follow, not by what was drawn", async () => {
    const robot = await startRobot({ columns: 80, rows: 24, commands: ["seek #300"] });
    await robot.stands();
    const { driver } = robot;
    // A panel that hides lines has the focus, and is drawn so.
    await robot.keys("2");
    driver.press("3", "3");
    driver.press("up", "");
    expect(driver.shown().ui.cursor).toBe(299);
    await robot.quit();
  });

  it("commands are refused when the run has ended", async () => {
    const robot = await startRobot();
    await robot.keys("G");
    await robot.stands();
    await robot.keys("h");
    expect(robot.output.text).toContain("the run has ended: go back first (b, g)");
    expect(robot.session.unsaved).toBe(0);
    await robot.quit();
  });
});
