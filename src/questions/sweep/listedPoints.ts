/** Points that a file lists: CSV with a column for each field, or a list in JSON or YAML. */
import { CsvError, parse as parseCsv } from "csv-parse/sync";
import * as z from "zod";
import { excerpt } from "../../config/fieldPath.ts";
import { parsePath, parseValue } from "../../config/override.ts";
import { parseYaml } from "../../config/yamlFile.ts";
import { UserError } from "../../errors.ts";
import { type Axis, type Setting, settingOf } from "./axis.ts";

const EXTENSIONS = ".csv, .json, .yaml or .yml";
const pointsSchema = z.array(z.record(z.string(), z.unknown()));

/**
 * @param file its name, whose extension says what it is; for messages
 * @throws UserError
 */
export function listedPoints(file: string, text: string): Axis {
  const rows = readRows(file, text);
  const steps = rows.map((row, n) =>
    Object.entries(row).map(([field, value]): Setting => {
      const origin = `${file}: point ${n}: ${excerpt(field)}`;
      const path = parsePath(field);
      if (path === null) throw new UserError(`${origin}: expected a field, such as machine.cpus`);
      return settingOf({ path, value, origin });
    }),
  );
  steps.forEach((settings, n) => {
    const names = settings.map(({ field }) => field);
    const twice = names.find((field, i) => names.indexOf(field) !== i);
    if (twice !== undefined) throw new UserError(`${file}: point ${n} sets ${twice} twice`);
  });
  const nothing = steps.findIndex((settings) => settings.length === 0);
  if (nothing >= 0) throw new UserError(`${file}: point ${nothing} sets no field`);
  if (steps.length === 0) throw new UserError(`${file}: lists no points`);
  return { fields: [...new Set(steps.flat().map(({ field }) => field))], steps };
}

function readRows(file: string, text: string): Readonly<Record<string, unknown>>[] {
  const [, extension] = /\.([a-z]+)$/i.exec(file) ?? [];
  switch (extension?.toLowerCase()) {
    case "csv":
      return csvRows(file, text);
    case "json":
    case "yaml":
    case "yml":
      // What is JSON is YAML, too.
      return parseYaml(file, text, pointsSchema).value;
    default:
      throw new UserError(`${file}: expected a file of points that ends in ${EXTENSIONS}`);
  }
}

/** A cell is a value as `--set` takes it; an empty one leaves the field as it is. */
function csvRows(file: string, text: string): Readonly<Record<string, unknown>>[] {
  let table: readonly (readonly string[])[];
  try {
    table = parseCsv(text, { bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UserError(`${file}: not valid CSV: ${error.message}`);
  }
  const [head = [], ...lines] = table;
  const twice = head.find((field, n) => head.indexOf(field) !== n);
  if (twice !== undefined) throw new UserError(`${file}: two columns are called "${twice}"`);
  return lines.map((cells, n) => {
    const entries = head.flatMap((field, column): [string, unknown][] => {
      const cell = cells[column] ?? "";
      return cell === "" ? [] : [[field, parseValue(cell, `${file}: point ${n}: ${field}`)]];
    });
    return Object.fromEntries(entries);
  });
}
