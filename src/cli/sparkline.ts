/** A series as one line of block characters. */

const BLOCKS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** @param largest what a full block stands for; a longer series shows the largest value of each piece. */
export function sparkline(values: readonly number[], largest: number, width: number): string {
  const columns = Math.min(width, values.length);
  let line = "";
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const value = Math.max(...values.slice(from, to));
    const share = largest > 0 ? value / largest : 0;
    const level = value > 0 ? Math.max(1, Math.min(8, Math.round(8 * share))) : 0;
    line += BLOCKS[level];
  }
  return line;
}
