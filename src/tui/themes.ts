/**
 * Colours and glyphs. Every style has a colour of 256, one of 16, and attributes that remain without
 * colour. No meaning hangs on colour alone: each also has a word, a letter or a shape.
 */

import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import type { ColourMode, Painted } from "../io/standardStreams.ts";
import { namesOf } from "../lookup.ts";
import type { LaneRow, MessageKind, PageState } from "../session/frame.ts";
import { printable } from "./printable.ts";

export type StyleName =
  | "text"
  | "dim"
  | "title"
  | "border"
  | "focus"
  | "key"
  | "good"
  | "warn"
  | "bad"
  | "accent"
  | "match"
  | "selected"
  | "guest"
  | "transition"
  | "handler"
  | "idle"
  | `kind.${MessageKind}`
  | `page.${PageState}`;

interface Style {
  /** Of the 256 colours; -1 = the terminal's own. */
  readonly colour: number;
  /** Of the 16: 0 to 15; -1 = the terminal's own. */
  readonly basic: number;
  readonly bold?: true;
  readonly faint?: true;
  readonly inverse?: true;
}

export type Theme = Readonly<Record<StyleName, Style>>;

/** Six hues are all that a theme chooses; the rest follows. [of 256, of 16] */
type Hue = readonly [number, number];
interface Hues {
  readonly calm: Hue;
  readonly cool: Hue;
  readonly good: Hue;
  readonly warn: Hue;
  readonly bad: Hue;
  readonly special: Hue;
}

function themeOf({ calm, cool, good, warn, bad, special }: Hues): Theme {
  const own: Style = { colour: -1, basic: -1 };
  const faint: Style = { colour: 245, basic: 8, faint: true };
  const of = ([colour, basic]: Hue): Style => ({ colour, basic });
  const bold = (hue: Hue): Style => ({ ...of(hue), bold: true });
  return {
    text: own,
    dim: faint,
    title: bold(calm),
    border: { colour: 240, basic: 8, faint: true },
    focus: bold(warn),
    key: bold(warn),
    good: of(good),
    warn: of(warn),
    bad: bold(bad),
    accent: of(calm),
    match: { ...of(warn), inverse: true },
    selected: { ...own, inverse: true },
    guest: of(good),
    transition: of(warn),
    handler: of(bad),
    idle: { colour: 239, basic: 8, faint: true },
    "kind.run": of(good),
    "kind.exit": of(warn),
    "kind.log": bold(bad),
    "kind.interrupt": bold(special),
    "kind.flush": of(cool),
    "kind.track": of(calm),
    "kind.schedule": faint,
    "kind.operation": of(cool),
    "kind.operator": { ...own, bold: true, inverse: true },
    "page..": { colour: 238, basic: 8, faint: true },
    "page.r": of(cool),
    "page.w": of(good),
    "page.p": bold(bad),
    "page.l": of(warn),
    "page.b": of(calm),
    "page.h": bold(special),
  };
}

/** Hues of the blind-safe themes: Okabe and Ito's palette, in the nearest of 256 colours. */
export const THEMES = {
  default: themeOf({
    calm: [75, 12],
    cool: [37, 6],
    good: [78, 2],
    warn: [221, 3],
    bad: [203, 9],
    special: [177, 13],
  }),
  // Red and green look alike: blue against orange, apart in brightness too.
  deuteranopia: themeOf({
    calm: [111, 12],
    cool: [38, 6],
    good: [33, 4],
    warn: [227, 11],
    bad: [208, 3],
    special: [255, 15],
  }),
  // Blue and yellow look alike: red against cyan.
  tritanopia: themeOf({
    calm: [255, 15],
    cool: [44, 6],
    good: [37, 14],
    warn: [217, 7],
    bad: [196, 9],
    special: [162, 5],
  }),
  grey: themeOf({
    calm: [252, 15],
    cool: [246, 7],
    good: [250, 7],
    warn: [255, 15],
    bad: [231, 15],
    special: [248, 7],
  }),
} as const;
export type ThemeName = keyof typeof THEMES;
export const THEME_NAMES: readonly ThemeName[] = namesOf(THEMES);

/** The next one in the list. */
export function themeAfter(theme: ThemeName): ThemeName {
  return THEME_NAMES[(THEME_NAMES.indexOf(theme) + 1) % THEME_NAMES.length]!;
}

/** @throws UserError */
export function themeNamed(text: string): ThemeName {
  const named = THEME_NAMES.find((name) => name === text);
  if (named === undefined) {
    throw new UserError(`theme: expected ${THEME_NAMES.join(", ")}${nearest(text, THEME_NAMES)}`);
  }
  return named;
}

