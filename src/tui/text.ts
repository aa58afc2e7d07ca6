/** Numbers and bars for narrow columns. */
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { type Line, piece } from "./canvas.ts";
import type { Glyphs, StyleName } from "./themes.ts";

/** "950", "12.3k", "4.56M": five characters at most. */
export function short(value: number): string {
  const size = Math.abs(value);
  // 999.96 would become "1000.0".
  if (Number.isInteger(value) ? size < 1000 : size < 999.95) {
    return Number.isInteger(value) ? String(value) : value.toFixed(1);
  }
  for (const [unit, suffix] of UNITS) {
    // 999,600 is "1.00M", for "1000k" has no more digits that are right.
    if (size >= unit * 0.9995) {
      const scaled = value / unit;
      return `${scaled.toFixed(scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2)}${suffix}`;
    }
  }
  return String(value);
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Virtual time with a precision that grows with the run: "1.234567s", "12.345ms". */
export function clock(cycles: number): string {
  const seconds = cycles / CYCLES_PER_SECOND;
  if (seconds >= 1) return `${seconds.toFixed(5)}s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(4)}ms`;
  return `${(seconds * 1e6).toFixed(3)}us`;
}

/**
 * A bar of parts of a whole, each part at least a cell if it is at least a hundredth.
 * @param parts shares of 1
 */
export function stackedBar(
  parts: readonly { readonly share: number; readonly glyph: string; readonly style: StyleName }[],
  width: number,
): Line {
  const cells = parts.map(({ share }) => Math.floor(share * width + 1e-9));
  parts.forEach(({ share }, i) => {
    if (cells[i] === 0 && share >= 0.01) cells[i] = 1;
  });
  let left = width - cells.reduce((sum, one) => sum + one, 0);
  while (left !== 0 && cells.length > 0) {
    // The largest part takes or gives what rounding has left.
    const largest = cells.indexOf(Math.max(...cells));
    const step = left > 0 ? left : -1;
    cells[largest] = cells[largest]! + step;
    left -= step;
  }
  return parts.map(({ glyph, style }, i) => piece(glyph.repeat(Math.max(0, cells[i]!)), style));
}

/** A bar that shows how full something is. */
export function gauge(share: number, width: number, style: StyleName, glyphs: Glyphs): Line {
  const filled = Math.max(0, Math.min(width, Math.round(share * width)));
  return [
    piece(glyphs.bars.guest.repeat(filled), style),
    piece(glyphs.bars.idle.repeat(width - filled), "idle"),
  ];
}

/** The last values as columns over several rows, the highest row first. @param top what fills a column */
export function columnsOf(
  values: readonly number[],
  width: number,
  rows: number,
  top: number,
  { levels }: Glyphs,
): string[] {
  const shown = values.slice(-Math.max(0, width));
  const full = levels.length - 1;
  return Array.from({ length: rows }, (_, i) => {
    const row = rows - 1 - i;
    return shown
      .map((value) => {
        const part = Math.max(0, Math.min(1, (value / top) * rows - row));
        const level = Math.round(part * full);
        return levels[row === 0 && value > 0 ? Math.max(1, level) : level]!;
      })
      .join("");
  });
}

/** A longer series in fewer columns: the mean of each piece. */
export function squeezed(values: readonly number[], width: number): number[] {
  if (values.length <= width || width <= 0) return [...values];
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    return values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
}
