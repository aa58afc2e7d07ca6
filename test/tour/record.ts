/** Takes the film of a tour: the program's own screen, driven by keys, with captions below. Its time is that of the script. */

import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { Session } from "../../src/session/session.ts";
import { fitted, type Line, line, piece, spread } from "../../src/tui/canvas.ts";
import { Driver } from "../../src/tui/driver.ts";
import { keyMap } from "../../src/tui/keys.ts";
import type { ScreenState } from "../../src/tui/screenState.ts";
import { type Look, UNICODE } from "../../src/tui/themes.ts";
import { linesOf } from "../../src/tui/wholeScreen.ts";
import { VirtualTime } from "../hands/virtualTime.ts";
import type { Film, FilmFrame } from "./film.ts";

export interface Scene {
  /** Sentences, a line each. */
  readonly caption: readonly string[];
  /** By their names; a line that begins with ":" is typed, and entered. */
  readonly keys?: readonly string[];
  /** Seconds between two keys. */
  readonly every?: number;
  /** How long the last frame stays, in seconds. */
  readonly hold: number;
  /** It is what is shown where nothing moves. */
  readonly still?: true;
}

export interface Script {
  readonly title: string;
  readonly scenario: string;
  /** Of the screen; the captions come below. */
  readonly columns: number;
  readonly rows: number;
  readonly scenes: readonly Scene[];
}

export const LOOK: Look = { theme: "default", colours: "256", glyphs: UNICODE };
/** Lines of a caption at most. */
export const CAPTION_LINES = 3;
/** Any way through the run that a key of the tour makes. */
const PATIENCE_MS = 600_000;
const FRAME_MS = 80;
const EVERY = 0.6;

export function recorded(script: Script): Film {
  const { title, scenario, columns, rows, scenes } = script;
  const loaded = loadScenario(scenario);
  const session = Session.start(loaded.scenario, loaded.directory);
  const time = new VirtualTime();
  let drawn: ScreenState | null = null;
  const driver = new Driver({
    session,
    look: LOOK,
    keys: keyMap("", {}),
    // The screen leaves the terminal's last row alone: here the captions begin there.
    size: () => ({ columns, rows: rows + 1 }),
    draw: (state) => {
      drawn = state;
    },
    suspend: () => {},
    copy: () => {},
  });
  const press = (key: string): void => {
    if (!key.startsWith(":") || key === ":") driver.press(key, key.length === 1 ? key : "");
    else driver.do(key.slice(1));
    const end = performance.now() + PATIENCE_MS;
    do time.elapse(FRAME_MS);
    while (/running|busy/.test(driver.shown().run.status) && performance.now() < end);
    driver.paint();
  };
  const frames: FilmFrame[] = [];
  let [at, still] = [0, 0];
  const take = (scene: Scene, key: string): void => {
    const screen = drawn === null ? [] : linesOf(drawn);
    frames.push({ at: rounded(at), lines: [...screen, ...captionLines(scene, key, columns)] });
    if (scene.still === true) still = frames.length - 1;
  };
  time.within(() => {
    driver.paint();
    for (const scene of scenes) {
      const { keys = [], every = EVERY, hold } = scene;
      if (keys.length === 0) take(scene, "");
      for (const [i, key] of keys.entries()) {
        if (i > 0) at += every;
        press(key);
        take(scene, key);
      }
      at += hold;
    }
  });
  return { title, seconds: rounded(at), frames, still };
}

function captionLines({ caption }: Scene, key: string, columns: number): Line[] {
  const rule = line("─".repeat(columns), "border");
  const texts = [...caption, ...Array<string>(CAPTION_LINES).fill("")].slice(0, CAPTION_LINES);
  const hint: Line = key === "" ? [] : [piece("key ", "dim"), piece(key, "key"), piece(" ")];
  return [
    rule,
    ...texts.map((text, i) =>
      fitted(spread([piece(` ${text}`)], i === CAPTION_LINES - 1 ? hint : [], columns), columns),
    ),
  ];
}

function rounded(seconds: number): number {
  return Math.round(1000 * seconds) / 1000;
}
