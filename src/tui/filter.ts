/** What is typed behind "/": a regular expression, inverted by "!" before it; or letters behind "-f". */
import { UserError } from "../errors.ts";
import type { StreamFilter } from "../session/streamFilter.ts";

/** As in k9s: the letters in order, whatever is between them. */
const FUZZY = "-f ";

/** Null for no filter. @throws UserError if it is no regular expression */
export function parseFilter(text: string): StreamFilter | null {
  if (text.startsWith(FUZZY)) {
    const letters = [...text.slice(FUZZY.length)].map((one) => one.replace(/[^\w\s]/g, "\\$&"));
    // The shortest stretches that have all letters in order.
    return letters.length === 0
      ? null
      : { pattern: RegExp(letters.join(".*?"), "i"), inverse: false };
  }
  const inverse = text.startsWith("!");
  const source = inverse ? text.slice(1) : text;
  if (source === "") return null;
  try {
    return { pattern: new RegExp(source, "i"), inverse };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, "") : String(error);
    throw new UserError(`filter: no regular expression: ${reason}`);
  }
}

/** Whether it is one: half of a regular expression may be none. */
export function isFilter(text: string): boolean {
  try {
    parseFilter(text);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** What is marked in the lines that are shown. */
export function patternOf(text: string): RegExp | null {
  return text.startsWith("!") ? null : (parseFilter(text)?.pattern ?? null);
}
