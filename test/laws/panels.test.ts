/** What holds for every panel of the screen: a new one is tested by being listed. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Frame } from "../../src/session/frame.ts";
import { Sampler } from "../../src/session/sampler.ts";
import { Session } from "../../src/session/session.ts";
import { vocabularyOf } from "../../src/session/vocabulary.ts";
import { widthOf } from "../../src/tui/canvas.ts";
import { COMMANDS } from "../../src/tui/commands.ts";
import { frameFor } from "../../src/tui/frameRequest.ts";
import { keyMap } from "../../src/tui/keys.ts";
import { layoutFor } from "../../src/tui/layout.ts";
import { panelLines, panelTitle } from "../../src/tui/panelLines.ts";
import { digitOf, PANELS, panelNamed } from "../../src/tui/panels/all.ts";
import { COLUMNS } from "../../src/tui/places.ts";
import type { ScreenState } from "../../src/tui/screenState.ts";
import { UNICODE } from "../../src/tui/themes.ts";
import { Ui } from "../../src/tui/ui.ts";
import { SMALL } from "../tui/fakeTerminal.ts";

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;
const PLACES = { two: COLUMNS.two.flat(), three: COLUMNS.three.flat() };

let session: Session;
beforeAll(() => {
  session = Session.start(SMALL, ".");
  session.advance(600);
});

/** A screen with a panel in front, with the focus. */
function stateWith(name: string, columns: number, rows: number): ScreenState {
  const ui = new Ui(() => {});
  ui.focusOn(PANELS.findIndex((panel) => panel.name === name));
  const sized = { mode: ui.mode, ui: ui.context, columns, rows };
  const sampler = new Sampler(session);
  const surroundings = { present: session.position, actors: [], filter: null, running: false };
  const frame = frameFor(sampler, sized, surroundings, null);
  return {
    ...sized,
    frame,
    run: { status: "paused", speed: "full", rate: 0, notice: null, filter: "", recorded: 0 },
    look: { theme: "default", colours: "plain", glyphs: UNICODE },
    keys: keyMap("", {}),
    vocabulary: vocabularyOf(session.system),
  };
}

it("every place is in each arrangement once, and somebody stands there", () => {
  expect(PLACES.two.toSorted()).toEqual(PLACES.three.toSorted());
  expect(new Set(PLACES.two).size).toBe(PLACES.two.length);
  for (const place of PLACES.two) {
    expect(
      PANELS.some((panel) => panel.place === place),
      place,
    ).toBe(true);
  }
});

it("each is chosen by a digit, or by the key of a command of its name", () => {
  PANELS.forEach(({ name }, panel) => {
    const command = COMMANDS.find((one) => one.name === name);
    expect(digitOf(panel) !== "" || (command?.keys.length ?? 0) > 0, name).toBe(true);
  });
  const digits = PANELS.map((_, panel) => digitOf(panel)).filter((digit) => digit !== "");
  expect(new Set(digits).size).toBe(digits.length);
});

it("what commands are for is a panel", () => {
  for (const { panels = [] } of COMMANDS) {
    for (const name of panels) expect(panelNamed(name).name).toBe(name);
  }
});

describe.each(PANELS.map((panel) => [panel.name, panel] as const))("panel %s", (name, panel) => {
  it("is found by its name, which no other has", () => {
    expect(panelNamed(name)).toBe(panel);
    expect(PANELS.filter((one) => one.name === name)).toHaveLength(1);
  });

  it.each(SIZES)(
    "is on the screen at %i x %i when it is chosen, under its title",
    (columns, rows) => {
      const state = stateWith(name, columns, rows);
      const placed = layoutFor(state, state.frame).columns.flat();
      const mine = placed.filter((one) => one.panel === panel);
      expect(mine).toHaveLength(1);
      const { area } = mine[0]!;
      const lines = panelLines(panel, state, area);
      expect(lines).toHaveLength(area.height);
      for (const one of lines) expect(widthOf(one)).toBe(area.width);
      expect(panelTitle(panel, state)).toContain(name);
      // Something is in its frame.
      const inside = lines.slice(1, -1).map((one) => one.map(({ text }) => text).join(""));
      expect(inside.join("").replaceAll(UNICODE.vertical, "").trim()).not.toBe("");
    },
  );

  it("needs parts of the frame, and draws from nothing else of it", () => {
    const state = stateWith(name, 120, 40);
    const seen = new Set<string>();
    const frame = new Proxy(state.frame, {
      get(target, part) {
        seen.add(String(part));
        return Reflect.get(target, part);
      },
    });
    expect(panel.needs.length).toBeGreaterThan(0);
    panel.lines({ ...state, frame }, { width: 60, height: 20 });
    panel.digest?.lines({ ...state, frame }, { width: 60, height: 20 });
    const needs: readonly (keyof Frame)[] = panel.needs;
    expect([...seen].filter((part) => !needs.some((one) => one === part))).toEqual([]);
  });

  it("says itself in whole sentences", () => {
    const sentences = panel.sentences(stateWith(name, 120, 40));
    expect(sentences.length).toBeGreaterThan(0);
    for (const one of sentences) expect(one).toMatch(/^\S.*\S/);
  });
});
