/** The devices of overcommitment: the pager's memory, the balloons' view of it, and the controller's. */

import type { BalloonReply, BalloonRequest } from "../../../../machines/balloon.ts";
import type {
  ControlPoint,
  OvercommitmentReply,
  OvercommitmentRequest,
  VmPoint,
} from "../../../../machines/overcommitment.ts";
import type { PagerReply, PagerRequest } from "../../../../machines/pager.ts";
import { Counter } from "../../../hardware/counters.ts";
import { joined, type NormalForm, whilePagesStay, wholeOf } from "../../../hardware/normalForm.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import { framesForm, type HostFrames, LATER } from "../../../hypervisor/overcommit/hostFrames.ts";
import type { Paged, Paging } from "../../../hypervisor/overcommit/paging.ts";
import { type Demand, type TargetRule, targetsOf } from "../../../hypervisor/overcommit/targets.ts";
import { memoryForm, Tally } from "../../../hypervisor/overcommit/vmMemory.ts";
import type { Device } from "../../../interconnect/emissions.ts";
import { fieldOf, itemAt, numberAt } from "../../../lookup.ts";
import { OPERATION_MEMORY, toolstackMemory, vmMemories } from "../../memoryNames.ts";
import type { World } from "../../world.ts";

export class PagerDevice implements Device<PagerRequest, PagerReply> {
  readonly #paging: Paging;
  readonly #now: () => number;
  readonly #orders: BalloonOrders;

  constructor(paging: Paging, orders: BalloonOrders, now: () => number) {
    this.#paging = paging;
    this.#orders = orders;
    this.#now = now;
  }

  touches(): string[] {
    const { memories } = this.#paging;
    const ofVms = memories.flatMap((_, vm) => vmMemories(vm, "paging", "truth", "tracked"));
    return [OPERATION_MEMORY, ...ofVms];
  }

  perform(request: PagerRequest): PagerReply {
    const paging = this.#paging;
    const now = this.#now();
    switch (request.op) {
      case "fault": {
        const { vm, vcpu, page, dispatcher } = request;
        const done = paging.fault(vm, vcpu, page, now);
        return this.#reply(done, { answer: { dispatcher, waits: done.waits } });
      }
      case "inflate": {
        const { vm, pages } = request;
        const before = paging.surplus(vm);
        const done = paging.inflate(vm, pages, now);
        this.#orders.open(vm, paging, before === paging.surplus(vm));
        return this.#reply(done, {});
      }
      case "arrive": {
        const { vm, page, frame } = request;
        return this.#reply(NOTHING, { woken: paging.arrived(vm, page, frame, now) });
      }
      case "written":
        return this.#reply(paging.written(request.count, now), {});
      case "flushed": {
        const done = paging.flushed(now);
        const { count, delay } = done;
        return this.#reply(done, { writes: { count, delay } });
      }
    }
  }

  #reply(done: Paged, rest: Partial<PagerReply>): PagerReply {
    const { cycles, arrivals, flush } = done;
    const gaveBack = this.#orders.close(this.#paging);
    const none = { answer: null, writes: null, woken: [] };
    return { type: "paged", cycles, arrivals, flush, gaveBack, ...none, ...rest };
  }
}

const NOTHING: Paged = { cycles: 0, arrivals: [], flush: [] };

/** Balloons that wait until the frames of the pages they gave are free. */
export class BalloonOrders implements Part {
  readonly name = "balloonOrders";
  /** By VM: frames that must have passed the queue until then; -1 if it does not wait. */
  readonly due: Float64Array;
  /** By VM: the guest had nothing to give. */
  readonly stuck: Int32Array;

  constructor(vms: number) {
    this.due = new Float64Array(vms).fill(-1);
    this.stuck = new Int32Array(vms);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { due: this.due, stuck: this.stuck };
  }

  open(vm: number, { frames }: Paging, stuck: boolean): void {
    this.due[vm] = frames.framesIn;
    this.stuck[vm] = stuck ? 1 : 0;
  }

  close(paging: Paging): { vm: number; surplus: number; stuck: boolean }[] {
    const freed = paging.frames.framesOut;
    const closed: { vm: number; surplus: number; stuck: boolean }[] = [];
    this.due.forEach((due, vm) => {
      if (due < 0 || due > freed) return;
      this.due[vm] = -1;
      closed.push({ vm, surplus: paging.surplus(vm), stuck: this.stuck[vm] !== 0 });
    });
    return closed;
  }
}

function ordersForm(orders: BalloonOrders, { passed }: HostFrames): NormalForm {
  const { due, stuck } = orders;
  return {
    extents: wholeOf([orders]),
    lists: ["due", "stuck"],
    save: () => ({
      due: Array.from(due, (one) => (one < 0 ? one : one - passed[1])),
      stuck: Array.from(stuck),
    }),
    // The frames have been restored: none of them has passed.
    restore(words) {
      due.set(fieldOf(words, "due"));
      stuck.set(fieldOf(words, "stuck"));
    },
    // Later, as the frames are.
    scramble() {
      due.forEach((one, vm) => {
        if (one >= 0) due[vm] = one + LATER;
      });
    },
    renumber: whilePagesStay,
  };
}

