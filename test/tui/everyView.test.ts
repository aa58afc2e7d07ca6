/** Every shipped scenario, and logs of them, in every view at several points: nothing of it may fail to be drawn. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { itemAt } from "../../src/lookup.ts";
import { finish } from "../../src/replay/timeline.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { visitPending } from "../../src/session/machineFrame.ts";
import { Session } from "../../src/session/session.ts";
import type { OvercommitResult } from "../../src/system/operations/overcommit/overcommitResult.ts";
import { frameOf, screenRows } from "../../src/tui/batch.ts";
import { type Area, type Line, widthOf } from "../../src/tui/canvas.ts";
import { coverLines, paletteLines } from "../../src/tui/covers.ts";
import { Driver } from "../../src/tui/driver.ts";
import { footerLine, headerLine } from "../../src/tui/edges.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { panelLines } from "../../src/tui/panelLines.ts";
import { PANELS } from "../../src/tui/panels/all.ts";
import type { ScreenState } from "../../src/tui/screenState.ts";
import { spoken } from "../../src/tui/sentences.ts";
import { type Look, UNICODE } from "../../src/tui/themes.ts";
import { repeatedScenarios, runnableScenarios } from "../runnableScenarios.ts";
import { IS_ALL } from "../share.ts";
import { SMALL } from "./fakeTerminal.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "src", "cli", "main.js");
const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
/** Messages: nothing has happened, the VMs run if there is time, the operation is under way. */
const POINTS = IS_ALL ? [0, 300, 3000] : [0, 3000];
/** Of those that others are like but for their trackers. */
const FEW = [0, 100];
const SIZE = { columns: 120, rows: 40 };
/** Keys that open each view, and what is drawn then. */
const COVERS: Readonly<Record<string, readonly string[]>> = {
  help: ["?"],
  searching: ["?", "/", "p"],
  actors: ["a", "j", "j", "pagedown"],
  message: ["k", "enter"],
  chart: ["a", "j", "j", "S", "pagedown"],
};

const directory = mkdtempSync(join(tmpdir(), "trackvisor-views-"));
afterAll(() => rmSync(directory, { recursive: true }));

function fits(lines: readonly Line[], { width }: Area): void {
  for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(width);
}

function driverOf(session: Session): Driver {
  return new Driver({
    session,
    look: LOOK,
    keys: keyMap("", {}),
    size: () => SIZE,
    draw: () => {},
    suspend: () => {},
    copy: () => {},
  });
}

/** Draws all there is; each line within its area. */
function drawEverything(session: Session): void {
  const area = { width: SIZE.columns, height: SIZE.rows };
  const driver = driverOf(session);
  const shown: ScreenState = driver.shown();
  for (const panel of PANELS) {
    for (const size of [area, { width: 48, height: 8 }, { width: 20, height: 3 }]) {
      fits(panelLines(panel, shown, size), size);
    }
  }
  for (const lines of [[headerLine(shown), footerLine(shown)], paletteLines(shown)]) {
    fits(lines, area);
  }
  expect(spoken(shown).length).toBeGreaterThan(3);
  for (const [mode, keys] of Object.entries(COVERS)) {
    const one = driverOf(session);
    one.paint();
    // The message under the cursor: there is none at the start.
    if (mode === "message" && session.position === 0) continue;
    for (const key of keys) one.press(key, key.length === 1 ? key : "");
    const covered = one.shown();
    expect(covered.mode).toBe(mode);
    fits(coverLines(covered, area), area);
    expect(spoken(covered).length).toBeGreaterThan(3);
  }
  expect(screenRows(session, LOOK, SIZE).join("\n")).toContain("5 operation");
  expect(JSON.parse(JSON.stringify(frameOf(session))).position).toBe(session.position);
}

