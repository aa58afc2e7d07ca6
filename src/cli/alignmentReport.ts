/** Two aligned logs as text: what only one has, with a few messages around it. */

import { grouped } from "../config/figures.ts";
import { itemAt, present } from "../lookup.ts";
import type { Aligned } from "../replay/align.ts";
import { messageLine } from "./messageText.ts";

type Names = (id: number) => string;

const AROUND = 3;

export function formatAlignment(
  aligned: readonly Aligned[],
  [left, right]: readonly [string, string],
  leftName: Names,
  rightName: Names,
): string[] {
  const counts = { both: 0, left: 0, right: 0 };
  let moved = 0;
  for (const { kind, left: a, right: b } of aligned) {
    counts[kind]++;
    if (a !== null && b !== null && a.delivery.time !== b.delivery.time) moved++;
  }
  const lines = [`--- ${left}`, `+++ ${right}`];
  let shown = -1;
  aligned.forEach(({ kind }, at) => {
    if (kind === "both") return;
    const from = Math.max(shown + 1, at - AROUND);
    if (from > shown + 1) lines.push("  ...");
    const to = Math.min(aligned.length - 1, at + AROUND);
    for (let i = from; i <= to; i++) lines.push(lineOf(itemAt(aligned, i), leftName, rightName));
    shown = Math.max(shown, to);
  });
  if (shown >= 0 && shown < aligned.length - 1) lines.push("  ...");
  lines.push(
    `${grouped(counts.both)} messages are in both (${grouped(moved)} of them at another time), ` +
      `${grouped(counts.left)} only in ${left}, ${grouped(counts.right)} only in ${right}`,
  );
  return lines;
}

function lineOf({ kind, left, right }: Aligned, leftName: Names, rightName: Names): string {
  const [mark, message, nameOf] =
    kind === "right"
      ? (["+", right, rightName] as const)
      : ([kind === "left" ? "-" : " ", left, leftName] as const);
  const { position, delivery } = present(message, `a message of the ${kind} run`);
  return `${mark} ${messageLine(position + 1, delivery, nameOf)}`;
}
