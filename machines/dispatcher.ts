/**
 * The hypervisor's exit dispatcher on one physical CPU: hands each VM exit to who handles it, executes
 * INVEPT for others, and looks for pending work before each VM entry.
 *
 *   state    | event                   | next     | emits
 *   ---------|-------------------------|----------|-----------------------------------------
 *   vacant   | schedule                | guest    | schedule to the vCPU
 *   vacant   | schedule, with paravirtual pages | loading | device: writePv
 *   vacant   | inveptRequest           | vacant   | device: invept
 *   vacant   | invalidated             | vacant   | inveptDone to the tracker that asked
 *   vacant   | preempt                 | vacant   | ignored: the vCPU has left the CPU already
 *   loading  | pvStored                | loading  | pvWritten to the tracker, which marks them
 *   loading  | handled                 | guest    | schedule to the vCPU
 *   loading  | inveptRequest           | loading  | device: invept
 *   loading  | invalidated             | loading  | inveptDone to the tracker that asked
 *   loading  | preempt                 | loading  | kick to the MMU: it ends the first entry
 *   guest    | inveptRequest, preempt  | guest    | kick to the MMU
 *   guest    | vmExit, log-full        | handling | logFullExit to the tracker; device: invept, if asked
 *   guest    | vmExit, EPT violation   | handling | eptViolation to the tracker; device: invept, if asked
 *   guest    | vmExit, EPT misconfiguration | handling | eptMisconfiguration to the tracker; device: invept, if asked
 *   guest    | vmExit, other           | deciding | -
 *   guest    | entryFailed             | deciding | -
 *   handling | inveptRequest           | handling | device: invept
 *   handling | invalidated             | handling | inveptDone to the tracker that asked; device: invept, if asked
 *   handling | preempt                 | handling | -
 *   handling | handled                 | deciding | -
 *   handling | vcpuMustWait            | deciding | -
 *   deciding | INVEPT requested        | flushing | device: invept
 *   deciding | CPU wanted, HLT, crash  | vacant   | deschedule to the vCPU
 *   deciding | nothing pending         | guest    | resume to the vCPU
 *   flushing | invalidated             | deciding | inveptDone to the tracker that asked
 *
 * In root mode an INVEPT is executed at once. From guest mode it takes an exit: the request is noted,
 * and "deciding" finds it before the next VM entry (as Xen's vmx_asm_do_vmentry tests softirqs and
 * KVM's vcpu_enter_guest tests requests). An exit whose handler has to wait for somebody else's answer
 * takes the interrupt first: that answer may wait for this very INVEPT.
 *
 * What the hypervisor writes for a vCPU, its clock and its time stolen, it writes when the vCPU is loaded and before it
 * enters, in its thread, and marks then (KVM record_steal_time and kvm_guest_time_update, by vcpu_enter_guest).
 */

