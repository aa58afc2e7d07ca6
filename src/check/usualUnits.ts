/** The units of which models are, where any of their sort would do: the first that finds writes, and the first that finds accesses. */
import { UNITS } from "../units/all.ts";
import type { UnitDeclaration } from "../units/unit.ts";

function first(finds: UnitDeclaration["finds"]): UnitDeclaration {
  const found = UNITS.find((unit) => unit.finds === finds);
  if (found === undefined) throw new Error(`no unit finds ${finds}`);
  return found;
}

export const WRITES = first("writes");
export const ACCESSES = first("accesses");

/** As models and planted faults are called. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The name of a unit's model: its own, and what is special about it. */
export function modelOf({ name }: UnitDeclaration, special = ""): string {
  return special === "" ? kebab(name) : `${kebab(name)}-${special}`;
}
