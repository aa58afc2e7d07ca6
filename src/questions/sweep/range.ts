/** Ranges of values: `64..65536*2`, `0..1+0.1`, `1ms..16ms*2`. */
import { unitsIn } from "../../config/units.ts";
import { UserError } from "../../errors.ts";

const NUMBER = "(-?\\d+(?:\\.\\d+)?)";
const UNIT = "\\s*([A-Za-z%][A-Za-z/%]*)?";
const RANGE = new RegExp(`^${NUMBER}${UNIT}\\.\\.${NUMBER}${UNIT}(?:([*+])${NUMBER}${UNIT})?$`);

/** Values of one range at most. */
const VALUES_MAX = 10_000;
/** So that 0 to 1 by tenths has 0.3 in it and not 0.30000000000000004. */
const DIGITS = 12;
/** Sums and products of decimals meet their end by this part at least. */
const NEARLY = 1e-9;

/**
 * The values of a range, its first one among them, and its last one if a step meets it: in steps of one, by
 * `+step` or by `*factor`. With a unit they are texts in the first value's unit, otherwise numbers.
 * @param shown the words, for messages
 * @returns null if the text is no range
 * @throws UserError if the range has no end, or is empty
 */
export function rangeValues(text: string, shown: string): (number | string)[] | null {
  const match = RANGE.exec(text.trim());
  if (match === null) return null;
  const [, first = "", firstUnit, last = "", lastUnit, sign = "+", by = "1", byUnit] = match;
  const unit = firstUnit ?? lastUnit ?? "";
  const inUnit = (value: string, own: string | undefined): number => {
    const factor = unitsIn(unit, own ?? unit);
    if (factor !== null) return Number(value) * factor;
    throw new UserError(`${shown}: "${text}" has the units ${unit || "none"} and ${own}`);
  };
  const [from, to] = [inUnit(first, firstUnit), inUnit(last, lastUnit)];
  if (sign === "*" && byUnit !== undefined) {
    throw new UserError(`${shown}: "${text}": a factor has no unit`);
  }
  const step = sign === "*" ? Number(by) : inUnit(by, byUnit);
  if (from > to) {
    throw new UserError(`${shown}: "${text}" goes down; expected the lower end first`);
  }
  if (sign === "*" ? step <= 1 || from <= 0 : step <= 0) {
    const expected = sign === "*" ? "a factor above 1, from above 0" : "a step above 0";
    throw new UserError(`${shown}: "${text}" has no end; expected ${expected}`);
  }
  const values: (number | string)[] = [];
  for (let n = 0; ; n++) {
    const value = sign === "*" ? from * step ** n : from + n * step;
    if (value > to + NEARLY * Math.abs(to)) return values;
    if (n === VALUES_MAX) {
      throw new UserError(`${shown}: "${text}" has more than ${VALUES_MAX} values`);
    }
    const rounded = Number(value.toPrecision(DIGITS));
    values.push(unit === "" ? rounded : `${rounded}${unit}`);
  }
}