/** The memory of an overcommitted host, but for what its pages contain. */
export function hostForm(paging: Paging, orders: BalloonOrders): NormalForm {
  const { frames, memories, waitersForm } = paging;
  return joined([
    framesForm(frames),
    ordersForm(orders, frames),
    waitersForm,
    ...memories.map(memoryForm),
  ]);
}

/** The guest's side of a target: the balloon goes no further than its limit. */
export class BalloonDevice implements Device<BalloonRequest, BalloonReply> {
  readonly #paging: Paging;
  /** Pages that the balloon leaves its VM at least. */
  readonly #least: number;

  constructor(paging: Paging, least: number) {
    this.#paging = paging;
    this.#least = least;
  }

  touches(): string[] {
    return [OPERATION_MEMORY];
  }

  perform({ vm, pages }: BalloonRequest): BalloonReply {
    this.#paging.setTarget(vm, pages, Math.max(pages, this.#least));
    return { type: "targetSet", surplus: this.#paging.surplus(vm) };
  }
}

export interface ControllerSettings {
  readonly rule: TargetRule;
  readonly hostPages: number;
  /** By VM: what its estimate is multiplied by, and its bounds. */
  readonly scales: readonly number[];
  readonly bounds: readonly Omit<Demand, "used">[];
}

/** When the VMs started. */
class ControllerMemory implements Part {
  readonly name = "controller";
  readonly started = new Float64Array(1);

  arrays(): Readonly<Record<string, WordArray>> {
    return { started: this.started };
  }
}

export class ControllerDevice implements Device<OvercommitmentRequest, OvercommitmentReply> {
  readonly memory = new ControllerMemory();
  readonly #world: World;
  readonly #paging: Paging;
  readonly #settings: ControllerSettings;
  readonly #now: () => number;

  constructor(world: World, paging: Paging, settings: ControllerSettings, now: () => number) {
    this.#world = world;
    this.#paging = paging;
    this.#settings = settings;
    this.#now = now;
  }

  touches(): string[] {
    return toolstackMemory(this.#world);
  }

  perform(request: OvercommitmentRequest): OvercommitmentReply {
    switch (request.op) {
      case "start":
        this.memory.started[0] = this.#now();
        return { type: "started" };
      case "decide":
        return { type: "decided", point: this.#point(request.estimates, true) };
      case "halt":
        itemAt(this.#paging.memories, request.vm).tallies[Tally.haltedAt] = this.#elapsed();
        return { type: "haltNoted" };
      case "end":
        return { type: "ended", point: this.#point(request.estimates, false) };
    }
  }

  #elapsed(): number {
    return this.#now() - numberAt(this.memory.started, 0);
  }

  /**
   * Before the first estimate nothing is decided. A VM that has none yet is taken to use all it has: one
   * that waits for pages may be long in coming to its own, as sampling periods are in a VM's own time.
   */
  #point(estimates: readonly number[], decides: boolean): ControlPoint {
    const { rule, hostPages, scales, bounds } = this.#settings;
    const used = estimates.map((pages, vm) => (pages < 0 ? null : pages * itemAt(scales, vm)));
    const known = used.some((pages) => pages !== null);
    const before = this.#paging.memories.map(({ tallies }) => tallies[Tally.target]);
    const targets =
      decides && known
        ? targetsOf(
            rule,
            hostPages,
            bounds.map((bound, vm) => ({ ...bound, used: used[vm] ?? itemAt(before, vm) })),
          )
        : before;
    return {
      time: this.#elapsed(),
      freeFrames: this.#paging.frames.freeFrames,
      vms: targets.map((target, vm) => ({
        ...this.#measure(vm),
        target,
        estimate: itemAt(estimates, vm) < 0 ? null : itemAt(estimates, vm),
        used: used[vm] ?? null,
      })),
    };
  }

  #measure(vm: number): Omit<VmPoint, "target" | "estimate" | "used"> {
    const { tallies } = itemAt(this.#paging.memories, vm);
    const { vcpus } = itemAt(this.#world.vms, vm);
    return {
      size: tallies[Tally.held],
      resident: tallies[Tally.resident],
      guestRefaults: tallies[Tally.guestRefaults],
      hostRefaults: tallies[Tally.hostRefaults],
      firstTouches: tallies[Tally.firstTouches],
      waitCycles: tallies[Tally.waitCycles] + this.#paging.openWaits(vm, this.#now()),
      accesses: vcpus.reduce((sum, vcpu) => {
        return sum + numberAt(itemAt(this.#world.vcpus, vcpu).counters.values, Counter.accesses);
      }, 0),
    };
  }
}
