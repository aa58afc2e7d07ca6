/** A result file of `trackvisor sweep`, read and checked. */
import { explain } from "../../config/explain.ts";
import { pathText } from "../../config/fieldPath.ts";
import { UserError } from "../../errors.ts";
import { pointResult, RESULT_FORMAT, RESULT_VERSION, sweepResultSchema } from "./result.ts";
import type { ReadResult } from "./share.ts";

/**
 * @param file its name, for messages
 * @throws UserError, one line
 */
export function parseResult(file: string, text: string): ReadResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file}: not JSON; expected a result of trackvisor sweep -o`);
  }
  if (typeof value === "object" && value !== null && "version" in value) {
    const { version } = value;
    if ("format" in value && value.format === RESULT_FORMAT && version !== RESULT_VERSION) {
      throw new UserError(
        `${file}: is of version ${String(version)}, this program reads version ${RESULT_VERSION}`,
      );
    }
  }
  const { data, error } = sweepResultSchema.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    const { path, message } =
      issue === undefined ? { path: [], message: "" } : explain(issue, sweepResultSchema, value);
    const field = path.length === 0 ? "" : `${pathText(path)}: `;
    throw new UserError(`${file}: not a result of trackvisor sweep: ${field}${message}`);
  }
  // What follows from the runs must follow from them.
  for (const point of data.points) {
    const again = pointResult(point, point.runs, data.sweep.metrics);
    if (JSON.stringify(again) !== JSON.stringify(point)) {
      throw new UserError(
        `${file}: point ${point.index} has means that its runs do not have: the file is damaged`,
      );
    }
  }
  return { file, result: data };
}
