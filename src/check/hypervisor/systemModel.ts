/**
 * A running system (src/system) as a model: the same actors, machines, devices and hardware. A step
 * restores the actor and the memory that it works on, lets the real actor handle the real message, and
 * saves them again; the explorer asks for each step once.
 *
 * Abstractions: no virtual time (a delay says nothing about order), channels are FIFO for each pair of
 * actors, wires inside a processor have no latency, messages to oneself (timers) may come at any moment and in any order, interrupts are pending
 * bits, and what src/check/hypervisor/abstraction.ts lists is no state.
 */
import type { AnyEventObject } from "xstate";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../../hardware/accessLoop.ts";
import { deriveControls } from "../../hardware/mmu.ts";
import { spaceOf } from "../../hardware/tlb.ts";
import { Field, readField } from "../../hardware/vmcs.ts";
import { allotLog } from "../../hypervisor/logPages.ts";
import { UnhandledEventError } from "../../interconnect/compiledLogic.ts";
import type { Message } from "../../interconnect/messages.ts";
import type { ActorSnapshot, SystemActor } from "../../system/actors.ts";
import type { System } from "../../system/system.ts";
import { Channel } from "../engine/channel.ts";
import { canonical } from "../engine/encoding.ts";
import type { Component, Model, Outcome } from "../engine/model.ts";
import { Slot } from "../engine/slot.ts";
import type { Property } from "../properties/property.ts";
import { normalMessage, normalState, scrambledState } from "./abstraction.ts";
import { channelName, channelOptions, endsOf, type Sent } from "./channels.ts";
import type { ChoosingWorkload } from "./choosingWorkload.ts";
import { footprintOf } from "./footprints.ts";
import {
  cpuSlot,
  type MemorySlot,
  pagingSlot,
  partsSlot,
  ringsSlot,
  trackedSlot,
  vcpuSlot,
  type Words,
} from "./memorySlots.ts";
import { type DeviceRequest, Probe } from "./probe.ts";
import { NO_PAGE_LOST, type StepCheck, type StepContext, settleHarvest } from "./stepChecks.ts";
import { systemSymmetry } from "./systemSymmetry.ts";
import { type PageContents, TRUTH_WRITTEN, truthSlot } from "./truthSlot.ts";

export interface SystemModelOptions {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly stepChecks: readonly StepCheck[];
  /** What a harvest must report: TRUTH_WRITTEN (default) or TRUTH_TOUCHED; 0 = nothing. */
  readonly owed?: number;
  /** The largest count of a page's log entries that anything tells apart from larger ones; default 1. */
  readonly countsTo?: number;
  /** Guests read as well as write; default true. */
  readonly reads?: boolean;
  /** Guests may halt. */
  readonly halts?: boolean;
  /** What a VM's pages contain, where the operation copies them, or what else is kept of them; default: nothing. */
  readonly contents?: (vm: number) => PageContents;
  /** The memory of the operation's devices; default: its parts as they are. */
  readonly operation?: MemorySlot;
  /** What an actor may be told at any moment from outside: commands of the operator, failures. */
  readonly commands?: Commands;
  /** Why the VM's pages are not alike; absent if they are: see systemSymmetry.ts. */
  readonly pagesDiffer?: string;
  /** VMs run once, so that each vCPU stays on the CPU of its number. */
  readonly staysOnCpu?: boolean;
  /** Counters of the processor that are state all the same (src/hardware/counters.ts). */
  readonly keptCounters?: readonly number[];
  /** Work out each step a second time with other values in all that is ignored, and compare. */
  readonly debug?: boolean;
}

/** The commands that an actor, in this state, may be given. They are its choices: nothing obliges anybody to give them. */
export type Commands = (actor: string, state: ActorSnapshot) => readonly Message[];

