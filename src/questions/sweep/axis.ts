/** What a sweep varies: one field and its values, or points as a file lists them. */
import { excerpt } from "../../config/fieldPath.ts";
import { fieldAndText, type Override, parseValue } from "../../config/override.ts";
import { UserError } from "../../errors.ts";
import { rangeValues } from "./range.ts";

/** A value of a field as results name it: what YAML can say in a word, or a text in JSON. */
export type Shown = string | number | boolean;

/** One field's value in one point. */
export interface Setting {
  /** Its path with dots. */
  readonly field: string;
  readonly shown: Shown;
  readonly override: Override;
}

/** What is varied together: of `--vary` one field, of a file whatever it lists. */
export interface Axis {
  readonly fields: readonly string[];
  /** Each step along it sets these. */
  readonly steps: readonly (readonly Setting[])[];
}

const EXAMPLE = "machine.logEntries=64..512*2";

/**
 * Reads `field=values`: values of YAML with commas between them, each of which may be a range (range.ts).
 * @param option before the words, for messages
 * @throws UserError
 */
export function parseVary(text: string, option = "--vary"): Axis {
  const origin = `${option} ${excerpt(text)}`;
  const { path, right } = fieldAndText(text, origin, EXAMPLE);
  const list = parseValue(`[${right}]`, origin);
  if (!Array.isArray(list) || list.length === 0) {
    throw new UserError(`${origin}: expected values behind "=", such as ${EXAMPLE}`);
  }
  const values = list.flatMap((value: unknown): unknown[] => {
    return (typeof value === "string" && rangeValues(value, origin)) || [value];
  });
  return axisOf(values.map((value) => ({ path, value, origin })));
}

/** One field's values. @throws UserError if it has one twice, or none */
export function axisOf(overrides: readonly Override[]): Axis {
  const [first] = overrides;
  if (first === undefined) throw new UserError("vary: expected values, a list is empty");
  const settings = overrides.map(settingOf);
  const names = settings.map(({ shown }) => String(shown));
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw new UserError(`${first.origin}: has "${excerpt(twice)}" twice`);
  return { fields: [fieldOf(first.path)], steps: settings.map((setting) => [setting]) };
}

/** The name of a field, the same however its path was written. */
export function fieldOf(path: Override["path"]): string {
  return path.join(".");
}

export function settingOf(override: Override): Setting {
  const { path, value } = override;
  const isWord =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { field: fieldOf(path), shown: isWord ? value : JSON.stringify(value), override };
}
