/** PML: the processor logs first writes, a full log exits, harvests drain and re-arm (Xen's use). */
import type { Model } from "../engine/model.ts";
import { indexInRange, noFlagWithoutAccess } from "../hypervisor/stepChecks.ts";
import { type SystemModelOptions, systemModel } from "../hypervisor/systemModel.ts";
import { pmlProperties, protocolProperties, writtenPagesProperties } from "./properties.ts";
import { type SmallSystemOptions, smallSystem } from "./smallSystem.ts";

export function pmlModel(
  name: string,
  options: Omit<SmallSystemOptions, "technique">,
  extra: Partial<SystemModelOptions> = {},
): Model {
  const system = smallSystem({ ...options, technique: "pml" });
  return systemModel(system, {
    name,
    stepChecks: [indexInRange, noFlagWithoutAccess],
    properties: [
      ...protocolProperties(),
      ...writtenPagesProperties(system),
      ...pmlProperties(system),
    ],
    ...extra,
  });
}
