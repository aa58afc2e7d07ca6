/** The field of estimators that look at equal distances. */
import { positiveDuration } from "../../../config/units.ts";

export const interval = positiveDuration
  .prefault("30s")
  .describe("time between two estimates, in virtual time; VEE21 and ESX: 30 s");