export interface Glyphs {
  readonly ascii: boolean;
  readonly horizontal: string;
  readonly vertical: string;
  /** Top left, top right, bottom left, bottom right. */
  readonly corners: readonly [string, string, string, string];
  readonly bars: { readonly [Part in "guest" | "transition" | "handler" | "idle"]: string };
  readonly pages: Readonly<Record<PageState, string>>;
  /** A cell of which only few pages are in its state. */
  readonly few: string;
  readonly levels: readonly string[];
  readonly arrow: string;
  readonly running: string;
  readonly paused: string;
  /** Of series in a plot. */
  readonly marks: readonly string[];
  readonly ellipsis: string;
  /** Behind what belongs to a later time than the one shown. */
  readonly ahead: string;
  /** Ends of arrows. */
  readonly heads: { readonly [Way in "left" | "right" | "up" | "down"]: string };
  /** Lines that meet, by the sum of the ways out of the cell: up 1, right 2, down 4, left 8. */
  readonly joints: readonly string[];
  /** Of messages: it breaks a property; it repeats for ever. */
  readonly broken: string;
  readonly loop: string;
  /** Before the number of ways that stay in a state. */
  readonly stays: string;
  /** A message to oneself. */
  readonly itself: string;
  /** What a message is to the one under the cursor. */
  readonly roles: Readonly<Record<LaneRow["role"], string>>;
}

export const UNICODE: Glyphs = {
  ascii: false,
  horizontal: "─",
  vertical: "│",
  corners: ["┌", "┐", "└", "┘"],
  bars: { guest: "█", transition: "▒", handler: "▓", idle: "·" },
  pages: { ".": "·", r: "░", w: "▒", p: "◆", l: "■", b: "▓", h: "█" },
  few: "▪",
  levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
  arrow: "→",
  running: "▶",
  paused: "■",
  marks: ["●", "○", "▲", "△", "■"],
  ellipsis: "…",
  ahead: "»",
  heads: { left: "◀", right: "▶", up: "▲", down: "▼" },
  joints: [..." ╵╶└╷│┌├╴┘─┴┐┤┬┼"],
  broken: "×",
  loop: "↻",
  stays: "↺",
  itself: "●",
  roles: { here: "▸", cause: "↑", effect: "↓", other: " " },
};

export const ASCII: Glyphs = {
  ascii: true,
  horizontal: "-",
  vertical: "|",
  corners: ["+", "+", "+", "+"],
  bars: { guest: "#", transition: "=", handler: "%", idle: "." },
  pages: { ".": ".", r: "r", w: "w", p: "p", l: "l", b: "b", h: "H" },
  few: ",",
  levels: [" ", ".", ".", ":", ":", "|", "|", "#", "#"],
  arrow: ">",
  running: ">",
  paused: "=",
  marks: ["*", "o", "+", "x", "#"],
  ellipsis: "~",
  ahead: ">",
  heads: { left: "<", right: ">", up: "^", down: "v" },
  joints: [..." |-+||++-+-+++++"],
  broken: "X",
  loop: "@",
  stays: "@",
  itself: "o",
  roles: { here: ">", cause: "^", effect: "v", other: " " },
};

/** How things look: what a view needs to know of the terminal. */
export interface Look {
  readonly theme: ThemeName;
  readonly colours: ColourMode;
  readonly glyphs: Glyphs;
}

const RESET = "\x1b[0m";

const sequences = new WeakMap<Look, Map<StyleName, string>>();

/** The escape sequence that a style begins with; "" for plain text. */
export function sgrOf(style: StyleName, look: Look): string {
  const known = sequences.get(look) ?? new Map<StyleName, string>();
  sequences.set(look, known);
  const sequence = known.get(style) ?? sequenceOf(style, look);
  known.set(style, sequence);
  return sequence;
}

function sequenceOf(style: StyleName, { theme, colours }: Look): string {
  const { colour, basic, bold, faint, inverse } = THEMES[theme][style];
  if (colours === "plain") return "";
  const codes: (string | number)[] = [];
  if (bold) codes.push(1);
  // Faint where there is no grey: as a second mark it would make grey text too dark to read.
  if (faint && colours === "none") codes.push(2);
  if (inverse) codes.push(7);
  if (colours === "256" && colour >= 0) codes.push(38, 5, colour);
  if (colours === "16" && basic >= 0) codes.push(basic < 8 ? 30 + basic : 82 + basic);
  return codes.length === 0 ? "" : `\x1b[${codes.join(";")}m`;
}

/** A line as the terminal gets it: its only escape sequences are those of the styles. */
export function paint(
  pieces: readonly { readonly text: string; readonly style: StyleName }[],
  look: Look,
): Painted {
  let painted = "";
  let i = 0;
  while (i < pieces.length) {
    const { style } = pieces[i]!;
    let text = "";
    for (; i < pieces.length && pieces[i]!.style === style; i++) text += pieces[i]!.text;
    // Once more, whoever made the piece.
    text = printable(text);
    const begin = sgrOf(style, look);
    painted += begin === "" ? text : begin + text + RESET;
  }
  return painted as Painted;
}
