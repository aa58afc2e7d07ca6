/** Statecharts, drawn: of every machine, at every width, each arrow can be followed; and the way an actor took is lit. */
import { describe, expect, it } from "vitest";
import { present } from "../../src/lookup.ts";
import { finish } from "../../src/replay/timeline.ts";
import type { ChartState } from "../../src/session/frame.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { chartOf } from "../../src/session/statechart.ts";
import { ascending } from "../../src/tui/charts/columns.ts";
import { tracksOf, Way } from "../../src/tui/charts/drawing.ts";
import { statechartLines, statechartOf } from "../../src/tui/charts/statechart.ts";
import { LEAST_REQUEST } from "../../src/tui/frameRequest.ts";
import { ASCII, type Look, UNICODE } from "../../src/tui/themes.ts";
import { machineCases } from "../interconnect/machineInputs.ts";
import { SMALL, startRobot } from "./fakeTerminal.ts";

const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
/** Within the frame of a screen of 80, 120 and 200 columns. */
const WIDTHS = [78, 118, 198] as const;

function textOf(states: readonly ChartState[], width: number, look = LOOK, state = ""): string[] {
  const lines = statechartLines(statechartOf(states, width), state, [], look);
  return lines.map((one) => one.map(({ text }) => text).join(""));
}

/** Of all machines but the screen's own, which is no actor of a run. */
const charts = Object.entries(machineCases)
  .filter(([name]) => name !== "ui")
  .map(([name, { machine }]) => [name, chartOf(machine)] as const);

