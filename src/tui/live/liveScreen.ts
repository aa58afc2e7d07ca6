/** A live view on a terminal: takes it, draws frames as they come, hears keys, and gives it back. */
import { type Actor, createActor } from "xstate";
import { listen } from "../listen.tsx";
import { Screen, type TerminalStream } from "../screen.ts";
import { Terminal } from "../terminal.ts";
import { type Look, paint } from "../themes.ts";
import type { LiveFrame } from "./liveFrame.ts";
import { liveMachine } from "./liveMachine.ts";
import { liveLines } from "./liveView.ts";

/** Between two frames at least, in ms: what a frame costs is to be nothing beside the work. */
const FRAME_MS = 200;
/** Rows that a page goes through. */
const PAGE = 10;
const MOVES: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE,
  pagedown: PAGE,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

export interface LiveOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: TerminalStream;
  readonly look: Look;
  /** Ctrl-C, or q, while the work goes on. */
  readonly interrupt: () => void;
  /** Takes over signals and the alternate screen; a test does not. */
  readonly takeTerminal?: boolean;
}

/** What "enter" does with a row, once the work is over. */
export interface Opening {
  /** The one under the cursor at first. */
  readonly row: number;
  /** Why there is nothing to open; "" = there is. */
  readonly refusal: (row: number) => string;
  readonly open: (row: number) => Promise<void>;
}

export class LiveScreen {
  readonly #options: LiveOptions;
  readonly #actor: Actor<typeof liveMachine> = createActor(liveMachine);
  readonly #screen: Screen;
  readonly #terminal: Terminal;
  #keyboard: ReturnType<typeof listen> | null = null;
  #frame: LiveFrame | null = null;
  #notice = "";
  #drawn = Number.NEGATIVE_INFINITY;
  #left: () => void = () => {};
  #opened: (row: number) => void = () => {};

  constructor(options: LiveOptions) {
    const { input, output } = options;
    this.#options = options;
    this.#screen = new Screen(output);
    this.#terminal = new Terminal(output, input, {
      mouse: false,
      leavesInterrupt: true,
      last: () => this.#screen.close(),
      resized: () => this.#repaint(),
    });
    this.#actor.on("interrupt", options.interrupt);
    this.#actor.on("leave", () => this.#left());
    this.#actor.on("open", ({ row }) => this.#opened(row));
    this.#actor.start();
    this.#take();
  }

  /** Whether a frame is due: to make one costs the work a little. */
  get isDue(): boolean {
    return performance.now() - this.#drawn >= FRAME_MS;
  }

  show(frame: LiveFrame): void {
    this.#frame = frame;
    this.#draw();
  }

  /** The work is over: until somebody leaves, rows can be opened. */
  async stay(frame: LiveFrame, { row, refusal, open }: Opening): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#left = resolve;
      this.#opened = (chosen) => {
        this.#notice = refusal(chosen);
        if (this.#notice === "") this.#aside(() => open(chosen)).catch(reject);
      };
      this.#actor.send({ type: "end", row });
      this.show(frame);
    });
  }

  /** Gives the terminal back. */
  close(): void {
    this.#give();
    this.#screen.close();
    this.#terminal.release();
    this.#actor.stop();
  }

  press(key: string): void {
    this.#notice = "";
    const by = MOVES[key];
    const rows = this.#frame?.list.rows.length ?? 0;
    if (by !== undefined) this.#actor.send({ type: "move", by, rows });
    else if (key === "ctrl+c") this.#actor.send({ type: "interrupt" });
    else if (key === "enter") this.#actor.send({ type: "open" });
    else if (key === "q") this.#actor.send({ type: "leave" });
    this.#draw();
  }

  /** Something else has the terminal meanwhile. */
  async #aside(action: () => Promise<void>): Promise<void> {
    this.#give();
    this.#terminal.release();
    await action();
    this.#take();
    this.#repaint();
  }

  #take(): void {
    const { input, output, takeTerminal = true } = this.#options;
    if (takeTerminal) this.#terminal.take();
    this.#keyboard = listen(input, { press: (key) => this.press(key), point: () => {} });
    output.on("resize", this.#repaint);
  }

  #give(): void {
    this.#options.output.off("resize", this.#repaint);
    this.#keyboard?.unmount();
    this.#keyboard?.cleanup();
    this.#keyboard = null;
  }

  readonly #repaint = (): void => {
    this.#screen.repaint();
    this.#draw();
  };

  #draw(): void {
    const frame = this.#frame;
    if (frame === null) return;
    this.#drawn = performance.now();
    const { look } = this.#options;
    const { columns, rows } = this.#screen.size;
    const ui = this.#actor.getSnapshot().context;
    const lines = liveLines(
      { frame, ui, look, notice: this.#notice },
      { width: columns, height: rows },
    );
    this.#screen.show(lines.map((one) => paint(one, look)));
  }
}
