/** The name that a mistyped one was meant to be. */
import { closest, distance } from "fastest-levenshtein";

/** `; did you mean "x"?` for an error's text, or nothing if no name is near. */
export function nearest(name: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const alike = names.find((one) => one.toLowerCase() === name.toLowerCase());
  const best = alike ?? closest(name, [...names]);
  return distance(name, best) <= Math.max(2, name.length / 3) ? `; did you mean "${best}"?` : "";
}