import { assign, emit, setup } from "xstate";
import { ExitReason } from "../src/hardware/exit.ts";
import {
  actorAt,
  type DeviceEmission,
  request,
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import { itemAt } from "../src/lookup.ts";
import { exitReasonName, isLogFull, isMisconfiguration, isViolation } from "../src/units/exits.ts";

/** What it is set up with. */
export const dispatcherInput = {
  pcpu: kind.pcpu,
  self: kind.actor,
  mmu: kind.actor,
  vcpus: kind.listBy("vcpu", kind.actor),
  trackers: kind.listBy("vm", kind.actor),
  // Who marks what the hypervisor writes for each vCPU; 0: it writes nothing.
  pvTrackers: kind.listBy("vcpu", kind.actor),
  inveptCycles: kind.cycles,
  // Handling an external interrupt, in cycles.
  interruptCycles: kind.cycles,
} as const satisfies kind.Fields;
export type DispatcherInput = kind.Values<typeof dispatcherInput>;

/** An INVEPT somebody waits for. */
const pendingInvept = { vm: kind.vm, tracker: kind.actor } as const satisfies kind.Fields;
export type PendingInvept = kind.Values<typeof pendingInvept>;

/** What its state holds besides its input. */
export const dispatcherFields = {
  vcpu: kind.deadIn(kind.vcpuOrNone, "vacant"),
  invepts: kind.list(kind.record(pendingInvept)),
  // The vCPU shall leave this CPU before its next entry.
  leaving: kind.flag,
  // The vCPU caused an exit that nobody can handle.
  crashed: kind.flag,
  // The vCPU waits for a page.
  waits: kind.flag,
  // Exits taken here, by name of the basic reason.
  exits: kind.statistic(kind.tally),
  // Cycles of work done here since the last exit, which the next entry, or the vCPU's leaving, waits for.
  workCycles: kind.statistic(kind.cycles),
  // Cycles of interrupts and INVEPTs handled here since the start.
  handlerCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface DispatcherContext extends DispatcherInput, kind.Values<typeof dispatcherFields> {}

export type DispatcherRequest =
  | { readonly op: "invept"; readonly vm: number }
  | { readonly op: "writePv"; readonly vcpu: number };
export type DispatcherReply =
  | { readonly type: "invalidated" }
  // Cycles until it is marked.
  | { readonly type: "pvStored"; readonly cycles: number };

type DispatcherEvent =
  | Extract<
      Message,
      {
        type:
          | "schedule"
          | "inveptRequest"
          | "preempt"
          | "vmExit"
          | "entryFailed"
          | "handled"
          | "vcpuMustWait";
      }
    >
  | DispatcherReply;

const { types, on } = machineTypes<
  DispatcherContext,
  DispatcherEvent,
  DispatcherInput,
  SendEmission | SendAllEmission | DeviceEmission<DispatcherRequest>
>();

export const dispatcherMachine = setup({
  types,
  actions: {
    noteVcpu: assign({ vcpu: on("schedule", ({ event }) => event.vcpu) }),
    forwardSchedule: emit(
      on("schedule", ({ context, event }) => send(actorAt(context.vcpus, event.vcpu), event)),
    ),
    askWritePv: emit(on("schedule", ({ event: { vcpu } }) => request({ op: "writePv", vcpu }))),
    countPv: assign({
      handlerCycles: on("pvStored", ({ context, event }) => context.handlerCycles + event.cycles),
    }),
    sendPvWritten: emit(
      on("pvStored", ({ context: { pvTrackers, vcpu, self }, event: { cycles } }) =>
        send(actorAt(pvTrackers, vcpu), { type: "pvWritten", vcpu, dispatcher: self }, cycles),
      ),
    ),
    sendSchedule: emit(({ context: { vcpus, vcpu, pcpu, mmu, self } }) =>
      send(actorAt(vcpus, vcpu), { type: "schedule", vcpu, pcpu, mmu, dispatcher: self }),
    ),
    countExit: assign({
      exits: on("vmExit", ({ context, event }) => {
        const exits = { ...context.exits };
        const name = exitReasonName(event.reason);
        exits[name] = (exits[name] ?? 0) + 1;
        return exits;
      }),
    }),
    noteInvept: assign({
      invepts: on("inveptRequest", ({ context, event: { vm, tracker } }) => [
        ...context.invepts,
        { vm, tracker },
      ]),
    }),
    noteLeaving: assign({ leaving: true }),
    noteCrash: assign({ leaving: true, crashed: true }),
    noteWait: assign({ leaving: true, waits: true }),
    forgetLeaving: assign({ leaving: false, crashed: false, waits: false, vcpu: -1 }),
    forgetInvept: assign({ invepts: ({ context }) => context.invepts.slice(1) }),
    countInterrupt: assign({
      workCycles: ({ context }) => context.interruptCycles,
      handlerCycles: ({ context }) => context.handlerCycles + context.interruptCycles,
    }),
    countInvept: assign({
      workCycles: ({ context }) => context.workCycles + context.inveptCycles,
      handlerCycles: ({ context }) => context.handlerCycles + context.inveptCycles,
    }),
    forgetWork: assign({ workCycles: 0 }),
    askInvept: emit(({ context }) => request({ op: "invept", vm: itemAt(context.invepts, 0).vm })),
    askNoted: emit(({ context: { invepts } }) =>
      invepts.length === 0 ? sendAll([]) : request({ op: "invept", vm: itemAt(invepts, 0).vm }),
    ),
    sendInveptDone: emit(({ context }) => {
      const { tracker } = itemAt(context.invepts, 0);
      return send(tracker, { type: "inveptDone", pcpu: context.pcpu }, context.inveptCycles);
    }),
    sendKick: emit(({ context }) => send(context.mmu, { type: "kick" })),
    sendLogFull: emit(
      on("vmExit", ({ context, event: { vcpu, vm } }) =>
        send(actorAt(context.trackers, vm), {
          type: "logFullExit",
          vcpu,
          dispatcher: context.self,
        }),
      ),
    ),
    sendViolation: emit(
      on("vmExit", ({ context, event: { vcpu, vm, page, qualification } }) => {
        const dispatcher = context.self;
        const message = { type: "eptViolation", vcpu, page, qualification, dispatcher } as const;
        return send(actorAt(context.trackers, vm), message);
      }),
    ),
    sendMisconfiguration: emit(
      on("vmExit", ({ context, event: { vcpu, vm, page } }) => {
        const dispatcher = context.self;
        const message = { type: "eptMisconfiguration", vcpu, page, dispatcher } as const;
        return send(actorAt(context.trackers, vm), message);
      }),
    ),
    sendResume: emit(({ context }) =>
      send(actorAt(context.vcpus, context.vcpu), { type: "resume" }, context.workCycles),
    ),
    sendDeschedule: emit(({ context }) => {
      const { crashed, waits } = context;
      const message = { type: "deschedule", crashed, waits } as const;
      return send(actorAt(context.vcpus, context.vcpu), message, context.workCycles);
    }),
  },
  guards: {
    writesPv: on("schedule", ({ context, event }) => itemAt(context.pvTrackers, event.vcpu) !== 0),
    isLogFull: on("vmExit", ({ event }) => isLogFull(event.reason)),
    isViolation: on("vmExit", ({ event }) => isViolation(event.reason)),
    isMisconfiguration: on("vmExit", ({ event }) => isMisconfiguration(event.reason)),
    isInterrupt: on("vmExit", ({ event }) => event.reason === ExitReason.externalInterrupt),
    isHlt: on("vmExit", ({ event }) => event.reason === ExitReason.hlt),
    isNotFixed: on("handled", ({ event }) => !event.fixed),
    hasInvept: ({ context }) => context.invepts.length > 0,
    mustFlush: ({ context }) => context.invepts.length > 0,
    mustLeave: ({ context }) => context.leaving,
  },
}).createMachine({
  id: "dispatcher",
  context: ({ input }) => ({
    ...input,
    vcpu: -1,
    invepts: [],
    leaving: false,
    crashed: false,
    waits: false,
    exits: {},
    workCycles: 0,
    handlerCycles: 0,
  }),
  initial: "vacant",
  states: {
    vacant: {
      on: {
        schedule: [
          { guard: "writesPv", target: "loading", actions: ["noteVcpu", "askWritePv"] },
          { target: "guest", actions: ["noteVcpu", "forwardSchedule"] },
        ],
        inveptRequest: { actions: ["noteInvept", "askInvept"] },
        invalidated: { guard: "hasInvept", actions: ["sendInveptDone", "forgetInvept"] },
        preempt: ignored("the vCPU has left the CPU already"),
      },
    },
    loading: {
      on: {
        pvStored: { actions: ["countPv", "sendPvWritten"] },
        handled: { target: "guest", actions: "sendSchedule" },
        inveptRequest: { actions: ["noteInvept", "askInvept"] },
        invalidated: { guard: "hasInvept", actions: ["sendInveptDone", "forgetInvept"] },
        preempt: { actions: ["noteLeaving", "sendKick"] },
      },
    },
    guest: {
      on: {
        inveptRequest: { actions: ["noteInvept", "sendKick"] },
        preempt: { actions: ["noteLeaving", "sendKick"] },
        vmExit: [
          {
            guard: "isLogFull",
            target: "handling",
            actions: ["countExit", "sendLogFull", "askNoted"],
          },
          {
            guard: "isViolation",
            target: "handling",
            actions: ["countExit", "sendViolation", "askNoted"],
          },
          {
            guard: "isMisconfiguration",
            target: "handling",
            actions: ["countExit", "sendMisconfiguration", "askNoted"],
          },
          { guard: "isInterrupt", target: "deciding", actions: ["countExit", "countInterrupt"] },
          { guard: "isHlt", target: "deciding", actions: ["countExit", "noteLeaving"] },
          { target: "deciding", actions: ["countExit", "noteCrash"] },
        ],
        entryFailed: { target: "deciding", actions: "noteCrash" },
      },
    },
    handling: {
      on: {
        handled: [
          { guard: "isNotFixed", target: "deciding", actions: "noteCrash" },
          { target: "deciding" },
        ],
        vcpuMustWait: { target: "deciding", actions: "noteWait" },
        inveptRequest: { actions: ["noteInvept", "askInvept"] },
        invalidated: {
          guard: "hasInvept",
          actions: ["sendInveptDone", "countInvept", "forgetInvept", "askNoted"],
        },
        preempt: { actions: "noteLeaving" },
      },
    },
    deciding: {
      always: [
        { guard: "mustFlush", target: "flushing", actions: "askInvept" },
        {
          guard: "mustLeave",
          target: "vacant",
          actions: ["sendDeschedule", "forgetLeaving", "forgetWork"],
        },
        { target: "guest", actions: ["sendResume", "forgetWork"] },
      ],
    },
    flushing: {
      on: {
        invalidated: {
          target: "deciding",
          actions: ["sendInveptDone", "countInvept", "forgetInvept"],
        },
      },
    },
  },
});
