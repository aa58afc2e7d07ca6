/**
 * The hypervisor's pager on an overcommitted host: brings pages in for vCPUs that touched them, takes
 * pages away, and lets nobody have a frame before every CPU has executed INVEPT for the VM that lost it
 * and its content is on the disk. What it does to memory is in src/hypervisor/overcommit.
 *
 *   state    | event               | next     | emits
 *   ---------|---------------------|----------|------------------------------------------------
 *   any      | pageFault           | -        | device: fault
 *   any      | giveBack            | -        | device: inflate
 *   any      | pageArrived         | -        | device: arrive
 *   any      | pagesWritten        | -        | device: written
 *   resting  | paged, VMs to flush | flushing | inveptRequest to every dispatcher for each of them,
 *            |                     |          | and as below
 *   any      | paged, none to flush | -       | handled or vcpuMustWait to the dispatcher; pageArrived,
 *            |                     |          | pagesWritten to itself; wakeVcpu; gaveBack to balloons
 *   flushing | inveptDone          | flushing | -
 *   flushing | inveptDone, last    | resting  | device: flushed
 */

import { assign, emit, setup } from "xstate";
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
import { type EventOf, machineTypes } from "../src/interconnect/machineTypes.ts";
import type { ActorId, Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const pagerInput = {
  self: kind.actor,
  scheduler: kind.actor,
  dispatchers: kind.listBy("pcpu", kind.actor),
  balloons: kind.listBy("vm", kind.actor),
} as const satisfies kind.Fields;
export type PagerInput = kind.Values<typeof pagerInput>;

/** What its state holds besides its input. */
export const pagerFields = {
  // INVEPTs that are not acknowledged yet.
  awaited: kind.count,
  faults: kind.statistic(kind.count),
  flushes: kind.statistic(kind.count),
  // Cycles of its exit handlers: T_h.
  handlerCycles: kind.statistic(kind.cycles),
} as const satisfies kind.Fields;

export interface PagerContext extends PagerInput, kind.Values<typeof pagerFields> {}

export type PagerRequest =
  | ({ readonly op: "fault" } & Omit<EventOf<Message, "pageFault">, "type">)
  | { readonly op: "inflate"; readonly vm: number; readonly pages: number }
  | { readonly op: "arrive"; readonly vm: number; readonly page: number; readonly frame: number }
  | { readonly op: "written"; readonly count: number }
  | { readonly op: "flushed" };

/** The answer to an exit. */
export interface FaultAnswer {
  readonly dispatcher: ActorId;
  readonly waits: boolean;
}

export interface PagerReply {
  readonly type: "paged";
  /** Work of the CPU that asked; what follows comes after it. */
  readonly cycles: number;
  readonly answer: FaultAnswer | null;
  /** VMs whose translations every CPU must drop. */
  readonly flush: readonly number[];
  readonly arrivals: readonly {
    readonly vm: number;
    readonly page: number;
    readonly frame: number;
    readonly delay: number;
  }[];
  readonly writes: { readonly count: number; readonly delay: number } | null;
  readonly woken: readonly number[];
  /** Balloons whose pages are free now, by VM. */
  readonly gaveBack: readonly {
    readonly vm: number;
    readonly surplus: number;
    readonly stuck: boolean;
  }[];
}

type PagerEvent =
  | EventOf<Message, "pageFault" | "giveBack" | "pageArrived" | "pagesWritten" | "inveptDone">
  | PagerReply;

function consequences(context: PagerContext, reply: PagerReply): SendEmission[] {
  const { cycles, answer, arrivals, writes, woken, gaveBack } = reply;
  const { self, scheduler, balloons } = context;
  const sends: SendEmission[] = [];
  if (answer !== null) {
    const { dispatcher, waits } = answer;
    const message = waits
      ? ({ type: "vcpuMustWait" } as const)
      : ({ type: "handled", fixed: true } as const);
    sends.push(send(dispatcher, message, cycles));
  }
  for (const { vm, page, frame, delay } of arrivals) {
    sends.push(send(self, { type: "pageArrived", vm, page, frame }, cycles + delay));
  }
  if (writes !== null) {
    sends.push(send(self, { type: "pagesWritten", count: writes.count }, writes.delay));
  }
  for (const vcpu of woken) sends.push(send(scheduler, { type: "wakeVcpu", vcpu }));
  for (const { vm, surplus, stuck } of gaveBack) {
    sends.push(send(actorAt(balloons, vm), { type: "gaveBack", surplus, stuck }));
  }
  return sends;
}

function inveptRequests(context: PagerContext, { flush, cycles }: PagerReply): SendEmission[] {
  return flush.flatMap((vm) => {
    const message = { type: "inveptRequest", vm, tracker: context.self } as const;
    return context.dispatchers.map((dispatcher) => send(dispatcher, message, cycles));
  });
}

const { types, on } = machineTypes<
  PagerContext,
  PagerEvent,
  PagerInput,
  SendAllEmission | DeviceEmission<PagerRequest>
>();

export const pagerMachine = setup({
  types,
  actions: {
    countFault: assign({ faults: ({ context }) => context.faults + 1 }),
    noteWork: assign(
      on("paged", ({ context, event: { cycles, answer } }) => ({
        handlerCycles: context.handlerCycles + (answer === null ? 0 : cycles),
      })),
    ),
    awaitFlush: assign(
      on("paged", ({ context, event }) => ({
        flushes: context.flushes + 1,
        awaited: event.flush.length * context.dispatchers.length,
      })),
    ),
    noteDone: assign({ awaited: ({ context }) => context.awaited - 1 }),
    askFault: emit(
      on("pageFault", ({ event: { vm, vcpu, page, dispatcher } }) =>
        request({ op: "fault", vm, vcpu, page, dispatcher }),
      ),
    ),
    askInflate: emit(
      on("giveBack", ({ event: { vm, pages } }) => request({ op: "inflate", vm, pages })),
    ),
    askArrive: emit(
      on("pageArrived", ({ event: { vm, page, frame } }) =>
        request({ op: "arrive", vm, page, frame }),
      ),
    ),
    askWritten: emit(
      on("pagesWritten", ({ event }) => request({ op: "written", count: event.count })),
    ),
    askFlushed: emit(() => request({ op: "flushed" })),
    sendConsequences: emit(
      on("paged", ({ context, event }) => sendAll(consequences(context, event))),
    ),
    sendInveptsToo: emit(
      on("paged", ({ context, event }) =>
        sendAll([...inveptRequests(context, event), ...consequences(context, event)]),
      ),
    ),
  },
  guards: {
    flushesNothing: on("paged", ({ event }) => event.flush.length === 0),
    flushes: on("paged", ({ event }) => event.flush.length > 0),
    isLast: ({ context }) => context.awaited === 1,
  },
}).createMachine({
  id: "pager",
  context: ({ input }) => ({ ...input, awaited: 0, faults: 0, flushes: 0, handlerCycles: 0 }),
  initial: "resting",
  on: {
    pageFault: { actions: ["countFault", "askFault"] },
    giveBack: { actions: "askInflate" },
    pageArrived: { actions: "askArrive" },
    pagesWritten: { actions: "askWritten" },
    // The device has one flush at a time: another list of VMs to flush now would be lost.
    paged: { guard: "flushesNothing", actions: ["noteWork", "sendConsequences"] },
  },
  states: {
    resting: {
      on: {
        paged: [
          {
            guard: "flushes",
            target: "flushing",
            actions: ["noteWork", "awaitFlush", "sendInveptsToo"],
          },
          { actions: ["noteWork", "sendConsequences"] },
        ],
      },
    },
    flushing: {
      on: {
        inveptDone: [
          { guard: "isLast", target: "resting", actions: ["noteDone", "askFlushed"] },
          { actions: "noteDone" },
        ],
      },
    },
  },
});