const repeated = repeatedScenarios();
describe.each(runnableScenarios())("%s", (name) => {
  const start = (): Session => {
    const { scenario, directory: from } = loadScenario(name);
    return Session.start(scenario, from);
  };

  it("opens in every view at each point, and so does its log", () => {
    const session = start();
    const points = repeated.has(name) ? FEW : POINTS;
    for (const point of points) {
      session.advance(Math.max(0, point - session.position));
      drawEverything(session);
    }
    session.seek(Math.min(session.position, itemAt(points, 1)));
    const file = join(directory, `${name}.tvlog`);
    finish(session.save(file));
    const again = Session.open(file);
    again.seek(again.recorded);
    // How densely the past was looked at, and whether the end is known, belongs to the session.
    const { counters: _, end: __, stream: ___, ...machine } = frameOf(session);
    expect(frameOf(again)).toMatchObject(machine);
    drawEverything(again);
  });
});

describe("the golden logs", () => {
  const golden = join(import.meta.dirname, "..", "replay", "golden", "v1");
  const logs = readdirSync(golden).filter((name) => name.endsWith(".tvlog"));

  it.each(logs)("%s opens in every view at its start, middle and end", (name) => {
    const session = Session.open(join(golden, name));
    for (const part of [0, 0.5, 1]) {
      session.seek(Math.floor(part * session.recorded));
      drawEverything(session);
    }
  });
});

describe("a counterexample of the checker", () => {
  it("opens in every view at each of its messages, and says what it breaks", () => {
    const file = join(directory, "counterexample.tvlog");
    const words = ["check", "pml", "--fault", "index-wraps", "--log", file];
    // Exit code 1: a property is broken.
    expect(spawnSync(process.execPath, [MAIN, ...words]).status).toBe(1);
    const session = Session.open(file);
    expect(session.recorded).toBeGreaterThan(5);
    expect(session.name).toBe(
      'pml with the fault index-wraps breaks "the log index is in range and each entry is written once"',
    );
    drawEverything(session);
    for (let at = 1; at <= session.recorded; at++) {
      expect(session.advance(1)).toBe(null);
      screenRows(session, LOOK, { columns: 80, rows: 24 });
    }
    drawEverything(session);
    session.seek(3);
    const again = join(directory, "again.tvlog");
    finish(session.save(again));
    expect(Session.open(again).recorded).toBe(3);
  });
});

describe("what an operation says of itself", () => {
  it("overcommitment: a row for each VM and decision, its memory and what was taken from it", () => {
    const { scenario, directory: from } = loadScenario("overcommit");
    const session = Session.start(scenario, from);
    const result = () => session.system.result() as OvercommitResult;
    while (result().controller.decisions < 2) expect(session.advance(1000)).toBe(null);
    const { operation } = frameOf(session);
    expect(operation.headline).toContain("3 VMs on 96.0 MiB by idleTax");
    expect(operation.rows).toHaveLength(2 * 3);
    expect(operation.charts[0]?.series[0]?.values).toHaveLength(2);
    for (const { vm, series } of result().vms) {
      const row = operation.rows.find(([, name]) => name === vm)!;
      expect(row[2]).toBe(series[0]!.size.toLocaleString("en"));
    }
    drawEverything(session);
  });
});

describe("PRL with two logs", () => {
  it("shows a full log that waits for its handler as full, and its pages as logged", () => {
    const session = Session.start(
      {
        ...SMALL,
        tracker: { ...SMALL.tracker, prl: { ...SMALL.tracker.prl, doubleBuffer: true } },
      },
      ".",
    );
    expect(session.advanceTo("full", 1e6)).toBe("landmark");
    const frame = frameOf(session);
    const full = frame.logs.find(({ full }) => full > 0)!;
    const entries = SMALL.machine.logEntries;
    expect(full.entries).toBe(2 * entries);
    // By default 31 of 32 slots are used before a log announces itself.
    expect(full.used).toBeGreaterThanOrEqual(entries - 1);
    const { system } = session;
    const pages = new Set<number>();
    for (const vcpu of system.world.vms[0]!.vcpus) {
      visitPending(system, vcpu, (page) => pages.add(page));
    }
    const { pagesPerCell, states } = frame.heat;
    expect(pagesPerCell).toBe(1);
    for (const page of pages) {
      if (page < states.length) expect(states[page]).toBe("p");
    }
    expect(pages.size).toBeGreaterThan(10);
  });
});
