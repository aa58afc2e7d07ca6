/**
 * Figures on the screen are those of `--json` at the same message, and those are what a run's summary says there. Each panel
 * is drawn twice: as a screen asks for it, and from the JSON that `tui --json` prints, read back.
 */
import { describe, expect, it } from "vitest";
import { itemAt } from "../../src/lookup.ts";
import { ownMeasuresOf } from "../../src/questions/measures.ts";
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import type { Frame } from "../../src/session/frame.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { vocabularyOf } from "../../src/session/vocabulary.ts";
import { summarize } from "../../src/system/summary.ts";
import { frameOf } from "../../src/tui/batch.ts";
import { headerLine } from "../../src/tui/edges.ts";
import { frameFor } from "../../src/tui/frameRequest.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { areaOf, layoutFor } from "../../src/tui/layout.ts";
import { PANELS } from "../../src/tui/panels/all.ts";
import type { Panel } from "../../src/tui/panels/panel.ts";
import type { ScreenState } from "../../src/tui/screenState.ts";
import { UNICODE } from "../../src/tui/themes.ts";
import { Ui } from "../../src/tui/ui.ts";
import { runnableScenarios } from "../runnableScenarios.ts";
import { IS_LONG, shareOf } from "../share.ts";
import { pair } from "./pairOfRuns.ts";

/** The VMs run; the operation is under way. */
const POINTS = [300, 3000] as const;
const SIZES = IS_LONG
  ? ([
      [80, 24],
      [120, 40],
      [200, 60],
    ] as const)
  : ([[120, 40]] as const);
/** How much of these there is depends on the room: each has a rule of its own. */
const BY_ROOM = ["stream", "pages", "lanes", "page", "plots", "console"];

function screenOf(session: Session, panel: Panel, [columns, rows]: readonly [number, number]) {
  const ui = new Ui(() => {});
  ui.focusOn(PANELS.indexOf(panel));
  const sized = { mode: ui.mode, ui: ui.context, columns, rows };
  ui.stop();
  const asked = { present: session.position, actors: [], filter: null, running: false };
  const frame = frameFor(new Sampler(session), sized, asked, null);
  const state: ScreenState = {
    ...sized,
    frame,
    run: { status: "paused", speed: "full", rate: 0, notice: null, filter: "", recorded: 0 },
    look: { theme: "default", colours: "plain", glyphs: UNICODE },
    keys: keyMap("", {}),
    vocabulary: vocabularyOf(session.system),
  };
  return { state, area: areaOf(layoutFor(state, frame), panel) };
}

/** What a program gets that asks for JSON. */
function jsonOf(session: Session): Frame {
  return JSON.parse(JSON.stringify(frameOf(session)));
}

function expectSameFigures(session: Session): void {
  const json = jsonOf(session);
  for (const panel of PANELS) {
    for (const size of SIZES) {
      const { state, area } = screenOf(session, panel, size);
      const fromJson = { ...state, frame: json };
      // Below the figures a panel may have plots, for which there is a rule of its own.
      const withoutPlots = { ...state, frame: { ...state.frame, plots: null } };
      expect(headerLine(state)).toEqual(headerLine(fromJson));
      if (!BY_ROOM.includes(panel.name)) {
        expect(panel.lines(withoutPlots, area), panel.name).toEqual(panel.lines(fromJson, area));
        const { digest } = panel;
        if (digest !== undefined) {
          expect(digest.lines(state, area)).toEqual(digest.lines(fromJson, area));
        }
      }
      expectPartsByRoom(state.frame, json);
    }
  }
}

