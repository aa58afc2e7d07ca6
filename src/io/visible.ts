/**
 * Text from files, made harmless where it leaves: whatever a terminal would obey, an editor would hide or
 * a spreadsheet would compute is shown and not done. A name in a scenario, a log, a trace or a checkpoint
 * may hold anything.
 */

import { fieldOf } from "../lookup.ts";

/**
 * What is not shown as itself: control characters (C0, DEL, C1; Cc), format characters (bidirectional
 * controls, zero-width ones, the byte order mark; Cf), lone surrogates, private and unassigned ones, and
 * the line and paragraph separators. Unicode Standard, section 4.5 and UAX #9.
 */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
const HIDDEN_BUT_NEWLINE = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu;
/** What begins a formula in a spreadsheet (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\n]/;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A text in one line, every character of it visible: ESC becomes `\x1b`, a newline `\n`, a right-to-left
 * override `\u{202e}`. For terminals and for every text file that people open.
 */
export function visible(text: string): string {
  return text.replace(HIDDEN, (one) => {
    const code = one.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    return SHORT[one] ?? (code < 256 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`);
  });
}

/** A text without the passwords of addresses in it: "redis://:secret@host" becomes "redis://***@host". */
export function withoutPasswords(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi, "$1***@");
}

/**
 * A value as JSON in which every character is visible: what JSON would let through (DEL, C1, format
 * characters) is escaped too. It means the same to whoever parses it.
 * @param indent spaces for each level; without it all is in one line
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(HIDDEN_BUT_NEWLINE, (one) =>
    [...Array(one.length).keys()]
      .map((i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/**
 * A cell of a CSV file (RFC 4180). A number is written as it is; a text that a spreadsheet would take for
 * a formula gets an apostrophe in front, which spreadsheets do not show.
 */
export function csvCell(value: string | number | boolean | null): string {
  if (typeof value !== "string") return value === null ? "" : String(value);
  const shown = value.split("\n").map(visible).join("\n");
  const text = FORMULA.test(value) ? `'${shown}` : shown;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text within HTML or SVG, between tags or in a quoted attribute. */
export function htmlText(text: string): string {
  return visible(text).replace(/[&<>"']/g, (one) => fieldOf(ENTITIES, one));
}
