/**
 * Models that a test's list does not name, in a size that takes seconds. So a new technique or unit is searched, in each
 * of these tests, by being in the catalogue; a list names what needs another size, or is too large for the test.
 */
import { MODELS } from "../../src/check/catalogue.ts";

type Values = Readonly<Record<string, number>>;

/** Two pages that are written, and a harvest at the end: of these, what a model has. */
const SMALL: Values = { pages: 2, reads: 0, harvests: 0 };

/** @param named by the list; @throws if it names a model that there is not */
export function furtherModels(
  named: readonly string[],
): readonly (readonly [model: string, set: Values])[] {
  const names = MODELS.map(({ name }) => name);
  const unknown = named.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`there is no model ${unknown.join(", ")}`);
  return MODELS.filter(({ name }) => !named.includes(name)).map(({ name, parameters }) => {
    const own = Object.entries(SMALL).filter(([key]) => parameters.some((one) => one.name === key));
    return [name, Object.fromEntries(own)];
  });
}
