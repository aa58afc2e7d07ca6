/** What is done at a terminal, by the names of keys.ts. */
import { Writable } from "node:stream";
import { type Key, type RenderOptions, render } from "ink";
import { Keyboard } from "./keyboard.tsx";
import { keyName } from "./keys.ts";
import { MouseReader, type MouseReport } from "./mouse.ts";

export interface Listener {
  /** A key by its name; `text` is what it types. */
  press(key: string, text: string): void;
  point(report: MouseReport): void;
}

/** Keys and the mouse from the terminal, until it is unmounted. */
export function listen(input: NodeJS.ReadStream, to: Listener) {
  // Keys that came at once are one text.
  const mouse = new MouseReader();
  const type = (text: string): void => {
    for (const one of text) to.press(keyName(one, {}), one);
  };
  const onKey = (text: string, key: Key): void => {
    const { typed, report } = mouse.read(text);
    type(typed);
    if (report !== null) {
      if (report !== "none") to.point(report);
      return;
    }
    const name = keyName(text, key);
    if (name === text && text.length > 1) type(text);
    else to.press(name, text);
  };
  const options: object = {
    stdin: input,
    // Ink has the keyboard alone. What it writes by itself differs with the environment (a line feed
    // at the end where CI is set), and would be written over the screen.
    stdout: new Writable({ write: (_chunk, _encoding, done) => done() }),
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
  };
  return render(<Keyboard onKey={onKey} />, options as RenderOptions);
}
