/** The device of the operator actor: what a person may change about the guests' workloads, and tell their guests. */

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

  perform(request: OperatorRequest): OperatorReply {
    const vcpus = this.#world.vms[request.vm]?.vcpus ?? [];
    const streams = vcpus.map((vcpu) => itemAt(this.#world.vcpus, vcpu).stream);
    if (request.op === "setWriteIntensity") {
      for (const stream of streams) setWriteIntensity(stream, request.percent);
      return { type: "intensitySet" };
    }
    const bytes = Buffer.from(request.text + (request.enter ? "\n" : ""));
    // A guest without a console hears nothing.
    for (const { workload } of streams) workload.console?.type?.(bytes);
    return { type: "textTyped" };
  }
}
