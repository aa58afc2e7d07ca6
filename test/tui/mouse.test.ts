/** The mouse: what is clicked has the focus and the cursor; the wheel scrolls; reports of any other kind do nothing. */
import { describe, expect, it } from "vitest";
import { MouseReader } from "../../src/tui/mouse.ts";
import { MOUSE_OFF, MOUSE_ON, Terminal } from "../../src/tui/terminal.ts";
import { FakeOutput, type Robot, startRobot } from "./fakeTerminal.ts";

const ui = ({ driver }: Robot) => driver.shown().ui;
const place = ({ output }: Robot, text: string): { column: number; row: number } => {
  const lines = output.text.split("\n");
  const row = lines.findIndex((line) => line.includes(text));
  return { row, column: lines[row]!.indexOf(text) };
};

describe("a click", () => {
  it("gives a panel the focus; on a message it puts the cursor there, on a cell of the map its page", async () => {
    const robot = await startRobot({ columns: 120, rows: 40, commands: ["seek #400"] });
    await robot.stands();
    const counters = place(robot, "6 counters");
    await robot.click(counters.column, counters.row);
    expect(ui(robot).focus).toBe(5);
    // On the frame: no more than the focus.
    expect(ui(robot).cursor).toBe(-1);
    const stream = place(robot, "3 stream");
    await robot.click(stream.column + 10, stream.row + 3);
    expect(ui(robot).focus).toBe(2);
    const { cursor } = ui(robot);
    expect(cursor).toBeGreaterThan(300);
    expect(robot.output.text).toContain(`at ${cursor}`);
    const pages = place(robot, "4 pages");
    await robot.click(pages.column, pages.row + 2);
    const { heat } = robot.driver.shown().frame;
    // The title begins three cells behind the corner, the map one.
    expect(ui(robot).page).toBe(heat.first + 2 * heat.pagesPerCell);
    expect(robot.output.text).toContain("page 2 ");
    await robot.quit();
  });

  it("anywhere at any size, with any button, breaks nothing", async () => {
    const robot = await startRobot({ columns: 90, rows: 24, commands: ["seek #400"] });
    await robot.stands();
    for (let i = 0; i < 40; i++) {
      const button = [0, 64, 65, 2, 35][i % 5]!;
      robot.output.resize(20 + ((i * 47) % 181), 6 + ((i * 31) % 55));
      robot.driver.point({ kind: "wheelUp", column: (i * 17) % 200, row: (i * 7) % 60 });
      robot.driver.point({ kind: "click", column: (i * 29) % 200, row: (i * 11) % 60 });
      robot.driver.paint();
      if (i % 8 === 0) await robot.click((i * 13) % 90, (i * 5) % 24, button);
    }
    expect(robot.output.overflow).toBe(0);
    await robot.quit();
  });
});

describe("the wheel", () => {
  it("goes through the messages, and through the help", async () => {
    const robot = await startRobot({ columns: 120, rows: 30, commands: ["seek #400"] });
    await robot.stands();
    const { column, row } = place(robot, "3 stream");
    await robot.click(column, row + 2, 64);
    expect(ui(robot).cursor).toBe(397);
    await robot.keys("?");
    await robot.click(column, row, 65);
    expect(ui(robot).scroll).toBe(3);
    await robot.quit();
  });
});

describe("a report", () => {
  const readAll = (...texts: string[]) => {
    const reader = new MouseReader();
    return texts.map((text) => reader.read(text));
  };
  const read = (...texts: string[]) => readAll(...texts).map(({ report }) => report);

  it("is told from text", () => {
    expect(read("[<0;3;4M")).toEqual([{ kind: "click", column: 2, row: 3 }]);
    expect(read("[<0;3;4m")).toEqual([{ kind: "release", column: 2, row: 3 }]);
    expect(read("[<32;3;4M")).toEqual([{ kind: "drag", column: 2, row: 3 }]);
    for (const text of ["[<35;3;4M", "[<32;3;4m", "[<64;3;4m", "[<2;3;4M"])
      expect(read(text), text).toEqual(["none"]);
    for (const text of ["", "[", "<", "n", "M", "64"]) expect(read(text)).toEqual([null]);
  });

  it("that comes in pieces types nothing", () => {
    const whole = readAll("[<64;3", ";4M");
    expect(whole.map(({ report }) => report)).toEqual([
      "none",
      { kind: "wheelUp", column: 2, row: 3 },
    ]);
    expect(whole.map(({ typed }) => typed)).toEqual(["", ""]);
    expect(read("[<6", "5;3", ";4M", "n").at(-1)).toBeNull();
    expect(read("[<0;3;4", "M", "M").at(-1)).toBeNull();
  });

  it("that does not go on was typed: no key is lost behind it, one without a text neither", () => {
    for (const next of ["", "x", "\r"]) {
      expect(readAll("<0;1", next)).toEqual([
        { typed: "", report: "none" },
        { typed: "<0;1", report: null },
      ]);
    }
    expect(readAll("<0;1", "", "")[2]).toEqual({ typed: "", report: null });
  });
});

describe("the terminal", () => {
  it.each([true, false])(
    "is asked for reports: %s; and no more of them when it is given back",
    (mouse) => {
      const written: string[] = [];
      const output = new FakeOutput(80, 24);
      output.write = (text) => written.push(text) > 0;
      const terminal = new Terminal(output, {}, { mouse, last: () => {}, resized: () => {} });
      terminal.enter();
      expect(written.join("").includes(MOUSE_ON)).toBe(mouse);
      terminal.restore();
      expect(written.at(-1)).toContain(MOUSE_OFF);
    },
  );
});
