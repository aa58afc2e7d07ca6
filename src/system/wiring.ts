/** Who is in a system, and who knows whom. */

import type { Observable } from "rxjs";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { type IoDeviceInput, ioDeviceMachine } from "../../machines/ioDevice.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { operatorMachine } from "../../machines/operator.ts";
import { type PvmCpuInput, pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { runStateMachine } from "../../machines/runState.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { trackerMachine } from "../../machines/tracker.ts";
import { statechartOf } from "../../machines/units/all.ts";
import type { UnitStatechart } from "../../machines/units/statechart.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import { costNamed } from "../hypervisor/costs.ts";
import type { Interconnect } from "../interconnect/interconnect.ts";
import type { ActorId, Delivery } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { Unit } from "../units/unit.ts";
import { contextOf } from "./actorContexts.ts";
import type { SystemActor } from "./actors.ts";
import { DispatcherDevice } from "./dispatcherDevice.ts";
import { DmaDevice } from "./dmaDevice.ts";
import { MmuDevice } from "./mmuDevice.ts";
import type { Operation, OperationWires } from "./operation.ts";
import { OperatorDevice } from "./operatorDevice.ts";
import { PvmDevice, UnitDevice } from "./pvmDevice.ts";
import { type ActorRole, actorName } from "./roles.ts";
import type { ActorParts, SystemPlan } from "./systemPlan.ts";
import { TrackerDevice } from "./trackerDevice.ts";
import type { World } from "./world.ts";
import { isMarkedBySoftware } from "./worldPlan.ts";

/** The interrupt vector of a full log. */
const LOG_FULL_VECTOR = 0xf3;

/** The address of an actor that there is not. */
const NOBODY = 0;

/** An actor as others see it. */
export interface AddedActor {
  /** Where all that is delivered to it can be seen, after it has handled it. */
  readonly port: Observable<Delivery>;
  readonly actor: Pick<SystemActor, "machine" | "context" | "value">;
}

/** Adds an actor. */
export type AddActor = (
  role: ActorRole,
  machine: ActorParts["machine"],
  device: ActorParts["device"],
  input: object,
) => AddedActor;

/** What there is before the actors are. */
export interface Unwired {
  readonly config: SystemPlan;
  readonly world: World;
  readonly operation: Operation;
  readonly interconnect: Interconnect;
}

/**
 * Adds the system's actors: processors, trackers, pVM CPUs, the operation's own. Returns the trackers'
 * devices, by VM. Addresses come first: each machine's input names the others.
 */
export function wire(unwired: Unwired, add: AddActor): ReadonlyMap<number, TrackerDevice> {
  const wired = new Wired(unwired, add);
  wired.addToolstack();
  wired.addScheduler();
  wired.addMmus();
  wired.addDispatchers();
  wired.addVcpus();
  wired.addUnits();
  const trackers = wired.addTrackers();
  wired.addPvmCpus();
  wired.addHelpers();
  wired.addOperator();
  wired.addDevices();
  return trackers;
}

/** Who has which address. They are given in this order, and actors are added in it. */
interface Addresses {
  readonly toolstack: ActorId;
  readonly scheduler: ActorId;
  /** By physical CPU. */
  readonly mmus: readonly ActorId[];
  readonly dispatchers: readonly ActorId[];
  readonly vcpus: readonly ActorId[];
  /** By unit and vCPU; 0: who is not told that its log is full has no statechart, and no address. */
  readonly units: readonly (readonly ActorId[])[];
  /** By VM. */
  readonly trackers: readonly ActorId[];
  readonly pvmCpus: readonly ActorId[];
  /** The operation's own, in its order. */
  readonly helpers: readonly ActorId[];
  readonly operator: ActorId;
  /** By VM and device. */
  readonly devices: readonly (readonly ActorId[])[];
  /** 0: no VM has a device, and nobody stands before the scheduler. */
  readonly runState: ActorId;
}

function addressesOf({ config, world, operation }: Unwired): Addresses {
  let next = 1;
  const take = (count: number): ActorId[] => Array.from({ length: count }, () => next++);
  const { pcpus, units } = world.config;
  return {
    toolstack: next++,
    scheduler: next++,
    mmus: take(pcpus),
    dispatchers: take(pcpus),
    vcpus: take(world.vcpus.length),
    units: units.map((unit) =>
      statechartIn(unit) === null ? world.vcpus.map(() => 0) : take(world.vcpus.length),
    ),
    trackers: take(world.vms.length),
    pvmCpus: take(config.pvmCpus),
    helpers: take(operation.helpers.length),
    operator: next++,
    devices: world.vms.map(({ devices }) => take(devices.length)),
    runState: world.vms.some(({ devices }) => devices.length > 0) ? next++ : 0,
  };
}

class Wired {
  readonly #config: SystemPlan;
  readonly #world: World;
  readonly #operation: Operation;
  readonly #interconnect: Interconnect;
  readonly #add: AddActor;
  readonly #at: Addresses;

  constructor(unwired: Unwired, add: AddActor) {
    this.#config = unwired.config;
    this.#world = unwired.world;
    this.#operation = unwired.operation;
    this.#interconnect = unwired.interconnect;
    this.#add = add;
    this.#at = addressesOf(unwired);
  }

  addToolstack(): void {
    const { machine, device, input } = this.#operation.main;
    const self = this.#at.toolstack;
    this.#add({ kind: "toolstack" }, machine, device, input(this.#operationWires(self)));
  }

  addScheduler(): void {
    const { scheduler, toolstack, mmus, dispatchers } = this.#at;
    this.#add({ kind: "scheduler" }, schedulerMachine, null, {
      self: scheduler,
      toolstack,
      timesliceCycles: this.#config.timesliceCycles,
      mmus,
      dispatchers,
      vmOfVcpu: this.#world.vcpus.map(({ vm }) => vm),
    });
  }

  addMmus(): void {
    const interconnect = this.#interconnect;
    const bounds = {
      quantum: this.#config.quantumCycles,
      horizon: () => interconnect.horizon() - interconnect.now,
      now: () => interconnect.now,
    };
    const { mmus, vcpus, units } = this.#at;
    mmus.forEach((self, pcpu) => {
      const device = new MmuDevice(this.#world, pcpu, bounds);
      const input = { pcpu, self, vcpus, units };
      const { port } = this.#add({ kind: "mmu", pcpu }, mmuMachine, device, input);
      port.subscribe((delivery) => this.#world.cpuTimes.toMmu(pcpu, delivery));
    });
  }

  addDispatchers(): void {
    const { cpuTimes, cpuWaits } = this.#world;
    const { costs } = this.#config.world.tracking;
    const { mmus, dispatchers, vcpus, trackers } = this.#at;
    const { vms } = this.#world;
    const pvTrackers = this.#world.vcpus.map(({ vm }) =>
      itemAt(vms, vm).config.pv === null ? NOBODY : itemAt(trackers, vm),
    );
    dispatchers.forEach((self, pcpu) => {
      const device = new DispatcherDevice(this.#world, pcpu);
      const { port } = this.#add({ kind: "dispatcher", pcpu }, dispatcherMachine, device, {
        pcpu,
        self,
        mmu: mmus[pcpu],
        vcpus,
        trackers,
        pvTrackers,
        inveptCycles: costs.invept,
        interruptCycles: costs.interruptHandler,
      });
      port.subscribe((delivery) => {
        cpuTimes.toDispatcher(pcpu, delivery, pvTrackers);
        cpuWaits.toDispatcher(pcpu, delivery);
      });
    });
  }

  addVcpus(): void {
    const { costs } = this.#config.world.tracking;
    this.#world.vcpus.forEach(({ vm }, vcpu) => {
      const { port } = this.#add({ kind: "vcpu", vcpu, vm }, vcpuMachine, null, {
        vcpu,
        vm,
        scheduler: this.#at.scheduler,
        exitCycles: costs.vmExit,
        entryCycles: costs.vmEntry,
      });
      port.subscribe((delivery) => this.#world.cpuTimes.toVcpu(vcpu, delivery));
    });
  }

  addUnits(): void {
    const { handlerCpus } = this.#config;
    const { costs } = this.#config.world.tracking;
    const { pvmCpus, vcpus } = this.#at;
    for (const one of this.#world.config.units) {
      const statechart = statechartIn(one);
      if (statechart === null) continue;
      const { machine, input } = statechart;
      const { name: unit, whenFull } = one.declaration;
      this.#world.vcpus.forEach(({ vm }, number) => {
        const device = whenFull.kind === "interrupt" ? new UnitDevice(this.#world, whenFull) : null;
        const surroundings = {
          number,
          vcpu: vcpus[number] ?? 0,
          handlerCpu: pvmCpus[handlerCpus[number] ?? 0],
          vector: LOG_FULL_VECTOR,
          ipiCycles: costs.ipi,
        };
        const role = { kind: "logUnit", unit, vcpu: number, vm } as const;
        this.#add(role, machine, device, input(surroundings));
      });
    }
  }

  /** Returns their devices, by VM. */
  addTrackers(): ReadonlyMap<number, TrackerDevice> {
    const devices = new Map<number, TrackerDevice>();
    const { vcpus, cpuWaits } = this.#world;
    const { armedTwice, faults } = this.#config.world.tracking;
    const { trackers, dispatchers, helpers, units } = this.#at;
    const { helpers: helping, pager: named } = this.#operation;
    const pager = helping.findIndex((one) => actorName(one.role) === named);
    trackers.forEach((self, vm) => {
      const device = new TrackerDevice(this.#world, vm);
      devices.set(vm, device);
      const ownUnits = (all: readonly ActorId[]): ActorId[] =>
        all.map((unit, vcpu) => (itemAt(vcpus, vcpu).vm === vm ? unit : 0));
      const { port, actor } = this.#add({ kind: "tracker", vm }, trackerMachine, device, {
        vm,
        self,
        dispatchers,
        pager: helpers[pager] ?? 0,
        units: units.map(ownUnits),
        skipInvept: faults.includes("skipInvept"),
        armedTwice,
      });
      // Who stands in for a tracker, or a pVM CPU, uses no time that is known.
      if (actor.machine.id !== trackerMachine.id) return;
      port.subscribe((delivery) => {
        const { handlerCycles } = contextOf(actor, trackerMachine);
        const { message } = delivery;
        const waits = message.type === "reapDue" ? dispatchers.indexOf(message.dispatcher) : -1;
        cpuWaits.afterTracker(vm, handlerCycles, waits, delivery);
      });
    });
    return devices;
  }

  addPvmCpus(): void {
    const { costs } = this.#config.world.tracking;
    const { pvmCpus, units } = this.#at;
    pvmCpus.forEach((self, cpu) => {
      const device = new PvmDevice(this.#world);
      const { port, actor } = this.#add({ kind: "pvmCpu", cpu }, pvmCpuMachine, device, {
        self,
        ...interruptedBy(this.#world, units),
        reloadCycles: costs.remoteReload,
        handlerBudget: this.#config.handlerBudget,
      });
      if (actor.machine.id !== pvmCpuMachine.id) return;
      port.subscribe((delivery) => {
        const { working } = contextOf(actor, pvmCpuMachine);
        this.#world.pvmTimes.after(cpu, actor.value === "handling", working, delivery);
      });
    });
  }

  addHelpers(): void {
    this.#operation.helpers.forEach(({ role, machine, device, input }, number) => {
      const self = itemAt(this.#at.helpers, number);
      this.#add(role, machine, device, input(this.#operationWires(self)));
    });
  }

  addOperator(): void {
    const { operator: self, trackers } = this.#at;
    const device = new OperatorDevice(this.#world);
    const input = { self, scheduler: this.#runner, trackers };
    this.#add({ kind: "operator" }, operatorMachine, device, input);
  }

  /** Those of VMs, and who stops them; none if no VM has one. */
  addDevices(): void {
    const { devices, runState, scheduler } = this.#at;
    this.#world.vms.forEach(({ devices: engines }, vm) => {
      engines.forEach(({ plan }, device) => {
        const { intervalCycles, latencyCycles, depth, tracking } = plan;
        const input: IoDeviceInput = {
          self: itemAt(itemAt(devices, vm), device),
          runState,
          vm,
          intervalCycles,
          latencyCycles,
          depth,
          isMarked: isMarkedBySoftware(tracking),
        };
        const own = new DmaDevice(this.#world, vm, device);
        this.#add({ kind: "ioDevice", vm, device }, ioDeviceMachine, own, input);
      });
    });
    if (runState === 0) return;
    const input = { self: runState, scheduler, devices };
    this.#add({ kind: "runState" }, runStateMachine, null, input);
  }

  /** To whom one speaks about starting, pausing and letting go VMs. */
  get #runner(): ActorId {
    const { runState, scheduler } = this.#at;
    return runState === 0 ? scheduler : runState;
  }

  #operationWires(self: ActorId): OperationWires {
    const { toolstack, helpers, dispatchers, trackers, vcpus, pvmCpus, runState } = this.#at;
    const scheduler = this.#runner;
    const stopping = runState === 0 ? {} : ({ drainsDevices: true } as const);
    return { self, toolstack, helpers, scheduler, dispatchers, trackers, vcpus, pvmCpus, stopping };
  }
}

/** That of a unit which the processors have, and whose full log somebody is told of; null: it has none. */
function statechartIn({ declaration: { name, whenFull }, absent }: Unit): UnitStatechart | null {
  return absent === true || whenFull.kind === "drop" ? null : statechartOf(name);
}

/** What interrupts a pVM CPU, and what its handler costs: one serves all units, and does what the dearest needs. */
function interruptedBy(
  { config }: World,
  units: readonly (readonly ActorId[])[],
): Pick<PvmCpuInput, "units" | "interruptCycles"> {
  const { costs } = config.tracking;
  const sorts = config.units.map((unit) => {
    const { whenFull } = unit.declaration;
    return unit.absent === true || whenFull.kind !== "interrupt" ? null : whenFull;
  });
  const handlers = sorts.flatMap((sort) =>
    sort === null ? [] : [costNamed(costs, sort.handlerCost)],
  );
  return {
    units: units.filter((_, number) => sorts[number] !== null),
    interruptCycles: costs.vmExit + Math.max(0, ...handlers) + costs.vmEntry,
  };
}
