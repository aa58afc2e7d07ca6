/** Units in sentences for people. */
import { UNITS } from "./all.ts";
import type { UnitDeclaration } from "./unit.ts";

function labels(which: (unit: UnitDeclaration) => boolean): string {
  const names = UNITS.filter(which).map(({ label }) => label);
  const last = names.pop() ?? "";
  return names.length === 0 ? last : `${names.join(", ")} or ${last}`;
}

export const UNIT_LABELS = labels(() => true);
export const WRITE_LOG_LABELS = labels(({ finds, mayLose }) => finds === "writes" && !mayLose);
export const INTERRUPTING_LABELS = labels(({ whenFull }) => whenFull.kind === "interrupt");
