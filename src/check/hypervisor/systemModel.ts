/**
 * A running system (src/system) as a model: the same actors, machines, devices and hardware. A step
 * restores the actor and the memory that it works on, lets the real actor handle the real message, and
 * saves them again (systemSteps.ts); the explorer asks for each step once, and it is held to what it declares
 * (src/check/audit).
 *
 * Abstractions: no virtual time (a delay says nothing about order), channels are FIFO for each pair of
 * actors, wires inside a processor have no latency, messages to oneself (timers) may come at any moment and in any order, interrupts are pending
 * bits, and what fields and parts say to be no state is none (src/interconnect/normalFields.ts).
 */

import type { AnyEventObject, AnyStateMachine } from "xstate";
import { contextFields } from "../../../machines/contexts.ts";
import { WRITTEN } from "../../hardware/guestForm.ts";
import {
  asTheyAre,
  type MemoryPart,
  type NormalForm,
  type Words,
} from "../../hardware/normalForm.ts";
import type { Fields } from "../../interconnect/fields.ts";
import type { Message } from "../../interconnect/messages.ts";
import type { MachineState } from "../../interconnect/normalFields.ts";
import { PureMachine } from "../../interconnect/pureMachine.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { SystemActor } from "../../system/actors.ts";
import { OPERATION_MEMORY } from "../../system/memoryNames.ts";
import {
  allotAll,
  derivedParts,
  type MemoryPiece,
  memoryPieces,
} from "../../system/memoryPieces.ts";
import type { ActorRole } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import { MemoryMap } from "../audit/memoryMap.ts";
import { StepAudit } from "../audit/stepAudit.ts";
import type { Effects, Posted, Step } from "../audit/steps.ts";
import { branchTaken } from "../branches.ts";
import { Channel, channelAt } from "../engine/channel.ts";
import {
  type Component,
  type Model,
  type Outcome,
  type RenamingGroup,
  shownMessage,
} from "../engine/model.ts";
import { Slot } from "../engine/slot.ts";
import type { Property } from "../properties/property.ts";
import { channelOptions, Ways } from "./channels.ts";
import { AccessChooser, type Chooser } from "./choosers.ts";
import { ChoosingWorkload } from "./choosingWorkload.ts";
import { Due } from "./due.ts";
import { partsOf } from "./sentMessages.ts";
import type { DeviceRequest, StepCheck } from "./stepContext.ts";
import { type Binding, SystemSteps } from "./systemSteps.ts";
import { systemSymmetry } from "./systemSymmetry.ts";

export interface SystemModelOptions {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly stepChecks: readonly StepCheck[];
  /** What a harvest must report: WRITTEN (default) or TOUCHED pages (src/hardware/guestForm.ts); 0 = nothing. */
  readonly owed?: number;
  /** Whether the truth is a debt that harvests settle (default), or what happened since the start. */
  readonly settles?: boolean;
  /** The largest count of a page's log entries that anything tells apart from larger ones; default 1. */
  readonly countsTo?: number;
  /** Guests read as well as write; default true. */
  readonly reads?: boolean;
  /** Guests may halt. */
  readonly halts?: boolean;
  /** What the model notes of a VM's pages besides; default: nothing. */
  readonly besides?: (vm: number) => readonly NormalForm[];
  /** What else is chosen in the middle of a step. */
  readonly choosers?: readonly Chooser[];
  /** What an actor may be told at any moment from outside: commands of the operator, failures. */
  readonly commands?: Commands;
  /** Why the VM's pages are not alike; absent if they are: see systemSymmetry.ts. */
  readonly pagesDiffer?: string;
  /** VMs run once, so that each vCPU stays on the CPU of its number. */
  readonly staysOnCpu?: boolean;
  /**
   * Why steps may go by the time, which is always 0 here: what they do when time has passed is then not explored.
   * Absent: no step may, and that is checked.
   */
  readonly timeStandsStill?: string;
  /** What the contexts of machines hold; default: what they declare (machines/contexts.ts). */
  readonly fieldsOf?: (machine: string) => Fields;
}

/** The commands that an actor, in this state, may be given. They are its choices: nothing obliges anybody to give them. */
export type Commands = (
  actor: ActorRole,
  state: MachineState,
  machine: AnyStateMachine,
) => readonly Message[];

/** A machine that a model has of its own, without a context, is in no table. */
function declaredFields(machine: string): Fields {
  return contextFields(machine) ?? {};
}

/** @param system newly built, with ChoosingWorkloads, */
export function systemModel(system: System, options: SystemModelOptions): Model {
  return new SystemBinding(system, options).model;
}