/** More or less of the same. */
function expectPartsByRoom(screen: Frame, json: Frame): void {
  const listed = new Map(json.stream.map((entry) => [entry.position, entry]));
  for (const entry of screen.stream) {
    const same = listed.get(entry.position);
    if (same !== undefined) expect(entry).toEqual(same);
  }
  expect(screen.stream.at(-1)).toEqual(json.stream.at(-1));
  for (const { position, time, type, step } of screen.lanes?.rows ?? []) {
    const entry = listed.get(position);
    if (entry !== undefined) expect({ ...entry, time, type, step }).toEqual(entry);
  }
  const { charts } = json.operation;
  for (const chart of charts) {
    const plotted = screen.plots?.find(({ title }) => title === chart.title);
    if (plotted !== undefined && json.beside === null) expect(plotted).toEqual(chart);
  }
  expect(screen.heat.vm).toBe(json.heat.vm);
  expect(screen.vms).toEqual(json.vms);
}

/** Figures of a frame that a summary has, too. */
function expectAsSummary(
  { system }: Session,
  frame: Pick<Frame, "counters" | "logs" | "time" | "vms">,
): void {
  const summary = summarize(system);
  const value = (name: string): number | undefined =>
    frame.counters.find((one) => one.name === name)?.value;
  expect({
    time: frame.time,
    accesses: value("accesses"),
    writes: value("writes"),
    tlbMisses: value("TLB misses"),
    walks: value("walks"),
    logEntries: value("log entries"),
    logFull: value("log full"),
    missedGpas: value("missed GPAs"),
  }).toEqual({
    time: summary.time,
    accesses: summary.accesses,
    writes: summary.writes,
    tlbMisses: summary.tlbMisses,
    walks: summary.walks,
    logEntries: summary.logEntries,
    logFull: summary.logFull,
    missedGpas: summary.missedGpas,
  });
  const sum = (of: (one: Frame["logs"][number]) => number): number =>
    frame.logs.reduce((all, one) => all + of(one), 0);
  expect(sum(({ full }) => full)).toBe(summary.logFull);
  expect(sum(({ missed }) => missed)).toBe(summary.missedGpas);
  expect(sum(({ logged }) => logged)).toBe(summary.logEntries);
  const written = frame.vms.reduce((all, vm) => all + vm.written, 0);
  expect(written).toBe(summary.truth.pagesWritten);
}

describe.each(shareOf(runnableScenarios(), 14, 3))("%s", (name) => {
  it("has the figures of --json on every panel, and those of a run's summary", () => {
    const { scenario, directory } = loadScenario(name);
    const session = Session.start(scenario, directory);
    for (const point of POINTS) {
      session.advance(Math.max(0, point - session.position));
      expectSameFigures(session);
      expectAsSummary(session, jsonOf(session));
    }
  });
});

describe("two runs side by side", () => {
  it("have the figures of --json, and each those of its own summary", () => {
    const both = pair();
    both.advance(2000);
    expectSameFigures(both);
    expectAsSummary(both, jsonOf(both));
    const { runs, figures } = jsonOf(both).beside!;
    [both, both.beside].forEach((session, i) => {
      const summary = summarize(session.system);
      const { exits, found, missed, overReported, pvmTime } = ownMeasuresOf(summary);
      const value = (name: string) => figures.find((one) => one.name === name)?.values[i];
      expect(itemAt(runs, i).time).toBe(summary.time);
      expect({
        accesses: value("accesses"),
        exits: value("VM exits"),
        found: value("pages found"),
        missed: value("missed"),
        overReported: value("too many"),
        logFull: value("log full"),
        dropped: value("dropped"),
        pvmTime: value("pVM time"),
      }).toEqual({
        ...{ accesses: summary.accesses, exits, found, missed, overReported },
        ...{ logFull: summary.logFull, dropped: summary.missedGpas, pvmTime },
      });
    });
  });
});

it("a panel that shows another figure than its frame has is seen", () => {
  const { scenario, directory } = loadScenario(itemAt(runnableScenarios(), 0));
  const session = Session.start(scenario, directory);
  session.advance(300);
  const json = jsonOf(session);
  const counters = json.counters.map((one, i) =>
    i === 0 ? { ...one, value: one.value + 1 } : one,
  );
  expect(() => expectAsSummary(session, { ...json, counters })).toThrow();
});
