/**
 * The toolstack in the pVM while a person sits at the console: one operation after the other, each by the
 * machine that it has as a scenario's operation. First comes the measurement; it makes way when the operator
 * starts another operation, and begins again when that one has ended. Each begins with VMs that stand still
 * and with their trackers off, and believes that it starts them: it speaks to the scheduler through here.
 *
 *   state     | event                  | next      | emits
 *   ----------|------------------------|-----------|------------------------------------------------
 *   created   | startOperation         | created   | -; it comes in the place of the measurement
 *   created   | begin                  | hosting   | begin to the first operation; deadline to itself
 *   hosting   | startOperation         | hosting   | the measurement's end to it
 *   hosting   | abortOperation         | hosting   | the operation's end to it
 *   hosting   | operationEnded         | halting   | pauseVm for every VM
 *   hosting   | operationEnded, over   | done      | -
 *   halting   | vmPaused               | halting   | -
 *   halting   | vmPaused, last         | disarming | disarm to every tracker
 *   disarming | disarmed               | disarming | -
 *   disarming | disarmed, last         | renewing  | device: renew
 *   renewing  | renewed                | hosting   | begin to the next operation; vmHalted for each that has
 *   renewing  | renewed, over          | done      | -
 *   any       | startVm                | -         | startVm if it never ran, unpauseVm as often as it is paused
 *   any       | pauseVm, unpauseVm     | -         | the same to the scheduler, which answers who asked
 *   any       | vmHalted               | -         | the same to the operation
 *   any       | deadline               | -         | the operation's end to it
 *   halting, disarming, renewing | startOperation, abortOperation | - | ignored: the next operation is being prepared
 *
 * "over": the time is up, all VMs have halted, or the measurement has ended though nothing was to follow.
 */

