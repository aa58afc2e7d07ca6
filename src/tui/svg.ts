/**
 * A screen as a picture (SVG 1.1), for documents: a rectangle, and text whose every word stands at its cell and is
 * as wide as its cells, whatever font the reader has.
 */
import { type Line, widthOf } from "./canvas.ts";
import { printable } from "./printable.ts";
import { type StyleName, THEMES, type ThemeName } from "./themes.ts";

/** Pixels. A monospaced character is about 0.6 of its size wide. */
const CELL = { width: 8.4, height: 17 };
const FONT_SIZE = 14;
const MARGIN = 10;
/** Of a character above the lower edge of its cell, pixels. */
const DESCENT = 4;
const BACKGROUND = "#16181d";
const FOREGROUND = "#d5d8de";
/** What lies behind all. */
export const GROUND = `<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>`;

/** The lines of a screen, as an SVG file's text. What a style lacks in colour it has in the terminal's own. */
export function pictureOf(lines: readonly Line[], title: string, theme: ThemeName): string {
  const columns = Math.max(...lines.map((line) => widthOf(line)));
  const rows = lines.map((line, row) => rowOf(line, row, theme)).join("");
  return pictureWith(rows, { columns, rows: lines.length }, title);
}

/** A file's text, around what is drawn in it: for a screen of a size in cells. */
export function pictureWith(
  drawn: string,
  size: { readonly columns: number; readonly rows: number },
  title: string,
): string {
  const width = rounded(2 * MARGIN + size.columns * CELL.width);
  const height = 2 * MARGIN + size.rows * CELL.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
${GROUND}
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}" xml:space="preserve">
${drawn}</g>
</svg>
`;
}

/** From the top of the picture to the top of a row, beyond that of the first one. */
export function topOf(row: number): number {
  return row * CELL.height;
}

/** A word of a picture. */
export interface Word {
  /** Its left edge. */
  readonly left: number;
  /** Attributes of its element: how it looks, and how wide it is. */
  readonly form: string;
  readonly text: string;
}

/** Of a line of the picture, from the left to the right. */
export function wordsOf(line: Line, theme: ThemeName): Word[] {
  let column = 0;
  return line.flatMap(({ text, style }) => {
    const start = column;
    column += text.length;
    return [...text.matchAll(/[^ ]+/g)].map(({ 0: word, index }) => ({
      left: left(start + index),
      form: ` textLength="${wide(word)}" lengthAdjust="spacingAndGlyphs"${attributes(style, theme)}`,
      text: escaped(word),
    }));
  });
}

/** Grounds of what is picked out in a line at a row of the picture. */
export function groundsOf(line: Line, row: number, theme: ThemeName): string {
  let column = 0;
  let grounds = "";
  for (const { text, style } of line) {
    if (THEMES[theme][style].inverse) {
      grounds += `<rect x="${left(column)}" y="${MARGIN + topOf(row)}" width="${wide(text)}" height="${CELL.height}" fill="${colourOf(style, theme)}"/>`;
    }
    column += text.length;
  }
  return grounds;
}

/** Where text of a row stands, from the top of the picture. */
export function baselineOf(row: number): number {
  return MARGIN + topOf(row + 1) - DESCENT;
}

function rowOf(line: Line, row: number, theme: ThemeName): string {
  const words = wordsOf(line, theme).map(
    ({ left, form, text }) => `<tspan x="${left}"${form}>${text}</tspan>`,
  );
  const grounds = groundsOf(line, row, theme);
  if (words.length === 0) return grounds;
  return `${grounds}<text y="${baselineOf(row)}">${words.join("")}</text>\n`;
}

function attributes(style: StyleName, theme: ThemeName): string {
  const { bold, inverse } = THEMES[theme][style];
  const fill = inverse ? BACKGROUND : colourOf(style, theme);
  return `${fill === FOREGROUND ? "" : ` fill="${fill}"`}${bold ? ' font-weight="bold"' : ""}`;
}

function colourOf(style: StyleName, theme: ThemeName): string {
  const { colour } = THEMES[theme][style];
  return colour < 0 ? FOREGROUND : rgbOf(colour);
}

/** Of a terminal's 256 colours, those that themes use: from 16 a cube of 6 x 6 x 6, from 232 greys (xterm's). */
function rgbOf(colour: number): string {
  if (colour >= 232) return hex([0, 1, 2].map(() => 8 + 10 * (colour - 232)));
  const cube = colour - 16;
  const levels = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return hex(levels.map((level) => (level === 0 ? 0 : 55 + 40 * level)));
}

function hex(parts: readonly number[]): string {
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function left(column: number): number {
  return rounded(MARGIN + column * CELL.width);
}

function wide(text: string): number {
  return rounded(text.length * CELL.width);
}

function rounded(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Whoever wrote the text: no control character is left, and no markup. */
function escaped(text: string): string {
  return printable(text).replace(/[&<>]/g, (one) => ENTITIES[one]!);
}
