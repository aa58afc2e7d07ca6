/** A VM under a tracking technique, harvested at any moment: one model for every technique that finds written pages. */

import type { System } from "../../system/system.ts";
import type { Model } from "../engine/model.ts";
import { indexInRange, noFlagWithoutAccess, servedLogIsEmpty } from "../hypervisor/stepChecks.ts";
import { type SystemModelOptions, systemModel } from "../hypervisor/systemModel.ts";
import { TRUTH_TOUCHED, TRUTH_WRITTEN } from "../hypervisor/truthSlot.ts";
import type { Property } from "../properties/property.ts";
import {
  noPageLost,
  noStaleTranslations,
  pausedVcpusRunAgain,
  pmlProperties,
  prlProperties,
  protocolProperties,
} from "./properties.ts";
import { type SmallSystemOptions, smallSystem } from "./smallSystem.ts";

export type TrackingOptions = SmallSystemOptions &
  Pick<SystemModelOptions, "debug" | "reads" | "halts">;

/** A system model with the properties of its technique. */
export function trackingModel(name: string, options: TrackingOptions): Model {
  const { technique } = options;
  const system = smallSystem(options);
  const { debug = false, reads = true, halts = false } = options;
  return systemModel(system, {
    name,
    debug,
    reads,
    halts,
    owed: technique === "prl" ? 0 : technique === "presentBit" ? TRUTH_TOUCHED : TRUTH_WRITTEN,
    stepChecks: [indexInRange, noFlagWithoutAccess, servedLogIsEmpty],
    properties: [...protocolProperties(system), ...techniqueProperties(system, options)],
  });
}

function techniqueProperties(
  system: System,
  { technique, ringFromPml }: TrackingOptions,
): Property[] {
  const common = [...noStaleTranslations(system), ...pausedVcpusRunAgain(system)];
  switch (technique) {
    case "pml":
      return [...noPageLost(), ...common, ...pmlProperties(system)];
    case "dirtyRing":
      return [...noPageLost(), ...common, ...(ringFromPml === true ? pmlProperties(system) : [])];
    case "prl":
      return [...common, ...prlProperties(system)];
    default:
      return [...noPageLost(), ...common];
  }
}
