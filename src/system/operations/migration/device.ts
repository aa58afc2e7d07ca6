/** The devices of a migration: the two hosts' memories with the link between them, and the sampler's counters. */

import type { MigrationReply, MigrationRequest } from "../../../../machines/migrationContext.ts";
import type { SamplerReply, SamplerRequest } from "../../../../machines/sampler.ts";
import { Counter } from "../../../hardware/counters.ts";
import { flushEpt } from "../../../hardware/tlb.ts";
import {
  copyPage,
  type Destination,
  emptyDestination,
  firstDifference,
  isThere,
} from "../../../hypervisor/migration/destination.ts";
import {
  firstLost,
  type Moving,
  type PostcopyHosts,
  packageBytes,
  switchOver,
} from "../../../hypervisor/migration/postcopy.ts";
import {
  clearQueue,
  queued,
  queueHarvest,
  queueMapped,
  type SendQueue,
  takePages,
} from "../../../hypervisor/migration/sendQueue.ts";
import { bytesOf } from "../../../hypervisor/migration/stats.ts";
import type { Device } from "../../../interconnect/emissions.ts";
import { itemAt, numberAt, present } from "../../../lookup.ts";
import { kernelAccesses } from "../../accessStream.ts";
import { finishStep } from "../../finishStep.ts";
import { type MovedBytes, moveMachine } from "../../machineMove.ts";
import { cpuMemory, toolstackMemory } from "../../memoryNames.ts";
import type { VmState, World } from "../../world.ts";

export interface MigrationMemory {
  readonly queue: SendQueue;
  readonly destination: Destination;
  /** Whether pages are looked at before they are sent (QEMU, zero-page-detection). */
  readonly findsZeroPages: boolean;
  /** A planted fault: a migration after the first sends only what was written since. */
  readonly laterSendsDirtyAlone: boolean;
  /** Null: pages have versions alone. */
  readonly bytes: MovedBytes | null;
  /** Null: it does not go on as post-copy. */
  readonly hosts: PostcopyHosts | null;
}

export class MigrationDevice implements Device<MigrationRequest, MigrationReply> {
  readonly #world: World;
  readonly #vm: VmState;
  readonly #queue: SendQueue;
  readonly #destination: Destination;
  readonly #now: () => number;
  readonly #findsZeroPages: boolean;
  readonly #laterSendsDirtyAlone: boolean;
  readonly #bytes: MovedBytes | null;
  readonly #hosts: PostcopyHosts | null;

  /** @param vm that migrates */
  constructor(world: World, vm: VmState, memory: MigrationMemory, now: () => number) {
    this.#world = world;
    this.#vm = vm;
    this.#queue = memory.queue;
    this.#destination = memory.destination;
    this.#findsZeroPages = memory.findsZeroPages;
    this.#laterSendsDirtyAlone = memory.laterSendsDirtyAlone;
    this.#bytes = memory.bytes;
    this.#hosts = memory.hosts;
    this.#now = now;
  }

  touches({ op }: MigrationRequest): string[] {
    const own = toolstackMemory(this.#world);
    return op === "switchOver"
      ? [...own, ...this.#world.mmus.map((_, pcpu) => cpuMemory(pcpu))]
      : own;
  }

  perform(request: MigrationRequest): MigrationReply {
    const queue = this.#queue;
    const now = this.#now();
    switch (request.op) {
      case "clock":
        return { type: "clock", now };
      case "queueAll": {
        const isFirst = this.#destination.present.every((word) => word === 0);
        emptyDestination(this.#destination);
        this.#bytes?.arrived.empty();
        clearQueue(queue);
        if (isFirst || !this.#laterSendsDirtyAlone) queueMapped(queue, this.#vm.tracked);
        return { type: "queued", now, found: queued(queue), pending: queued(queue) };
      }
      case "queueHarvest": {
        if (request.forget) clearQueue(queue);
        const found = queueHarvest(queue, this.#vm.tracked.handedOver);
        return { type: "queued", now, found, pending: queued(queue) };
      }
      case "finishStep":
        finishStep(this.#world, this.#vm);
        return { type: "stepFinished" };
      case "takeBatch":
        return this.#takeBatch(request.pages);
      case "compare":
        return { type: "compared", now, firstDifference: this.#compare() };
      case "package":
        return { type: "packaged", bytes: packageBytes(queue) };
      case "switchOver":
        return { type: "switched", now, missing: this.#switchOver() };
      case "compareSent":
        return { type: "compared", now, firstDifference: firstLost(this.#moving) };
    }
  }

  get #moving(): Moving {
    const hosts = present(this.#hosts, "the hosts of a migration that goes on as post-copy");
    return { vm: this.#vm, hosts, queue: this.#queue, destination: this.#destination };
  }

  /** The processors of the destination have never run the VM. */
  #switchOver(): number {
    const missing = switchOver(this.#moving);
    for (const { tlb } of this.#world.mmus) flushEpt(tlb, this.#vm.ept.root);
    return missing;
  }

  /** The pages are read when the batch is made (xg_sr_save.c, write_batch), whatever happens to them later. */
  #takeBatch(atMost: number): MigrationReply {
    let zero = 0;
    let fresh = 0;
    const taken: number[] = [];
    const pages = takePages(this.#queue, atMost, (page) => {
      if (!isThere(this.#destination, page)) fresh++;
      copyPage(this.#vm, this.#destination, page);
      if (this.#findsZeroPages && this.#isZero(page)) zero++;
      taken.push(page);
    });
    if (this.#bytes !== null) zero = this.#sendBytes(this.#bytes, taken);
    const bytes = bytesOf(this.#findsZeroPages)(pages, zero);
    const pending = queued(this.#queue);
    return { type: "batchTaken", now: this.#now(), pages, bytes, fresh, pending };
  }

  /** Returns how many of them are of zeros. */
  #sendBytes({ machine, arrived }: MovedBytes, pages: readonly number[]): number {
    return arrived.arrive(pages, machine.read(pages));
  }

  /** A VM's memory is zero when it starts. The guest's own paging structures are not. */
  #isZero(page: number): boolean {
    const { guest, tables } = this.#vm;
    const isTable =
      tables !== null && page >= tables.firstPage && page < tables.firstPage + tables.count;
    return guest.versions[page] === 0 && !isTable;
  }

  /** The VM has not run since it was suspended, so the source is still what it was then. */
  #compare(): number {
    const first = firstDifference(this.#vm, this.#destination);
    if (this.#bytes === null) return first;
    const { firstDifference: firstBytes } = moveMachine(this.#bytes);
    return first < 0 ? firstBytes : first;
  }
}

export class SamplerDevice implements Device<SamplerRequest, SamplerReply> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Counters, by which nothing is decided. */
  touches(): string[] {
    return [];
  }

  perform({ vm }: SamplerRequest): SamplerReply {
    let accesses = 0;
    for (const vcpu of itemAt(this.#world.vms, vm).vcpus) {
      const { counters, stream } = itemAt(this.#world.vcpus, vcpu);
      accesses += numberAt(counters.values, Counter.accesses) - kernelAccesses(stream);
    }
    return { type: "counted", accesses };
  }
}
