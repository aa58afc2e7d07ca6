/** The lines that were typed into a prompt, and the way back through them. */
import { type EditedLine, lineOf } from "./lineEditor.ts";

/** Lines that are kept of each prompt. */
const KEPT = 100;

export interface History {
  /** The newest last. */
  readonly lines: readonly string[];
  /** How far back the line shown is; 0 = it is a new one. */
  readonly back: number;
  /** The new one, while an older one is shown. */
  readonly draft: EditedLine;
}

/** Each prompt has its own. */
export type Histories = Readonly<Record<"palette" | "filter" | "typing", History>>;

interface Typing {
  readonly line: EditedLine;
  readonly histories: Histories;
}

const EMPTY: History = { lines: [], back: 0, draft: lineOf("") };
export const FRESH: Histories = { palette: EMPTY, filter: EMPTY, typing: EMPTY };

/** The line so many steps further back; what is there no more leaves all as it is. */
export function recalled(prompt: keyof Histories, { line, histories }: Typing, by: number): Typing {
  const history = histories[prompt];
  const back = history.back + by;
  if (back < 0 || back > history.lines.length) return { line, histories };
  const draft = history.back === 0 ? line : history.draft;
  return {
    line: back === 0 ? draft : lineOf(history.lines.at(-back) ?? ""),
    histories: { ...histories, [prompt]: { ...history, back, draft } },
  };
}

/** The line was entered: it is the newest, unless it was that before. */
export function noted(
  prompt: keyof Histories,
  { line, histories }: Typing,
): Pick<Typing, "histories"> {
  const { lines } = histories[prompt];
  const isNew = line.text.trim() !== "" && line.text !== lines.at(-1);
  const kept = isNew ? [...lines, line.text].slice(-KEPT) : lines;
  return { histories: { ...histories, [prompt]: { ...EMPTY, lines: kept } } };
}
