/** Who is in a system, and who knows whom. */

import type { Observable } from "rxjs";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { operatorMachine } from "../../machines/operator.ts";
import { type PvmCpuInput, pvmCpuMachine } from "../../machines/pvmCpu.ts";
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
import { MmuDevice } from "./mmuDevice.ts";
import type { Operation } from "./operation.ts";
import { OperatorDevice } from "./operatorDevice.ts";
import { PvmDevice, UnitDevice } from "./pvmDevice.ts";
import { type ActorRole, actorName } from "./roles.ts";
import type { ActorParts, SystemPlan } from "./systemPlan.ts";
import { TrackerDevice } from "./trackerDevice.ts";
import type { World } from "./world.ts";

/** The interrupt vector of a full log. */
const LOG_FULL_VECTOR = 0xf3;

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
export function wire(
  { config, world, operation, interconnect }: Unwired,
  add: AddActor,
): ReadonlyMap<number, TrackerDevice> {
  const trackerDevices = new Map<number, TrackerDevice>();
  const { cpuTimes, cpuWaits, pvmTimes } = world;
  const { costs } = config.world.tracking;
  const pcpus = config.world.pcpus;
  let next = 1;
  const take = (count: number): ActorId[] => Array.from({ length: count }, () => next++);
  const [toolstack, scheduler] = [next++, next++];
  const mmus = take(pcpus);
  const dispatchers = take(pcpus);
  const vcpus = take(world.vcpus.length);
  // Who is not told that its log is full has no statechart, and no address.
  const units = world.config.units.map((unit) =>
    statechartIn(unit) === null ? world.vcpus.map(() => 0) : take(world.vcpus.length),
  );
  const trackers = take(world.vms.length);
  const pvmCpus = take(config.pvmCpus);

  const helpers = take(operation.helpers.length);
  const wires = { toolstack, helpers, scheduler, dispatchers, trackers, vcpus, pvmCpus };
  const pager = operation.helpers.findIndex((one) => actorName(one.role) === operation.pager);
  const { machine, device, input } = operation.main;
  add({ kind: "toolstack" }, machine, device, input({ ...wires, self: toolstack }));
  add({ kind: "scheduler" }, schedulerMachine, null, {
    self: scheduler,
    toolstack,
    timesliceCycles: config.timesliceCycles,
    mmus,
    dispatchers,
    vmOfVcpu: world.vcpus.map(({ vm }) => vm),
  });
  const bounds = {
    quantum: config.quantumCycles,
    horizon: () => interconnect.horizon() - interconnect.now,
    now: () => interconnect.now,
  };
  mmus.forEach((self, pcpu) => {
    const device = new MmuDevice(world, pcpu, bounds);
    const input = { pcpu, self, vcpus, units };
    const { port } = add({ kind: "mmu", pcpu }, mmuMachine, device, input);
    port.subscribe((delivery) => cpuTimes.toMmu(pcpu, delivery));
  });
  dispatchers.forEach((self, pcpu) => {
    const device = new DispatcherDevice(world, pcpu);
    const { port } = add({ kind: "dispatcher", pcpu }, dispatcherMachine, device, {
      pcpu,
      self,
      mmu: mmus[pcpu],
      vcpus,
      trackers,
      inveptCycles: costs.invept,
      interruptCycles: costs.interruptHandler,
    });
    port.subscribe((delivery) => {
      cpuTimes.toDispatcher(pcpu, delivery);
      cpuWaits.toDispatcher(pcpu, delivery);
    });
  });
  world.vcpus.forEach(({ vm }, vcpu) => {
    const { port } = add({ kind: "vcpu", vcpu, vm }, vcpuMachine, null, {
      vcpu,
      vm,
      scheduler,
      exitCycles: costs.vmExit,
      entryCycles: costs.vmEntry,
    });
    port.subscribe((delivery) => cpuTimes.toVcpu(vcpu, delivery));
  });
  world.config.units.forEach((one) => {
    const statechart = statechartIn(one);
    if (statechart === null) return;
    const { machine, input } = statechart;
    const unit = one.declaration;
    world.vcpus.forEach(({ vm }, number) => {
      const device =
        unit.whenFull.kind === "interrupt" ? new UnitDevice(world, unit.whenFull) : null;
      const handlerCpu = pvmCpus[config.handlerCpus[number] ?? 0];
      const vector = LOG_FULL_VECTOR;
      const vcpu = vcpus[number] ?? 0;
      const surroundings = { number, vcpu, handlerCpu, vector, ipiCycles: costs.ipi };
      const role = { kind: "logUnit", unit: unit.name, vcpu: number, vm } as const;
      add(role, machine, device, input(surroundings));
    });
  });
  trackers.forEach((self, vm) => {
    const device = new TrackerDevice(world, vm);
    trackerDevices.set(vm, device);
    const ownUnits = (units: readonly ActorId[]): ActorId[] =>
      units.map((unit, vcpu) => (itemAt(world.vcpus, vcpu).vm === vm ? unit : 0));
    const { port, actor } = add({ kind: "tracker", vm }, trackerMachine, device, {
      vm,
      self,
      dispatchers,
      pager: helpers[pager] ?? 0,
      units: units.map(ownUnits),
      skipInvept: config.world.tracking.faults.includes("skipInvept"),
      armedTwice: config.world.tracking.armedTwice,
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
  pvmCpus.forEach((self, cpu) => {
    const { port, actor } = add({ kind: "pvmCpu", cpu }, pvmCpuMachine, new PvmDevice(world), {
      self,
      ...interruptedBy(world, units),
      reloadCycles: costs.remoteReload,
      handlerBudget: config.handlerBudget,
    });
    if (actor.machine.id !== pvmCpuMachine.id) return;
    port.subscribe((delivery) => {
      const { working } = contextOf(actor, pvmCpuMachine);
      pvmTimes.after(cpu, actor.value === "handling", working, delivery);
    });
  });
  operation.helpers.forEach(({ role, machine, device, input }, number) => {
    add(role, machine, device, input({ ...wires, self: itemAt(helpers, number) }));
  });
  const [self] = take(1);
  add({ kind: "operator" }, operatorMachine, new OperatorDevice(world), {
    self,
    scheduler,
    trackers,
  });
  return trackerDevices;
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
