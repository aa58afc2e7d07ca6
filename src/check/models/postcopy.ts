/**
 * A migration that goes on as post-copy, at once or after a live round, whose link may fail and is back then. What each page
 * contains is known beside the system: what was last written to it, wherever the VM ran.
 */
import { postcopySenderMachine } from "../../../machines/postcopySender.ts";
import { schedulerMachine } from "../../../machines/scheduler.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../../hardware/accessLoop.ts";
import type { MemoryPart, NormalForm, PageCopies, Words } from "../../hardware/normalForm.ts";
import { isMarked } from "../../hypervisor/dirtyBitmap.ts";
import { Destination } from "../../hypervisor/migration/destination.ts";
import {
  hostContents,
  isMissing,
  type Moving,
  PostcopyHosts,
} from "../../hypervisor/migration/postcopy.ts";
import { SendQueue } from "../../hypervisor/migration/sendQueue.ts";
import { fieldOf, itemAt, present, wordAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { OperationFactory } from "../../system/operation.ts";
import { isMeant } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { Model } from "../engine/model.ts";
import { guestStep, type StepCheck, type StepContext } from "../hypervisor/stepContext.ts";
import { ofEach, over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";
import { type MigrationOptions, migrationSystem, modelOf, SOON } from "./migration.ts";

export const FINDS_LAST_WRITE = "a guest finds in each page what was last written to it";
export const COMES_ONCE = "a page comes once to the guest that waits for it";
export const REQUESTED_FIRST = "a requested page is sent before all others";
export const WAITER_GETS_PAGE = "a vCPU that waits for a page gets it";
export const ALL_COMES = "every page comes at last";

/** Two hosts, and what a guest should find there. */
export class TwoHosts {
  readonly #system: System;
  readonly #moving: Moving;
  /** By page: what was last written, as a version. */
  readonly #newest: Int32Array;

  constructor(system: System) {
    this.#system = system;
    const vm = itemAt(system.world.vms, 0);
    const { parts } = system.operation;
    const part = <Part>(kind: abstract new (...args: never[]) => Part, name: string): Part =>
      present(
        parts.find((one): one is typeof one & Part => one instanceof kind && one.name === name),
        name,
      );
    this.#moving = {
      vm,
      hosts: part(PostcopyHosts, "migration/postcopy"),
      queue: part(SendQueue, "migration/queue"),
      destination: part(Destination, "migration/destination"),
    };
    this.#newest = vm.guest.versions.slice();
  }

  /** What the pages contain, in place of the operation's own form of it. */
  form(vm: number): NormalForm {
    const newest = this.#newest;
    const own: MemoryPart = { name: "what was last written", arrays: () => ({ newest }) };
    const copies: PageCopies = { read: () => newest, write: (all) => newest.set(all) };
    return hostContents(this.#moving, vm, [copies], [{ part: own, array: "newest" }]);
  }

  readonly checks: readonly StepCheck[] = [
    {
      property: FINDS_LAST_WRITE,
      begin: (step) => {
        const guest = guestStep(step);
        if (guest === null) return null;
        const { stream } = guest.vcpu;
        const { versions } = guest.vm.guest;
        const before = versions.slice();
        return () => {
          const word = wordAt(stream.block, 0);
          if (stream.state[0] !== stream.state[1]) return true;
          const page = word >>> ACCESS_PAGE_SHIFT;
          const isRight = before[page] === this.#newest[page];
          if ((word & 3) !== AccessKind.read) this.#newest[page] = wordAt(versions, page);
          return isRight;
        };
      },
    },
    {
      property: COMES_ONCE,
      begin: ({ role, requests }) => {
        const [request] = requests;
        if (!isMeant(role, { helper: "receiver" }) || request === undefined) return null;
        if (request.op !== "place") return null;
        const { hosts } = this.#moving;
        const wasMissing = isMissing(hosts, hosts.flight.pages()[0] ?? 0);
        return () => wasMissing;
      },
    },
    { property: REQUESTED_FIRST, begin: (step) => this.#ofSender(step) },
  ];

  /** A request that is taken puts its page before all others, and what is sent next has it. */
  #ofSender({ role, requests: [request] }: StepContext): (() => boolean) | null {
    if (!isMeant(role, { helper: "sender" })) return null;
    const { hosts, queue } = this.#moving;
    const { requests, flight } = hosts;
    const before = flight.count;
    if (request?.op === "take") {
      const urgent = requests.pages().filter((page) => isMarked(queue.marks, page));
      return () => flight.count === before || urgent.every((page) => flight.has(page));
    }
    if (request?.op !== "request") return null;
    const { page = 0 } = request;
    return () => requests.has(page) || !isMarked(queue.marks, page);
  }

  properties(linkFails: boolean): Property[] {
    const system = this.#system;
    const sender = contextReader(system, "sender", postcopySenderMachine);
    const missing = (operation: Words): number => itemAt(fieldOf(operation, "at"), 1);
    const steps = [FINDS_LAST_WRITE, COMES_ONCE, REQUESTED_FIRST];
    return [
      ...steps.map((name) => ({ kind: "step", name }) as const),
      {
        kind: "leadsTo",
        name: ALL_COMES,
        when: over(["operation"], (operation: Words) => missing(operation) > 0),
        that: over(["operation"], (operation: Words) => missing(operation) === 0),
      },
      ...system.world.vcpus.map((_, vcpu) => waiterGetsPage(system, vcpu)),
      ...(linkFails
        ? [
            {
              kind: "sometimes",
              name: "the link fails in post-copy, and the rest comes by another",
              that: over(["sender", "operation"], (state: ActorSnapshot, operation: Words) => {
                return (
                  sender(state).link > 0 && state.value === "drained" && missing(operation) === 0
                );
              }),
            } as const,
          ]
        : []),
    ];
  }
}

function waiterGetsPage(system: System, vcpu: number): Property {
  const read = contextReader(system, "scheduler", schedulerMachine);
  const sleeps = (state: ActorSnapshot): boolean => read(state).sleeping.includes(vcpu);
  return {
    kind: "leadsTo",
    ...ofEach("vcpu", vcpu, (one) => `${WAITER_GETS_PAGE} (vCPU ${one})`),
    when: over(["scheduler"], sleeps),
    that: over(["scheduler"], (state: ActorSnapshot) => !sleeps(state)),
  };
}

/** Contents are the model's own to say. */
function withoutContents(operation: OperationFactory): OperationFactory {
  return (world, host) => {
    const { contents: _, ...rest } = operation(world, host);
    return rest;
  };
}

export function postcopySystem(options: MigrationOptions): System {
  return migrationSystem({ ...options, recovers: { recoverAfter: SOON } }, withoutContents);
}

export function postcopyModel(name: string, options: MigrationOptions): Model {
  const system = postcopySystem(options);
  const hosts = new TwoHosts(system);
  return modelOf(name, system, options, {
    besides: (vm) => [hosts.form(vm)],
    stepChecks: hosts.checks,
    properties: hosts.properties(options.linkFails === true),
  });
}