class SystemBinding {
  readonly model: Model;
  readonly #system: System;
  readonly #options: SystemModelOptions;
  readonly #actors: readonly SystemActor[];
  readonly #actorSlots: readonly Slot<MachineState>[];
  readonly #memory: readonly MemoryPiece[];
  readonly #memorySlots: readonly Slot<Words>[];
  readonly #slots: Slot[];
  readonly #channels: (Channel | null)[];
  readonly #messages = new Slot<AnyEventObject>("messages");
  readonly #ways: Ways;
  readonly #machines: readonly PureMachine[];
  readonly #steps: SystemSteps;
  readonly #audit: StepAudit<DeviceRequest>;
  /** By actor: branches of its machine that have been taken. */
  readonly #taken: readonly Set<string>[];

  constructor(system: System, options: SystemModelOptions) {
    this.#system = system;
    this.#options = options;
    this.#actors = system.actors;
    this.#ways = new Ways(this.#actors);
    const { world } = system;
    allotAll(world);
    // They would be memory that belongs to no slot.
    if (world.vms.some(({ rounds }) => rounds !== null)) {
      throw new Error("a system that is to be explored must not judge its rounds");
    }
    const dues = world.vms.map(({ guest }) => new Due(guest));
    const owed = options.owed ?? WRITTEN;
    this.#memory = this.#piecesOf(owed, dues);
    this.#actorSlots = this.#actors.map(({ name }) => new Slot<MachineState>(name));
    this.#memorySlots = this.#memory.map(({ name }) => new Slot<Words>(name));
    this.#slots = [...this.#actorSlots, ...this.#memorySlots];
    this.#channels = this.#slots.map(() => null);
    this.#machines = this.#actors.map(({ machine }) => new PureMachine(machine));
    this.#taken = this.#actors.map((actor) => this.#branchesTaken(actor));
    const fieldsOf = options.fieldsOf ?? declaredFields;
    const binding = this.#bind(owed, dues, fieldsOf);
    this.#steps = new SystemSteps(binding);
    const timePasses = options.timeStandsStill === undefined;
    this.#audit = new StepAudit(this.#steps, binding, this.#mapMemory(), timePasses);
    const initial = this.#initialState();
    this.model = {
      name: options.name,
      slots: this.#slots,
      channels: this.#channels,
      messages: this.#messages,
      components: this.#actors.map((_, actor) => this.#component(actor)),
      initial,
      properties: options.properties,
      symmetry: this.#symmetry(fieldsOf),
      isFinal: (ids) => {
        const { value } = itemAt(itemAt(this.#actorSlots, 0).values, wordAt(ids, 0));
        return value === "done" || value === "failed";
      },
    };
  }

  /** Noted from now on, in the steps that are the model's. */
  #branchesTaken(actor: SystemActor): Set<string> {
    const taken = new Set<string>();
    actor.watch((state, event, number) => {
      if (this.#steps.isNoted) taken.add(branchTaken(actor.machine, state, event, number));
    });
    return taken;
  }

  #bind(owed: number, dues: readonly Due[], fieldsOf: (machine: string) => Fields): Binding {
    const { reads = true, halts = false, choosers = [], settles = true } = this.#options;
    return {
      system: this.#system,
      actors: this.#actors,
      ways: this.#ways,
      fields: this.#actors.map(({ machine }) => fieldsOf(machine.id)),
      memory: this.#memory,
      actorSlots: this.#actorSlots,
      memorySlots: this.#memorySlots,
      choosers: [new AccessChooser(workloadsOf(this.#system), reads, halts), ...choosers],
      stepChecks: this.#options.stepChecks,
      owed,
      settles,
      dues,
    };
  }

  #symmetry(fieldsOf: (machine: string) => Fields): RenamingGroup {
    const { properties, pagesDiffer, staysOnCpu = false } = this.#options;
    return systemSymmetry({
      world: this.#system.world,
      actors: this.#actors,
      ways: this.#ways,
      memory: this.#memory,
      properties,
      fieldsOf,
      pagesDiffer,
      staysOnCpu,
      slotNamed: (name) => this.#slotNamed(name),
    });
  }

  #piecesOf(owed: number, dues: readonly Due[]): readonly MemoryPiece[] {
    const { world, operation } = this.#system;
    const { countsTo = 1, besides } = this.#options;
    return [
      ...memoryPieces(world, {
        truth: owed,
        countsTo,
        besides: (vm) => [
          itemAt(dues, vm).form(vm, owed),
          ...(operation.contents?.(vm) ?? []),
          ...(besides?.(vm) ?? []),
        ],
      }),
      { name: OPERATION_MEMORY, ...(operation.form ?? asTheyAre(operation.parts)) },
    ];
  }

  /** Whose each word is. @throws if some part does not say so, and no slot has it */
  #mapMemory(): MemoryMap {
    // Some slots have memory of the model's own.
    const ofSlots = this.#memory.flatMap(({ extents }) => extents.map(({ part }) => part));
    const parts = [...this.#system.parts(), ...derivedParts(this.#system.world), ...ofSlots];
    return new MemoryMap([...new Set<MemoryPart>(parts)], this.#memory);
  }

  #initialState(): Int32Array {
    const initial = [
      ...this.#actorSlots.map((slot, actor) => slot.intern(this.#steps.stateOf(actor))),
      ...this.#memory.map((memory, i) => itemAt(this.#memorySlots, i).intern(memory.save())),
    ];
    for (const [channel, message] of this.#sends(this.#steps.posted())) {
      initial[channel] = channelAt(this.#channels, channel).append(initial[channel] ?? 0, message);
    }
    return Int32Array.from(initial);
  }

  /** Messages as numbers of channels and messages. Between channels there is no order. */
  #sends(posted: Effects["posted"]): (readonly [channel: number, message: number])[] {
    return posted
      .map(([channel, message]) => {
        const number = this.#messages.intern(message);
        return [this.#slotNamed(channel), number] as const;
      })
      .sort(([one], [other]) => one - other);
  }

  #outcome(
    { actor, ids, footprint }: Omit<Step<DeviceRequest>, "choice">,
    effects: Effects,
  ): Outcome {
    const { choice, state, memory, posted, broken } = effects;
    const first = this.#actors.length;
    const after: (readonly [slot: number, id: number])[] = [];
    if (state !== null) after.push([actor, itemAt(this.#actorSlots, actor).intern(state)]);
    memory.forEach((words, i) => {
      const slot = itemAt(footprint, i);
      after.push([slot, itemAt(this.#memorySlots, slot - first).intern(words)]);
    });
    const writes = after.filter(([slot, id]) => ids[slot] !== id);
    return { choice, writes, sends: this.#sends(posted), broken };
  }

  /** The slot of this name; a channel from one actor to another is made when something is first sent. */
  #slotNamed(name: string): number {
    const known = this.#slots.findIndex((slot) => slot.name === name);
    if (known >= 0) return known;
    const way = this.#ways.named(name);
    const numberOf = (one: string) => this.#actors.findIndex((actor) => actor.name === one);
    const typeOf = (message: number): string => itemAt(this.#messages.values, message).type;
    const channel = new Channel(name, channelOptions(way, numberOf, typeOf));
    this.#slots.push(channel);
    this.#channels.push(channel);
    return this.#slots.length - 1;
  }

  #component(actor: number): Component {
    const { name, role, machine } = itemAt(this.#actors, actor);
    const slot = itemAt(this.#actorSlots, actor);
    const first = this.#actors.length;
    const requestsOf = (state: number, message: AnyEventObject) =>
      this.#requestsOf(actor, itemAt(slot.values, state), shownMessage(message));
    return {
      name,
      machine,
      slot: actor,
      taken: itemAt(this.#taken, actor),
      footprint: (state, message) => {
        const names = requestsOf(state, message).flatMap((request) =>
          itemAt(this.#actors, actor).touches(request),
        );
        return [...new Set(names)].map((memory) => {
          const found = this.#memory.findIndex((one) => one.name === memory);
          if (found < 0) throw new Error(`no memory is called "${memory}"`);
          return first + found;
        });
      },
      choices: (state) => this.#options.commands?.(role, itemAt(slot.values, state), machine) ?? [],
      step: (ids, message) => {
        const requests = requestsOf(wordAt(ids, actor), message);
        const { event, followers } = partsOf(message);
        const footprint = itemAt(this.model.components, actor).footprint(wordAt(ids, actor), event);
        return this.#outcomes({ actor, ids, event, requests, footprint }, followers);
      },
    };
  }

  /** What the actor asks its device in the transition that it takes. A reply may lead to more. */
  #requestsOf(actor: number, state: MachineState, event: AnyEventObject): readonly DeviceRequest[] {
    const emitted = itemAt(this.#machines, actor).transition(state, event)?.emitted ?? [];
    return emitted.flatMap((one) => (one.type === "device" ? [one["request"]] : []));
  }

  /**
   * The step with each choice that there is, if it asks for one.
   * @param followers sent when the message has been delivered
   */
  #outcomes(step: Omit<Step<DeviceRequest>, "choice">, followers: readonly Posted[]): Outcome[] {
    const outcomes: Outcome[] = [];
    let choices = 1;
    for (let choice = 0; choice < choices; choice++) {
      const effects = this.#audit.work({ ...step, choice });
      const posted = [...effects.posted, ...followers];
      outcomes.push(this.#outcome(step, { ...effects, posted }));
      choices = effects.choices;
    }
    return outcomes;
  }
}

function workloadsOf({ world }: System): ChoosingWorkload[] {
  return world.vcpus.map(({ stream: { workload } }) => {
    if (workload instanceof ChoosingWorkload) return workload;
    throw new Error(`the guest ${workload.name} does not let the explorer choose its accesses`);
  });
}
