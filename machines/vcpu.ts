/**
 * A virtual CPU: where it is between VM entry and VM exit.
 *
 *   state    | event                | next   | emits
 *   ---------|----------------------|--------|---------------------------------------
 *   ready    | schedule             | guest  | enterGuest to the MMU, after T_e
 *   guest    | guestStopped         | root   | vmExit to the dispatcher, after T_x
 *   guest    | entryFailed          | root   | entryFailed to the dispatcher
 *   root     | resume               | guest  | enterGuest to the MMU, after T_e
 *   root     | deschedule           | ready  | descheduled to the scheduler
 *   root     | deschedule, stopped  | halted | descheduled to the scheduler, halted
 */
import { assign, emit, setup } from "xstate";
import { ExitReason } from "../src/hardware/exit.ts";
import { type SendEmission, send } from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const vcpuInput = {
  vcpu: kind.vcpu,
  vm: kind.vm,
  scheduler: kind.actor,
  // T_x and T_e: the switches alone, in cycles.
  exitCycles: kind.cycles,
  entryCycles: kind.cycles,
} as const satisfies kind.Fields;
export type VcpuInput = kind.Values<typeof vcpuInput>;

/** What its state holds besides its input. */
export const vcpuFields = {
  // Where it runs, while it does.
  mmu: kind.deadIn(kind.actor, "ready", "halted"),
  dispatcher: kind.deadIn(kind.actor, "ready", "halted"),
  exits: kind.statistic(kind.count),
  entries: kind.statistic(kind.count),
  // Its workload has ended (HLT).
  finished: kind.flag,
  // Why the last VM entry failed; empty if it did not.
  entryFailure: kind.text,
  // Reason of the last VM exit, -1 before the first.
  lastExit: kind.statistic(kind.countOrNone),
} as const satisfies kind.Fields;

export interface VcpuContext extends VcpuInput, kind.Values<typeof vcpuFields> {}

type VcpuEvent = EventOf<
  Message,
  "schedule" | "guestStopped" | "entryFailed" | "resume" | "deschedule"
>;

const { types, on } = machineTypes<VcpuContext, VcpuEvent, VcpuInput, SendEmission>();

export const vcpuMachine = setup({
  types,
  actions: {
    notePlace: assign(on("schedule", ({ event: { mmu, dispatcher } }) => ({ mmu, dispatcher }))),
    noteExit: assign(
      on("guestStopped", ({ context, event: { reason } }) => ({
        exits: context.exits + 1,
        finished: reason === ExitReason.hlt,
        lastExit: reason,
      })),
    ),
    noteEntry: assign({ entries: ({ context }) => context.entries + 1 }),
    noteFailure: assign({ entryFailure: on("entryFailed", ({ event }) => event.failure) }),
    sendEnter: emit(({ context }) =>
      send(context.mmu, { type: "enterGuest", vcpu: context.vcpu }, context.entryCycles),
    ),
    sendExit: emit(
      on("guestStopped", ({ context, event: { reason, qualification, page } }) => {
        const { vcpu, vm } = context;
        const message = { type: "vmExit", vcpu, vm, reason, qualification, page } as const;
        return send(context.dispatcher, message, context.exitCycles);
      }),
    ),
    sendEntryFailed: emit(
      on("entryFailed", ({ context, event }) =>
        send(context.dispatcher, {
          type: "entryFailed",
          failure: event.failure,
        }),
      ),
    ),
    sendDescheduled: emit(
      on("deschedule", ({ context, event: { waits } }) =>
        send(context.scheduler, {
          type: "descheduled",
          vcpu: context.vcpu,
          halted: false,
          waits,
        }),
      ),
    ),
    sendHalted: emit(({ context }) =>
      send(context.scheduler, {
        type: "descheduled",
        vcpu: context.vcpu,
        halted: true,
        waits: false,
      }),
    ),
  },
  guards: {
    willNotRunAgain: on("deschedule", ({ context, event }) => context.finished || event.crashed),
  },
}).createMachine({
  id: "vcpu",
  context: ({ input }) => ({
    ...input,
    mmu: 0,
    dispatcher: 0,
    exits: 0,
    entries: 0,
    finished: false,
    entryFailure: "",
    lastExit: -1,
  }),
  initial: "ready",
  states: {
    ready: {
      on: { schedule: { target: "guest", actions: ["notePlace", "noteEntry", "sendEnter"] } },
    },
    guest: {
      on: {
        guestStopped: { target: "root", actions: ["noteExit", "sendExit"] },
        entryFailed: { target: "root", actions: ["noteFailure", "sendEntryFailed"] },
      },
    },
    root: {
      on: {
        resume: { target: "guest", actions: ["noteEntry", "sendEnter"] },
        deschedule: [
          { guard: "willNotRunAgain", target: "halted", actions: "sendHalted" },
          { target: "ready", actions: "sendDescheduled" },
        ],
      },
    },
    halted: {},
  },
});
