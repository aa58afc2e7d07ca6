/** Every tracking technique by name. */
import { accessedDirtyScan } from "./accessedDirtyScan.ts";
import { dirtyRing } from "./dirtyRing.ts";
import { pml } from "./pml.ts";
import { presentBit } from "./presentBit.ts";
import { prl } from "./prl.ts";
import type { Technique, TechniqueName } from "./technique.ts";
import { writeProtect } from "./writeProtect.ts";

const ALL: Readonly<Record<Exclude<TechniqueName, "none">, Technique>> = {
  writeProtect,
  presentBit,
  accessedDirtyScan,
  pml,
  prl,
  dirtyRing,
};

/** The technique of that name; null for "none". */
export function techniqueNamed(name: TechniqueName): Technique | null {
  return name === "none" ? null : ALL[name];
}
