/**
 * The memory-management unit of one physical CPU, seen from the control plane: it runs a guest in
 * bursts, and each burst ends with one event. The rules of an access are in src/hardware.
 *
 *   state   | event           | next    | emits
 *   --------|-----------------|---------|----------------------------------------------
 *   idle    | enterGuest      | running | device: enter (checks, controls, first burst)
 *   idle    | enterGuest, kicked | idle | guestStopped (external interrupt) to the vCPU
 *   idle    | kick            | idle    | -
 *   running | ranToHorizon    | running | continueGuest to itself, at the guest's local time
 *   running | filledLog       | running | its unit's message to the unit, and continueGuest
 *   running | accessExited    | idle    | guestStopped to the vCPU
 *   running | logUnavailable  | idle    | its unit's message to the unit
 *   running | workloadEnded   | idle    | guestStopped (HLT) to the vCPU
 *   running | entryRefused    | idle    | entryFailed to the vCPU
 *   running | continueGuest   | running | device: run
 *   running | continueGuest, kicked | idle | guestStopped (external interrupt) to the vCPU
 *   running | kick            | running | -
 *
 * A kick waits for the end of the burst: an interrupt is taken between instructions. One that finds
 * the CPU in root mode stays pending and ends the next entry at once.
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
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";
import type { UnitMessageType } from "../src/units/messages.ts";

/** What it is set up with. */
export const mmuInput = {
  pcpu: kind.pcpu,
  self: kind.actor,
  vcpus: kind.listBy("vcpu", kind.actor),
  // By unit's number, and vCPU; a unit without a statechart has no actors.
  units: kind.list(kind.listBy("vcpu", kind.actor)),
} as const satisfies kind.Fields;
export type MmuInput = kind.Values<typeof mmuInput>;

/** What its state holds besides its input. */
export const mmuFields = {
  // The vCPU whose VMCS is current.
  vcpu: kind.deadIn(kind.vcpuOrNone, "idle"),
  kicked: kind.flag,
} as const satisfies kind.Fields;

export interface MmuContext extends MmuInput, kind.Values<typeof mmuFields> {}

export type MmuRequest = { readonly op: "enter" | "run"; readonly vcpu: number };

/** How a burst ended; `elapsed` cycles of guest time after the request. */
export type MmuReply =
  | { readonly type: "ranToHorizon"; readonly elapsed: number }
  // `unit`: whose log it is, and what it is told.
  | { readonly type: "filledLog"; readonly elapsed: number; readonly unit: ToldUnit }
  | { readonly type: "logUnavailable"; readonly elapsed: number; readonly unit: ToldUnit }
  | { readonly type: "workloadEnded"; readonly elapsed: number }
  | {
      readonly type: "accessExited";
      readonly elapsed: number;
      readonly reason: number;
      readonly qualification: number;
      readonly page: number;
    }
  | { readonly type: "entryRefused"; readonly failure: string };

/** A unit of the current vCPU. */
export interface ToldUnit {
  readonly number: number;
  readonly message: UnitMessageType;
}

type MmuEvent = Extract<Message, { type: "enterGuest" | "continueGuest" | "kick" }> | MmuReply;

function told(
  { units, vcpu }: MmuContext,
  { number, message }: ToldUnit,
  elapsed: number,
): SendEmission {
  const actor = units[number]?.[vcpu];
  if (actor === undefined) throw new Error(`unit ${number} of vCPU ${vcpu} is not an actor`);
  return send(actor, { type: message }, elapsed);
}

const NO_DETAIL = { qualification: 0, page: 0 } as const;

const { types, on } = machineTypes<
  MmuContext,
  MmuEvent,
  MmuInput,
  SendEmission | SendAllEmission | DeviceEmission<MmuRequest>
>();

export const mmuMachine = setup({
  types,
  actions: {
    noteVcpu: assign({
      vcpu: on("enterGuest", ({ event }) => event.vcpu),
    }),
    noteKick: assign({ kicked: true }),
    forgetKick: assign({ kicked: false }),
    askEnter: emit(({ context }) => request({ op: "enter", vcpu: context.vcpu })),
    askRun: emit(({ context }) => request({ op: "run", vcpu: context.vcpu })),
    sendContinue: emit(
      on("ranToHorizon", ({ context, event }) =>
        send(context.self, { type: "continueGuest" }, event.elapsed),
      ),
    ),
    sendFilledAndContinue: emit(
      on("filledLog", ({ context, event: { elapsed, unit } }) =>
        sendAll([
          told(context, unit, elapsed),
          send(context.self, { type: "continueGuest" }, elapsed),
        ]),
      ),
    ),
    sendStopped: emit(
      on("accessExited", ({ context, event: { reason, qualification, page, elapsed } }) => {
        const message = { type: "guestStopped", reason, qualification, page } as const;
        return send(actorAt(context.vcpus, context.vcpu), message, elapsed);
      }),
    ),
    sendUnavailable: emit(
      on("logUnavailable", ({ context, event: { elapsed, unit } }) => told(context, unit, elapsed)),
    ),
    sendHlt: emit(
      on("workloadEnded", ({ context, event }) => {
        const message = { type: "guestStopped", reason: ExitReason.hlt, ...NO_DETAIL } as const;
        return send(actorAt(context.vcpus, context.vcpu), message, event.elapsed);
      }),
    ),
    sendInterrupted: emit(({ context }) => {
      const reason = ExitReason.externalInterrupt;
      const message = { type: "guestStopped", reason, ...NO_DETAIL } as const;
      return send(actorAt(context.vcpus, context.vcpu), message);
    }),
    sendEntryFailed: emit(
      on("entryRefused", ({ context, event: { failure } }) =>
        send(actorAt(context.vcpus, context.vcpu), { type: "entryFailed", failure }),
      ),
    ),
  },
  guards: {
    isKicked: ({ context }) => context.kicked,
  },
}).createMachine({
  id: "mmu",
  context: ({ input }) => ({ ...input, vcpu: -1, kicked: false }),
  initial: "idle",
  states: {
    idle: {
      on: {
        enterGuest: [
          { guard: "isKicked", actions: ["noteVcpu", "forgetKick", "sendInterrupted"] },
          { target: "running", actions: ["noteVcpu", "askEnter"] },
        ],
        kick: { actions: "noteKick" },
      },
    },
    running: {
      on: {
        ranToHorizon: { actions: "sendContinue" },
        filledLog: { actions: "sendFilledAndContinue" },
        accessExited: { target: "idle", actions: ["forgetKick", "sendStopped"] },
        logUnavailable: { target: "idle", actions: ["forgetKick", "sendUnavailable"] },
        workloadEnded: { target: "idle", actions: ["forgetKick", "sendHlt"] },
        entryRefused: { target: "idle", actions: ["forgetKick", "sendEntryFailed"] },
        continueGuest: [
          { guard: "isKicked", target: "idle", actions: ["forgetKick", "sendInterrupted"] },
          { actions: "askRun" },
        ],
        kick: { actions: "noteKick" },
      },
    },
  },
});
