/** Panels fill the screen, each cell once, however somebody has arranged them; and what was done can be undone and kept. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Frame } from "../../src/session/frame.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { AT_START, DIRECTIONS, divided } from "../../src/tui/arrangement.ts";
import { arrangementText } from "../../src/tui/arrangementSettings.ts";
import { screenRows } from "../../src/tui/batch.ts";
import { gripAt } from "../../src/tui/borders.ts";
import { execute } from "../../src/tui/commandLine.ts";
import { Driver } from "../../src/tui/driver.ts";
import { LEAST_REQUEST } from "../../src/tui/frameRequest.ts";
import { keyMap, uiSettingsSchema } from "../../src/tui/keys.ts";
import { bodyRows, LEAST, layoutFor } from "../../src/tui/layout.ts";
import { PANELS } from "../../src/tui/panels/all.ts";
import type { Sized } from "../../src/tui/screenState.ts";
import { type Look, UNICODE } from "../../src/tui/themes.ts";
import { Ui } from "../../src/tui/ui.ts";
import { type Cell, type Robot, SMALL, startRobot } from "./fakeTerminal.ts";

const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
const SMALLEST = { columns: 10, rows: 3 };
const LARGEST = { columns: 300, rows: 100 };

const session = Session.start(SMALL, ".");
session.advance(600);
const frame: Frame = new Sampler(session).sample(LEAST_REQUEST);

const size = fc.record({
  columns: fc.integer({ min: SMALLEST.columns, max: LARGEST.columns }),
  rows: fc.integer({ min: SMALLEST.rows, max: LARGEST.rows }),
});
/** What somebody may do: keys, the mouse from cell to cell, another size. */
const deed = fc.oneof(
  fc.record({ key: fc.constantFrom("R", "tab", "[", "]", "z", "escape", ..."HJKLhjklrY") }),
  fc.record({
    line: fc
      .tuple(fc.constantFrom("move", "resize"), fc.constantFrom(...DIRECTIONS), fc.nat(400))
      .map(([name, direction, cells]) =>
        name === "move" ? `move ${direction}` : `resize ${direction} ${cells + 1}`,
      ),
  }),
  fc.record({ drag: fc.array(fc.tuple(fc.nat(299), fc.nat(99)), { minLength: 2, maxLength: 4 }) }),
  fc.record({ size }),
);

/** That the panels fill what is between the first line and the last. @returns how many there are */
function fills(sized: Sized): number {
  const { columns, form } = layoutFor(sized, frame);
  const placed = columns.flat();
  const height = bodyRows(sized.rows);
  let cells = 0;
  for (const [i, { at, area }] of placed.entries()) {
    cells += area.width * area.height;
    const [right, bottom] = [at.column + area.width, at.row + area.height];
    if (!(at.column >= 0 && at.row >= 1 && right <= sized.columns && bottom <= height + 1))
      throw new Error(`outside: ${JSON.stringify({ at, area })}`);
    for (const other of placed.slice(i + 1)) {
      const beside = right <= other.at.column || other.at.column + other.area.width <= at.column;
      const above = bottom <= other.at.row || other.at.row + other.area.height <= at.row;
      if (!beside && !above && area.height > 0) throw new Error(`over each other: ${i}`);
    }
  }
  // None outside, none over another, and as many cells as there are: so there is no gap.
  if (cells !== sized.columns * height) throw new Error(`${cells} cells of panels`);
  const places = placed.map(({ panel }) => panel.place);
  if (form !== null && new Set(places).size !== new Set(PANELS.map(({ place }) => place)).size)
    throw new Error(`a place is missing or twice: ${places}`);
  if (form !== null && placed.some(({ area }) => area.width < LEAST.width || area.height < 2))
    throw new Error("a panel has no room");
  return placed.length;
}

