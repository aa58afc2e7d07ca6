/**
 * A running system (src/system) as a model: the same actors, machines, devices and hardware. A step
 * restores the actor and the memory that it works on, lets the real actor handle the real message, and
 * saves them again (systemSteps.ts); the explorer asks for each step once, and it is held to what it declares
 * (stepAudit.ts).
 *
 * Abstractions: no virtual time (a delay says nothing about order), channels are FIFO for each pair of
 * actors, wires inside a processor have no latency, messages to oneself (timers) may come at any moment and in any order, interrupts are pending
 * bits, and what src/check/hypervisor/abstraction.ts lists is no state.
 */

import type { AnyEventObject } from "xstate";
import { contextFields } from "../../../machines/contexts.ts";
import type { Extent, MemoryPart, NormalForm, Words } from "../../hardware/normalForm.ts";
import { spaceOf } from "../../hardware/tlb.ts";
import { Field, readField } from "../../hardware/vmcs.ts";
import { allotLog } from "../../hypervisor/logPages.ts";
import type { Fields } from "../../interconnect/fields.ts";
import type { Message } from "../../interconnect/messages.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { ActorSnapshot, SystemActor } from "../../system/actors.ts";
import type { ActorRole } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import { branchTaken } from "../branches.ts";
import { Channel, channelAt } from "../engine/channel.ts";
import { type Component, type Model, type Outcome, shownMessage } from "../engine/model.ts";
import { Slot } from "../engine/slot.ts";
import type { Property } from "../properties/property.ts";
import { channelOptions, Ways } from "./channels.ts";
import { AccessChooser, type Chooser } from "./choosers.ts";
import { ChoosingWorkload } from "./choosingWorkload.ts";
import { derivedParts, noState } from "./derivedParts.ts";
import { MemoryMap } from "./memoryMap.ts";
import { FIXED, STATISTICS } from "./memoryOwners.ts";
import {
  cpuSlot,
  type MemorySlot,
  pagingSlot,
  ringsSlot,
  trackedSlot,
  vcpuSlot,
} from "./memorySlots.ts";
import { partsSlot } from "./partsSlot.ts";
import { Probe } from "./probe.ts";
import { type Posted, partsOf } from "./sentMessages.ts";
import { StepAudit } from "./stepAudit.ts";
import type { StepCheck } from "./stepChecks.ts";
import { type Effects, type Step, SystemSteps } from "./systemSteps.ts";
import { systemSymmetry } from "./systemSymmetry.ts";
import { Due, TRUTH_WRITTEN, truthSlot } from "./truthSlot.ts";

export interface SystemModelOptions {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly stepChecks: readonly StepCheck[];
  /** What a harvest must report: TRUTH_WRITTEN (default) or TRUTH_TOUCHED; 0 = nothing. */
  readonly owed?: number;
  /** Whether the truth is a debt that harvests settle (default), or what happened since the start. */
  readonly settles?: boolean;
  /** The largest count of a page's log entries that anything tells apart from larger ones; default 1. */
  readonly countsTo?: number;
  /** Guests read as well as write; default true. */
  readonly reads?: boolean;
  /** Guests may halt. */
  readonly halts?: boolean;
  /** What a VM's pages contain, where the operation copies them, or what else is kept of them; default: nothing. */
  readonly contents?: (vm: number) => NormalForm;
  /** The memory of the operation's devices; default: its parts as they are. */
  readonly operation?: MemorySlot;
  /** What else is chosen in the middle of a step. */
  readonly choosers?: readonly Chooser[];
  /** What an actor may be told at any moment from outside: commands of the operator, failures. */
  readonly commands?: Commands;
  /** Why the VM's pages are not alike; absent if they are: see systemSymmetry.ts. */
  readonly pagesDiffer?: string;
  /** VMs run once, so that each vCPU stays on the CPU of its number. */
  readonly staysOnCpu?: boolean;
  /** Counters of the processor that are state all the same (src/hardware/counters.ts). */
  readonly keptCounters?: readonly number[];
  /**
   * Why steps may go by the time, which is always 0 here: what they do when time has passed is then not explored.
   * Absent: no step may, and that is checked.
   */
  readonly timeStandsStill?: string;
  /** What the contexts of machines hold; default: what they declare (machines/contexts.ts). */
  readonly fieldsOf?: (machine: string) => Fields;
  /** What of the operation's memory is only reported, and what of it stays as it is. */
  readonly statistics?: readonly Extent[];
  readonly fixed?: readonly Extent[];
}

