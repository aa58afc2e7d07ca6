/**
 * Reports of a mouse, as terminals send them (xterm's ctlseqs, "Extended coordinates": SGR, mode 1006). Where the system
 * hands one over in two pieces, Ink takes each for what somebody has typed: here they are joined again.
 */

export interface MouseReport {
  /** A button is pressed, moved to another cell while it is held, let go; or the wheel is turned. */
  readonly kind: "click" | "drag" | "release" | "wheelUp" | "wheelDown";
  /** Of the cell, from 0. */
  readonly column: number;
  readonly row: number;
}

// Ink has taken the escape character away, and the bracket if the piece ended there.
const REPORT = /^\[?<(\d{1,3});(\d{1,5});(\d{1,5})([Mm])$/;
const BEGUN = /^\[?<[\d;]*$/;
const LENGTH_MAX = 20;
const KINDS: Readonly<Record<string, MouseReport["kind"]>> = {
  0: "click",
  // A motion is the button's number and 32.
  32: "drag",
  64: "wheelUp",
  65: "wheelDown",
};

export interface Read {
  /** What was taken for the beginning of a report, and was typed after all: before the text. */
  readonly typed: string;
  /** What the text is: a report; "none" = one that means nothing here, or a part of one; null = something typed. */
  readonly report: MouseReport | "none" | null;
}

export class MouseReader {
  #begun = "";

  /** @param text without what a key has no text for: "" */
  read(text: string): Read {
    const begun = this.#begun;
    this.#begun = "";
    const whole = begun + text;
    const match = REPORT.exec(whole);
    if (match !== null) return { typed: "", report: reportOf(match) };
    // "<" alone is a key.
    const goesOn = whole.length > 1 && whole.length < LENGTH_MAX && BEGUN.test(whole);
    if (text === "" || !goesOn) return { typed: begun, report: null };
    this.#begun = whole;
    return { typed: "", report: "none" };
  }
}

function reportOf([, button = "", column, row, end]: RegExpExecArray): MouseReport | "none" {
  const kind = KINDS[button];
  if (kind === undefined || (end === "m" && kind !== "click")) return "none";
  const at = { column: Number(column) - 1, row: Number(row) - 1 };
  return { kind: end === "m" ? "release" : kind, ...at };
}
