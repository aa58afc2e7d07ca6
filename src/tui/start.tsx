/** Opens the screen on a terminal, and closes it. */
import type { Session } from "../session/session.ts";
import type { Arrangements } from "./arrangement.ts";
import type { KeyMap } from "./command.ts";
import { Driver } from "./driver.ts";
import { listen } from "./listen.tsx";
import { PaintedRows, spokenRows } from "./paintedRows.ts";
import { Screen, type TerminalStream } from "./screen.ts";
import { clipboardSequence, Terminal } from "./terminal.ts";
import type { Look } from "./themes.ts";

export interface TuiOptions {
  readonly session: Session;
  readonly look: Look;
  readonly keys: KeyMap;
  readonly input: NodeJS.ReadStream;
  readonly output: TerminalStream;
  /** Clicks and the wheel are taken; then the terminal selects text with shift held. */
  readonly mouse?: boolean;
  /** In sentences, without moving the cursor. */
  readonly screenReader?: boolean;
  /** Command lines that are executed at once, as from the palette. */
  readonly commands?: readonly string[];
  /** Takes over signals and the alternate screen; a test does not. */
  readonly takeTerminal?: boolean;
  /** Of the panels, as the settings have it. */
  readonly arrangements?: Arrangements | undefined;
  readonly savePath?: string;
  /** Sees the driver before the first frame. */
  readonly onDriver?: (driver: Driver, screen: Screen) => void;
}

/** Runs until the operator quits. Rejects with a fault of the run, the terminal being restored. */
export async function startTui(options: TuiOptions): Promise<void> {
  const { session, look, keys, input, output, screenReader = false } = options;
  const screen = new Screen(output, screenReader);
  const terminal = new Terminal(output, input, {
    mouse: options.mouse ?? true,
    last: () => screen.close(),
    resized: () => onResize(),
  });
  const onResize = (): void => {
    screen.repaint();
    driver.resized();
  };
  const rows = new PaintedRows();
  const driver = new Driver({
    session,
    look,
    keys,
    size: () => screen.size,
    draw: (state) => screen.show(screenReader ? spokenRows(state) : rows.of(state)),
    suspend: () => {
      terminal.suspend(() => {
        screen.repaint();
        driver.resized();
      });
    },
    arrangements: options.arrangements,
    copy: (text) => output.write(clipboardSequence(text)),
    ...(options.savePath === undefined ? {} : { savePath: options.savePath }),
  });
  options.onDriver?.(driver, screen);
  if (options.takeTerminal !== false && !screenReader) terminal.take();
  const keyboard = listen(input, driver);
  output.on("resize", onResize);
  try {
    driver.doAll(options.commands ?? []);
    await driver.untilQuit();
  } finally {
    output.off("resize", onResize);
    screen.close();
    keyboard.unmount();
    keyboard.cleanup();
    terminal.release();
  }
}