/** The commands that an actor, in this state, may be given. They are its choices: nothing obliges anybody to give them. */
export type Commands = (actor: ActorRole, state: ActorSnapshot) => readonly Message[];

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
  readonly #actorSlots: readonly Slot<ActorSnapshot>[];
  readonly #memory: readonly MemorySlot[];
  readonly #memorySlots: readonly Slot<Words>[];
  readonly #slots: Slot[];
  readonly #channels: (Channel | null)[];
  readonly #messages = new Slot<AnyEventObject>("messages");
  readonly #ways: Ways;
  readonly #probes: readonly Probe[];
  readonly #steps: SystemSteps;
  readonly #audit: StepAudit;
  /** By actor: branches of its machine that have been taken. */
  readonly #taken: readonly Set<string>[];

  constructor(system: System, options: SystemModelOptions) {
    this.#system = system;
    this.#options = options;
    this.#actors = system.actors;
    this.#ways = new Ways(this.#actors);
    this.#prepareWorld();
    const { world } = system;
    // They would be memory that belongs to no slot.
    if (world.vms.some(({ rounds }) => rounds !== null)) {
      throw new Error("a system that is to be explored must not judge its rounds");
    }
    const dues = world.vms.map(({ guest }) => new Due(guest));
    const owed = options.owed ?? TRUTH_WRITTEN;
    this.#memory = [
      ...world.vms.flatMap((vm, number) => [
        pagingSlot(world, number),
        truthSlot(vm, number, owed, options.contents?.(number) ?? null, itemAt(dues, number)),
        trackedSlot(vm, number, options.countsTo ?? 1),
        ringsSlot(vm, number),
      ]),
      ...world.vcpus.map((_, vcpu) => vcpuSlot(world, vcpu)),
      ...world.mmus.map((_, pcpu) => cpuSlot(world, pcpu)),
      options.operation ?? partsSlot("operation", system.operation.parts),
    ];
    this.#actorSlots = this.#actors.map(({ name }) => new Slot<ActorSnapshot>(name));
    this.#memorySlots = this.#memory.map(({ name }) => new Slot<Words>(name));
    this.#slots = [...this.#actorSlots, ...this.#memorySlots];
    this.#channels = this.#slots.map(() => null);
    this.#probes = this.#actors.map(({ machine }) => new Probe(machine));
    this.#taken = this.#actors.map((actor) => {
      const taken = new Set<string>();
      actor.watch((state, event, number) => {
        if (this.#steps.isNoted) taken.add(branchTaken(actor.machine, state, event, number));
      });
      return taken;
    });
    const { reads = true, halts = false, choosers = [], settles = true } = options;
    const fieldsOf = options.fieldsOf ?? declaredFields;
    this.#steps = new SystemSteps({
      system,
      actors: this.#actors,
      ways: this.#ways,
      fields: this.#actors.map(({ machine }) => fieldsOf(machine.id)),
      memory: this.#memory,
      actorSlots: this.#actorSlots,
      memorySlots: this.#memorySlots,
      choosers: [new AccessChooser(workloadsOf(system), reads, halts), ...choosers],
      stepChecks: options.stepChecks,
      owed,
      settles,
      dues,
    });
    this.#audit = new StepAudit(this.#steps, this.#mapMemory(), {
      nameOfSlot: (slot) => itemAt(this.#slots, slot).name,
      timePasses: options.timeStandsStill === undefined,
    });
    const initial = this.#initialState();
    this.model = {
      name: options.name,
      slots: this.#slots,
      channels: this.#channels,
      messages: this.#messages,
      components: this.#actors.map((_, actor) => this.#component(actor)),
      initial,
      properties: options.properties,
      symmetry: systemSymmetry({
        world,
        actors: this.#actors,
        ways: this.#ways,
        memory: this.#memory,
        properties: options.properties,
        fieldsOf,
        pagesDiffer: options.pagesDiffer,
        staysOnCpu: options.staysOnCpu ?? false,
        slotNamed: (name) => this.#slotNamed(name),
      }),
      isFinal: (ids) => {
        const { value } = itemAt(itemAt(this.#actorSlots, 0).values, wordAt(ids, 0));
        return value === "done" || value === "failed";
      },
    };
  }

  /** What would be allotted at first use, in an order that depends on the run, is allotted now. */
  #prepareWorld(): void {
    const { world } = this.#system;
    world.vcpus.forEach((_, vcpu) => {
      allotLog(world.logs, vcpu);
    });
    for (const { tlb } of world.mmus) {
      for (const { vmcs, vm } of world.vcpus) {
        const mode = readField(vmcs, Field.guestMode);
        spaceOf(tlb, readField(vmcs, Field.vpid), itemAt(world.vms, vm).ept.root, mode);
      }
    }
  }

  /** Whose each word is. @throws if the model does not say so of some part */
  #mapMemory(): MemoryMap {
    const { world } = this.#system;
    const { keptCounters = [], statistics = [], fixed = [] } = this.#options;
    const derived = derivedParts(world);
    // Some slots have memory of the model's own.
    const ofSlots = this.#memory.flatMap(({ extents }) => extents.map(({ part }) => part));
    const parts = new Set<MemoryPart>([...this.#system.parts(), ...derived.parts, ...ofSlots]);
    return new MemoryMap(
      [...parts],
      [
        ...this.#memory.map(({ name, extents }) => ({ owner: name, extents })),
        ...derived.domains,
        { owner: STATISTICS, extents: statistics },
        { owner: FIXED, extents: fixed },
        ...noState(world, keptCounters),
      ],
    );
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

  #outcome({ actor, ids, footprint }: Omit<Step, "choice">, effects: Effects): Outcome {
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
    const probe = itemAt(this.#probes, actor);
    const slot = itemAt(this.#actorSlots, actor);
    const first = this.#actors.length;
    const foresee = (state: number, message: AnyEventObject) =>
      probe.foresee(itemAt(slot.values, state), shownMessage(message));
    return {
      name,
      machine,
      slot: actor,
      taken: itemAt(this.#taken, actor),
      footprint: (state, message) => {
        const names = foresee(state, message).requests.flatMap((request) =>
          itemAt(this.#actors, actor).touches(request),
        );
        return [...new Set(names)].map((memory) => {
          const found = this.#memory.findIndex((one) => one.name === memory);
          if (found < 0) throw new Error(`no memory is called "${memory}"`);
          return first + found;
        });
      },
      choices: (state) => this.#options.commands?.(role, itemAt(slot.values, state)) ?? [],
      step: (ids, message) => {
        const { requests } = foresee(wordAt(ids, actor), message);
        const { event, followers } = partsOf(message);
        const footprint = itemAt(this.model.components, actor).footprint(wordAt(ids, actor), event);
        return this.#outcomes({ actor, ids, event, requests, footprint }, followers);
      },
    };
  }

  /**
   * The step with each choice that there is, if it asks for one.
   * @param followers sent when the message has been delivered
   */
  #outcomes(step: Omit<Step, "choice">, followers: readonly Posted[]): Outcome[] {
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
