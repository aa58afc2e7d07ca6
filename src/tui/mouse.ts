/** Reports of a mouse, as terminals send them (xterm's ctlseqs, "Extended coordinates": SGR, mode 1006). */

export interface MouseReport {
  readonly kind: "click" | "wheelUp" | "wheelDown";
  /** Of the cell, from 0. */
  readonly column: number;
  readonly row: number;
}

/** To a terminal: clicks and the wheel are to be reported, and in this form. */
export const MOUSE_ON = "\x1b[?1000h\x1b[?1006h";
export const MOUSE_OFF = "\x1b[?1006l\x1b[?1000l";

// Ink has taken the escape character away.
const REPORT = /^\[<(\d{1,3});(\d{1,5});(\d{1,5})([Mm])$/;
const KINDS: Readonly<Record<string, MouseReport["kind"]>> = {
  0: "click",
  64: "wheelUp",
  65: "wheelDown",
};

/** Null: this is no report of a mouse. "other": one that means nothing here, as of a button that was let go. */
export function mouseReport(input: string): MouseReport | "other" | null {
  const match = REPORT.exec(input);
  if (match === null) return null;
  const [, button = "", column, row, end] = match;
  const kind = KINDS[button];
  if (kind === undefined || end === "m") return "other";
  return { kind, column: Number(column) - 1, row: Number(row) - 1 };
}
