/** Which kind of symmetry a model has. */
import { UserError } from "../../errors.ts";
import { GroupSymmetry } from "./groupSymmetry.ts";
import { MemberSymmetry } from "./memberSymmetry.ts";
import type { Model } from "./model.ts";
import type { Symmetry } from "./symmetry.ts";

/** @throws UserError if it is not known what in the model is alike */
export function symmetryOf(model: Model): Symmetry {
  const { name, symmetry } = model;
  if (symmetry === undefined) {
    throw new UserError(`model ${name} has no symmetry: ${describeSymmetry(model)}`);
  }
  return "members" in symmetry
    ? new MemberSymmetry(model, symmetry)
    : new GroupSymmetry(model, symmetry);
}

/** What of a model is alike, and what is not, in words. */
export function describeSymmetry({ symmetry }: Model): string {
  if (symmetry === undefined) return "nothing is alike";
  if ("members" in symmetry) return `the ${symmetry.members.length} members are alike`;
  const all = [...symmetry.alike, ...symmetry.differs];
  return all.length === 0 ? "there is one of each" : all.join("; ");
}

/** Whether a search with symmetry can have fewer states. */
export function hasSymmetry({ symmetry }: Model): boolean {
  if (symmetry === undefined) return false;
  return "members" in symmetry || symmetry.renamings.length > 0;
}
