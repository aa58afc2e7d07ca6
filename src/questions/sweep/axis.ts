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
 * @throws UserError
 */
export function parseVary(text: string): Axis {
  const shown = `--vary ${excerpt(text)}`;
  const { path, right } = fieldAndText(text, shown, EXAMPLE);
  const list = parseValue(`[${right}]`, shown);
  if (!Array.isArray(list) || list.length === 0) {
    throw new UserError(`${shown}: expected values behind "=", such as ${EXAMPLE}`);
  }
  const values = list.flatMap((value: unknown): unknown[] => {
    return (typeof value === "string" && rangeValues(value, shown)) || [value];
  });
  const steps = values.map((value) => [settingOf({ path, value, origin: shown })]);
  const names = steps.map(([setting]) => String(setting?.shown));
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw new UserError(`${shown}: has "${excerpt(twice)}" twice`);
  return { fields: [fieldOf(path)], steps };
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
