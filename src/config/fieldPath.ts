/** Names of fields as messages show them: "vms[0].workload.pages". */

/** Longest excerpt of a name or value in a message. */
const GIVEN_MAX = 60;

/** From the outermost field. */
export type FieldPath = readonly PropertyKey[];

export function pathText(path: FieldPath): string {
  let text = "";
  for (const part of path) {
    text += typeof part === "number" ? `[${part}]` : `${text === "" ? "" : "."}${excerpt(part)}`;
  }
  return text;
}

/** A name or value from a file, on one line and not too long. */
export function excerpt(given: PropertyKey): string {
  const text = String(given).replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ");
  return text.length > GIVEN_MAX ? `${text.slice(0, GIVEN_MAX)}...` : text;
}