describe("the layout", () => {
  it("fills the screen at every size from 10x3 to 300x100, each cell once", () => {
    const { context: ui } = new Ui(() => {});
    const seen = new Set<number>();
    for (let columns = SMALLEST.columns; columns <= LARGEST.columns; columns++) {
      for (let rows = SMALLEST.rows; rows <= LARGEST.rows; rows++)
        seen.add(fills({ mode: "panels", ui, columns, rows }));
    }
    expect([...seen].toSorted()).toEqual([1, 6]);
  });

  it("does so whatever is done to it, at random sizes; and reset puts all back", () => {
    fc.assert(
      fc.property(size, fc.array(deed, { maxLength: 25 }), (first, deeds) => {
        let now = first;
        const driver = new Driver({
          session,
          look: LOOK,
          keys: keyMap("", {}),
          size: () => now,
          draw: () => {},
          suspend: () => {},
          copy: () => {},
        });
        const sized = (): Sized => ({ ...driver.shown(), ...now });
        for (const one of deeds) {
          if ("size" in one) now = one.size;
          else if ("key" in one) driver.press(one.key, one.key);
          else if ("line" in one) driver.do(one.line);
          else {
            const reports = one.drag.map(([column, row], i) => ({
              kind: i === 0 ? ("click" as const) : ("drag" as const),
              column,
              row,
            }));
            for (const report of reports) driver.point(report);
            driver.point({ ...reports.at(-1)!, kind: "release" });
          }
          fills(sized());
        }
        driver.do("reset");
        expect(driver.shown().ui.arrangements).toEqual(AT_START);
      }),
      { numRuns: 150 },
    );
  });

  it("divides a length by weights to the last cell, and gives everybody the least there is", () => {
    const weights = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.nat(400), weights, fc.nat(30), (total, parts, least) => {
        const lengths = divided(total, parts, least);
        expect(lengths.reduce((sum, one) => sum + one, 0)).toBe(total);
        const floor = Math.min(least, Math.floor(total / parts.length));
        expect(Math.min(...lengths)).toBeGreaterThanOrEqual(floor);
        // What is divided already stays.
        if (lengths.every((one) => one > 0))
          expect(divided(total, lengths, least)).toEqual(lengths);
      }),
    );
  });

  it("can be taken hold of between any two panels, wherever they stand", () => {
    const { context: ui } = new Ui(() => {});
    const layout = layoutFor({ mode: "panels", ui, columns: 120, rows: 40 }, frame);
    const grips = (cells: readonly Cell[]) => new Set(cells.map((at) => gripAt(layout, at)?.kind));
    const [left, right] = layout.columns.map((stack) => stack[0]!);
    const edge = right!.at.column;
    const rows = Array.from({ length: 36 }, (_, i) => i + 2);
    expect(grips(rows.map((row) => ({ column: edge, row })))).toEqual(new Set(["border"]));
    expect(grips(rows.map((row) => ({ column: edge - 1, row })))).toEqual(new Set(["border"]));
    expect(
      grips([
        { column: 0, row: 5 },
        { column: 119, row: 5 },
      ]),
    ).toEqual(new Set([undefined]));
    expect(grips([{ column: 4, row: left!.at.row }])).toEqual(new Set(["panel"]));
    const below = left!.at.row + left!.area.height;
    expect(
      grips([
        { column: 30, row: below - 1 },
        { column: 30, row: below },
      ]),
    ).toEqual(new Set(["border"]));
  });
});

