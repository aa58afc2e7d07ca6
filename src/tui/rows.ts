/**
 * Painted rows behind marks. Ink takes every character that it lays out apart, colours and all, each
 * frame anew: most of a frame's time. All rows here have their width already. So Ink gets one mark for
 * each row, a private character one cell wide, and the screen puts the row where Ink has put its mark.
 */

/** Unicode's private use area: divided among the places of the screen. */
const FIRST = 0xe000;
const LAST = 0xf8ff;
export const ROWS_MAX = 400;

export class Rows {
  readonly #rows: (string | undefined)[] = [];

  /** Keeps the rows of a place and returns a mark for each. */
  mark(place: number, rows: readonly string[]): string[] {
    return rows.slice(0, ROWS_MAX).map((text, i) => {
      const at = place * ROWS_MAX + i;
      this.#rows[at] = text;
      return String.fromCharCode(FIRST + at);
    });
  }

  /** A line of Ink's with the rows in the place of their marks. */
  resolve(line: string): string {
    let text = "";
    for (const character of line) {
      const code = character.charCodeAt(0);
      text += (code >= FIRST && code <= LAST ? this.#rows[code - FIRST] : undefined) ?? character;
    }
    return text;
  }
}
