/** The first difference between a log and a run, or another log, as text. */

import { grouped } from "../config/figures.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { LogDifference } from "../replay/bisect.ts";
import type { ComponentResult } from "../replay/component.ts";
import type { LogEntry } from "../replay/decoder.ts";
import { type Divergence, type DivergenceKind, differences } from "../replay/divergence.ts";
import { messageLine, payloadText, valueText } from "./messageText.ts";

type Names = (id: number) => string;

const WHAT: Readonly<Record<DivergenceKind, string>> = {
  message: "the message differs",
  state: "the message is the same, but the state of its receiver after it differs",
  checkpoint: "all messages are the same, but at a checkpoint this differs",
  ended: "the run has ended, the log goes on",
  continues: "the log has ended, the run goes on",
  intervention: "what was done from outside cannot be done here",
};

const COLUMN = 34;

export function formatDivergence(divergence: Divergence, nameOf: Names): string[] {
  const { kind, position, recorded, actual, fields, before, actors, detail } = divergence;
  const lines = [
    `first difference after ${grouped(position)} messages: ${WHAT[kind]}`,
    ...detail.map((one) => `  ${one}`),
    "",
    ...beforeLines(before, position, nameOf),
  ];
  const [left, right] = ["recorded", "now"];
  lines.push(...pair(recorded, actual, position, nameOf, [left, right]));
  if (fields.length > 0) lines.push("", ...fieldTable(fields, [left, right]));
  for (const { name, value, context } of actors) {
    lines.push("", `${name} now: ${value}`);
    for (const [field, one] of Object.entries(context)) {
      lines.push(`  ${field.padEnd(20)} ${valueText(one)}`);
    }
  }
  return lines;
}

export function formatLogDifference(
  { position, entries, before, blocksRead, blocks }: LogDifference,
  names: readonly [string, string],
  nameOf: Names,
): string[] {
  const lines = [
    `first difference after ${grouped(position)} messages (read ${blocksRead} of ${blocks} blocks)`,
    "",
    ...beforeLines(before, position, nameOf),
  ];
  const [a, b] = entries;
  const left = a?.kind === "message" ? a.delivery : null;
  const right = b?.kind === "message" ? b.delivery : null;
  if (left !== null && right !== null) {
    lines.push(...pair(left, right, position, nameOf, names));
    const fields = differences(left, right, nameOf);
    if (fields.length > 0) lines.push("", ...fieldTable(fields, names));
    else
      lines.push("", "the messages are the same, but the state of the receiver after them differs");
  } else {
    entries.forEach((entry, i) => {
      lines.push(`  ${names[i]}: ${entryText(entry, position, nameOf)}`);
    });
  }
  return lines;
}

/** What one actor answers differently. */
export function formatComponent(name: string, result: ComponentResult, nameOf: Names): string[] {
  const { received, differing, differences, elsewhere } = result;
  const lines = [
    differing === 0
      ? `${name}: ${grouped(received)} messages, the same outputs`
      : `${name}: other outputs to ${grouped(differing)} of ${grouped(received)} messages`,
  ];
  for (const { position, input, before, after, recorded, actual } of differences) {
    lines.push("", messageLine(position, input, nameOf), `  was ${before}, now ${after}`);
    for (const one of recorded) {
      lines.push(
        `  - ${one === null ? "(sent, but never delivered)" : sentText(one, input, nameOf)}`,
      );
    }
    for (const one of actual) lines.push(`  + ${sentText(one, input, nameOf)}`);
  }
  if (differing > differences.length) {
    lines.push("", `and ${grouped(differing - differences.length)} more`);
  }
  if (elsewhere !== null) lines.push("", ...formatDivergence(elsewhere, nameOf));
  return lines;
}

function sentText({ time, to, message }: Delivery, input: Delivery, nameOf: Names): string {
  return `to ${nameOf(to)}, ${grouped(time - input.time)} cycles later: ${payloadText(message)}`;
}

/** One entry of a log in one line. */
export function entryText(entry: LogEntry | null, position: number, nameOf: Names): string {
  if (entry === null) return "has ended";
  if (entry.kind === "message") return messageLine(position + 1, entry.delivery, nameOf).trim();
  if (entry.kind === "checkpoint") return "checkpoint";
  const { intervention } = entry;
  const text =
    intervention.kind === "command"
      ? `command to ${nameOf(intervention.to)}: ${payloadText(intervention.message)}`
      : valueText(intervention);
  return `from outside: ${text}`;
}

function beforeLines(before: readonly Delivery[], position: number, nameOf: Names): string[] {
  const first = position - before.length + 1;
  return before.map((delivery, i) => messageLine(first + i, delivery, nameOf));
}

function pair(
  left: Delivery | null,
  right: Delivery | null,
  position: number,
  nameOf: Names,
  names: readonly [string, string] | readonly string[],
): string[] {
  const text = (delivery: Delivery | null): string =>
    delivery === null ? "(nothing)" : messageLine(position + 1, delivery, nameOf).trim();
  if (left === null && right === null) return [];
  return [`  ${names[0]}: ${text(left)}`, `  ${names[1]}: ${text(right)}`];
}

function fieldTable(
  fields: readonly { field: string; recorded: unknown; actual: unknown }[],
  names: readonly [string, string] | readonly string[],
): string[] {
  const row = (...cells: readonly string[]): string =>
    `  ${cells.map((cell) => cell.padEnd(COLUMN)).join("")}`.trimEnd();
  return [
    row("field", names[0], names[1]),
    ...fields.map(({ field, recorded, actual }) =>
      row(field, valueText(recorded), valueText(actual)),
    ),
  ];
}
