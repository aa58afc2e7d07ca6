/**
 * Aligns two lists of messages: the fewest that only one of them has (Myers, "An O(ND) difference
 * algorithm", 1986). Two messages are the same if sender, receiver and contents are; their times and
 * numbers may differ, because one message more shifts all that follow.
 */
import { itemAt, wordAt } from "../lookup.ts";
import type { MessageEntry } from "./decoder.ts";

/** A step of the alignment; positions in the two logs. */
export interface Aligned {
  readonly kind: "both" | "left" | "right";
  readonly left: MessageEntry | null;
  readonly right: MessageEntry | null;
}

/** More differences are not looked for: time and memory grow with their square. */
export const DIFFERENCES_MAX = 2000;

/** Null if there are more than DIFFERENCES_MAX differences. */
export function align(
  left: readonly MessageEntry[],
  right: readonly MessageEntry[],
): readonly Aligned[] | null {
  const a = left.map(keyOf);
  const b = right.map(keyOf);
  const steps = editPath(a, b);
  if (steps === null) return null;
  let [x, y] = [0, 0];
  return steps.map((kind): Aligned => {
    if (kind === "both") return { kind, left: itemAt(left, x++), right: itemAt(right, y++) };
    if (kind === "left") return { kind, left: itemAt(left, x++), right: null };
    return { kind, left: null, right: itemAt(right, y++) };
  });
}

function keyOf({ delivery: { from, to, message } }: MessageEntry): string {
  return `${from} ${to} ${JSON.stringify(message)}`;
}

function editPath(a: readonly string[], b: readonly string[]): Aligned["kind"][] | null {
  const most = Math.min(a.length + b.length, DIFFERENCES_MAX);
  const middle = most + 1;
  /** Furthest x on each diagonal x - y, after so many differences. */
  const furthest = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const at = middle + diagonal;
      const down =
        diagonal === -edits ||
        (diagonal !== edits && wordAt(furthest, at - 1) < wordAt(furthest, at + 1));
      let x = down ? wordAt(furthest, at + 1) : wordAt(furthest, at - 1) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      furthest[at] = x;
      if (x >= a.length && x - diagonal >= b.length) return walkBack(trace, a.length, b.length);
    }
  }
  return null;
}

function walkBack(trace: readonly Int32Array[], xEnd: number, yEnd: number): Aligned["kind"][] {
  const steps: Aligned["kind"][] = [];
  let [x, y] = [xEnd, yEnd];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const furthest = itemAt(trace, edits);
    const middle = edits + 1;
    const diagonal = x - y;
    const down =
      diagonal === -edits ||
      (diagonal !== edits &&
        wordAt(furthest, middle + diagonal - 1) < wordAt(furthest, middle + diagonal + 1));
    const before = down ? diagonal + 1 : diagonal - 1;
    const xBefore = edits === 0 ? 0 : wordAt(furthest, middle + before);
    const yBefore = edits === 0 ? 0 : xBefore - before;
    const xAfter = edits === 0 ? 0 : down ? xBefore : xBefore + 1;
    while (x > xAfter && y > (edits === 0 ? 0 : down ? yBefore + 1 : yBefore)) {
      steps.push("both");
      x--;
      y--;
    }
    if (edits === 0) break;
    steps.push(down ? "right" : "left");
    [x, y] = [xBefore, yBefore];
  }
  return steps.reverse();
}
