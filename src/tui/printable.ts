/**
 * Characters that take one cell each. What is not one of these, or could move the cursor, is replaced,
 * whoever wrote it into a scenario or a log.
 */
const UNPRINTABLE =
  /[^\x20-\x7e\u2500-\u25ff\u00a1-\u00ac\u00ae-\u00ff\u2013-\u2026\u2190-\u21ff\u2800-\u28ff]/g;

/** A text of the same length in which every character is one cell wide. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "?");
}
