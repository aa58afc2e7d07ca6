/** A mutant: one small change of one source file, which some test or property should notice. */
import type ts from "typescript";

/** What a mutant damages, in one word or two: the rows of the summary. */
export type MutantClass =
  | "boundary"
  | "condition"
  | "arithmetic"
  | "bits"
  | "constant"
  | "statement removed"
  | "early return removed"
  | "action removed"
  | "actions swapped"
  | "transition removed"
  | "target swapped"
  | "target removed"
  | "guard"
  | "field not noted"
  | "message lost"
  | "message altered"
  | "other receiver"
  | "delay lost"
  | "protocol";

/** The change, in characters of the file as it is. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Mutant {
  /** Unique; of a sampled one, what it is: file, place and change. */
  readonly name: string;
  readonly file: string;
  readonly class: MutantClass;
  /** What would go wrong, in a sentence; empty for a sampled one. */
  readonly damage: string;
  readonly edit: Edit;
}

/** A mutant written by a person: the text to be replaced stands exactly once in its file. */
export interface HandMade {
  readonly name: string;
  readonly file: string;
  readonly class: MutantClass;
  readonly from: string;
  readonly to: string;
  readonly damage: string;
}

/** The file that an operator looks at, and where it puts what it proposes. */
export interface Visit {
  readonly source: ts.SourceFile;
  readonly propose: (kind: MutantClass, node: ts.Node, text: string) => void;
}

/** A list that no longer fits the sources. */
export class StaleMutantError extends Error {}

/** @throws StaleMutantError unless the text to be replaced is found exactly once */
export function located({ from, to, ...rest }: HandMade, source: string): Mutant {
  const start = source.indexOf(from);
  const again = start < 0 ? -1 : source.indexOf(from, start + 1);
  if (start < 0 || again >= 0) {
    const found = start < 0 ? "is not there" : "stands there more than once";
    throw new StaleMutantError(
      `${rest.name}: the text that it replaces ${found} (${rest.file}):\n${from}`,
    );
  }
  if (from === to) throw new StaleMutantError(`${rest.name}: it changes nothing`);
  return { ...rest, edit: { start, end: start + from.length, text: to } };
}

/** The file's text with the change made. */
export function mutated(source: string, { edit: { start, end, text } }: Mutant): string {
  return source.slice(0, start) + text + source.slice(end);
}

/** Line of the change, from 1. */
export function lineOf(source: string, { edit }: Mutant): number {
  return source.slice(0, edit.start).split("\n").length;
}
