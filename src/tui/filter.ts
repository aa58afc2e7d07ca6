/** What is typed behind "/": a regular expression, inverted by "!" before it. */
import { UserError } from "../errors.ts";
import type { StreamFilter } from "../session/sampler.ts";

/** Null for no filter. @throws UserError if it is no regular expression */
export function parseFilter(text: string): StreamFilter | null {
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

/** What is marked in the lines that are shown. */
export function patternOf(text: string): RegExp | null {
  return text.startsWith("!") ? null : (parseFilter(text)?.pattern ?? null);
}
