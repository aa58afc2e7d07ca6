/** Which kind of symmetry a model has. */
import { UserError } from "../../errors.ts";
import { GroupSymmetry } from "./groupSymmetry.ts";
import { MemberSymmetry } from "./memberSymmetry.ts";
import type { Model } from "./model.ts";
import type { Symmetry } from "./symmetry.ts";

/** @throws UserError if nothing in the model is alike */
export function symmetryOf(model: Model): Symmetry {
  const { name, symmetry } = model;
  if (symmetry === undefined) throw new UserError(`model ${name} declares no symmetric actors`);
  if ("members" in symmetry) return new MemberSymmetry(model, symmetry);
  if (symmetry.renamings.length === 0) {
    const why = symmetry.differs.length > 0 ? symmetry.differs : ["there is one of each"];
    throw new UserError(`model ${name} has no symmetry: ${why.join("; ")}`);
  }
  return new GroupSymmetry(model, symmetry);
}
