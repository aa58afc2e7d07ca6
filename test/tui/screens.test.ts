import { describe, expect, it } from "vitest";
import { Session } from "../../src/session/session.ts";
import { screenRows } from "../../src/tui/batch.ts";
import { Terminal } from "../../src/tui/terminal.ts";
import { ASCII, type Look, UNICODE } from "../../src/tui/themes.ts";
import { FakeOutput, SMALL, startRobot } from "./fakeTerminal.ts";

const PLACE = "#600";

describe("a frame", () => {
  const sizes = [
    [80, 24],
    [120, 40],
    [200, 60],
  ] as const;
  const cases = sizes.flatMap(([columns, rows]) =>
    (["none", "16", "256"] as const).map((colours) => ({ columns, rows, colours })),
  );

  it.each(cases)("is the golden one at $columns x $rows, $colours colours", async (size) => {
    const robot = await startRobot({ ...size, commands: [`seek ${PLACE}`] });
    await robot.stands();
    robot.output.written = "";
    robot.output.emit("resize");
    robot.driver.paint();
    await robot.quit();
    // One row a line, so that a difference can be read.
    const text = robot.output.written.replaceAll("\x1b[K", "").replaceAll("\x1b", "^");
    await expect(text.replaceAll(/\^\[\d+;1H/g, "\n")).toMatchFileSnapshot(
      `golden/${size.columns}x${size.rows}-${size.colours}.txt`,
    );
  });

  it("says the same in ASCII, and without any escape sequence when plain", () => {
    const session = Session.start(SMALL, ".");
    session.advance(600);
    const look = (glyphs: Look["glyphs"]): Look => ({ theme: "default", colours: "plain", glyphs });
    const ascii = screenRows(session, look(ASCII), { columns: 120, rows: 40 }).join("\n");
    expect(ascii).toMatch(/^[\x20-\x7e\n]*$/);
    const words = (text: string) => text.match(/[A-Za-z0-9.,]{3,}/g);
    const unicode = screenRows(session, look(UNICODE), { columns: 120, rows: 40 }).join("\n");
    expect(unicode).not.toContain("\x1b");
    // Bars and the map are other characters; words and numbers outside them are the same.
    const common = words(unicode)!.filter((word) => /^[A-Za-z]{4,}$/.test(word));
    expect(words(ascii)).toEqual(expect.arrayContaining(common));
    expect(common.length).toBeGreaterThan(60);
  });
});

describe("at every size", () => {
  it("nothing is written beyond the last row but one, nor beyond the last column", async () => {
    const robot = await startRobot({ commands: ["seek #300"] });
    await robot.stands();
    for (let i = 0; i < 60; i++) {
      const [columns, rows] = [20 + ((i * 47) % 281), 6 + ((i * 31) % 95)];
      robot.output.resize(columns, rows);
      robot.driver.paint();
      const lines = robot.output.text.split("\n");
      expect(lines.length).toBeLessThanOrEqual(rows - 1);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
    expect(robot.output.overflow).toBe(0);
    await robot.quit();
    expect(robot.output.written).not.toContain("\x1b[3J");
  });

  it("sizes that lead back to the one before are told, too", () => {
    let told = 0;
    const options = { mouse: false, last: () => {}, resized: () => told++ };
    const terminal = new Terminal(new FakeOutput(80, 24), {}, options);
    terminal.take();
    process.emit("SIGWINCH");
    terminal.release();
    process.emit("SIGWINCH");
    expect(told).toBe(1);
  });

  it("a hundred resizes leave the screen that a fresh start shows", async () => {
    const stormed = await startRobot({ commands: ["seek #300"] });
    await stormed.stands();
    for (let i = 0; i < 100; i++) {
      stormed.output.resize(30 + ((i * 37) % 200), 8 + ((i * 13) % 60));
      if (i % 3 === 0) stormed.driver.paint();
    }
    stormed.output.resize(100, 30);
    stormed.driver.paint();
    const fresh = await startRobot({ columns: 100, rows: 30, commands: ["seek #300"] });
    await fresh.stands();
    expect(stormed.output.text).toBe(fresh.output.text);
    await stormed.quit();
    await fresh.quit();
  });
});
