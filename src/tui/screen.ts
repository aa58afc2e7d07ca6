/**
 * The rows that are on the terminal. Of a new frame the rows that differ are written, each to its place, in one piece.
 * After a change of size all are.
 */

/** What is needed of a terminal. */
export interface TerminalStream {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

const CSI = "\x1b[";
/** Synchronized output (DEC mode 2026): the terminal shows the frame when it is whole. */
const BEGIN = `${CSI}?2026h`;
const END = `${CSI}?2026l`;
const CLEAR = `${CSI}0m${CSI}2J`;
const DEFAULT = { columns: 80, rows: 24 };

export class Screen {
  /** Characters written, and frames. */
  bytes = 0;
  frames = 0;
  readonly #terminal: TerminalStream;
  /** Line by line as text comes, without moving the cursor: for screen readers. */
  readonly #linear: boolean;
  #shown: readonly string[] = [];
  #stale = true;
  #open = true;

  constructor(terminal: TerminalStream, linear = false) {
    this.#terminal = terminal;
    this.#linear = linear;
  }

  /** Of the terminal. */
  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#terminal;
    return { columns: columns || DEFAULT.columns, rows: rows || DEFAULT.rows };
  }

  /** Whatever is on the terminal, the next frame is written whole. */
  repaint(): void {
    this.#stale = true;
  }

  /** Takes no further frame. */
  close(): void {
    this.#open = false;
  }

  /** Brings the terminal up to date. @param rows from the top of the screen */
  show(rows: readonly string[]): void {
    if (!this.#open) return;
    const text = this.#linear ? this.#newLines(rows) : this.#changes(rows);
    this.#shown = rows;
    this.#stale = false;
    if (text === "") return;
    this.bytes += text.length;
    this.frames++;
    this.#terminal.write(text);
  }

  #newLines(rows: readonly string[]): string {
    const changed = rows.filter((one) => !this.#shown.includes(one) && one !== "");
    return changed.map((one) => `${one}\n`).join("");
  }

  #changes(rows: readonly string[]): string {
    // One row less than there are: writing into the last cell makes some terminals scroll.
    const shown = rows.slice(0, this.size.rows - 1);
    const before = this.#stale ? [] : this.#shown;
    // Erased first: behind a line as wide as the screen, erasing would take its last character.
    const changes = shown.map((now, row) =>
      now === before[row] ? "" : `${CSI}${row + 1};1H${CSI}0m${CSI}K${now}`,
    );
    for (let row = shown.length; row < before.length; row++) {
      changes.push(`${CSI}${row + 1};1H${CSI}K`);
    }
    const text = `${this.#stale ? CLEAR : ""}${changes.join("")}`;
    return text === "" ? "" : `${BEGIN}${text}${CSI}0m${END}`;
  }
}