import { assign, emit, setup } from "xstate";
import {
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

const hostedOperation = {
  // Its main actor.
  actor: kind.actor,
  // What brings it to an orderly end.
  end: kind.word(["deadline", "abortDue"]),
} as const satisfies kind.Fields;
/** An operation that can be hosted. */
export type HostedOperation = kind.Values<typeof hostedOperation>;

/** What it is set up with. */
export const sessionInput = {
  self: kind.actor,
  scheduler: kind.actor,
  trackers: kind.listBy("vm", kind.actor),
  // The first is the measurement.
  operations: kind.list(kind.record(hostedOperation)),
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
} as const satisfies kind.Fields;
export type SessionInput = kind.Values<typeof sessionInput>;

/** What its state holds besides its input. */
export const sessionFields = {
  // The operation that is hosted, and the one to follow; -1: none was asked for.
  current: kind.countOrNone,
  next: kind.countOrNone,
  // Answers still missing in the present step.
  missing: kind.count,
  // By VM: pauses that hold, and whether it was ever started.
  pauses: kind.listBy("vm", kind.count),
  started: kind.listBy("vm", kind.flag),
  // VMs that have halted.
  halted: kind.list(kind.vm),
  ending: kind.flag,
} as const satisfies kind.Fields;

export interface SessionContext extends SessionInput, kind.Values<typeof sessionFields> {}

export type SessionRequest = { readonly op: "renew"; readonly operation: number };
export type SessionReply = { readonly type: "renewed" };

type SessionEvent =
  | Extract<
      Message,
      {
        type:
          | "begin"
          | "startOperation"
          | "abortOperation"
          | "operationEnded"
          | "vmPaused"
          | "disarmed"
          | "startVm"
          | "pauseVm"
          | "unpauseVm"
          | "vmHalted"
          | "deadline";
      }
    >
  | SessionReply;

function endOf({ operations, current }: SessionContext): SendEmission {
  const { actor, end } = itemAt(operations, current);
  return send(actor, { type: end });
}

function allHalted({ halted, trackers }: SessionContext): boolean {
  return halted.length === trackers.length;
}

function changed(counts: readonly number[], vm: number, by: number): readonly number[] {
  return counts.with(vm, Math.max(0, itemAt(counts, vm) + by));
}

/** What the operator asks between two operations. Whoever asks looks first. */
const BETWEEN = {
  startOperation: ignored("the next operation is being prepared"),
  abortOperation: ignored("the next operation is being prepared"),
} as const;

const { types, on } = machineTypes<
  SessionContext,
  SessionEvent,
  SessionInput,
  SendEmission | SendAllEmission | DeviceEmission<SessionRequest>
>();

export const sessionMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.trackers.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteNext: assign({ next: on("startOperation", ({ event }) => event.operation) }),
    // After another operation the measurement goes on.
    chooseNext: assign(({ context }) => ({ current: Math.max(0, context.next), next: -1 })),
    noteEnding: assign({ ending: true }),
    noteStarted: assign(
      on("startVm", ({ context, event: { vm } }) => ({
        started: context.started.with(vm, true),
        pauses: context.pauses.with(vm, 0),
      })),
    ),
    notePause: assign({
      pauses: on("pauseVm", ({ context, event }) => changed(context.pauses, event.vm, 1)),
    }),
    noteUnpause: assign({
      pauses: on("unpauseVm", ({ context, event }) => changed(context.pauses, event.vm, -1)),
    }),
    notePauses: assign({ pauses: ({ context }) => context.pauses.map((count) => count + 1) }),
    noteHalted: assign({
      halted: on("vmHalted", ({ context, event }) => [...context.halted, event.vm]),
    }),
    askRenew: emit(({ context }) => request({ op: "renew", operation: context.current })),
    sendBegin: emit(({ context: { self, operations, current, deadlineCycles } }) =>
      sendAll([
        send(itemAt(operations, current).actor, { type: "begin" }),
        ...(deadlineCycles > 0 ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
      ]),
    ),
    sendNextBegin: emit(({ context: { operations, current, halted } }) => {
      const { actor } = itemAt(operations, current);
      return sendAll([
        send(actor, { type: "begin" }),
        ...halted.map((vm) => send(actor, { type: "vmHalted", vm })),
      ]);
    }),
    sendEnd: emit(({ context }) => endOf(context)),
    sendPauses: emit(({ context: { trackers, scheduler, self } }) =>
      sendAll(trackers.map((_, vm) => send(scheduler, { type: "pauseVm", vm, requester: self }))),
    ),
    sendDisarms: emit(({ context: { trackers, self } }) =>
      sendAll(trackers.map((tracker) => send(tracker, { type: "disarm", requester: self }))),
    ),
    // What an operation takes for the start of a VM ends the pauses that hold since the one before.
    sendStart: emit(
      on("startVm", ({ context: { scheduler, started, pauses }, event: { vm } }) => {
        const unpause = send(scheduler, { type: "unpauseVm", vm });
        return sendAll([
          ...(started[vm] ? [] : [send(scheduler, { type: "startVm", vm })]),
          ...Array.from({ length: itemAt(pauses, vm) }, () => unpause),
        ]);
      }),
    ),
    forwardToScheduler: emit(
      on(["pauseVm", "unpauseVm"], ({ context, event }) => send(context.scheduler, event)),
    ),
    forwardToOperation: emit(
      on("vmHalted", ({ context: { operations, current }, event }) =>
        send(itemAt(operations, current).actor, event),
      ),
    ),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isOver: ({ context }) =>
      context.ending || allHalted(context) || (context.current === 0 && context.next < 0),
    isEnding: ({ context }) => context.ending || allHalted(context),
  },
}).createMachine({
  id: "session",
  context: ({ input }) => ({
    ...input,
    current: 0,
    next: -1,
    missing: 0,
    pauses: input.trackers.map(() => 0),
    started: input.trackers.map(() => false),
    halted: [],
    ending: false,
  }),
  initial: "created",
  on: {
    startVm: { actions: ["sendStart", "noteStarted"] },
    pauseVm: { actions: ["notePause", "forwardToScheduler"] },
    unpauseVm: { actions: ["noteUnpause", "forwardToScheduler"] },
    vmHalted: { actions: ["noteHalted", "forwardToOperation"] },
    deadline: { actions: ["noteEnding", "sendEnd"] },
  },
  states: {
    created: {
      on: {
        startOperation: { actions: "noteNext" },
        begin: { target: "hosting", actions: ["chooseNext", "sendBegin"] },
      },
    },
    hosting: {
      on: {
        startOperation: { actions: ["noteNext", "sendEnd"] },
        abortOperation: { actions: "sendEnd" },
        operationEnded: [
          { guard: "isOver", target: "done" },
          {
            target: "halting",
            actions: ["chooseNext", "expectAll", "notePauses", "sendPauses"],
          },
        ],
      },
    },
    halting: {
      on: {
        ...BETWEEN,
        vmPaused: [
          { guard: "isLast", target: "disarming", actions: ["expectAll", "sendDisarms"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    disarming: {
      on: {
        ...BETWEEN,
        disarmed: [
          { guard: "isLast", target: "renewing", actions: ["noteAnswer", "askRenew"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    renewing: {
      on: {
        ...BETWEEN,
        renewed: [
          { guard: "isEnding", target: "done" },
          { target: "hosting", actions: "sendNextBegin" },
        ],
      },
    },
    done: {},
  },
});
