/** Which messages the stream shows. */
import type { MessageKind, StreamEntry } from "./frame.ts";

export interface StreamFilter {
  readonly pattern: RegExp;
  /** Those that do not match. */
  readonly inverse: boolean;
}

/** What a filter sees of a message. */
export function lineOf({ from, to, type, kind, text }: StreamEntry): string {
  return `${from} > ${to} ${type} ${kind satisfies MessageKind} ${text}`;
}