describe.each(charts)("the chart of %s", (_, states) => {
  it.each(WIDTHS)("has each state once, and fits into %i columns", (width) => {
    const chart = statechartOf(states, width);
    expect(chart.drawing.width).toBeLessThanOrEqual(width);
    expect(chart.drawing.boxes.map(({ node }) => states[node]?.name).toSorted()).toEqual(
      states.map(({ name }) => name).toSorted(),
    );
    const text = textOf(states, width).join("\n");
    for (const { name } of states) {
      if (name !== "any") expect(text).toMatch(new RegExp(`│ +${name}( ↺\\d+)? +│`));
    }
  });

  it.each(WIDTHS)(
    "has an arrow for each pair of states with a way, from box to box, at %i columns",
    (width) => {
      const { arrows, drawing } = statechartOf(states, width);
      const ways = states.flatMap(({ name, transitions }) =>
        transitions.flatMap(({ target }) =>
          target === "" || target === name ? [] : [`${name} ${target}`],
        ),
      );
      expect(arrows.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual(
        [...new Set(ways)].toSorted(),
      );
      for (const { edge, strokes, head } of drawing.paths) {
        const inBox = (
          name: string | undefined,
          { column, row }: { column: number; row: number },
        ): boolean =>
          drawing.boxes.some((box) => {
            const x = column - box.column;
            const y = row - box.row;
            return (
              states[box.node]?.name === name && x > 0 && x < box.width - 1 && (y === 0 || y === 2)
            );
          });
        expect(inBox(arrows[edge]?.from, strokes[0]!)).toBe(true);
        expect(inBox(arrows[edge]?.to, head)).toBe(true);
        // From the tail every stroke but the last joins the next cell, up to the head.
        const cells = new Map(strokes.map((one) => [`${one.column} ${one.row}`, one.ways]));
        const at = (column: number, row: number): number => cells.get(`${column} ${row}`) ?? 0;
        for (const { column, row, ways: out } of strokes.slice(1)) {
          if (out & Way.right) expect(at(column + 1, row) & Way.left).toBeTruthy();
          if (out & Way.left) expect(at(column - 1, row) & Way.right).toBeTruthy();
          const isHead = (dy: number): boolean => head.column === column && head.row === row + dy;
          if (out & Way.down && !isHead(1)) expect(at(column, row + 1) & Way.up).toBeTruthy();
          if (out & Way.up && !isHead(-1)) expect(at(column, row - 1) & Way.down).toBeTruthy();
        }
      }
    },
  );

  it.each(WIDTHS)("has no two arrows along each other: they only cross, at %i columns", (width) => {
    const { drawing } = statechartOf(states, width);
    const seen = new Map<string, number>();
    for (const { strokes } of drawing.paths) {
      for (const { column, row, ways } of strokes) {
        const key = `${column} ${row}`;
        const before = seen.get(key);
        seen.set(key, ways);
        if (before === undefined) continue;
        expect(
          [before, ways].toSorted((a, b) => a - b),
          key,
        ).toEqual([Way.up | Way.down, Way.left | Way.right]);
      }
    }
    // Nor does one run through a box, or through a label.
    const text = textOf(states, width);
    for (const { label } of drawing.paths) {
      if (label !== null) expect(text[label.row]?.[label.column]).toMatch(/[[a-zA-Z]/);
    }
  });

  it("is drawn in ASCII, too", () => {
    expect(textOf(states, 78, { ...LOOK, glyphs: ASCII }).join("")).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe("the chart of the unit of PML", () => {
  it("shows what happens when a log fills", () => {
    const text = textOf(chartOf(machineCases["pmlUnit"]!.machine), 78).join("\n");
    for (const words of ["pmlIndexOutOfRange", "pmlIndexReset", "enableLog"])
      expect(text).toContain(words);
  });
});

describe("rows between two layers", () => {
  it("are apart where two edges would touch, and go by who has to turn first", () => {
    // The second comes down where the first goes up.
    expect(
      tracksOf([
        { edge: 0, top: 4, bottom: 9 },
        { edge: 1, top: 9, bottom: 12 },
        { edge: 2, top: 1, bottom: 1 },
      ]),
    ).toEqual([1, 0, -1]);
  });

  it("pools what is out of order", () => {
    const of = (...values: number[]) => ascending(values.map((value) => ({ value, weight: 1 })));
    expect(of(1, 2, 3)).toEqual([1, 2, 3]);
    expect(of(3, 1)).toEqual([2, 2]);
    expect(of(1, 5, 3, 3, 9)).toEqual([1, 11 / 3, 11 / 3, 11 / 3, 9]);
  });
});

describe("the way of an actor", () => {
  const asked = (name: string, at = Number.POSITIVE_INFINITY) => ({
    ...LEAST_REQUEST,
    actor: { name, way: { at } },
  });
  const chartAt = (session: Session, name: string, at = session.position) => {
    finish(session.ways.learning(session.system.actor(name), at));
    const { way, ...actor } = new Sampler(session).sample(asked(name, at)).actor!;
    return { ...actor, way: present(way, "a way that has been learnt") };
  };

  it("is that which its state follows from, replies of its device and steps at once included", () => {
    const session = Session.start(SMALL, ".");
    session.advanceTo("exit", 1e5);
    for (let i = 0; i < 120; i++) {
      session.advance(1);
      for (const name of ["pcpu0/dispatcher", "vm0/tracker", "vcpu0"]) {
        const { way, state, states } = chartAt(session, name);
        expect(state).toBe(session.system.actor(name).value);
        expect(way.at(-1)?.to ?? state).toBe(state);
        way.slice(1).forEach(({ from }, step) => {
          expect(from).toBe(way[step]?.to);
        });
        for (const { from, to, event, guard } of way) {
          const own = states.filter(({ name: one }) => one === from || one === "any");
          const found = own
            .flatMap(({ transitions }) => transitions)
            .some(
              (one) => one.event === event && one.guard === guard && (one.target || from) === to,
            );
          expect(found, `${from} ${event} ${to}`).toBe(true);
        }
      }
    }
  });

  it("follows from the run and the position: whenever it was looked at first, and after going back", () => {
    const early = Session.start(SMALL, ".");
    chartAt(early, "pcpu0/dispatcher");
    early.advance(700);
    const late = Session.start(SMALL, ".");
    late.advance(900);
    late.seek(700);
    expect(chartAt(late, "pcpu0/dispatcher")).toEqual(chartAt(early, "pcpu0/dispatcher"));
    late.seek(650);
    early.seek(650);
    expect(chartAt(late, "pcpu0/dispatcher")).toEqual(chartAt(early, "pcpu0/dispatcher"));
  });

  it("up to a message of the past is what it was when that was the last one", () => {
    const session = Session.start(SMALL, ".");
    session.advance(500);
    const then = chartAt(session, "pcpu0/dispatcher");
    session.advance(150);
    const past = chartAt(session, "pcpu0/dispatcher", 500);
    expect([past.state, past.way, past.at]).toEqual([then.state, then.way, 500]);
  });
});

describe("on the screen", () => {
  it("opens on who gets the message under the cursor, follows causes, and goes on with the run", async () => {
    const robot = await startRobot({ commands: ["seek #400"] });
    await robot.stands();
    const { session } = robot;
    const receiver = (at: number) => session.ring.entry(at)!.to;
    await robot.keys("up", "S");
    expect(robot.output.text).toContain(`chart of ${receiver(399)}`);
    expect(robot.output.text).toContain("behind message 399");
    await robot.keys("<");
    expect(robot.output.text).toContain(`chart of ${receiver(session.ring.causeOf(399)!)}`);
    await robot.keys("n");
    expect(session.position).toBe(401);
    await robot.keys("escape", "a", "j");
    const { name } = robot.driver.shown().frame.actor!;
    await robot.keys("S");
    expect(robot.output.text).toContain(`chart of ${name}`);
    await robot.keys("escape");
    expect(robot.driver.shown().mode).toBe("panels");
    await robot.quit();
  });

  it("has the state that is lit in view, until somebody scrolls", async () => {
    const robot = await startRobot({ columns: 80, rows: 24, commands: ["seek #400"] });
    await robot.stands();
    await robot.keys("a");
    const actors = robot.driver.shown().frame.actors.map(({ name }) => name);
    for (const name of actors) {
      await robot.keys("S");
      const { actor } = robot.driver.shown().frame;
      expect(actor?.name).toBe(name);
      expect(robot.output.text).toMatch(new RegExp(`│ +${actor?.state}( ↺\\d+)? +│`));
      await robot.keys("escape", "a", "j");
    }
    await robot.keys("escape");
    await robot.quit();
  });
});
