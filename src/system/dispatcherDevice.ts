/** The device of a dispatcher actor: INVEPT on its own physical CPU. */

import type { DispatcherReply, DispatcherRequest } from "../../machines/dispatcher.ts";
import { flushEpt } from "../hardware/tlb.ts";
import type { Device } from "../interconnect/emissions.ts";
import { itemAt } from "../lookup.ts";
import { cpuMemory } from "./memoryNames.ts";
import type { World } from "./world.ts";

export class DispatcherDevice implements Device<DispatcherRequest, DispatcherReply> {
  readonly #world: World;
  readonly #pcpu: number;

  constructor(world: World, pcpu: number) {
    this.#world = world;
    this.#pcpu = pcpu;
  }

  touches(): string[] {
    return [cpuMemory(this.#pcpu)];
  }

  perform({ vm }: DispatcherRequest): DispatcherReply {
    flushEpt(itemAt(this.#world.mmus, this.#pcpu).tlb, itemAt(this.#world.vms, vm).ept.root);
    return { type: "invalidated" };
  }
}
