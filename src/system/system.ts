/**
 * A running system: actors, wires and memory, built from a configuration; run, step, save, restore,
 * digest. Everything that a run depends on is in here, and all of it can be saved.
 */
import { type Observable, Subject } from "rxjs";
import type { AnyEventObject, AnyStateMachine } from "xstate";
import { dispatcherMachine } from "../../machines/dispatcher.ts";
import { mmuMachine } from "../../machines/mmu.ts";
import { operatorMachine } from "../../machines/operator.ts";
import { pmlUnitMachine } from "../../machines/pmlUnit.ts";
import { prlUnitMachine } from "../../machines/prlUnit.ts";
import { pvmCpuMachine } from "../../machines/pvmCpu.ts";
import { schedulerMachine } from "../../machines/scheduler.ts";
import { type TrackerContext, trackerMachine } from "../../machines/tracker.ts";
import { vcpuMachine } from "../../machines/vcpu.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../hardware/accessLoop.ts";
import { deriveControls } from "../hardware/mmu.ts";
import { digestPart, type Part, restorePart, savePart } from "../hardware/part.ts";
import type { Device } from "../interconnect/emissions.ts";
import { Interconnect } from "../interconnect/interconnect.ts";
import type { ActorId, Delivery, Message } from "../interconnect/messages.ts";
import { hasRoom, prependAccess } from "./accessStream.ts";
import { type ActorSnapshot, type LogicKind, SystemActor } from "./actors.ts";
import { DispatcherDevice } from "./dispatcherDevice.ts";
import type { EnergyCosts } from "./energy.ts";
import type { Intervention } from "./intervention.ts";
import { MmuDevice } from "./mmuDevice.ts";
import type { Operation, OperationFactory, OperationResult } from "./operation.ts";
import { OperatorDevice } from "./operatorDevice.ts";
import { PrlUnitDevice, PvmDevice } from "./pvmDevice.ts";
import { reseedStream } from "./reseed.ts";
import type { SystemSnapshot } from "./snapshot.ts";
import { TrackerDevice } from "./trackerDevice.ts";
import { World, type WorldConfig } from "./world.ts";

export interface SystemConfig {
  readonly world: WorldConfig;
  readonly pvmCpus: number;
  /** By vCPU: the pVM CPU that its PRL unit interrupts; default: the first. */
  readonly prlHandlers?: readonly number[];
  /** Without one: DEFAULT_ENERGY_COSTS. It changes nothing in a run. */
  readonly energy?: EnergyCosts;
  /** Longest burst of a guest, in cycles. */
  readonly quantumCycles: number;
  readonly timesliceCycles: number;
  /** What the toolstack does. */
  readonly operation: OperationFactory;
  /** Puts something else in the place of an actor's machine or device, by the actor's name: a planted fault. */
  readonly replace?: (name: string, parts: ActorParts) => ActorParts;
}

/** What an actor is made of. */
export interface ActorParts {
  readonly machine: AnyStateMachine;
  readonly device: AnyDevice | null;
}

export type { SystemSnapshot } from "./snapshot.ts";

type AnyDevice = Device<never, AnyEventObject>;

/** The interrupt vector that PRL units use. */
const LOG_FULL_VECTOR = 0xf3;

export class System {
  readonly config: SystemConfig;
  readonly world: World;
  readonly interconnect = new Interconnect();
  readonly #actors: SystemActor[] = [];
  readonly #byName = new Map<string, SystemActor>();
  readonly #trackers = new Map<string, TrackerDevice>();
  readonly operation: Operation;
  readonly #toolstack: SystemActor;
  readonly #kind: LogicKind;
  readonly #interventions = new Subject<Intervention>();
  #fault: { readonly error: unknown } | null = null;

