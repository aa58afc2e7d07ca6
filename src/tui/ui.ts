/** The state of the screen (uiMachine.ts), and how keys change it where that takes more than one event. */
import { type Actor, createActor } from "xstate";
import type { Frame } from "../session/frame.ts";
import { completed } from "./commandLine.ts";
import { PANELS } from "./layout.ts";
import type { Mode } from "./shown.ts";
import { type UiContext, type UiEvent, uiMachine } from "./uiMachine.ts";

export class Ui {
  readonly #actor: Actor<typeof uiMachine>;

  /** @param command is given what was typed into the palette or the filter */
  constructor(command: (text: string) => void) {
    this.#actor = createActor(uiMachine, { input: { panels: PANELS } }).start();
    this.#actor.on("command", ({ text }) => command(text));
  }

  get mode(): Mode {
    return this.#actor.getSnapshot().value as Mode;
  }

  get context(): UiContext {
    return this.#actor.getSnapshot().context;
  }

  /** Whether keys are text. */
  get types(): boolean {
    return this.mode === "palette" || this.mode === "filter";
  }

  send(event: UiEvent): void {
    this.#actor.send(event);
  }

  stop(): void {
    this.#actor.stop();
  }

  /** @param seen the last frame; the cursor goes through what it shows */
  move(by: number, seen: Frame | null, present: number): void {
    const { mode } = this;
    const { actors, stream } = seen ?? { actors: [], stream: [] };
    if (mode === "help") this.send({ type: "scroll", by });
    else if (mode === "actors") {
      // Ten at a time go through the long text, one at a time through the list.
      if (Math.abs(by) > 1) this.send({ type: "scroll", by });
      else this.send({ type: "move", by, limit: actors.length });
    } else {
      const { cursor } = this.context;
      const shown = stream.map(({ position }) => position);
      // Under a filter the cursor goes from match to match.
      const before = cursor < 0 ? shown.at(-1) : shown.at(-1 + Math.max(by, -shown.length + 1));
      const jump = by < 0 && cursor >= 0 && before !== undefined ? before - cursor : by;
      this.send({ type: "move", by: jump || by, limit: present });
    }
  }

  /** A key while a line is typed. */
  type(key: string, text: string): void {
    if (key === "escape" || key === "ctrl+c") this.send({ type: "close" });
    else if (key === "enter") this.send({ type: "submit" });
    else if (key === "backspace") this.send({ type: "erase" });
    else if (key === "tab" && this.mode === "palette") {
      const { typed } = this.context;
      this.send({ type: "openPalette", text: completed(typed) });
    } else if (text !== "" && !/\p{Cc}/u.test(text)) this.send({ type: "type", text });
  }

  focusOn(panel: number): void {
    const { focus, panels } = this.context;
    if (panel < panels.length) this.send({ type: "focus", by: panel - focus });
  }
}
