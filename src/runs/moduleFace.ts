/** What a user's module finds as "trackvisor": the part of the library that registers, and what that needs. */
export { Generator } from "../../workloads/generators/generator.ts";
export { CYCLES_PER_SECOND } from "../config/units.ts";
export { VERSION } from "../config/version.ts";
export { FieldError, UserError } from "../errors.ts";
export {
  registerEstimator,
  registerTracker,
  registerUnit,
  registerWorkload,
} from "../system/scenarioSchema.ts";
