/**
 * A screen as a picture (SVG 1.1), for documents: a rectangle, and text whose every word stands at its cell and is
 * as wide as its cells, whatever font the reader has.
 */
import type { Line } from "./canvas.ts";
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

/** The lines of a screen, as an SVG file's text. What a style lacks in colour it has in the terminal's own. */
export function pictureOf(lines: readonly Line[], title: string, theme: ThemeName): string {
  const columns = Math.max(
    ...lines.map((line) => line.reduce((sum, { text }) => sum + text.length, 0)),
  );
  const width = rounded(2 * MARGIN + columns * CELL.width);
  const height = 2 * MARGIN + lines.length * CELL.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}" xml:space="preserve">
${lines.map((line, row) => rowOf(line, row, theme)).join("")}</g>
</svg>
`;
}

function rowOf(line: Line, row: number, theme: ThemeName): string {
  const y = MARGIN + (row + 1) * CELL.height;
  let backgrounds = "";
  let words = "";
  let column = 0;
  for (const { text, style } of line) {
    const { inverse } = THEMES[theme][style];
    if (inverse) {
      backgrounds += `<rect x="${left(column)}" y="${rounded(y - CELL.height)}" width="${wide(text)}" height="${CELL.height}" fill="${colourOf(style, theme)}"/>`;
    }
    for (const { 0: word, index } of text.matchAll(/[^ ]+/g)) {
      words += `<tspan x="${left(column + index)}" textLength="${wide(word)}" lengthAdjust="spacingAndGlyphs"${attributes(style, theme)}>${escaped(word)}</tspan>`;
    }
    column += text.length;
  }
  return words === "" ? backgrounds : `${backgrounds}<text y="${y - DESCENT}">${words}</text>\n`;
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
