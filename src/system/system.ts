/**
 * A running system: actors, wires and memory, built from a configuration; run, step, save, restore,
 * digest. Everything that a run depends on is in here, and all of it can be saved.
 */

import { type Observable, Subject } from "rxjs";
import { trackerMachine } from "../../machines/tracker.ts";
import { UserError } from "../errors.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../hardware/accessLoop.ts";
import { digestPart, type Part, restorePart, savePart } from "../hardware/part.ts";
import { UnhandledEventError } from "../interconnect/compiledLogic.ts";
import type { Census } from "../interconnect/fields.ts";
import { Interconnect } from "../interconnect/interconnect.ts";
import type { ActorId, Delivery, Message } from "../interconnect/messages.ts";
import { fieldOf, itemAt } from "../lookup.ts";
import { hasRoom, prependAccess } from "./accessStream.ts";
import { ActorContexts, contextOf, type HeldContext } from "./actorContexts.ts";
import { type ActorSnapshot, type LogicKind, SystemActor } from "./actors.ts";
import { type Intervention, InterventionError, interventions } from "./intervention.ts";
import type { Operation, OperationResult } from "./operation.ts";
import { reseedStream } from "./reseed.ts";
import { actorName, OPERATOR } from "./roles.ts";
import type { SystemSnapshot } from "./snapshot.ts";
import type { SystemPlan } from "./systemPlan.ts";
import type { TrackerDevice } from "./trackerDevice.ts";
import { wireRule } from "./wires.ts";
import { type AddActor, wire } from "./wiring.ts";
import { World } from "./world.ts";

export type { SystemSnapshot } from "./snapshot.ts";
export type { ActorParts, SystemPlan } from "./systemPlan.ts";

/** An actor that got a message which it does not take in its state, and a sentence about it. */
export interface Stuck {
  readonly actor: string;
  readonly what: string;
}

export class System {
  readonly config: SystemPlan;
  readonly world: World;
  readonly interconnect = new Interconnect();
  readonly #actors: SystemActor[] = [];
  readonly #byName = new Map<string, SystemActor>();
  readonly #trackers: ReadonlyMap<number, TrackerDevice>;
  readonly operation: Operation;
  readonly #toolstack: SystemActor;
  readonly #kind: LogicKind;
  readonly #interventions = new Subject<Intervention>();
  #fault: { readonly error: unknown; readonly actor: string } | null = null;
  /** Whether something was done to this run from outside, which its machines were not made for. */
  #isForeign = false;
  #disturbed = false;
  #stuck: Stuck | null = null;
  /** The file that has changed this run, if one has. */
  #stranger: string | null = null;

