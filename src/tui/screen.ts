/**
 * Between Ink and the terminal. Ink draws relative to its last frame, and clears the terminal with its
 * scrollback (ESC [3J) when a frame does not fit; both go wrong when the size changes. So Ink runs in its
 * debug mode, in which it hands over each layout as a whole, and this puts the blocks in (blocks.ts) and
 * writes the rows that differ, each to its place. After a change of size all rows are written.
 */
import { Writable } from "node:stream";
import type { Blocks } from "./blocks.ts";

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
/** More panels never stand side by side. */
const MARKS = 8;
const DEFAULT = { columns: 80, rows: 24 };

export class Screen extends Writable {
  readonly isTTY = true;
  /** Bytes written, and frames. */
  bytes = 0;
  frames = 0;
  readonly #terminal: TerminalStream;
  readonly #blocks: Blocks;
  /** Line by line as text comes, without moving the cursor: for screen readers. */
  readonly #linear: boolean;
  /** What Ink has laid out last. */
  #layout: readonly string[] = [];
  #shown: readonly string[] = [];
  #stale = true;
  #open = true;

  constructor(terminal: TerminalStream, blocks: Blocks, linear = false) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    this.#blocks = blocks;
    this.#linear = linear;
  }

  /** What Ink lays out: marks side by side. */
  get columns(): number {
    return MARKS;
  }

  get rows(): number {
    return this.size.rows;
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

  override _write(layout: string, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#layout = layout.split("\n");
    done();
  }

  /** Brings the terminal up to date with the blocks. */
  show(): void {
    if (!this.#open) return;
    const lines = this.#blocks.resolve(this.#layout);
    const text = this.#linear ? this.#newLines(lines) : this.#changes(lines);
    this.#shown = lines;
    this.#stale = false;
    if (text === "") return;
    this.bytes += text.length;
    this.frames++;
    this.#terminal.write(text);
  }

  #newLines(lines: readonly string[]): string {
    const changed = lines.filter((one) => !this.#shown.includes(one) && one !== "");
    return changed.map((one) => `${one}\n`).join("");
  }

  #changes(lines: readonly string[]): string {
    // One row less than there are: writing into the last cell makes some terminals scroll.
    const height = Math.min(lines.length, this.rows - 1);
    let text = this.#stale ? CLEAR : "";
    for (let row = 0; row < height; row++) {
      const now = lines[row]!;
      if (!this.#stale && now === this.#shown[row]) continue;
      // Erased first: behind a line as wide as the screen, erasing would take its last character.
      text += `${CSI}${row + 1};1H${CSI}0m${CSI}K${now}`;
    }
    for (let row = height; row < this.#shown.length && !this.#stale; row++) {
      text += `${CSI}${row + 1};1H${CSI}K`;
    }
    return text === "" ? "" : `${BEGIN}${text}${CSI}0m${END}`;
  }
}