  constructor(config: SystemConfig, kind: LogicKind = "compiled") {
    this.config = config;
    this.#kind = kind;
    this.world = new World(config.world);
    this.operation = config.operation(this.world, {
      technique: this.world.config.tracking.technique,
      now: () => this.interconnect.now,
      save: () => this.save(),
      renew: (helpers) => this.#renew(helpers),
    });
    this.#wire();
    this.#toolstack = this.actor("toolstack");
    this.interconnect.post(0, this.#toolstack.id, 0, { type: "begin" });
  }

  /** All actors in the order of their addresses. */
  get actors(): readonly SystemActor[] {
    return this.#actors;
  }

  /** An actor by name, such as "vcpu0", "pcpu1/mmu", "vm0/tracker", "pvm0", "scheduler". */
  actor(name: string): SystemActor {
    const actor = this.#byName.get(name);
    if (actor === undefined) throw new Error(`no actor is called "${name}"`);
    return actor;
  }

  /** The name behind an address. */
  nameOf(id: ActorId): string {
    return id === 0 ? "system" : this.#actors[id - 1]!.name;
  }

  /** Whether the operation has ended. */
  get done(): boolean {
    return isOver(this.#toolstack);
  }

  /** The main actor of the operation that is under way: of a session, the hosted one's. */
  get operating(): SystemActor {
    const name = this.operation.underWay?.(this.#toolstack.live.context);
    return name === undefined ? this.#toolstack : this.actor(name);
  }

  /** Every piece of memory, in a fixed order. */
  parts(): readonly Part[] {
    return [...this.world.parts(), ...this.operation.parts];
  }

  /** What came of the operation. */
  result(): OperationResult {
    const names = ["toolstack", ...Object.keys(this.operation.helpers)];
    const contexts = names.map((name) => [name, this.actor(name).snapshot.context] as const);
    return this.operation.result(Object.fromEntries(contexts), this.#toolstack.value);
  }

  /** Delivers one message; false when none is left or the measurement has ended. */
  step(): boolean {
    if (this.done || !this.interconnect.step()) return false;
    if (this.#fault !== null) throw this.#fault.error;
    return true;
  }

  /** Everything that is done to this run from outside, before it takes effect. */
  get interventions(): Observable<Intervention> {
    return this.#interventions;
  }

  /** Sends a command of the operator to an actor, between two deliveries. */
  command(to: ActorId | string, message: Message, delay = 0): void {
    const id = typeof to === "number" ? to : this.actor(to).id;
    this.intervene({ kind: "command", to: id, delay, message });
  }

  /**
   * Does something to the run from outside, between two deliveries; "deliver" is a delivery itself. A run
   * is repeated by the same interventions after the same numbers of deliveries. Throws, and changes
   * nothing, if it cannot be.
   */
  intervene(intervention: Intervention): void {
    this.#checkIntervention(intervention);
    this.#interventions.next(intervention);
    const { interconnect, world } = this;
    switch (intervention.kind) {
      case "command":
        interconnect.post(0, intervention.to, intervention.delay, intervention.message);
        break;
      case "deliver":
        interconnect.stepTo(intervention.sequence);
        if (this.#fault !== null) throw this.#fault.error;
        break;
      case "skip":
        interconnect.drop(intervention.sequence);
        break;
      case "postpone":
        interconnect.postpone(intervention.sequence, intervention.cycles);
        break;
      case "access": {
        const { vcpu, page, access } = intervention;
        const word = (page << ACCESS_PAGE_SHIFT) | AccessKind[access];
        prependAccess(world.vcpus[vcpu]!.stream, word);
        break;
      }
      case "reseed":
        for (const { stream } of world.vcpus) reseedStream(stream, intervention.seed);
        break;
    }
  }

  #checkIntervention(intervention: Intervention): void {
    const { interconnect, world } = this;
    switch (intervention.kind) {
      case "command": {
        const { to, delay } = intervention;
        if (this.#actors[to - 1] === undefined) throw new Error(`there is no actor ${to}`);
        if (!(delay >= 0)) throw new Error(`a command with delay ${delay}`);
        break;
      }
      case "deliver":
        if (this.done) throw new Error("the operation has ended: nothing more is delivered");
        if (interconnect.mayDeliver(intervention.sequence)) break;
        throw new Error(
          `message ${intervention.sequence} would overtake one between the same two actors`,
        );
      case "skip":
      case "postpone":
        interconnect.mayDeliver(intervention.sequence);
        break;
      case "access": {
        const { vcpu, page } = intervention;
        const stream = world.vcpus[vcpu]?.stream;
        if (stream === undefined) throw new Error(`there is no vCPU ${vcpu}`);
        if (!(page >= 0 && page < stream.workload.pages)) {
          throw new Error(`vCPU ${vcpu} has no page ${page}`);
        }
        if (!hasRoom(stream)) throw new Error(`the block of accesses of vCPU ${vcpu} is full`);
        break;
      }
      case "reseed":
        break;
    }
  }

  /** Runs to the end, or until `messages` more messages were delivered. Returns how many were. */
  run(messages = Number.POSITIVE_INFINITY): number {
    let delivered = 0;
    while (delivered < messages && this.step()) delivered++;
    return delivered;
  }

  save(): SystemSnapshot {
    const actors = this.#actors.map((actor) => [actor.name, actor.snapshot] as const);
    return {
      interconnect: this.interconnect.save(),
      actors: Object.fromEntries(actors),
      parts: this.parts().map(savePart),
    };
  }

  /** Puts a saved state back into a system of the same configuration. */
  restore(snapshot: SystemSnapshot): void {
    this.interconnect.restore(snapshot.interconnect);
    const parts = this.parts();
    parts.forEach((part, i) => {
      restorePart(part, snapshot.parts[i]!);
    });
    for (const actor of this.#actors) this.restoreActor(actor, snapshot.actors[actor.name]!);
    this.world.mmus.forEach((mmu, pcpu) => {
      const loaded = this.world.vcpus[this.world.loaded.vcpus[pcpu]! - 1];
      if (loaded === undefined) return;
      const { vm, vmcs, counters } = loaded;
      deriveControls(mmu, vmcs, this.world.vms[vm]!.guest, counters.values);
    });
  }

  /** Puts one actor's saved state back. Memory, and what its CPU has loaded, are restored apart. */
  restoreActor(actor: SystemActor, snapshot: ActorSnapshot): void {
    actor.restore(snapshot);
    const tracker = this.#trackers.get(actor.name);
    if (tracker !== undefined) tracker.technique = (snapshot.context as TrackerContext).technique;
  }

  /** A digest of each part of memory and of each actor, by name. */
  digests(): Readonly<Record<string, string>> {
    const parts = this.parts().map((part) => [part.name, digestPart(part)] as const);
    const actors = this.#actors.map(({ name, snapshot }) => {
      const text = Buffer.from(JSON.stringify(snapshot));
      const words = new Int32Array(Math.ceil(text.length / 4));
      Buffer.from(words.buffer).set(text);
      return [`actor ${name}`, digestPart({ name, arrays: () => ({ words }) })] as const;
    });
    return Object.fromEntries([...parts, ...actors]);
  }

  #renew(helpers: readonly string[]): void {
    const { interconnect } = this;
    for (const name of helpers) {
      const actor = this.actor(name);
      this.restoreActor(actor, actor.initial);
      for (const { to, sequence } of interconnect.pending()) {
        if (to === actor.id) interconnect.drop(sequence);
      }
    }
  }

  /** Addresses come first: each machine's input names the others. */
  #wire(): void {
    const { config, world } = this;
    const { cpuTimes } = world;
    const { costs } = config.world.tracking;
    const pcpus = config.world.pcpus;
    let next = 1;
    const take = (count: number): ActorId[] => Array.from({ length: count }, () => next++);
    const [toolstack, scheduler] = [next++, next++];
    const mmus = take(pcpus);
    const dispatchers = take(pcpus);
    const vcpus = take(world.vcpus.length);
    const pmlUnits = take(world.vcpus.length);
    const prlUnits = take(world.vcpus.length);
    const trackers = take(world.vms.length);
    const pvmCpus = take(config.pvmCpus);

    const helperActors = Object.entries(this.operation.helpers);
    const helpers = take(helperActors.length);
    const wires = { toolstack, helpers, scheduler, dispatchers, trackers, vcpus, pvmCpus };
    const pager = helperActors.findIndex(([name]) => name === this.operation.pager);
    const { machine, device, input } = this.operation.main;
    this.#add("toolstack", machine, device, input({ ...wires, self: toolstack }));
    this.#add("scheduler", schedulerMachine, null, {
      self: scheduler,
      toolstack,
      timesliceCycles: config.timesliceCycles,
      mmus,
      dispatchers,
      vmOfVcpu: world.vcpus.map(({ vm }) => vm),
    });
    const bounds = {
      quantum: config.quantumCycles,
      horizon: () => this.interconnect.horizon() - this.interconnect.now,
    };
    mmus.forEach((self, pcpu) => {
      const device = new MmuDevice(world, pcpu, bounds);
      const input = { pcpu, self, vcpus, pmlUnits, prlUnits };
      const port = this.#add(`pcpu${pcpu}/mmu`, mmuMachine, device, input);
      port.subscribe((delivery) => cpuTimes.toMmu(pcpu, delivery));
    });
    dispatchers.forEach((self, pcpu) => {
      const device = new DispatcherDevice(world, pcpu);
      const port = this.#add(`pcpu${pcpu}/dispatcher`, dispatcherMachine, device, {
        pcpu,
        self,
        mmu: mmus[pcpu],
        vcpus,
        trackers,
        inveptCycles: costs.invept,
        interruptCycles: costs.interruptHandler,
      });
      port.subscribe((delivery) => cpuTimes.toDispatcher(pcpu, delivery));
    });
    world.vcpus.forEach(({ vm }, vcpu) => {
      const port = this.#add(`vcpu${vcpu}`, vcpuMachine, null, {
        vcpu,
        vm,
        scheduler,
        exitCycles: costs.vmExit,
        entryCycles: costs.vmEntry,
      });
      port.subscribe((delivery) => cpuTimes.toVcpu(vcpu, delivery));
    });
    vcpus.forEach((vcpu, number) => {
      this.#add(`vcpu${number}/pml`, pmlUnitMachine, null, { vcpu });
    });
    vcpus.forEach((_, vcpu) => {
      this.#add(`vcpu${vcpu}/prl`, prlUnitMachine, new PrlUnitDevice(world), {
        vcpu,
        handlerCpu: pvmCpus[config.prlHandlers?.[vcpu] ?? 0],
        vector: LOG_FULL_VECTOR,
        ipiCycles: costs.ipi,
      });
    });
    trackers.forEach((self, vm) => {
      const device = new TrackerDevice(world.vms[vm]!);
      this.#trackers.set(`vm${vm}/tracker`, device);
      const ownUnits = (units: readonly ActorId[]): ActorId[] =>
        units.map((unit, vcpu) => (world.vcpus[vcpu]!.vm === vm ? unit : 0));
      this.#add(`vm${vm}/tracker`, trackerMachine, device, {
        vm,
        self,
        dispatchers,
        pager: helpers[pager] ?? 0,
        pmlUnits: ownUnits(pmlUnits),
        prlUnits: ownUnits(prlUnits),
        skipInvept: config.world.tracking.faults.includes("skipInvept"),
      });
    });
    pvmCpus.forEach((self, cpu) => {
      this.#add(`pvm${cpu}`, pvmCpuMachine, new PvmDevice(world), {
        self,
        prlUnits,
        interruptCycles: costs.vmExit + costs.prlHandler + costs.vmEntry,
        entryCopyCycles: costs.prlEntry,
        reloadCycles: costs.remoteReload,
      });
    });
    helperActors.forEach(([name, helper], number) => {
      const own = { ...wires, self: helpers[number]! };
      this.#add(name, helper.machine, helper.device, helper.input(own));
    });
    const [self] = take(1);
    this.#add("operator", operatorMachine, new OperatorDevice(world), {
      self,
      scheduler,
      trackers,
    });
  }

  /** A message to a hosted operation: if it has come to its end, the host is told. */
  #handleHosted(actor: SystemActor, { message }: Delivery): void {
    const wasOver = isOver(actor);
    actor.handle(message);
    if (wasOver || !isOver(actor)) return;
    this.interconnect.post(actor.id, this.#toolstack.id, 0, { type: "operationEnded" });
  }

  #add(name: string, machine: AnyStateMachine, device: AnyDevice | null, input: object) {
    const { id, port } = this.interconnect.openPort();
    const parts = this.config.replace?.(name, { machine, device }) ?? { machine, device };
    const { interconnect } = this;
    const actor = new SystemActor(id, name, parts, input, interconnect, this.#kind);
    this.#actors.push(actor);
    this.#byName.set(name, actor);
    const isHosted = this.operation.hosts?.includes(name) === true;
    port.subscribe((delivery: Delivery) => {
      // RxJS would report an error later; the run must stop at once.
      try {
        if (isHosted) this.#handleHosted(actor, delivery);
        else actor.handle(delivery.message);
      } catch (error) {
        this.#fault = { error };
      }
    });
    return port;
  }
}

/** Whether an operation has come to its last state. */
function isOver({ value }: SystemActor): boolean {
  return value === "done" || value === "failed";
}
