/** A sequence of deeds at the screen in this process, under a clock of its own: what is wrong after each of them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { finish } from "../../src/replay/timeline.ts";
import { Session } from "../../src/session/session.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { frameOf } from "../../src/tui/batch.ts";
import { Driver } from "../../src/tui/driver.ts";
import { keyMap, keyName } from "../../src/tui/keys.ts";
import { MouseReader } from "../../src/tui/mouse.ts";
import { PaintedRows } from "../../src/tui/paintedRows.ts";
import { Screen } from "../../src/tui/screen.ts";
import type { ScreenState } from "../../src/tui/screenState.ts";
import { type Look, UNICODE } from "../../src/tui/themes.ts";
import { FakeOutput } from "../tui/fakeTerminal.ts";
import type { Deed, Sequence, Size } from "./deeds.ts";
import { VirtualTime } from "./virtualTime.ts";

const LOOK: Look = { theme: "default", colours: "plain", glyphs: UNICODE };
/** Until a frame shows what a key did: two of the shortest times between frames. */
const FRAME_MS = 80;
/** Any way through a small run, and the writing of its log. */
const PATIENCE_MS = 60_000;

export class Sitting {
  readonly #time = new VirtualTime();
  readonly #session: Session;
  readonly #output: FakeOutput;
  readonly #screen: Screen;
  readonly #driver: Driver;
  readonly #mouse = new MouseReader();
  readonly #directory: string;
  #drawn: ScreenState | null = null;
  #ended = false;
  #fault: unknown = null;

  /** @param directory where sessions are saved */
  constructor(scenario: Scenario, size: Size, directory: string) {
    this.#directory = directory;
    this.#session = Session.start(scenario, ".");
    this.#output = new FakeOutput(size.columns, size.rows);
    this.#screen = new Screen(this.#output);
    const rows = new PaintedRows();
    this.#driver = new Driver({
      session: this.#session,
      look: LOOK,
      keys: keyMap("", {}),
      size: () => this.#screen.size,
      draw: (state) => {
        this.#drawn = state;
        this.#screen.show(rows.of(state));
      },
      suspend: () => {},
      copy: () => {},
      savePath: join(directory, "by-key.tvlog"),
    });
  }

  /** @returns what is wrong; null: nothing */
  async act({ deeds }: Sequence): Promise<string | null> {
    const quits = this.#time.within(() => this.#driver.untilQuit());
    const ended = quits.then(
      () => {
        this.#ended = true;
      },
      (fault: unknown) => {
        this.#ended = true;
        this.#fault = fault;
      },
    );
    let problem: string | null = null;
    this.#time.within(() => this.#time.elapse(FRAME_MS));
    for (const [number, deed] of deeds.entries()) {
      this.#time.within(() => this.#do(deed));
      // Whether it has ended is told by a promise.
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      if (this.#ended) break;
      const wrong = this.#time.within(() => this.#wrong());
      if (wrong === null) continue;
      problem = `after deed ${number}, ${JSON.stringify(deed)}: ${wrong}`;
      break;
    }
    problem ??= this.#ended ? null : this.#time.within(() => this.#lost());
    this.#time.within(() => this.#leave());
    await ended;
    return this.#fault === null ? problem : `a fault: ${(this.#fault as Error).stack}`;
  }

  #do(deed: Deed): void {
    const { columns } = this.#output;
    if ("key" in deed) this.#driver.press(deed.key, deed.key.length === 1 ? deed.key : "");
    else if ("text" in deed) this.#type(deed.text);
    else if ("line" in deed) {
      this.#driver.press(":", ":");
      this.#type(deed.line);
      this.#driver.press("enter", "");
    } else if ("button" in deed) {
      const { button, up, column, row } = deed;
      const at = `${1 + (column % columns)};${1 + (row % this.#output.rows)}`;
      const { report } = this.#mouse.read(`[<${button};${at}${up ? "m" : "M"}`);
      if (report !== null && report !== "none") this.#driver.point(report);
    } else if ("size" in deed) {
      this.#output.columns = deed.size.columns;
      this.#output.rows = deed.size.rows;
      this.#screen.repaint();
      this.#driver.resized();
    } else this.#time.elapse(deed.wait);
    this.#time.elapse(FRAME_MS);
  }

  #type(text: string): void {
    for (const one of text) this.#driver.press(keyName(one, {}), one);
  }

  /** Of the screen as it is now. */
  #wrong(): string | null {
    const drawn = this.#drawn;
    if (drawn === null) return "nothing was drawn";
    if (this.#output.overflow > 0) return "something was written beyond the terminal";
    const { columns, rows } = this.#output;
    const means = new PaintedRows().of(drawn);
    if (means.length !== Math.max(1, rows - 1)) return `${means.length} rows on ${rows}`;
    const wrong = means.find((row) => row.length !== columns);
    if (wrong !== undefined) return `a row of ${wrong.length} on ${columns} columns: ${wrong}`;
    const shown = means.map((row) => row.trimEnd()).join("\n");
    if (this.#output.text !== shown.trimEnd())
      return `what is shown is not what is meant:\n${this.#output.text}\n---\n${shown}`;
    if (drawn.run.status === "running" || drawn.run.status === "busy") return null;
    if (this.#late() === null) return null;
    // A way through the run may have ended just now: the frame that shows it is due in the time between two.
    this.#time.elapse(FRAME_MS);
    return this.#late();
  }

  /** What has happened by now, and was not drawn; null: nothing. */
  #late(): string | null {
    if (this.#drawn === null) return "nothing was drawn";
    const means = new PaintedRows().of(this.#drawn);
    const now = new PaintedRows().of(this.#driver.shown());
    const late = now.findIndex((row, i) => row !== means[i]);
    return late < 0 ? null : `what has happened is not shown: ${now[late]}\n${means[late]}`;
  }

  /** Whether the session is lost: it is saved, and opened again. */
  #lost(): string | null {
    const file = join(this.#directory, "at-the-end.tvlog");
    rmSync(file, { force: true });
    for (let i = 0; i < 4; i++) this.#do({ key: "escape" });
    if (this.#driver.shown().mode !== "panels") return "escape does not lead back to the panels";
    this.#driver.do(`save ${file}`);
    const { notice } = this.#stands().run;
    if (!notice?.text.startsWith("saved: ")) return `it was not saved: ${notice?.text}`;
    const { position } = this.#session;
    const again = Session.open(file);
    if (again.damage !== undefined) return `the session is damaged: ${again.damage}`;
    if (again.recorded !== position) return `${again.recorded} messages of ${position}`;
    finish(again.timeline.seeking(position));
    // What was done behind the last message is made with the next one.
    const [mine, its] = [this.#session, again].map((session) => {
      session.advance(1);
      const { logs, vms, actors, waiting } = frameOf(session);
      return JSON.stringify({ logs, vms, actors, waiting });
    });
    return mine === its ? null : `another machine:\n${mine}\n${its}`;
  }

  #stands(): ScreenState {
    const end = performance.now() + PATIENCE_MS;
    while (this.#driver.shown().run.status === "busy" && performance.now() < end)
      this.#time.elapse(FRAME_MS);
    return this.#driver.shown();
  }

  #leave(): void {
    if (this.#ended) return;
    this.#driver.quit();
    if (this.#driver.shown().mode === "question") this.#driver.press("q", "q");
    this.#stands();
  }
}