  constructor(config: SystemPlan, kind: LogicKind = "compiled") {
    this.config = config;
    this.#kind = kind;
    this.world = new World(config.world, config.pvmCpus);
    if (config.judgesRounds) this.world.judgeRounds();
    this.operation = config.operation(this.world, {
      now: () => this.interconnect.now,
      save: () => this.save(),
      renew: (helpers) => this.#renew(helpers),
    });
    this.#trackers = wire(this, (...parts) => this.#add(...parts));
    this.interconnect.enforce(wireRule(this.#actors));
    this.#toolstack = this.actor("toolstack");
    this.interconnect.post(0, this.#toolstack.id, 0, { type: "begin" });
    this.#postSlotChanges();
  }

  /** What the VMM is to change of its memory slots, each at its time. */
  #postSlotChanges(): void {
    for (const { role, id } of this.#actors) {
      if (role.kind !== "tracker") continue;
      const { changes = [] } = itemAt(this.world.vms, role.vm).config.slots ?? {};
      for (const { at, region } of changes) {
        this.interconnect.post(0, id, at, { type: "setRegion", ...region });
      }
    }
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

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The name behind an address. */
  nameOf(id: ActorId): string {
    return id === 0 ? OPERATOR : this.#byId(id).name;
  }

  #byId(id: ActorId): SystemActor {
    const actor = this.#actors[id - 1];
    if (actor === undefined) throw new Error(`no actor has the address ${id}`);
    return actor;
  }

  /** Whether the operation has ended. */
  get done(): boolean {
    return isOver(this.#toolstack);
  }

  /** The main actor of the operation that is under way: of a session, the hosted one's. */
  get operating(): SystemActor {
    const { machine, live } = this.#toolstack;
    const name = this.operation.underWay?.({ machine, context: live.context });
    return name === undefined ? this.#toolstack : this.actor(name);
  }

  /** How many there are of all that numbers in messages and states name. */
  get census(): Census {
    const { vms, vcpus, config } = this.world;
    const pages = vms.map(({ config, tables }) =>
      tables ? tables.firstPage + tables.count : config.pages,
    );
    return {
      actor: this.#actors.length + 1,
      vcpu: vcpus.length,
      vm: vms.length,
      pcpu: config.pcpus,
      page: Math.max(...pages),
    };
  }

  /** Every piece of memory, in a fixed order. */
  parts(): readonly Part[] {
    return [...this.world.parts(), ...this.operation.parts];
  }

  /** What came of the operation. */
  result(): OperationResult {
    const names = ["toolstack", ...this.operation.helpers.map(({ role }) => actorName(role))];
    const actors = names.map((name): [string, HeldContext] => {
      const actor = this.actor(name);
      return [name, { machine: actor.machine, context: actor.snapshot.context }];
    });
    return this.operation.result(new ActorContexts(new Map(actors)));
  }

  /**
   * Why the run cannot go on: a message came to an actor that does not take it now; null if it can. Only in a
   * run that was changed from outside, or put back from a file: else it is thrown.
   */
  get stuck(): Stuck | null {
    return this.#stuck;
  }

  /**
   * Delivers one message; false when none is left, the operation has ended or the run is stuck. Throws what
   * an actor or its device threw, UnhandledEventError among it: a fault of the program, or of a file that has
   * changed the run (distrust): then a UserError.
   */
  step(): boolean {
    if (this.done || this.#stuck !== null || !this.interconnect.step()) return false;
    this.#checkFault();
    return true;
  }

  #checkFault(): void {
    if (this.#fault === null) return;
    const { error, actor } = this.#fault;
    if (this.#isForeign && error instanceof UnhandledEventError) {
      this.#fault = null;
      this.#stuck = { actor, what: error.message };
      return;
    }
    throw this.#blamed(error, `${actor}: `);
  }

  /** What a fault is in a run that a file has changed: the file's mistake. */
  #blamed(error: unknown, where = ""): unknown {
    const isSaid = this.#stranger === null || error instanceof UserError;
    if (isSaid || !(error instanceof Error)) return error;
    // Each number that the file holds may be one that this system can have, and all of them together not.
    return new UserError(`${this.#stranger}: makes a run that cannot be: ${where}${error.message}`);
  }

  /** Looks at the run. @throws UserError for what goes wrong in one that a file has changed (distrust) */
  examine<Result>(look: () => Result): Result {
    try {
      return look();
    } catch (error) {
      throw this.#blamed(error);
    }
  }

  /**
   * From here on the run follows from what a file says as well, and not from the scenario and the person
   * at hand alone. What a machine or a device then cannot do is the file's mistake.
   * @param where the file, and the place in it if there is one
   */
  distrust(where: string): void {
    this.#stranger = where;
  }

  /** Whether something was done to this run from outside that could not happen in it by itself: not a command of the operator. */
  get disturbed(): boolean {
    return this.#disturbed;
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
   * is repeated by the same interventions after the same numbers of deliveries.
   * @throws InterventionError, and changes nothing, if it cannot be done
   */
  intervene(intervention: Intervention): void {
    this.#checkIntervention(intervention);
    this.#isForeign = true;
    if (!this.#isOperators(intervention)) this.#disturbed = true;
    this.#interventions.next(intervention);
    const { interconnect, world } = this;
    switch (intervention.kind) {
      case "command":
        interconnect.post(0, intervention.to, intervention.delay, intervention.message);
        break;
      case "deliver":
        interconnect.stepTo(intervention.sequence);
        this.#checkFault();
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
        prependAccess(itemAt(world.vcpus, vcpu).stream, word);
        break;
      }
      case "reseed":
        for (const { stream } of world.vcpus) reseedStream(stream, intervention.seed);
        break;
    }
  }

  /** Whether the operator may do it at any time (session/operatorCommands.ts). */
  #isOperators(intervention: Intervention): boolean {
    if (intervention.kind === "command") {
      return ["operator", "scheduler", "toolstack"].includes(this.#byId(intervention.to).role.kind);
    }
    return intervention.kind === "access" || intervention.kind === "reseed";
  }

  #checkIntervention(intervention: Intervention): void {
    interventions.accept(intervention, this.census, (problem) => new InterventionError(problem));
    const { interconnect, world } = this;
    switch (intervention.kind) {
      case "command":
      case "reseed":
        break;
      case "deliver":
        if (this.done) {
          throw new InterventionError("the operation has ended: nothing more is delivered");
        }
        if (this.#stuck !== null) {
          throw new InterventionError(`the run cannot go on: ${this.#stuck.what}`);
        }
        this.#refuseNotPending(intervention.sequence);
        if (interconnect.mayDeliver(intervention.sequence)) break;
        throw new InterventionError(
          `message ${intervention.sequence} would overtake one between the same two actors`,
        );
      case "skip":
      case "postpone":
        this.#refuseNotPending(intervention.sequence);
        break;
      case "access": {
        const { vcpu, page } = intervention;
        const { stream } = itemAt(world.vcpus, vcpu);
        if (page >= stream.workload.pages) {
          throw new InterventionError(`vCPU ${vcpu} has no page ${page}`);
        }
        if (!hasRoom(stream)) {
          throw new InterventionError(`the block of accesses of vCPU ${vcpu} is full`);
        }
        break;
      }
    }
  }

  #refuseNotPending(wanted: number): void {
    if (this.interconnect.pending().some(({ sequence }) => sequence === wanted)) return;
    throw new InterventionError(`message ${wanted} is not pending`);
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
    this.#isForeign = true;
    this.#stuck = null;
    this.interconnect.restore(snapshot.interconnect);
    const parts = this.parts();
    parts.forEach((part, i) => {
      restorePart(part, itemAt(snapshot.parts, i));
    });
    for (const actor of this.#actors)
      this.restoreActor(actor, fieldOf(snapshot.actors, actor.name));
    for (const pcpu of this.world.mmus.keys()) this.world.deriveControls(pcpu);
  }

  /** Puts one actor's saved state back. Memory, and what its CPU has loaded, are restored apart. */
  restoreActor(actor: SystemActor, snapshot: ActorSnapshot): void {
    actor.restore(snapshot);
    const { role } = actor;
    const tracker = role.kind === "tracker" ? this.#trackers.get(role.vm) : undefined;
    if (tracker !== undefined) tracker.technique = contextOf(actor, trackerMachine).technique;
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

  /** A message to a hosted operation: if it has come to its end, the host is told. */
  #handleHosted(actor: SystemActor, { message }: Delivery): void {
    const wasOver = isOver(actor);
    actor.handle(message);
    if (wasOver || !isOver(actor)) return;
    this.interconnect.post(actor.id, this.#toolstack.id, 0, { type: "operationEnded" });
  }

  #add(...[role, machine, device, input]: Parameters<AddActor>): ReturnType<AddActor> {
    const { id, port } = this.interconnect.openPort();
    const parts = this.config.replace(role, { machine, device });
    const { interconnect } = this;
    const actor = new SystemActor(id, role, parts, input, interconnect, this.#kind);
    const { name } = actor;
    this.#actors.push(actor);
    this.#byName.set(name, actor);
    const isHosted = this.operation.hosts?.includes(name) === true;
    port.subscribe((delivery: Delivery) => {
      // RxJS would report an error later; the run must stop at once.
      try {
        if (isHosted) this.#handleHosted(actor, delivery);
        else actor.handle(delivery.message);
      } catch (error) {
        this.#fault ??= { error: named(error, name), actor: name };
      }
    });
    return { port, actor };
  }
}

/** An event that was not taken, with the actor it came to. */
function named(error: unknown, actor: string): unknown {
  if (error instanceof UnhandledEventError) error.message = `${actor}: ${error.message}`;
  return error;
}

/** Whether an operation has come to its last state. */
function isOver({ value }: SystemActor): boolean {
  return value === "done" || value === "failed";
}
