/** The device of the operator actor: what a person may change about the guests' workloads. */

import type { OperatorReply, OperatorRequest } from "../../machines/operator.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import { setWriteIntensity } from "./accessStream.ts";
import { vcpuMemory } from "./memoryNames.ts";
import type { World } from "./world.ts";

export class OperatorDevice implements Device<OperatorRequest, OperatorReply> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  touches({ vm }: OperatorRequest): string[] {
    return (this.#world.vms[vm]?.vcpus ?? []).map(vcpuMemory);
  }

  perform({ vm, percent }: OperatorRequest): OperatorReply {
    for (const vcpu of this.#world.vms[vm]?.vcpus ?? []) {
      setWriteIntensity(itemAt(this.#world.vcpus, vcpu).stream, percent);
    }
    return { type: "intensitySet" };
  }
}
