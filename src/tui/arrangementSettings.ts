/** How panels are arranged, as the settings file has it. */
import * as z from "zod";
import { namesOf } from "../lookup.ts";
import { type Arrangement, type Arrangements, AT_START, type Form } from "./arrangement.ts";
import { COLUMNS, type PlaceName } from "./places.ts";

const PLACES: readonly PlaceName[] = COLUMNS.two.flat();

const part = z.number().positive();
const places = z.array(z.enum(PLACES)).min(1);

function arrangementOf(form: Form) {
  const count = COLUMNS[form].length;
  const columns = z
    .array(places)
    .length(count)
    .refine((columns) => columns.flat().toSorted().join() === PLACES.toSorted().join(), {
      error: `expected each of ${PLACES.join(", ")} once`,
    });
  return z
    .strictObject({
      columns: columns.default(COLUMNS[form].map((stack) => [...stack])),
      widths: z.array(part).length(count).nullable().default(null),
      heights: z.partialRecord(z.enum(PLACES), part).default({}),
    })
    .default({ columns: COLUMNS[form].map((stack) => [...stack]), widths: null, heights: {} });
}

/** With two columns of panels, and with three. What is left out is as at the start. */
export const arrangementSchema = z.strictObject({
  two: arrangementOf("two"),
  three: arrangementOf("three"),
});

/** Lines for the settings file that give these arrangements again. */
export function arrangementText(arrangements: Arrangements): string {
  return [
    "arrangement:",
    ...namesOf(AT_START).flatMap((form) => formLines(form, arrangements[form])),
  ]
    .map((text) => `${text}\n`)
    .join("");
}

function formLines(form: Form, { columns, widths, heights }: Arrangement): string[] {
  const stacks = columns.map((stack) => `[${stack.join(", ")}]`);
  const high = PLACES.flatMap((place) =>
    heights[place] === undefined ? [] : [`${place}: ${heights[place]}`],
  );
  return [
    `  ${form}:`,
    `    columns: [${stacks.join(", ")}]`,
    ...(widths === null ? [] : [`    widths: [${widths.join(", ")}]`]),
    ...(high.length === 0 ? [] : [`    heights: { ${high.join(", ")} }`]),
  ];
}
