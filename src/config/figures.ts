/** Numbers, sizes and series as people read them. */

/** Pages of 4 KiB. */
const PAGES_PER_MIB = 256;
const BLOCKS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const LINE_WIDTH = 98;

/** A whole number with its thousands apart, the same in every locale. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** Such as "1,024.0 MiB". @param pages of 4 KiB */
export function mebibytes(pages: number): string {
  const value = (pages / PAGES_PER_MIB).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  return `${value} MiB`;
}

/**
 * A series as one line of block characters.
 * @param largest what a full block stands for; a longer series shows the largest value of each piece.
 */
export function sparkline(values: readonly number[], largest: number, width: number): string {
  const columns = Math.min(width, values.length);
  let line = "";
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const value = Math.max(...values.slice(from, to));
    const share = largest > 0 ? value / largest : 0;
    const level = value > 0 ? Math.max(1, Math.min(8, Math.round(8 * share))) : 0;
    line += BLOCKS[level] ?? "";
  }
  return line;
}

/** All of a series if it is short, else some at equal distances, the last among them. */
export function thinned<Point>(series: readonly Point[], most: number): readonly Point[] {
  const step = Math.ceil(series.length / most);
  return series.filter((_, index) => (series.length - 1 - index) % step === 0);
}

/** Lines of at most `width` columns; a number stays with its unit. */
export function wrap(text: string, width = LINE_WIDTH): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(/ (?!(?:ms|us|s|%|MiB\/s)(?:[ ,.;]|$))/)) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  return current === "" ? lines : [...lines, current];
}

/** "-" for what is not known. */
export function orDash<Value>(value: Value | null, format: (value: Value) => string): string {
  return value === null ? "-" : format(value);
}

/** Such as "256 pages, 1.0 MiB"; "-" for what is not known. @param pages of 4 KiB */
export function pagesAndSize(pages: number | null): string {
  if (pages === null) return "-";
  return `${grouped(pages)} pages, ${(pages / PAGES_PER_MIB).toFixed(1)} MiB`;
}

/** What is drawn, with its unit: "dirty rate, pages/s". */
export function withUnit({
  title,
  unit,
}: {
  readonly title: string;
  readonly unit: string;
}): string {
  return unit === "" ? title : `${title}, ${unit}`;
}

/** A share as a percentage; "-" for what is not known. */
export function percentOrDash(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(2)} %`;
}