describe("on the screen", () => {
  const areas = ({ driver }: Robot) => {
    const state = driver.shown();
    const placed = layoutFor(state, state.frame).columns.flat();
    return Object.fromEntries(
      placed.map(({ panel, area, at }) => [panel.name, { ...area, ...at }]),
    );
  };

  it("keys of a mode move and resize the focused panel, and say what cannot be done", async () => {
    const robot = await startRobot({ columns: 120, rows: 40, commands: ["seek #400"] });
    await robot.stands();
    const before = areas(robot);
    await robot.keys("R");
    expect(robot.output.text).toContain("arranging machine: arrows size, H J K L move");
    await robot.keys("right", "right", "down");
    const resized = areas(robot);
    expect(resized["machine"]?.width).toBe(before["machine"]!.width + 4);
    expect(resized["machine"]?.height).toBe(before["machine"]!.height + 1);
    expect(resized["stream"]?.height).toBe(before["stream"]!.height - 1);
    await robot.keys("shift+right");
    expect(areas(robot)["machine"]?.column).toBe(resized["logs"]?.column);
    await robot.keys("L");
    expect(robot.output.text).toContain("nothing is to the right of machine");
    await robot.keys("n");
    expect(robot.output.text).toContain("panels are being arranged: esc ends that");
    await robot.keys("Y");
    expect(robot.output.clipboard).toContain("columns: [[messages], [machine, logs, pages");
    await robot.keys("r", "escape");
    expect(areas(robot)).toEqual(before);
    await robot.keys("z", "R");
    expect(robot.output.text).toContain("one panel has the whole screen");
    await robot.quit();
  });

  it("the mouse drags a border, and a panel by its name onto another", async () => {
    const robot = await startRobot({ columns: 120, rows: 40, commands: ["seek #400"] });
    await robot.stands();
    const { stream, logs, pages } = areas(robot);
    await robot.drag({ column: logs!.column, row: 20 }, { column: logs!.column - 15, row: 22 });
    expect(areas(robot)["stream"]?.width).toBe(stream!.width - 15);
    const edge = pages!.row - 1;
    await robot.drag({ column: 100, row: edge }, { column: 90, row: edge + 4 });
    expect(areas(robot)["logs"]?.height).toBe(logs!.height + 4);
    // No further than its neighbour can give.
    await robot.drag({ column: 100, row: edge + 4 }, { column: 100, row: 39 });
    expect(areas(robot)["pages"]?.height).toBe(LEAST.height);
    const now = areas(robot);
    await robot.drag(
      { column: 4, row: stream!.row },
      { column: 100, row: now["counters"]!.row + 1 },
    );
    expect(areas(robot)["counters"]).toEqual(now["stream"]);
    expect(areas(robot)["stream"]).toEqual(now["counters"]);
    await robot.quit();
  });
});

describe("in the settings", () => {
  const settings = (text: string) => uiSettingsSchema.safeParse(parse(text));

  it("what is copied gives the same screen again, without a terminal, too", () => {
    const ui = new Ui(() => {});
    const driver = new Driver({
      session,
      look: LOOK,
      keys: keyMap("", {}),
      size: () => ({ columns: 120, rows: 40 }),
      draw: () => {},
      suspend: () => {},
      copy: () => {},
    });
    for (const text of ["resize left 13", "resize down 2", "move down", "panel logs", "move left"])
      execute(text, driver);
    const { arrangements } = driver.shown().ui;
    expect(arrangements).not.toEqual(ui.context.arrangements);
    const read = settings(arrangementText(arrangements));
    expect(read.data?.arrangement).toEqual(arrangements);
    const shot = { columns: 120, rows: 40 };
    const rows = screenRows(session, LOOK, { ...shot, arrangements: read.data?.arrangement });
    expect(rows).not.toEqual(screenRows(session, LOOK, shot));
    expect(rows[1]).toMatch(/^┌─ 2 logs .*4 pages/);
  });

  it("what is no arrangement is refused", () => {
    for (const [text, why] of [
      ["arrangement: { two: { columns: [[machine], [logs]] } }", "expected each of machine"],
      [
        "arrangement: { two: { columns: [[machine, messages, logs, pages, operation, counters]] } }",
        "2",
      ],
      ["arrangement: { two: { widths: [1, 0] } }", "0"],
      ["arrangement: { three: { widths: [1, 2] } }", "3"],
      ["arrangement: { two: { heights: { stream: 4 } } }", "stream"],
      ["arrangement: { four: {} }", "four"],
    ] as const) {
      const { error } = settings(text);
      expect(error?.issues.map(({ message }) => message).join(), text).toContain(why);
    }
  });
});
