/** Opens the screen on a terminal, and closes it. */
import { type Key, type RenderOptions, render } from "ink";
import type { Session } from "../session/session.ts";
import { App } from "./App.tsx";
import { Blocks } from "./blocks.ts";
import { Driver } from "./driver.ts";
import { type KeyMap, keyName } from "./keys.ts";
import { Screen, type TerminalStream } from "./screen.ts";
import type { Shown } from "./shown.ts";
import { Terminal } from "./terminal.ts";
import type { Look } from "./themes.ts";

export interface TuiOptions {
  readonly session: Session;
  readonly look: Look;
  readonly keys: KeyMap;
  readonly input: NodeJS.ReadStream;
  readonly output: TerminalStream;
  /** In sentences, without moving the cursor. */
  readonly screenReader?: boolean;
  /** Command lines that are executed at once, as from the palette. */
  readonly commands?: readonly string[];
  /** Takes over signals and the alternate screen; a test does not. */
  readonly takeTerminal?: boolean;
  readonly savePath?: string;
  /** Sees the driver before the first frame. */
  readonly onDriver?: (driver: Driver, screen: Screen) => void;
}

/** Runs until the operator quits. Rejects with a fault of the run, the terminal being restored. */
export async function startTui(options: TuiOptions): Promise<void> {
  const { session, look, keys, input, output, screenReader = false } = options;
  const blocks = new Blocks();
  const screen = new Screen(output, blocks, screenReader);
  const terminal = new Terminal(output, input, () => screen.close());
  // Keys that came at once are one text.
  const onKey = (text: string, key: Key): void => {
    const name = keyName(text, key);
    if (name === text && text.length > 1)
      for (const one of text) driver.press(keyName(one, key), one);
    else driver.press(name, text);
  };
  const appOf = (shown: Shown) => (
    <App shown={shown} linear={screenReader} blocks={blocks} onKey={onKey} />
  );
  const driver = new Driver({
    session,
    look,
    keys,
    size: () => screen.size,
    draw: (shown) => {
      instance.rerender(appOf(shown));
      screen.show();
    },
    suspend: () => {
      terminal.suspend(() => {
        screen.repaint();
        driver.resized();
      });
    },
    ...(options.savePath === undefined ? {} : { savePath: options.savePath }),
  });
  options.onDriver?.(driver, screen);
  if (options.takeTerminal !== false && !screenReader) terminal.take();
  // Of an output Ink wants to know the size, and that it can write there.
  const inkOptions: object = {
    stdout: screen,
    stdin: input,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
  };
  const instance = render(appOf(driver.shown()), inkOptions as RenderOptions);
  const onResize = (): void => {
    screen.repaint();
    driver.resized();
  };
  output.on("resize", onResize);
  try {
    driver.doAll(options.commands ?? []);
    await driver.run();
  } finally {
    output.off("resize", onResize);
    screen.close();
    instance.unmount();
    instance.cleanup();
    terminal.release();
  }
}
