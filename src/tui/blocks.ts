/**
 * Painted blocks behind marks. Ink takes every character that it lays out apart, colours and all, each
 * frame anew: most of a frame's time. What is drawn here has its size already. So Ink lays out boxes, each
 * with one mark in its corner, a private character one cell wide; the screen puts the block where Ink has
 * put its mark. While the layout stays, Ink has nothing to do.
 */

import type { Painted } from "../io/standardStreams.ts";

/** Unicode's private use area: one character for each place of the screen. */
const FIRST = 0xe000;
const LAST = 0xf8ff;

export class Blocks {
  readonly #blocks: (readonly Painted[])[] = [];

  /** The character that stands for a place. */
  static mark(place: number): string {
    return String.fromCharCode(FIRST + place);
  }

  /** What is to be seen at a place from now on: rows as they go to the terminal. */
  keep(place: number, rows: readonly Painted[]): void {
    this.#blocks[place] = rows;
  }

  /** Ink's layout with the blocks in the place of their marks: a row for each line. */
  resolve(layout: readonly string[]): string[] {
    // By column of marks: which block it is in, and where that block began.
    const open: { readonly block: readonly string[]; readonly from: number }[] = [];
    return layout.map((line, row) => {
      for (let column = 0; column < line.length; column++) {
        const code = line.charCodeAt(column);
        if (code < FIRST || code > LAST) continue;
        open[column] = { block: this.#blocks[code - FIRST] ?? [], from: row };
      }
      return open.map(({ block, from }) => block[row - from] ?? "").join("");
    });
  }
}
