/** A line that is being typed. Its keys are those of Readline's Emacs mode (GNU Readline manual, 8.4). */

export interface EditedLine {
  readonly text: string;
  /** Characters before the cursor. */
  readonly at: number;
}

/** Longer ones are cut. */
const LENGTH_MAX = 200;

type Edit = (line: EditedLine) => EditedLine;

const backward: Edit = ({ text, at }) => ({ text, at: Math.max(0, at - 1) });
const forward: Edit = ({ text, at }) => ({ text, at: Math.min(text.length, at + 1) });
const toStart: Edit = ({ text }) => ({ text, at: 0 });
const toEnd: Edit = ({ text }) => lineOf(text);
const eraseBefore: Edit = (line) => erased(line, line.at - 1, line.at);
const eraseHere: Edit = (line) => erased(line, line.at, line.at + 1);
const eraseToStart: Edit = (line) => erased(line, 0, line.at);
const eraseToEnd: Edit = (line) => erased(line, line.at, line.text.length);
const eraseWord: Edit = (line) => {
  const word = /\S*\s*$/.exec(line.text.slice(0, line.at));
  return erased(line, word?.index ?? 0, line.at);
};

/** By key (keys.ts). */
const EDITS: Readonly<Record<string, Edit>> = {
  left: backward,
  "ctrl+b": backward,
  right: forward,
  "ctrl+f": forward,
  home: toStart,
  "ctrl+a": toStart,
  end: toEnd,
  "ctrl+e": toEnd,
  backspace: eraseBefore,
  "ctrl+h": eraseBefore,
  "ctrl+d": eraseHere,
  "ctrl+u": eraseToStart,
  "ctrl+k": eraseToEnd,
  "ctrl+w": eraseWord,
};

/** With the cursor at its end. */
export function lineOf(text: string): EditedLine {
  const kept = text.slice(0, LENGTH_MAX);
  return { text: kept, at: kept.length };
}

/** What a key makes of a line, or else what it types; the same line if it does nothing. */
export function edited(line: EditedLine, key: string, typed: string): EditedLine {
  const edit = Object.hasOwn(EDITS, key) ? EDITS[key] : undefined;
  if (edit !== undefined) return edit(line);
  if (typed === "" || /\p{Cc}/u.test(typed)) return line;
  const { text, at } = line;
  const room = typed.slice(0, LENGTH_MAX - text.length);
  return { text: text.slice(0, at) + room + text.slice(at), at: at + room.length };
}

function erased({ text }: EditedLine, from: number, to: number): EditedLine {
  const first = Math.max(0, from);
  return { text: text.slice(0, first) + text.slice(to), at: first };
}