/** @param system newly built, with ChoosingWorkloads, and a CPU for each vCPU */
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
  readonly #initials: readonly object[];
  readonly #probes: readonly Probe[];

  constructor(system: System, options: SystemModelOptions) {
    this.#system = system;
    this.#options = options;
    this.#actors = system.actors;
    this.#prepareWorld();
    const { world } = system;
    // They would be memory that belongs to no slot.
    if (world.vms.some(({ rounds }) => rounds !== null)) {
      throw new Error("a system that is to be explored must not judge its rounds");
    }
    this.#memory = [
      ...world.vms.flatMap((vm, number) => [
        pagingSlot(world, number),
        truthSlot(vm, number, options.owed ?? TRUTH_WRITTEN, options.contents?.(number) ?? null),
        trackedSlot(vm, number, options.countsTo ?? 1),
        ringsSlot(vm, number),
      ]),
      ...world.vcpus.map((_, vcpu) => vcpuSlot(world, vcpu, options.keptCounters)),
      ...world.mmus.map((_, pcpu) => cpuSlot(world, pcpu)),
      options.operation ?? partsSlot("operation", system.operation.parts),
    ];
    this.#actorSlots = this.#actors.map(({ name }) => new Slot<ActorSnapshot>(name));
    this.#memorySlots = this.#memory.map(({ name }) => new Slot<Words>(name));
    this.#slots = [...this.#actorSlots, ...this.#memorySlots];
    this.#channels = this.#slots.map(() => null);
    this.#initials = this.#actors.map(({ snapshot }) => snapshot.context);
    this.#probes = this.#actors.map(({ machine }) => new Probe(machine));
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
        memory: this.#memory,
        pagesDiffer: options.pagesDiffer,
        staysOnCpu: options.staysOnCpu ?? false,
        slotNamed: (name) => this.#slotNamed(name),
      }),
      isFinal: (ids) => {
        const { value } = this.#actorSlots[0]!.values[ids[0]!]!;
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
        spaceOf(tlb, readField(vmcs, Field.vpid), world.vms[vm]!.ept.root, mode);
      }
    }
  }

  #initialState(): Int32Array {
    const initial = [
      ...this.#actors.map(({ snapshot }, actor) => this.#internState(actor, snapshot)),
      ...this.#memory.map((memory, i) => this.#memorySlots[i]!.intern(memory.save())),
    ];
    for (const [channel, message] of this.#posted()) {
      initial[channel] = this.#channels[channel]!.append(initial[channel] ?? 0, message);
    }
    return Int32Array.from(initial);
  }

  #internState(actor: number, snapshot: ActorSnapshot): number {
    const { machineId } = this.#probes[actor]!;
    return this.#actorSlots[actor]!.intern(
      normalState(machineId, snapshot, this.#initials[actor]!),
    );
  }

  /** What the last step posted, as numbers of channels and messages. */
  #posted(): (readonly [number, number])[] {
    const pending = this.#system.interconnect.pending();
    const step = pending.map(({ from, to, message: { type }, time: delay }): Sent => {
      return { from: this.#system.nameOf(from), to: this.#system.nameOf(to), type, delay };
    });
    const posted = pending.map(({ message }, i) => {
      const number = this.#messages.intern(normalMessage(message));
      return [this.#slotNamed(channelName(step[i]!, step)), number] as const;
    });
    // Between channels there is no order.
    return posted.sort(([one], [other]) => one - other);
  }

  /** The slot of this name; a channel from one actor to another is made when something is first sent. */
  #slotNamed(name: string): number {
    const known = this.#slots.findIndex((slot) => slot.name === name);
    if (known >= 0) return known;
    const { to } = endsOf(name);
    const receiver = this.#actors.findIndex((actor) => actor.name === to);
    const typeOf = (message: number): string => this.#messages.values[message]!.type;
    const channel = new Channel(name, channelOptions(name, receiver, typeOf));
    this.#slots.push(channel);
    this.#channels.push(channel);
    return this.#slots.length - 1;
  }

  #component(actor: number): Component {
    const { name, machine } = this.#actors[actor]!;
    const probe = this.#probes[actor]!;
    const slot = this.#actorSlots[actor]!;
    const first = this.#actors.length;
    const foresee = (state: number, event: AnyEventObject) =>
      probe.foresee(slot.values[state]!, event);
    return {
      name,
      machine,
      slot: actor,
      footprint: (state, event) => {
        const names = foresee(state, event).requests.flatMap((request) =>
          footprintOf(this.#system, name, request),
        );
        return [...new Set(names)].map((memory) => {
          const found = this.#memory.findIndex((one) => one.name === memory);
          if (found < 0) throw new Error(`no memory is called "${memory}"`);
          return first + found;
        });
      },
      choices: (state) => this.#options.commands?.(name, slot.values[state]!) ?? [],
      step: (ids, event) => {
        const { taken, requests } = foresee(ids[actor]!, event);
        if (!taken) return [{ choice: "", writes: [], sends: [], broken: [EVERY_MESSAGE_TAKEN] }];
        const footprint = this.model.components[actor]!.footprint(ids[actor]!, event);
        return this.#outcomes({ actor, ids, event, requests, footprint });
      },
    };
  }

  /** The step with each access that the guest may make next, if it asks for one. */
  #outcomes(step: Step): Outcome[] {
    const outcomes: Outcome[] = [];
    const choices = this.#choices();
    for (const [label, access] of choices) {
      const workloads = this.#workloads();
      for (const workload of workloads) {
        workload.next = access;
        workload.asked = false;
      }
      const outcome = this.#perform(step);
      const asked = workloads.some((workload) => workload.asked);
      outcomes.push({ ...outcome, choice: asked ? label : "" });
      if (!asked) break;
    }
    return outcomes;
  }

  #workloads(): ChoosingWorkload[] {
    return this.#system.world.vcpus.map(({ stream }) => stream.workload as ChoosingWorkload);
  }

  #choices(): (readonly [string, number])[] {
    const { reads = true, halts = false } = this.#options;
    const pages = Math.max(...this.#workloads().map((workload) => workload.pages));
    const list: (readonly [string, number])[] = [];
    for (let page = 0; page < pages; page++) {
      const word = page << ACCESS_PAGE_SHIFT;
      list.push([`writes page ${page}`, word | AccessKind.write]);
      if (reads) list.push([`reads page ${page}`, word | AccessKind.read]);
    }
    if (halts) list.push(["halts", -1]);
    return list;
  }

  #perform(step: Step): Outcome {
    const outcome = this.#performOnce(step, false);
    if (this.#options.debug === true) {
      const again = this.#performOnce(step, true);
      const [first, second] = [canonical(outcome), canonical(again)];
      if (first !== second) {
        const { name } = this.#actors[step.actor]!;
        throw new Error(
          `${name} on "${step.event.type}" depends on what is not its state: ${this.#difference(outcome, again)}`,
        );
      }
    }
    return outcome;
  }

  #performOnce({ actor, ids, event, requests, footprint }: Step, scramble: boolean): Outcome {
    const system = this.#system;
    const one = this.#actors[actor]!;
    const first = this.#actors.length;
    for (const slot of footprint) {
      this.#memory[slot - first]!.restore(this.#memorySlots[slot - first]!.values[ids[slot]!]!);
    }
    const state = this.#actorSlots[actor]!.values[ids[actor]!]!;
    const { machineId } = this.#probes[actor]!;
    if (scramble) for (const memory of this.#memory) memory.scramble();
    system.restoreActor(one, scramble ? scrambledState(machineId, state) : state);
    if (one.name.endsWith("/mmu") && requests.length > 0) this.#deriveControls(one.name);
    system.interconnect.restore({ now: 0, sequence: 0, queue: [] });
    const context: StepContext = { system, actor: one.name, requests };
    const checks = requests.length === 0 ? [] : this.#options.stepChecks;
    const judges = checks.map((check) => [check.property, check.begin(context)] as const);
    try {
      one.handle(event);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // A reply of the device may be unhandled as well.
      const property = error instanceof UnhandledEventError ? EVERY_MESSAGE_TAKEN : NO_ACTOR_FAILS;
      return { choice: "", writes: [], sends: [], broken: [property] };
    }
    const broken = judges.flatMap(([name, judge]) => (judge === null || judge() ? [] : [name]));
    if (settleHarvest(context, this.#options.owed ?? TRUTH_WRITTEN)) broken.push(NO_PAGE_LOST);
    const writes = [
      [actor, this.#internState(actor, one.snapshot)] as const,
      ...footprint.map((slot) => {
        return [
          slot,
          this.#memorySlots[slot - first]!.intern(this.#memory[slot - first]!.save()),
        ] as const;
      }),
    ].filter(([slot, id]) => ids[slot] !== id);
    return { choice: "", writes, sends: this.#posted(), broken };
  }

  /** As System.restore does: what the processor holds of the VMCS that is loaded. */
  #deriveControls(name: string): void {
    const { world } = this.#system;
    const pcpu = Number(/\d+/.exec(name)![0]);
    const loaded = world.vcpus[world.loaded.vcpus[pcpu]! - 1];
    if (loaded === undefined) return;
    const { vm, vmcs, counters } = loaded;
    deriveControls(world.mmus[pcpu]!, vmcs, world.vms[vm]!.guest, counters.values);
  }

  /** What two outcomes of the same step differ in, in words. */
  #difference(one: Outcome, other: Outcome): string {
    for (const [slot, id] of [...one.writes, ...other.writes]) {
      const values = [one, other].map(({ writes }) => writes.find(([to]) => to === slot)?.[1]);
      if (values[0] === values[1]) continue;
      const texts = values.map((value) =>
        value === undefined ? "unchanged" : canonical(this.#slots[slot]!.values[value]),
      );
      return `${this.#slots[slot]!.name} (${id}): ${texts.join(" or ")}`;
    }
    return `messages ${canonical(one.sends)} or ${canonical(other.sends)}`;
  }
}

/** A step to be worked out. */
interface Step {
  readonly actor: number;
  readonly ids: Int32Array;
  readonly event: AnyEventObject;
  readonly requests: readonly DeviceRequest[];
  /** Numbers of the memory slots that it depends on. */
  readonly footprint: readonly number[];
}

/** No actor and no device throws. */
export const NO_ACTOR_FAILS = "no actor fails";
/** As in a running system, where it is an error: a machine says what it ignores (src/interconnect/ignored.ts). */
export const EVERY_MESSAGE_TAKEN = "every message is handled";
